//! A JSON text's shape: checked and cut into pieces without being built.
//!
//! [`Reader`] walks a text token by token, holding no more than one bit per level, so that what is
//! checked costs no memory and nothing nested can exhaust the stack. Strings stay as they are
//! written until [`unescape`] or [`unescape_wtf8`] is asked.
//!
//! What the reader accepts is JSON as RFC 8259 has it, lone surrogate escapes included; nested
//! within [`DEPTH_MAX`], it is also within what `serde_json` parses.

mod escape;

pub(crate) use escape::push_escaped;
pub use escape::{push_string, unescape, unescape_wtf8};

use std::ops::Range;

use thiserror::Error;

/// The deepest nesting that any caller may allow.
pub const DEPTH_MAX: usize = 120;

/// Why a text was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum JsonError {
    /// Not JSON.
    #[error("not valid JSON")]
    Malformed,
    /// Arrays and objects nested deeper than the limit.
    #[error("nested too deep")]
    TooDeep,
}

/// A step through a JSON text. Strings and keys are as written, without their quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Token<'a> {
    /// `[`
    OpenArray,
    /// `{`
    OpenObject,
    /// `]` or `}`
    Close,
    /// A key and its colon.
    Key(&'a str),
    /// A string.
    String(&'a str),
    /// A number.
    Number(&'a str),
    /// `true` or `false`.
    Bool(bool),
    /// `null`
    Null,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expect {
    Value,
    ElementOrClose,
    KeyOrClose,
    CommaOrClose,
}

/// Walks one JSON text.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    text: &'a str,
    at: usize,
    token_start: usize,
    /// A bit for each open level, the innermost lowest: 1 is an object.
    open: u128,
    depth: usize,
    depth_max: usize,
    expect: Expect,
}

impl<'a> Reader<'a> {
    /// A reader at the start of `text`, allowing `depth_max` (at most [`DEPTH_MAX`]) levels.
    #[must_use]
    pub fn new(text: &'a str, depth_max: usize) -> Self {
        Self {
            text,
            at: 0,
            token_start: 0,
            open: 0,
            depth: 0,
            depth_max: depth_max.min(DEPTH_MAX),
            expect: Expect::Value,
        }
    }

    /// How many arrays and objects are open.
    #[must_use]
    pub fn depth(&self) -> usize {
        self.depth
    }

    /// Where the last token lies in the text.
    #[must_use]
    pub fn span(&self) -> Range<usize> {
        self.token_start..self.at
    }

    /// The next token; `None` after the value's end, when only white space was left.
    ///
    /// # Errors
    /// Not JSON, or nested too deep. The reader is of no use afterwards.
    #[inline]
    pub fn next_token(&mut self) -> Result<Option<Token<'a>>, JsonError> {
        self.skip_space();
        let closing = self.peek().is_some_and(|byte| byte == self.closing_byte());
        match self.expect {
            Expect::Value => self.value().map(Some),
            Expect::ElementOrClose | Expect::KeyOrClose if closing => Ok(Some(self.close())),
            Expect::ElementOrClose => self.value().map(Some),
            Expect::KeyOrClose => self.key().map(Some),
            Expect::CommaOrClose if self.depth == 0 => match self.peek() {
                None => Ok(None),
                Some(_) => Err(JsonError::Malformed),
            },
            Expect::CommaOrClose if closing => Ok(Some(self.close())),
            Expect::CommaOrClose => {
                self.eat(b',')?;
                self.skip_space();
                if self.open & 1 == 1 { self.key() } else { self.value() }.map(Some)
            }
        }
    }

    fn closing_byte(&self) -> u8 {
        if self.open & 1 == 1 { b'}' } else { b']' }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn bump(&mut self) -> Result<u8, JsonError> {
        let byte = self.peek().ok_or(JsonError::Malformed)?;
        self.at += 1;
        Ok(byte)
    }

    fn eat(&mut self, byte: u8) -> Result<(), JsonError> {
        if self.bump()? == byte { Ok(()) } else { Err(JsonError::Malformed) }
    }

    fn skip_space(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.peek() {
            self.at += 1;
        }
    }

    fn value(&mut self) -> Result<Token<'a>, JsonError> {
        self.token_start = self.at;
        self.expect = Expect::CommaOrClose;
        match self.bump()? {
            b'"' => Ok(Token::String(self.string()?)),
            b'{' => {
                self.enter(1, Expect::KeyOrClose)?;
                Ok(Token::OpenObject)
            }
            b'[' => {
                self.enter(0, Expect::ElementOrClose)?;
                Ok(Token::OpenArray)
            }
            b't' => self.literal("rue", Token::Bool(true)),
            b'f' => self.literal("alse", Token::Bool(false)),
            b'n' => self.literal("ull", Token::Null),
            first @ (b'-' | b'0'..=b'9') => self.number(first),
            _ => Err(JsonError::Malformed),
        }
    }

    fn key(&mut self) -> Result<Token<'a>, JsonError> {
        self.token_start = self.at;
        self.eat(b'"')?;
        let key = self.string()?;
        self.skip_space();
        self.eat(b':')?;
        self.expect = Expect::Value;
        Ok(Token::Key(key))
    }

    fn enter(&mut self, object: u128, expect: Expect) -> Result<(), JsonError> {
        if self.depth == self.depth_max {
            return Err(JsonError::TooDeep);
        }
        self.depth += 1;
        self.open = self.open << 1 | object;
        self.expect = expect;
        Ok(())
    }

    fn close(&mut self) -> Token<'a> {
        self.token_start = self.at;
        self.at += 1;
        self.depth -= 1;
        self.open >>= 1;
        self.expect = Expect::CommaOrClose;
        Token::Close
    }

    fn literal(&mut self, rest: &str, token: Token<'a>) -> Result<Token<'a>, JsonError> {
        let end = self.at + rest.len();
        if self.text.as_bytes().get(self.at..end) != Some(rest.as_bytes()) {
            return Err(JsonError::Malformed);
        }
        self.at = end;
        Ok(token)
    }

    fn digits(&mut self) -> usize {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        self.at - start
    }

    fn number(&mut self, first: u8) -> Result<Token<'a>, JsonError> {
        let leading = if first == b'-' { self.bump()? } else { first };
        match leading {
            b'0' => {}
            b'1'..=b'9' => {
                self.digits();
            }
            _ => return Err(JsonError::Malformed),
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            if self.digits() == 0 {
                return Err(JsonError::Malformed);
            }
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            if self.digits() == 0 {
                return Err(JsonError::Malformed);
            }
        }
        Ok(Token::Number(&self.text[self.token_start..self.at]))
    }

    /// Reads on from behind the opening quote to behind the closing one.
    fn string(&mut self) -> Result<&'a str, JsonError> {
        let start = self.at;
        loop {
            self.skip_plain();
            match self.bump()? {
                b'"' => return Ok(&self.text[start..self.at - 1]),
                b'\\' => match self.bump()? {
                    b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => {}
                    b'u' => {
                        for _ in 0..4 {
                            if !self.bump()?.is_ascii_hexdigit() {
                                return Err(JsonError::Malformed);
                            }
                        }
                    }
                    _ => return Err(JsonError::Malformed),
                },
                0..0x20 => return Err(JsonError::Malformed),
                _ => {}
            }
        }
    }

    /// Skips, eight at a time, bytes that mean nothing in a string.
    fn skip_plain(&mut self) {
        const ONES: u64 = u64::MAX / 255;
        const HIGHS: u64 = ONES * 0x80;
        // The lowest byte marked is exact; marks above it may be borrowed, and are not looked at.
        let zero_byte = |word: u64| word.wrapping_sub(ONES) & !word & HIGHS;
        let (words, _) = self.text.as_bytes()[self.at..].as_chunks::<8>();
        for word in words {
            let word = u64::from_le_bytes(*word);
            let special = zero_byte(word ^ (ONES * u64::from(b'"')))
                | zero_byte(word ^ (ONES * u64::from(b'\\')))
                | (word.wrapping_sub(ONES * 0x20) & !word & HIGHS);
            if special != 0 {
                self.at += special.trailing_zeros() as usize / 8;
                return;
            }
            self.at += 8;
        }
    }
}

/// Checks that `text` is one JSON value, with nothing but white space around it.
///
/// # Errors
/// Not JSON, or nested deeper than `depth_max` (at most [`DEPTH_MAX`]).
pub fn check(text: &str, depth_max: usize) -> Result<(), JsonError> {
    let mut reader = Reader::new(text, depth_max);
    while reader.next_token()?.is_some() {}
    Ok(())
}

/// Checks an array and tells where each of its elements lies.
///
/// # Errors
/// Not an array, not JSON, or nested deeper than `depth_max`, the array included.
pub fn elements(
    text: &str,
    depth_max: usize,
    mut each: impl FnMut(Range<usize>),
) -> Result<(), JsonError> {
    let mut reader = Reader::new(text, depth_max);
    if reader.next_token()? != Some(Token::OpenArray) {
        return Err(JsonError::Malformed);
    }
    let mut start = 0;
    while let Some(token) = reader.next_token()? {
        match (reader.depth(), token) {
            (2, Token::OpenArray | Token::OpenObject) => start = reader.span().start,
            (1, Token::Close) => each(start..reader.span().end),
            (1, _) => each(reader.span()),
            _ => {}
        }
    }
    Ok(())
}
