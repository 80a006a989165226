//! What shapes are written with.

use serde::de::{Deserialize, Deserializer, Error};
use serde_json::Value;
use ts_rs::{Config, TS};

/// Structs whose fields are named in camelCase, in which an `Option` may be absent, and that know no
/// other fields.
macro_rules! shapes {
    ($($(#[$meta:meta])* $name:ident { $($(#[$field_meta:meta])* $field:ident: $type:ty,)* })*) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, serde::Deserialize, ts_rs::TS)]
        #[serde(rename_all = "camelCase", deny_unknown_fields)]
        #[ts(optional_fields)]
        pub struct $name {
            $($(#[$field_meta])* pub $field: $type,)*
        }
    )*};
}
pub(crate) use shapes;

/// Enums of words.
macro_rules! words {
    ($($(#[$meta:meta])* $name:ident { $($word:ident,)* })*) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, serde::Deserialize, ts_rs::TS)]
        #[serde(rename_all = "snake_case")]
        pub enum $name {
            $($word,)*
        }
    )*};
}
pub(crate) use words;

/// A value that is always there, and may be `null`.
#[derive(Debug, Clone)]
pub struct Nullable<T>(pub Option<T>);

impl<'de, T: for<'a> Deserialize<'a>> Deserialize<'de> for Nullable<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Through `Value`, since what is missing must not pass for `null`.
        match Value::deserialize(deserializer)? {
            Value::Null => Ok(Self(None)),
            value => {
                serde_json::from_value(value).map(|it| Self(Some(it))).map_err(D::Error::custom)
            }
        }
    }
}

impl<T: TS> TS for Nullable<T> {
    type WithoutGenerics = Self;
    type OptionInnerType = Self;

    fn name(config: &Config) -> String {
        format!("{} | null", T::name(config))
    }

    fn inline(config: &Config) -> String {
        format!("{} | null", T::inline(config))
    }
}

/// Any JSON.
#[derive(Debug, Clone)]
pub struct Json(pub Value);

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(Self)
    }
}

impl TS for Json {
    type WithoutGenerics = Self;
    type OptionInnerType = Self;

    fn name(_: &Config) -> String {
        "Json".to_owned()
    }

    fn inline(_: &Config) -> String {
        "Json".to_owned()
    }
}

/// A field that is there when it is `true`, and else absent.
#[derive(Debug, Clone)]
pub struct Yes;

impl<'de> Deserialize<'de> for Yes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match bool::deserialize(deserializer)? {
            true => Ok(Self),
            false => Err(D::Error::custom("false is told by leaving the field out")),
        }
    }
}

impl TS for Yes {
    type WithoutGenerics = Self;
    type OptionInnerType = Self;

    fn name(_: &Config) -> String {
        "true".to_owned()
    }

    fn inline(_: &Config) -> String {
        "true".to_owned()
    }
}
