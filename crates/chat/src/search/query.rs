//! What a user looks for: words, the beginning of a last one, and "phrases".
//!
//! All of it has to be in a text, in any order. Nothing in the user's text is a command: a quotation
//! mark begins or ends a phrase, anything else that is no word parts words.

use std::ops::Range;

use super::words::{Word, words};

/// The fewest letters that may stand for a longer word.
const BEGINNING_CHARS_MIN: usize = 2;

/// What is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    phrases: Vec<Phrase>,
}

/// Words that stand one behind the other; often a single one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Phrase {
    /// At least one.
    pub words: Vec<String>,
    /// Whether the last one may go on.
    pub is_beginning: bool,
}

/// Why a text is no query.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoQuery {
    /// It has no word.
    #[error("must have a word")]
    Empty,
    /// It has more words than allowed.
    #[error("must have at most {limit} words")]
    TooManyWords {
        /// So many are.
        limit: usize,
    },
}

impl Query {
    /// Reads what a user wrote.
    ///
    /// # Errors
    /// [`NoQuery`].
    pub fn parse(text: &str, words_max: usize) -> Result<Self, NoQuery> {
        let is_mark = |c: char| matches!(c, '"' | '“' | '”' | '„' | '‟' | '«' | '»' | '＂');
        let mut phrases: Vec<Phrase> = Vec::new();
        for (at, part) in text.split(is_mark).enumerate() {
            let is_quoted = at % 2 == 1;
            if is_quoted {
                phrases.extend(Phrase::of(part));
            } else {
                phrases.extend(part.split_whitespace().filter_map(Phrase::of));
            }
            if let Some(last) = phrases.last_mut() {
                last.is_beginning = !is_quoted && last.may_go_on();
            }
        }
        if phrases.is_empty() {
            return Err(NoQuery::Empty);
        }
        if phrases.iter().map(|phrase| phrase.words.len()).sum::<usize>() > words_max {
            return Err(NoQuery::TooManyWords { limit: words_max });
        }
        // Only the last of all, and only if no mark closed it.
        let last = phrases.len() - 1;
        let ends_open = text.chars().next_back().is_some_and(|c| !is_mark(c));
        for (at, phrase) in phrases.iter_mut().enumerate() {
            phrase.is_beginning &= at == last && ends_open;
        }
        Ok(Self { phrases })
    }

    /// The phrases, all of which are to be found.
    pub fn phrases(&self) -> &[Phrase] {
        &self.phrases
    }

    /// The same, of whole words alone.
    pub fn of_whole_words(mut self) -> Self {
        for phrase in &mut self.phrases {
            phrase.is_beginning = false;
        }
        self
    }

    /// Where a text has it, in order and apart from each other, at most so many places; `None` if it
    /// does not have all of it.
    pub fn find(&self, text: &str, places_max: usize) -> Option<Vec<Range<usize>>> {
        let words = words(text);
        let mut places = Vec::new();
        for phrase in &self.phrases {
            let before = places.len();
            let windows = words.windows(phrase.words.len());
            let matching = windows.filter(|window| phrase.is(window));
            places.extend(
                matching.filter_map(|window| Some(window.first()?.at.start..window.last()?.at.end)),
            );
            if places.len() == before {
                return None;
            }
        }
        places.sort_unstable_by_key(|place| (place.start, place.end));
        let mut apart: Vec<Range<usize>> = Vec::with_capacity(places.len().min(places_max));
        for place in places {
            if let Some(last) = apart.last_mut().filter(|last| place.start <= last.end) {
                last.end = last.end.max(place.end);
            } else if apart.len() == places_max {
                break;
            } else {
                apart.push(place);
            }
        }
        Some(apart)
    }
}

impl Phrase {
    fn of(text: &str) -> Option<Self> {
        let words: Vec<String> = words(text).into_iter().map(|word| word.text).collect();
        (!words.is_empty()).then_some(Self { words, is_beginning: true })
    }

    fn may_go_on(&self) -> bool {
        let last = self.words.last();
        self.is_beginning && last.is_some_and(|last| last.chars().count() >= BEGINNING_CHARS_MIN)
    }

