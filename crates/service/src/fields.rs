//! Takes the fields of an event's payload, one by one and by name.
//!
//! A payload is one JSON object. [`Fields::parse`] keeps the text of the fields a command knows
//! and passes over the others; each is then read as what it must be, and a refusal names it.
//! `null` counts as absent, since clients in many languages send it for what is not set. A field
//! given twice is refused: nobody can say which one was meant.

use std::fmt;

use parlor_chat::ids::{InvalidId, UserId};
use parlor_chat::refusal::Refusal;
use serde::Deserializer;
use serde::de::{DeserializeSeed, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

/// What a payload field is refused with.
fn must_be(name: &'static str, rule: &str) -> Refusal {
    Refusal::invalid(name, format!("must be {rule}"))
}

/// Some of the fields of one payload, in the order of the names asked for.
#[derive(Debug)]
pub(crate) struct Fields<'a, const N: usize> {
    names: [&'static str; N],
    values: [Option<&'a RawValue>; N],
}

impl<'a, const N: usize> Fields<'a, N> {
    /// Reads the object in `payload`; no payload at all reads like an empty object.
    ///
    /// # Errors
    /// [`Refusal::InvalidArgument`] when it is not an object or gives one of `names` twice.
    pub(crate) fn parse(
        payload: Option<&'a RawValue>,
        names: [&'static str; N],
    ) -> Result<Self, Refusal> {
        Self::read(payload, names, Others::PassedOver)
    }

    fn read(
        payload: Option<&'a RawValue>,
        names: [&'static str; N],
        others: Others,
    ) -> Result<Self, Refusal> {
        let values = match payload {
            None => [None; N],
            Some(raw) if raw.get() == "null" => [None; N],
            Some(raw) => {
                if !raw.get().starts_with('{') {
                    return Err(must_be("payload", "an object"));
                }
                serde_json::Deserializer::from_str(raw.get())
                    .deserialize_map(Known { names: &names, others })
                    .map_err(|error| Refusal::invalid("payload", error_text(&error)))?
            }
        };
        Ok(Self { names, values })
    }

    /// Reads the object in `payload` like [`Fields::parse`], but refuses fields of other names: who
    /// writes them has mistaken something.
    ///
    /// # Errors
    /// [`Refusal::InvalidArgument`] as there, and naming the first field that is none of `names`.
    pub(crate) fn exactly(
        payload: Option<&'a RawValue>,
        names: [&'static str; N],
    ) -> Result<Self, Refusal> {
        Self::read(payload, names, Others::Refused)
    }

    fn value(&self, name: &'static str) -> Option<&'a RawValue> {
        let at = self.names.iter().position(|known| *known == name);
        let value = self.values[at.expect("only names that were asked for are read")];
        value.filter(|raw| raw.get() != "null")
    }

    /// The JSON text of a field, `null` included, if it is there.
    pub(crate) fn raw(&self, name: &'static str) -> Option<&'a RawValue> {
        let at = self.names.iter().position(|known| *known == name);
        self.values[at.expect("only names that were asked for are read")]
    }

    /// A string, if it is there.
    ///
    /// # Errors
    /// [`Refusal::InvalidArgument`] when it is something else.
    pub(crate) fn text(&self, name: &'static str) -> Result<Option<String>, Refusal> {
        self.value(name)
            .map(|raw| text_of(raw).ok_or_else(|| must_be(name, "a string")))
            .transpose()
    }

    /// A string that `parse` accepts, if it is there.
    ///
    /// # Errors
    /// [`Refusal::InvalidArgument`] when it is something else.
    pub(crate) fn id<T>(
        &self,
        name: &'static str,
        parse: impl FnOnce(&str) -> Result<T, InvalidId>,
    ) -> Result<Option<T>, Refusal> {
        match self.text(name)? {
            None => Ok(None),
            Some(text) => parse(&text).map(Some).map_err(|invalid| must_be(name, invalid.rule)),
        }
    }

    /// Strings that `parse` accepts, each once and in the order given, if they are there; at most
    /// `most` of them, and at least one.
    ///
    /// # Errors
    /// [`Refusal::InvalidArgument`] when it is something else.
    pub(crate) fn distinct_ids<T: PartialEq>(
        &self,
        name: &'static str,
        most: usize,
        parse: impl Fn(&str) -> Result<T, InvalidId>,
    ) -> Result<Option<Vec<T>>, Refusal> {
        let Some(raw) = self.value(name) else { return Ok(None) };
        let rule = || must_be(name, &format!("an array of 1 to {most} strings"));
        let texts: Vec<&RawValue> = serde_json::from_str(raw.get()).map_err(|_| rule())?;
        if texts.is_empty() || texts.len() > most {
            return Err(rule());
        }
        let mut ids = Vec::with_capacity(texts.len());
        for text in texts {
            let text = text_of(text).ok_or_else(rule)?;
            let each = |invalid: InvalidId| must_be(name, &format!("strings of {}", invalid.rule));
            let id = parse(&text).map_err(each)?;
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        Ok(Some(ids))
    }

    /// A whole number from `least` to 2^53 − 1, if it is there.
    ///
    /// # Errors
    /// [`Refusal::InvalidArgument`] when it is something else.
    pub(crate) fn number(&self, name: &'static str, least: u64) -> Result<Option<u64>, Refusal> {
        let Some(raw) = self.value(name) else { return Ok(None) };
        match whole(raw.get()) {
            Some(number) if number >= least && number < 1 << 53 => Ok(Some(number)),
            _ => Err(must_be(name, &format!("a whole number from {least}"))),
        }
    }

    /// A list of at most so many strings, if it is there.
    ///
    /// # Errors
    /// [`Refusal::InvalidArgument`] when it is something else.
    pub(crate) fn texts(
        &self,
        name: &'static str,
        max: usize,
    ) -> Result<Option<Vec<String>>, Refusal> {
        let Some(raw) = self.value(name) else { return Ok(None) };
        let refused = || must_be(name, &format!("at most {max} strings"));
        let texts: Vec<String> = serde_json::from_str(raw.get()).map_err(|_| refused())?;
        if texts.len() > max { Err(refused()) } else { Ok(Some(texts)) }
    }

    /// A list of at most so many user ids, if it is there.
    ///
    /// # Errors
    /// [`Refusal::InvalidArgument`] when it is something else.
    pub(crate) fn ids(
        &self,
        name: &'static str,
        max: usize,
    ) -> Result<Option<Vec<UserId>>, Refusal> {
        let Some(raw) = self.value(name) else { return Ok(None) };
        let refused = || must_be(name, &format!("at most {max} user ids"));
        let texts: Vec<String> = serde_json::from_str(raw.get()).map_err(|_| refused())?;
        if texts.len() > max {
            return Err(refused());
        }
        let ids = texts.iter().map(|text| UserId::parse(text).map_err(|_| refused()));
        ids.collect::<Result<_, _>>().map(Some)
    }

    /// `true` or `false`, if it is there.
    ///
    /// # Errors
    /// [`Refusal::InvalidArgument`] when it is something else.
    pub(crate) fn flag(&self, name: &'static str) -> Result<Option<bool>, Refusal> {
        match self.value(name).map(RawValue::get) {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(_) => Err(must_be(name, "true or false")),
        }
    }
}

/// Refuses when a field that a command cannot do without is absent.
///
/// # Errors
/// [`Refusal::InvalidArgument`] naming it.
pub(crate) fn required<T>(name: &'static str, value: Option<T>) -> Result<T, Refusal> {
    value.ok_or_else(|| Refusal::invalid(name, "is required"))
}

/// The decoded text of a JSON string; `None` for any other JSON and for lone surrogates.
pub(crate) fn text_of(raw: &RawValue) -> Option<String> {
    let json = raw.get();
    let inner = json.strip_prefix('"')?.strip_suffix('"')?;
    if inner.contains('\\') { serde_json::from_str(json).ok() } else { Some(inner.to_owned()) }
}

/// Clients whose only number is a float write `5` as `5.0`.
fn whole(text: &str) -> Option<u64> {
    let digits = text.split_once('.').map_or(text, |(digits, zeros)| {
        if !zeros.is_empty() && zeros.bytes().all(|b| b == b'0') { digits } else { text }
    });
    if digits.bytes().all(|b| b.is_ascii_digit()) { digits.parse().ok() } else { None }
}

fn error_text(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.split_once(" at line") {
        Some((said, _)) if error.is_data() => said.to_owned(),
        _ => "must be a JSON object".to_owned(),
    }
}

/// What becomes of fields that were not asked for.
#[derive(Debug, Clone, Copy)]
enum Others {
    PassedOver,
    Refused,
}

/// Characters of an unknown field's name that are shown.
const NAME_SHOWN_MAX: usize = 64;

struct Known<'n, const N: usize> {
    names: &'n [&'static str; N],
    others: Others,
}

impl<'de, const N: usize> Visitor<'de> for Known<'_, N> {
    type Value = [Option<&'de RawValue>; N];

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut values = [None; N];
        while let Some(known) = map.next_key_seed(Key { names: self.names, others: self.others })? {
            match known {
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
                Some(at) if values[at].is_some() => {
                    return Err(A::Error::custom(format_args!("gives {} twice", self.names[at])));
                }
                Some(at) => values[at] = Some(map.next_value()?),
            }
        }
        Ok(values)
    }
}

/// Compares a key without allocating it.
struct Key<'n, const N: usize> {
    names: &'n [&'static str; N],
    others: Others,
}

impl<'de, const N: usize> DeserializeSeed<'de> for Key<'_, N> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<const N: usize> Visitor<'_> for Key<'_, N> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<Self::Value, E> {
        match (self.names.iter().position(|name| *name == key), self.others) {
            (None, Others::Refused) => {
                let shown: String = key.chars().take(NAME_SHOWN_MAX).collect();
                Err(E::custom(format_args!("has the unknown field {shown:?}")))
            }
            (known, _) => Ok(known),
        }
    }
}

#[cfg(test)]
mod tests {
    use parlor_chat::ids::UserId;
    use proptest::prelude::*;

    use super::*;

    fn raw(json: &str) -> &RawValue {
        serde_json::from_str(json).expect("valid JSON in a test")
    }

    fn parse(json: &str) -> Result<Fields<'_, 3>, Refusal> {
        Fields::parse(Some(raw(json)), ["toUserId", "seq", "typing"])
    }

    #[test]
    fn known_fields_are_read_and_unknown_ones_passed_over() {
        let fields =
            parse(r#"{"x":[{}],"toUserId":"b\u00e9","seq":5,"typing":false}"#).expect("fits");
        assert_eq!(fields.text("toUserId"), Ok(Some("bé".to_owned())));
        assert_eq!(fields.number("seq", 1), Ok(Some(5)));
        assert_eq!(fields.flag("typing"), Ok(Some(false)));
    }

    #[test]
    fn unknown_fields_are_refused_by_name_where_that_is_asked_for() {
        let exactly = |json| Fields::exactly(Some(raw(json)), ["a"]).map(drop);
        let said = |json| exactly(json).expect_err("refused").to_string();
        assert_eq!(exactly(r#"{"a":1}"#), Ok(()));
        assert_eq!(said(r#"{"a":1,"b\n":2}"#), r#"payload has the unknown field "b\n""#);
        assert!(said(&format!("{{\"{}\":1}}", "x".repeat(9_999))).len() < 128);
    }

    #[test]
    fn escaped_names_are_the_same_names() {
        let fields = parse(r#"{"\u0073eq":7}"#).expect("fits");
        assert_eq!(fields.number("seq", 1), Ok(Some(7)));
    }

    #[test]
    fn null_and_no_payload_are_absent() {
        let fields = parse(r#"{"toUserId":null}"#).expect("fits");
        assert_eq!(fields.text("toUserId"), Ok(None));
        assert_eq!(fields.raw("toUserId").map(RawValue::get), Some("null"));
        let fields = Fields::parse(None, ["a"]).expect("fits");
        assert_eq!(fields.text("a"), Ok(None));
        assert!(Fields::parse(Some(raw("null")), ["a"]).is_ok());
    }

    #[test]
    fn refusals_name_the_field() {
        let said = |error: Refusal| error.to_string();
        let fields = parse(r#"{"toUserId":5,"seq":"5","typing":1}"#).expect("fits");
        assert_eq!(fields.text("toUserId").map_err(said), Err("toUserId must be a string".into()));
        assert_eq!(
            fields.number("seq", 1).map_err(said),
            Err("seq must be a whole number from 1".into())
        );
        assert_eq!(fields.flag("typing").map_err(said), Err("typing must be true or false".into()));
        assert_eq!(
            parse(r#"{"seq":1,"seq":2}"#).map(drop).map_err(said),
            Err("payload gives seq twice".into())
        );
        assert_eq!(parse("[1]").map(drop).map_err(said), Err("payload must be an object".into()));
        let fields = parse(r#"{"toUserId":"\u0007"}"#).expect("fits");
        assert_eq!(
            fields.id("toUserId", UserId::parse).map_err(said),
            Err("toUserId must be 1 to 128 bytes without control characters".into())
        );
    }

    #[test]
    fn a_list_of_ids_is_held_to_its_bound_and_its_rule() {
        let read = |json: &str| {
            let text = format!(r#"{{"userIds":{json}}}"#);
            let raw: &RawValue = serde_json::from_str(&text).expect("valid JSON in a test");
            let fields = Fields::parse(Some(raw), ["userIds"]).expect("an object");
            let ids =
                fields.distinct_ids("userIds", 3, UserId::parse).map_err(|error| error.to_string());
            ids.map(|ids| ids.map(|ids| ids.iter().map(UserId::to_string).collect::<String>()))
        };
        assert_eq!(read(r#"["a","b","c"]"#), Ok(Some("abc".to_owned())));
        assert_eq!(read(r#"["b","a","b"]"#), Ok(Some("ba".to_owned())));
        assert_eq!(read("null"), Ok(None));
        let rule = Err("userIds must be an array of 1 to 3 strings".to_owned());
        for json in ["[]", r#"["a","b","c","a"]"#, r#""a""#, "{}", r#"["a",1]"#, "[null]", "7"] {
            assert_eq!(read(json), rule, "{json}");
        }
        let each =
            "userIds must be strings of 1 to 128 bytes without control characters".to_owned();
        assert_eq!(read(r#"["a",""]"#), Err(each));
    }

    #[test]
    fn lone_surrogates_are_no_text() {
        let fields = parse(r#"{"toUserId":"\ud800"}"#).expect("fits");
        assert!(fields.text("toUserId").is_err());
    }

    #[test]
    fn numbers_stay_below_two_to_the_53() {
        for (json, fits) in [
            ("0", false),
            ("1", true),
            ("1.0", true),
            ("1.5", false),
            ("-1", false),
            ("1e3", false),
            ("9007199254740991", true),
            ("9007199254740992", false),
            ("99999999999999999999", false),
        ] {
            let text = format!("{{\"seq\":{json}}}");
            assert_eq!(parse(&text).expect("fits").number("seq", 1).is_ok(), fits, "{json}");
        }
    }

    proptest! {
        #[test]
        fn any_json_gets_an_answer(text in r#"\{("(seq|toUserId|x|\\u0073eq)":("[^"\\\x00-\x1f]*"|[0-9]{1,3}|null|\[\]|\{\}),?){0,4}\}"#) {
            if let Ok(raw) = serde_json::from_str::<&RawValue>(&text) {
                let exactly = Fields::exactly(Some(raw), ["toUserId", "seq", "typing"]);
                let lenient = Fields::parse(Some(raw), ["toUserId", "seq", "typing"]);
                prop_assert!(exactly.is_err() || lenient.is_ok());
            }
            if let Ok(raw) = serde_json::from_str::<&RawValue>(&text)
                && let Ok(fields) = Fields::parse(Some(raw), ["toUserId", "seq", "typing"])
            {
                let _ = (fields.text("toUserId"), fields.number("seq", 1), fields.flag("typing"));
            }
        }
    }
}
