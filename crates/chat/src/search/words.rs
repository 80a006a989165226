//! The words of a text, as they are compared: in small letters and without accents.
//!
//! A word is a run of letters, digits and their marks. In scripts that put no spaces between words
//! each letter is a word of its own, so that a part of a sentence is found as a phrase. What means the
//! same is made the same (compatibility decomposition); accents and vowel points go, and so do
//! characters that cannot be seen.
//!
//! Indexes are made of these words: whoever changes what they are raises `VERSION`; the tables that
//! they are made by are a part of [`version`].

use std::ops::Range;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// The version of this module's rules.
const VERSION: u32 = 1;

/// The version of what words are: the rules', and those of the tables of characters behind them.
pub fn version() -> String {
    let (letters, marks) = (char::UNICODE_VERSION, unicode_normalization::UNICODE_VERSION);
    format!("{VERSION}/{letters:?}/{marks:?}")
}

/// The longest word, in bytes; of a longer one the beginning counts.
pub const WORD_BYTES_MAX: usize = 64;

/// A word of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// As it is compared.
    pub text: String,
    /// Where it stands, in bytes of the text.
    pub at: Range<usize>,
    /// Whether it is a letter of a script without spaces.
    pub is_letter: bool,
}

/// What a character is to the words around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    /// Part of a word, and not compared.
    Unseen,
    /// Part of the word that it follows.
    Mark,
    Letter,
    /// A word of its own.
    Alone,
    /// Between words.
    Between,
}

fn class(c: char) -> Class {
    match c {
        'a'..='z' | '0'..='9' => Class::Letter,
        '\0'..='\u{7f}' => Class::Between,
        '\u{ad}'
        | '\u{200c}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{2064}'
        | '\u{2066}'..='\u{206f}'
        | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}' => Class::Unseen,
        // Accents; points of Hebrew and Arabic.
        '\u{300}'..='\u{36f}'
        | '\u{483}'..='\u{487}'
        | '\u{591}'..='\u{5bd}'
        | '\u{5bf}'
        | '\u{5c1}'..='\u{5c2}'
        | '\u{5c4}'..='\u{5c5}'
        | '\u{5c7}'
        | '\u{610}'..='\u{61a}'
        | '\u{64b}'..='\u{65f}'
        | '\u{670}'
        | '\u{6d6}'..='\u{6dc}'
        | '\u{1ab0}'..='\u{1aff}'
        | '\u{1dc0}'..='\u{1dff}'
        | '\u{20d0}'..='\u{20ff}'
        | '\u{fe20}'..='\u{fe2f}' => Class::Unseen,
        _ if is_combining_mark(c) => Class::Mark,
        // Thai to Lao, Burmese, Khmer, kana, Chinese characters.
        '\u{e00}'..='\u{eff}'
        | '\u{1000}'..='\u{109f}'
        | '\u{1780}'..='\u{17ff}'
        | '\u{3005}'..='\u{3007}'
        | '\u{3040}'..='\u{30ff}'
        | '\u{31f0}'..='\u{31ff}'
        | '\u{3400}'..='\u{4dbf}'
        | '\u{4e00}'..='\u{9fff}'
        | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{3ffff}'
            if c.is_alphanumeric() =>
        {
            Class::Alone
        }
        _ if c.is_alphanumeric() => Class::Letter,
        _ => Class::Between,
    }
}

/// The words of a text, in its order.
pub fn words(text: &str) -> Vec<Word> {
    let mut words = Words { found: Vec::new(), open: None };
    for (at, c) in text.char_indices() {
        let place = at..at + c.len_utf8();
        if c.is_ascii() {
            words.take(c.to_ascii_lowercase(), &place);
            continue;
        }
        for part in std::iter::once(c).nfkd().flat_map(char::to_lowercase) {
            // The form at the end of a Greek word.
            words.take(if part == 'ς' { 'σ' } else { part }, &place);
        }
    }
    words.close();
    words.found
}

