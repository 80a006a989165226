//! Contents of messages: of valid JSON, exactly that passes which another parser can decode and
//! finds no control character in.
#![no_main]

use libfuzzer_sys::fuzz_target;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

/// The service's checker alone, so that a target this small does not build the whole server.
#[path = "../../crates/service/src/content.rs"]
mod content;

const BYTES_MAX: usize = 2000;
const DEPTH_MAX: usize = 32;

fuzz_target!(|text: &str| {
    let checked = content::check(text, BYTES_MAX, DEPTH_MAX);
    if parlor_wire::json::check(text, DEPTH_MAX).is_err() {
        return;
    }
    let allowed = match serde_json::from_str(text) {
        Ok(Clean(clean)) => clean && text.len() <= BYTES_MAX,
        Err(error) if error.to_string().starts_with("number out of range") => return,
        // Valid JSON that cannot be decoded has a surrogate alone.
        Err(_) => false,
    };
    assert_eq!(checked.is_ok(), allowed, "{checked:?}");
});

/// Whether a value has no control character in any string, keys that come twice included.
struct Clean(bool);

impl<'de> Deserialize<'de> for Clean {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Walk)
    }
}

struct Walk;

impl<'de> Visitor<'de> for Walk {
    type Value = Clean;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("any JSON")
    }

    fn visit_unit<E>(self) -> Result<Clean, E> {
        Ok(Clean(true))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Clean, E> {
        Ok(Clean(true))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Clean, E> {
        Ok(Clean(true))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Clean, E> {
        Ok(Clean(true))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Clean, E> {
        Ok(Clean(true))
    }

    fn visit_str<E>(self, text: &str) -> Result<Clean, E> {
        Ok(Clean(!text.chars().any(|c| c.is_control() && !"\n\r\t".contains(c))))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Clean, A::Error> {
        let mut all = true;
        while let Some(Clean(clean)) = items.next_element()? {
            all &= clean;
        }
        Ok(Clean(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Clean, A::Error> {
        let mut all = true;
        while let Some((Clean(key), Clean(value))) = fields.next_entry()? {
            all &= key && value;
        }
        Ok(Clean(all))
    }
}