    /// Whether as many words are this phrase.
    fn is(&self, found: &[Word]) -> bool {
        let last = self.words.len() - 1;
        self.words.iter().zip(found).enumerate().all(|(at, (wanted, word))| {
            let goes_on = self.is_beginning && at == last;
            if goes_on { word.text.starts_with(wanted) } else { word.text == *wanted }
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn query(text: &str) -> Query {
        Query::parse(text, 99).expect("a query in a test")
    }

    fn shown(text: &str) -> String {
        let phrase = |phrase: &Phrase| {
            format!("{}{}", phrase.words.join("+"), if phrase.is_beginning { "*" } else { "" })
        };
        query(text).phrases.iter().map(phrase).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn words_phrases_and_a_beginning_are_told_apart() {
        for (text, expected) in [
            ("hello wor", "hello wor*"),
            ("  Hello\tWORLD ", "hello world*"),
            ("\"hello wor\"", "hello+wor"),
            ("a \"b c\" de", "a b+c de*"),
            ("de \"b c\"", "de b+c"),
            ("de \"b c", "de b+c"),
            ("“smart quotes” «x»", "smart+quotes x"),
            ("x", "x"),
            ("user@example.com", "user+example+com*"),
            ("你好", "你+好"),
            ("NOT OR AND NEAR(a b) col:x -y ^z w*", "not or and near+a b col+x y z w"),
            ("\"\" hello", "hello*"),
            ("hello \"\"", "hello"),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    #[test]
    fn a_query_has_words_and_not_too_many() {
        for text in ["", "  ", "\"", "-- \"!\" 😀"] {
            assert_eq!(Query::parse(text, 9), Err(NoQuery::Empty), "{text}");
        }
        assert!(Query::parse("a b c", 3).is_ok());
        let many = Err(NoQuery::TooManyWords { limit: 3 });
        assert_eq!(Query::parse("a b c d", 3), many);
        assert_eq!(Query::parse("\"a b c d\"", 3), many);
    }

    #[test]
    fn all_of_it_must_be_there_and_its_places_are_told() {
        let places = |wanted: &str, text: &str| {
            let found = query(wanted).find(text, 9)?;
            Some(found.into_iter().map(|at| text[at].to_owned()).collect::<Vec<_>>())
        };
        let found = |texts: &[&str]| Some(texts.iter().map(|text| (*text).to_owned()).collect());
        assert_eq!(places("wor hel", "Hello, Wörld"), None, "only the last word may go on");
        assert_eq!(places("hello wor", "Hello, Wörld hello"), found(&["Hello", "Wörld", "hello"]));
        assert_eq!(places("\"hello world\"", "say: hello -- World!"), found(&["hello -- World"]));
        assert_eq!(places("\"hello world\"", "world hello"), None);
        assert_eq!(places("abc", "abcd ABC xabc"), found(&["abcd", "ABC"]));
        assert_eq!(places("\"abc\"", "abcd"), None);
        assert_eq!(places("语言", "我爱语言"), found(&["语言"]));
        assert_eq!(places("\"a b\" \"b c\"", "a b c"), found(&["a b c"]));
        assert_eq!(query("a").find("a a a a", 2), Some(vec![0..1, 2..3]));
        let whole = query("hello wor").of_whole_words();
        assert_eq!(whole.find("hello world", 9), None);
    }

    proptest! {
        #[test]
        fn any_text_gets_an_answer(text in any::<String>(), other in any::<String>()) {
            if let Ok(query) = Query::parse(&text, 8) {
                let words: usize = query.phrases().iter().map(|phrase| phrase.words.len()).sum();
                prop_assert!((1..=8).contains(&words));
                let begins = query.phrases().iter().filter(|phrase| phrase.is_beginning).count();
                prop_assert!(begins <= 1);
                for at in query.find(&other, 4).unwrap_or_default() {
                    prop_assert!(other.get(at).is_some());
                }
            }
        }

        #[test]
        fn a_text_is_found_by_itself(text in "[a-zA-Zé\" 我.]{1,40}") {
            if let Ok(query) = Query::parse(&text, 99) {
                prop_assert!(query.find(&text, 9).is_some_and(|places| !places.is_empty()));
            }
        }
    }
}