struct Words {
    found: Vec<Word>,
    open: Option<Word>,
}

impl Words {
    fn take(&mut self, c: char, place: &Range<usize>) {
        match (class(c), &mut self.open) {
            (Class::Unseen, Some(word)) => word.at.end = place.end,
            (Class::Mark, Some(word)) => push(word, c, place),
            (Class::Letter, Some(word)) if !word.is_letter => push(word, c, place),
            (Class::Letter | Class::Alone, _) => {
                self.close();
                let is_letter = class(c) == Class::Alone;
                self.open = Some(Word { text: c.into(), at: place.clone(), is_letter });
            }
            (Class::Unseen | Class::Mark, None) => {}
            (Class::Between, _) => self.close(),
        }
    }

    fn close(&mut self) {
        self.found.extend(self.open.take());
    }
}

fn push(word: &mut Word, c: char, place: &Range<usize>) {
    word.at.end = place.end;
    if word.text.len() + c.len_utf8() <= WORD_BYTES_MAX {
        word.text.push(c);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn texts(text: &str) -> Vec<String> {
        words(text).into_iter().map(|word| word.text).collect()
    }

    #[test]
    fn words_are_compared_in_small_letters_and_without_accents() {
        for (text, expected) in [
            ("Hello, WORLD! x2", vec!["hello", "world", "x2"]),
            ("Élan élan e\u{301}lan ÀÉÎ", vec!["elan", "elan", "elan", "aei"]),
            ("İstanbul ΣΟΦΟΣ", vec!["istanbul", "σοφοσ"]),
            ("ｆｕｌｌ ﬁne", vec!["full", "fine"]),
            ("so\u{ad}ft zero\u{200d}width", vec!["soft", "zerowidth"]),
            ("don't a_b user@example.com", vec!["don", "t", "a", "b", "user", "example", "com"]),
            ("😀 ❤️ --", vec![]),
            ("½", vec!["1", "2"]),
            ("שָׁלוֹם مُحَمَّد", vec!["שלום", "محمد"]),
            ("हिन्दी", vec!["हिन्दी"]),
            ("🈀", vec!["ほ", "か"]),
        ] {
            assert_eq!(texts(text), expected, "{text}");
        }
    }

    #[test]
    fn scripts_without_spaces_have_a_word_for_each_letter() {
        assert_eq!(texts("我爱Rust语言"), ["我", "爱", "rust", "语", "言"]);
        let voiced = texts("がく");
        assert_eq!(voiced.len(), 2);
        assert_ne!(voiced, texts("かく"));
    }

    #[test]
    fn a_long_word_is_cut_between_characters_and_stands_where_it_stands() {
        let long = format!("a{}", "ö".repeat(200));
        let found = words(&long);
        assert_eq!((found.len(), found[0].text.len()), (1, 64));
        assert_eq!(found[0].at, 0..long.len());
        let greek = words(&"αβ".repeat(40));
        assert_eq!(greek[0].text.len(), WORD_BYTES_MAX);
    }

    proptest! {
        #[test]
        fn words_lie_in_their_text_one_behind_the_other(text in any::<String>()) {
            let mut end = 0;
            for word in words(&text) {
                // One character may stand for several words, and has up to four bytes.
                prop_assert!(word.at.start >= end || word.at.start + 4 >= end);
                prop_assert!(text.get(word.at.clone()).is_some());
                prop_assert!(!word.text.is_empty() && word.text.len() <= WORD_BYTES_MAX);
                prop_assert!(word.text.chars().all(|c| !c.is_ascii() || c.is_ascii_alphanumeric()));
                end = word.at.end;
            }
        }

        #[test]
        fn the_words_of_words_are_the_same(text in any::<String>()) {
            for word in texts(&text) {
                prop_assert_eq!(texts(&word).concat(), word);
            }
        }
    }
}
