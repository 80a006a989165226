//! The pieces of an event's JSON array.
use super::PacketError;
use smallvec::SmallVec;
use std::borrow::Cow;
use std::ops::Range;

/// An event's name and where its arguments lie in the JSON array.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventArgs<'a> {
    data: &'a str,
    name: Cow<'a, str>,
    ranges: SmallVec<[Range<u32>; 4]>,
}

impl<'a> EventArgs<'a> {
    /// Cuts `["name", a, b]`. A number as name is kept as its text.
    ///
    /// # Errors
    /// Not such an array.
    pub fn split(data: &'a str) -> Result<Self, PacketError> {
        let _ = data;
        Err(PacketError::Data)
    }

    /// The event's name, unescaped.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many arguments follow the name.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ranges.len()
    }

    /// Whether no argument follows the name.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// The JSON text of an argument.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<&'a str> {
        let range = self.ranges.get(index)?;
        self.data.get(range.start as usize..range.end as usize)
    }

    /// Where the arguments lie in the data, to be kept beside an owned copy of it.
    #[must_use]
    pub fn ranges(&self) -> &[Range<u32>] {
        &self.ranges
    }

    /// The arguments between their brackets, without these: `a, b`.
    #[must_use]
    pub fn inner(&self) -> &'a str {
        ""
    }

    /// The JSON text of an array of the arguments alone.
    #[must_use]
    pub fn to_array(&self) -> String {
        String::new()
    }
}

/// The content of a JSON string's text, borrowed if nothing in it is escaped.
#[must_use]
pub fn unquote(text: &str) -> Option<Cow<'_, str>> {
    let _ = text;
    None
}
