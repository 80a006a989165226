//! What shapes are written with.

use std::borrow::Cow;

use parlor_chat::refusal::CODES;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error};
use serde_json::Value;
use ts_rs::{Config, TS};

/// Structs whose fields are named in camelCase, in which an `Option` may be absent, and that know no
/// other fields.
macro_rules! shapes {
    ($($(#[$meta:meta])* $name:ident { $($(#[$field_meta:meta])* $field:ident: $type:ty,)* })*) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, serde::Deserialize, schemars::JsonSchema, ts_rs::TS)]
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
        #[derive(Debug, Clone, serde::Deserialize, schemars::JsonSchema, ts_rs::TS)]
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

impl<T: JsonSchema> JsonSchema for Nullable<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Nullable{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        // In one more layer, so that what an `Option` adds for itself can be told apart.
        json_schema!({ "oneOf": [generator.subschema_for::<T>(), { "type": "null" }] })
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

impl JsonSchema for Json {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Json".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "description": "Any JSON." })
    }
}

/// Types of one value, with the same type in TypeScript.
macro_rules! literals {
    ($($(#[$meta:meta])* $name:ident = $value:literal, $shown:literal;)*) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone)]
        pub struct $name;

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                match Value::deserialize(deserializer)? {
                    value if value == $value => Ok(Self),
                    value => Err(D::Error::custom(format!("{value} in place of {}", $shown))),
                }
            }
        }

        impl TS for $name {
            type WithoutGenerics = Self;
            type OptionInnerType = Self;

            fn name(_: &Config) -> String {
                $shown.to_owned()
            }

            fn inline(_: &Config) -> String {
                $shown.to_owned()
            }
        }

        impl JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "const": $value })
            }
        }
    )*};
}

literals! {
    /// A field that is there when it is `true`, and else absent.
    Yes = true, "true";
    No = false, "false";
    SaysOk = "ok", "\"ok\"";
    SaysSent = "sent", "\"sent\"";
    SaysError = "error", "\"error\"";
}

/// A code of `docs/errors.md`.
#[derive(Debug, Clone)]
pub struct ErrorCode;

impl<'de> Deserialize<'de> for ErrorCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        match CODES.iter().any(|code| code.documented().name == name) {
            true => Ok(Self),
            false => Err(D::Error::custom(format!("{name} is not a documented code"))),
        }
    }
}

impl TS for ErrorCode {
    type WithoutGenerics = Self;
    type OptionInnerType = Self;

    fn name(_: &Config) -> String {
        "string".to_owned()
    }

    fn inline(_: &Config) -> String {
        "string".to_owned()
    }
}

impl JsonSchema for ErrorCode {
    fn schema_name() -> Cow<'static, str> {
        "ErrorCode".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let names: Vec<_> = CODES.iter().map(|code| code.documented().name).collect();
        json_schema!({ "description": "What to compare; `x-error-codes` says what each means.", "enum": names })
    }
}
