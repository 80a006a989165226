//! Texts of others, made harmless and fit for a terminal.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// A text without anything that a terminal obeys: control characters are shown as pictures, and
/// what turns the direction of text around is left out. Lines stay lines.
pub(crate) fn harmless(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\n' => shown.push('\n'),
            '\t' => shown.push_str("    "),
            '\0'..='\u{1f}' => {
                shown.push(char::from_u32(0x2400 + letter as u32).unwrap_or('\u{fffd}'))
            }
            '\u{7f}' => shown.push('\u{2421}'),
            '\u{80}'..='\u{9f}' => shown.push('\u{fffd}'),
            '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {}
            '\u{2028}' | '\u{2029}' => shown.push('\n'),
            letter => shown.push(letter),
        }
    }
    shown
}

/// The same on one line.
pub(crate) fn one_line(text: &str) -> String {
    harmless(text).replace('\n', " ")
}

/// A text in lines of at most so many columns, broken between words where that is possible.
pub(crate) fn wrap(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(1);
    let mut lines = Vec::new();
    for paragraph in text.split('\n') {
        let mut line = String::new();
        let mut width = 0;
        for word in paragraph.split_word_bounds() {
            if width + word.width() > columns && width > 0 {
                lines.push(std::mem::take(&mut line));
                width = 0;
                if word.trim().is_empty() {
                    continue;
                }
            }
            for grapheme in word.graphemes(true) {
                if width + grapheme.width() > columns && width > 0 {
                    lines.push(std::mem::take(&mut line));
                    width = 0;
                }
                line.push_str(grapheme);
                width += grapheme.width();
            }
        }
        lines.push(line);
    }
    lines
}

/// The beginning of a text that fits into so many columns.
pub(crate) fn cut(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let mut kept = String::new();
    for grapheme in text.graphemes(true) {
        if kept.width() + grapheme.width() + 1 > columns {
            break;
        }
        kept.push_str(grapheme);
    }
    if columns > 0 {
        kept.push('…');
    }
    kept
}

/// The hour and minute of a time in milliseconds since 1970, where the user is.
pub(crate) fn clock(ts: u64) -> String {
    let zone = jiff::tz::TimeZone::system();
    let at = i64::try_from(ts).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    at.map_or_else(String::new, |at| at.to_zoned(zone).strftime("%H:%M").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_terminal_obeys_is_left() {
        let attack = "\u{1b}]0;owned\u{7}\u{1b}[2J\u{9b}31mred\r\u{202e}txt.exe\u{7f}";
        let shown = harmless(attack);
        assert!(!shown.chars().any(char::is_control), "{shown:?}");
        assert_eq!(shown, "␛]0;owned␇␛[2J\u{fffd}31mred␍txt.exe␡");
        assert_eq!(harmless("two\nlines\tand"), "two\nlines    and");
    }

    #[test]
    fn lines_are_no_wider_than_asked() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(wrap("日本語", 4), ["日本", "語"]);
        assert_eq!(wrap("a\n\nb", 9), ["a", "", "b"]);
        assert_eq!(wrap("👍🏽", 1), ["👍🏽"], "what is wider than the line stays whole");
    }

    #[test]
    fn what_is_cut_shows_it() {
        assert_eq!(cut("alice", 5), "alice");
        assert_eq!(cut("alice", 4), "ali…");
        assert_eq!(cut("日本語", 4), "日…");
        assert_eq!(cut("alice", 0), "");
    }
}
