//! Banned words, by one automaton for those of all rules.
//!
//! Words and texts are compared folded: each character in lower case where that is one character,
//! with the few that mean the same as another made one, and characters that cannot be seen left
//! out. So a word is found in any case and with joiners between its letters.

use std::ops::Range;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

/// Longest word, in characters.
pub(super) const WORD_CHARS_MAX: usize = 64;

/// Where a word may be found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Within {
    /// Where no letter or digit stands before or behind it.
    WholeWords,
    /// Anywhere.
    Anything,
}

/// The words of all rules.
#[derive(Debug)]
pub(super) struct Words {
    automaton: AhoCorasick,
    /// The rule of each word.
    of: Vec<(usize, Within)>,
}

/// A text as words are looked for in it.
struct Folded {
    text: String,
    /// For each character of the text its place there and where the original of it begins and ends.
    places: Vec<(usize, Range<usize>)>,
}

/// A character as it is compared; `None` for one that cannot be seen.
fn fold(c: char) -> Option<char> {
    if c.is_ascii() {
        return Some(c.to_ascii_lowercase());
    }
    match c {
        '\u{ad}'
        | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{2069}'
        | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}' => None,
        'ς' => Some('σ'),
        'ſ' => Some('s'),
        // Full-width letters and digits.
        '\u{ff01}'..='\u{ff5e}' => {
            let ascii = u32::from(c) - 0xff01 + 0x21;
            char::from_u32(ascii).map(|ascii| ascii.to_ascii_lowercase())
        }
        _ => {
            let mut lower = c.to_lowercase();
            match (lower.next(), lower.next()) {
                (Some(one), None) => Some(one),
                _ => Some(c),
            }
        }
    }
}

/// A word as it is compared.
pub(super) fn folded(word: &str) -> String {
    word.chars().filter_map(fold).collect()
}

impl Folded {
    fn of(original: &str) -> Self {
        let mut folded = Self { text: String::with_capacity(original.len()), places: Vec::new() };
        for (at, c) in original.char_indices() {
            if let Some(c_folded) = fold(c) {
                folded.places.push((folded.text.len(), at..at + c.len_utf8()));
                folded.text.push(c_folded);
            }
        }
        folded
    }

    /// Where a piece of the folded text stands in the original.
    fn original(&self, at: Range<usize>) -> Range<usize> {
        let first = self.places.partition_point(|(place, _)| *place < at.start);
        let last = self.places.partition_point(|(place, _)| *place < at.end) - 1;
        self.places[first].1.start..self.places[last].1.end
    }

    fn is_whole(&self, at: &Range<usize>) -> bool {
        let before = self.text[..at.start].chars().next_back();
        let behind = self.text[at.end..].chars().next();
        [before, behind].into_iter().flatten().all(|c| !c.is_alphanumeric())
    }
}

impl Words {
    /// An automaton for the folded words of rules; the reason if there can be none.
    pub(super) fn new(words: Vec<(String, usize, Within)>) -> Result<Self, String> {
        // Groups have theirs, too: of a hundred long words this takes 200 KiB, a DFA more than 6 MiB.
        let automaton = AhoCorasick::builder()
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .match_kind(MatchKind::Standard)
            .build(words.iter().map(|(word, ..)| word))
            .map_err(|error| error.to_string())?;
        Ok(Self {
            automaton,
            of: words.into_iter().map(|(_, rule, within)| (rule, within)).collect(),
        })
    }

    /// Tells each word that is in a text, by its rule and its place, as long as that is wanted.
    pub(super) fn each(
        &self,
        text: &str,
        mut wanted: impl FnMut(usize) -> bool,
        mut found: impl FnMut(usize, Range<usize>),
    ) {
        let folded = Folded::of(text);
        let mut covered: Option<(usize, Range<usize>)> = None;
        for hit in self.automaton.find_overlapping_iter(&folded.text) {
            let (rule, within) = self.of[hit.pattern().as_usize()];
            let at = hit.range();
            if !wanted(rule) || within == Within::WholeWords && !folded.is_whole(&at) {
                continue;
            }
            let inside = |(of, place): &(usize, Range<usize>)| {
                *of == rule && place.start <= at.start && at.end <= place.end
            };
            if covered.as_ref().is_some_and(inside) {
                continue;
            }
            found(rule, folded.original(at.clone()));
            covered = Some((rule, at));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(words: &[(&str, Within)], text: &str) -> Vec<String> {
        let words = words.iter().map(|(word, within)| (folded(word), 0, *within)).collect();
        let words = Words::new(words).expect("they compile");
        let mut all = Vec::new();
        words.each(text, |_| true, |_, at| all.push(text[at].to_owned()));
        all
    }

    const WHOLE: Within = Within::WholeWords;
    const ANY: Within = Within::Anything;

    #[test]
    fn words_are_found_in_any_case() {
        for (word, text) in [
            ("bad", "a BaD word"),
            ("ÄRGER", "ärger"),
            ("σας", "ΣΑΣ"),
            ("сука", "СУКА!"),
            ("bad", "ｂＡｄ"),
            ("kelvin", "\u{212a}elvin"),
        ] {
            assert_eq!(found(&[(word, WHOLE)], text).len(), 1, "{word} in {text}");
        }
    }

    #[test]
    fn what_cannot_be_seen_hides_nothing() {
        let text = "b\u{200b}a\u{ad}d\u{200d}!";
        assert_eq!(found(&[("bad", WHOLE)], text), ["b\u{200b}a\u{ad}d"]);
    }

    #[test]
    fn whole_words_have_no_letter_or_digit_beside_them() {
        for (text, count) in [
            ("ass", 1),
            ("an ass.", 1),
            ("ass,ass", 2),
            ("class", 0),
            ("assé", 0),
            ("ass1", 0),
            ("_ass_", 1),
            ("глass", 0),
        ] {
            assert_eq!(found(&[("ass", WHOLE)], text).len(), count, "{text}");
        }
        assert_eq!(found(&[("ass", ANY)], "class"), ["ass"]);
        assert_eq!(found(&[("two words", WHOLE)], "TWO words"), ["TWO words"]);
    }

    #[test]
    fn a_word_within_a_longer_one_that_is_no_whole_word_is_found_too() {
        let words = [("foo bar", WHOLE), ("foo", WHOLE)];
        assert_eq!(found(&words, "foo bars"), ["foo"]);
        assert_eq!(found(&words, "foo bar"), ["foo", "foo bar"]);
    }
}
