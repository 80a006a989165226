//! Writes JSON objects field by field, so that text which is JSON already goes in unchanged.

use std::fmt::Write as _;

/// An object being written; [`Object::end`] closes it.
#[derive(Debug)]
pub(crate) struct Object(String);

impl Object {
    /// An empty object with room for `bytes`.
    pub(crate) fn sized(bytes: usize) -> Self {
        let mut out = String::with_capacity(bytes + 2);
        out.push('{');
        Self(out)
    }

    /// An empty object.
    pub(crate) fn new() -> Self {
        Self::sized(126)
    }

    fn name(&mut self, name: &str) {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        self.0.push('"');
        self.0.push_str(name);
        self.0.push_str("\":");
    }

    /// A string.
    pub(crate) fn text(mut self, name: &str, value: &str) -> Self {
        self.name(name);
        push_text(&mut self.0, value);
        self
    }

    /// A number.
    pub(crate) fn number(mut self, name: &str, value: u64) -> Self {
        self.name(name);
        write!(self.0, "{value}").expect("strings take all text");
        self
    }

    /// A number, or nothing.
    pub(crate) fn number_if(self, name: &str, value: Option<u64>) -> Self {
        match value {
            Some(value) => self.number(name, value),
            None => self,
        }
    }

    /// `true` or `false`.
    pub(crate) fn flag(self, name: &str, value: bool) -> Self {
        self.raw(name, if value { "true" } else { "false" })
    }

    /// Text that is JSON already.
    pub(crate) fn raw(mut self, name: &str, json: &str) -> Self {
        self.name(name);
        self.0.push_str(json);
        self
    }

    /// An array of values that are JSON already.
    pub(crate) fn list(mut self, name: &str, values: impl IntoIterator<Item = String>) -> Self {
        self.name(name);
        self.0.push('[');
        for (index, value) in values.into_iter().enumerate() {
            if index > 0 {
                self.0.push(',');
            }
            self.0.push_str(&value);
        }
        self.0.push(']');
        self
    }

    /// The finished object.
    pub(crate) fn end(mut self) -> String {
        self.0.push('}');
        self.0
    }
}

/// A JSON string.
pub(crate) fn json_text(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    push_text(&mut out, text);
    out
}

/// Appends a JSON string.
pub(crate) fn push_text(out: &mut String, text: &str) {
    if text.bytes().any(|b| b < 0x20 || b == b'"' || b == b'\\') {
        out.push_str(&serde_json::to_string(text).expect("strings encode"));
    } else {
        out.push('"');
        out.push_str(text);
        out.push('"');
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn fields_are_separated_and_raw_text_keeps_its_bytes() {
        let object =
            Object::new().text("a", "x\"y").number("b", 5).raw("c", "[ 1.50 ]").flag("d", true);
        let object = object.number_if("e", None).list("f", ["1".to_owned(), "2".to_owned()]);
        assert_eq!(object.end(), r#"{"a":"x\"y","b":5,"c":[ 1.50 ],"d":true,"f":[1,2]}"#);
        assert_eq!(Object::new().end(), "{}");
    }

    proptest! {
        #[test]
        fn any_text_comes_back(text in any::<String>()) {
            let mut out = String::new();
            push_text(&mut out, &text);
            prop_assert_eq!(serde_json::from_str::<String>(&out).expect("JSON"), text);
        }
    }
}
