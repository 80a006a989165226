//! The line that the user writes.

use unicode_segmentation::UnicodeSegmentation;

/// The most bytes that are written at once.
const BYTES_MAX: usize = 64_000;

/// A text and the place in it where the next letter goes.
#[derive(Debug, Default, Clone)]
pub(crate) struct Composer {
    text: String,
    /// In bytes, between two letters.
    cursor: usize,
}

impl Composer {
    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// What is before the cursor.
    pub(crate) fn before(&self) -> &str {
        &self.text[..self.cursor]
    }

    pub(crate) fn insert(&mut self, text: &str) {
        if self.text.len() + text.len() <= BYTES_MAX {
            self.text.insert_str(self.cursor, text);
            self.cursor += text.len();
        }
    }

    pub(crate) fn backspace(&mut self) {
        let to = self.cursor;
        self.left();
        self.text.replace_range(self.cursor..to, "");
    }

    pub(crate) fn delete(&mut self) {
        let after = self.text[self.cursor..].graphemes(true).next().map_or(0, str::len);
        self.text.replace_range(self.cursor..self.cursor + after, "");
    }

    pub(crate) fn left(&mut self) {
        self.cursor -= self.before().graphemes(true).next_back().map_or(0, str::len);
    }

    pub(crate) fn right(&mut self) {
        self.cursor += self.text[self.cursor..].graphemes(true).next().map_or(0, str::len);
    }

    pub(crate) fn home(&mut self) {
        self.cursor = 0;
    }

    pub(crate) fn end(&mut self) {
        self.cursor = self.text.len();
    }

    /// Takes the text away, if there is any.
    pub(crate) fn take(&mut self) -> Option<String> {
        self.cursor = 0;
        let text = std::mem::take(&mut self.text);
        (!text.trim().is_empty()).then_some(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_whole() {
        let mut composer = Composer::default();
        composer.insert("a👍🏽é");
        composer.left();
        composer.backspace();
        assert_eq!((composer.text(), composer.before()), ("aé", "a"));
        composer.home();
        composer.delete();
        composer.right();
        composer.right();
        composer.insert("!");
        assert_eq!(composer.take().as_deref(), Some("é!"));
        composer.insert("  ");
        assert_eq!(composer.take(), None);
        composer.backspace();
        composer.insert(&"x".repeat(BYTES_MAX + 1));
        assert_eq!(composer.text(), "");
    }
}
