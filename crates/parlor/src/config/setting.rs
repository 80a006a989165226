//! What a configuration field can hold, and how one is written and read.
//!
//! The `sections!` macro turns one declaration, with a doc comment, unit and default per field,
//! into the structs that serde fills, their `Default`, and a description of every field. The
//! printed configuration and the reading of environment variables use that description, so
//! neither can name a field that is not there or miss one that is.

use std::net::SocketAddr;
use std::path::PathBuf;

use figment::value::Value;
use parlor_gateway::TrustedProxy;

/// A section of the configuration, as `sections!` describes it.
pub(crate) struct Section {
    /// Its name in the file, `[name]`.
    pub(crate) name: &'static str,
    /// The lines of its doc comment.
    pub(crate) docs: &'static [&'static str],
    /// Its fields, in the order they are declared.
    pub(crate) fields: Vec<Field>,
}

/// One field of a section.
pub(crate) struct Field {
    /// Its key.
    pub(crate) name: &'static str,
    /// The lines of its doc comment.
    pub(crate) docs: &'static [&'static str],
    /// What its value counts or names.
    pub(crate) unit: &'static str,
    /// The default as TOML; `None` when it is unset by default.
    pub(crate) default: Option<String>,
    /// A value to show when it is unset by default, as TOML.
    pub(crate) example: Option<String>,
    /// How an environment variable's text becomes its value.
    pub(crate) kind: Kind,
}

/// How the text of an environment variable is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// As it stands.
    Text,
    /// A whole number.
    Number,
    /// A number with or without a fraction.
    Fraction,
    /// `true` or `false`.
    Switch,
    /// Texts separated by commas; empty for none.
    List,
}

impl Kind {
    /// Reads the text of an environment variable.
    ///
    /// # Errors
    /// What the text must be, when it is not.
    pub(crate) fn read(self, text: &str) -> Result<Value, &'static str> {
        match self {
            Self::Text => Ok(Value::from(text)),
            Self::Number => {
                let digits = text.trim().replace('_', "");
                digits.parse::<u64>().map(Value::from).map_err(|_| "must be a whole number")
            }
            Self::Fraction => {
                text.trim().parse::<f64>().map(Value::from).map_err(|_| "must be a number")
            }
            Self::Switch => {
                text.trim().parse::<bool>().map(Value::from).map_err(|_| "must be true or false")
            }
            Self::List => {
                let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
                Ok(Value::from(parts.map(Value::from).collect::<Vec<_>>()))
            }
        }
    }
}

/// A type that a field may have.
pub(crate) trait Setting {
    /// How an environment variable gives it.
    const KIND: Kind;

    /// The value as TOML, or `None` when it is unset.
    fn render(&self) -> Option<String>;
}

/// Text as a TOML string. JSON's escapes are a subset of TOML's.
pub(crate) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

macro_rules! text_setting {
    ($($type:ty => $text:expr),* $(,)?) => {$(
        impl Setting for $type {
            const KIND: Kind = Kind::Text;

            fn render(&self) -> Option<String> {
                let text: fn(&$type) -> String = $text;
                Some(quoted(&text(self)))
            }
        }
    )*};
}
pub(crate) use text_setting;

text_setting! {
    String => String::clone,
    SocketAddr => SocketAddr::to_string,
    TrustedProxy => TrustedProxy::to_string,
    PathBuf => |path| path.display().to_string(),
}

impl Setting for u64 {
    const KIND: Kind = Kind::Number;

    fn render(&self) -> Option<String> {
        Some(self.to_string())
    }
}

impl Setting for f64 {
    const KIND: Kind = Kind::Fraction;

    fn render(&self) -> Option<String> {
        // With a fraction even where there is none, as TOML tells the two apart.
        Some(format!("{self:?}"))
    }
}

impl Setting for bool {
    const KIND: Kind = Kind::Switch;

    fn render(&self) -> Option<String> {
        Some(self.to_string())
    }
}

impl<T: Setting> Setting for Option<T> {
    const KIND: Kind = T::KIND;

    fn render(&self) -> Option<String> {
        self.as_ref().and_then(T::render)
    }
}

impl<T: Setting> Setting for Vec<T> {
    const KIND: Kind = Kind::List;

    fn render(&self) -> Option<String> {
        let items: Vec<String> = self.iter().filter_map(T::render).collect();
        Some(format!("[{}]", items.join(", ")))
    }
}

/// A closed set of words; serde and the printed configuration use the same ones.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $word:literal),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
        pub(crate) enum $name {
            $($(#[$doc])* #[serde(rename = $word)] $variant),*
        }

        impl $crate::config::setting::Setting for $name {
            const KIND: $crate::config::setting::Kind = $crate::config::setting::Kind::Text;

            fn render(&self) -> Option<String> {
                let word = match self {
                    $(Self::$variant => $word),*
                };
                Some($crate::config::setting::quoted(word))
            }
        }
    };
}
pub(crate) use words;

/// Declares the sections: per field a doc comment, `name: type, "unit" = default`, and
/// `example value` for one that is unset by default.
macro_rules! sections {
    ($(
        $(#[doc = $section_doc:literal])*
        [$section:ident] $name:ident {
            $(
                $(#[doc = $doc:literal])*
                $field:ident: $type:ty, $unit:literal = $default:expr
                    $(, example $example:literal)?;
            )*
        }
    )*) => {
        /// All that can be configured.
        #[derive(Debug, Clone, Default, PartialEq, serde::Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub(crate) struct Config {
            $(
                $(#[doc = $section_doc])*
                pub(crate) $section: $name,
            )*
        }

        $(
            $(#[doc = $section_doc])*
            #[derive(Debug, Clone, PartialEq, serde::Deserialize)]
            #[serde(default, deny_unknown_fields)]
            pub(crate) struct $name {
                $(
                    $(#[doc = $doc])*
                    pub(crate) $field: $type,
                )*
            }

            impl Default for $name {
                fn default() -> Self {
                    Self { $($field: $default,)* }
                }
            }
        )*

        /// Describes every section and field.
        pub(crate) fn describe() -> Vec<Section> {
            let defaults = Config::default();
            vec![$(
                Section {
                    name: stringify!($section),
                    docs: &[$($section_doc),*],
                    fields: vec![$(
                        Field {
                            name: stringify!($field),
                            docs: &[$($doc),*],
                            unit: $unit,
                            default: defaults.$section.$field.render(),
                            example: None$(.or(Some(String::from($example))))?,
                            kind: <$type as Setting>::KIND,
                        },
                    )*],
                },
            )*]
        }
    };
}
pub(crate) use sections;
