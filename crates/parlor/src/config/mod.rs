//! The configuration: defaults, then a TOML file, then `PARLOR_…` variables, then flags.
//!
//! [`load`] merges the four and refuses a key that no field has, naming it and where it came
//! from. [`checks::refuse`] then refuses combinations that cannot work. A value read here is
//! never read from the environment again elsewhere.

mod api_key;
mod checks;
mod content_rules;
mod environment;
mod fields;
mod master_keys;
mod render;
mod setting;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use figment::providers::{Format, Toml};
use figment::value::{Dict, Map};
use figment::{Figment, Metadata, Profile, Provider};

pub(crate) use api_key::{ApiKey, KEY_NAME_RULE, Scope, is_key_name};
#[cfg(feature = "traces")]
pub(crate) use checks::traces_url;
pub(crate) use checks::{hook_secret, read_addresses, refuse, secret};
#[cfg(feature = "traces")]
pub(crate) use fields::Traces;
#[cfg(feature = "postgres")]
pub(crate) use fields::{AdapterKind, BusBackend, SubscriptionMode};
pub(crate) use fields::{
    Backend, Config, Fsync, HookFailure, Identity, JwtAlgorithm, Log, LogFormat, Secret,
};
pub(crate) use master_keys::keyring;
pub(crate) use render::default_toml;

/// Why a configuration is refused: one sentence per fault, all of them at once.
#[derive(Debug, thiserror::Error)]
#[error("{}", .faults.join("\n"))]
pub(crate) struct ConfigError {
    /// What is wrong, and what to do about it.
    pub(crate) faults: Vec<String>,
}

impl ConfigError {
    fn one(fault: String) -> Self {
        Self { faults: vec![fault] }
    }
}

/// What the command line says over everything else.
#[derive(Debug, Default)]
pub(crate) struct Overrides {
    /// `--listen`.
    pub(crate) listen: Option<SocketAddr>,
    /// `--data`.
    pub(crate) data: Option<PathBuf>,
}

/// Reads the configuration.
///
/// # Errors
/// [`ConfigError`] when the file cannot be read, a key is unknown, or a value has another type.
pub(crate) fn load(
    file: Option<&Path>,
    environment: impl IntoIterator<Item = (String, String)>,
    overrides: &Overrides,
) -> Result<Config, ConfigError> {
    let mut figment = Figment::new();
    if let Some(path) = file {
        figment = figment.merge(file_layer(path)?);
    }
    figment = figment.merge(environment::layer(environment)?);
    if let Some(listen) = overrides.listen {
        figment = figment.merge(("server.listen", listen.to_string()));
    }
    if let Some(data) = &overrides.data {
        figment = figment.merge(("server.data", data));
    }
    figment.extract().map_err(|error| ConfigError {
        faults: error.into_iter().map(|error| explain(&error)).collect(),
    })
}

/// One source of values, with the name it has in messages.
struct Layer {
    name: String,
    values: Dict,
}

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.name.clone())
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok(Map::from([(Profile::Default, self.values.clone())]))
    }
}

fn file_layer(path: &Path) -> Result<Layer, ConfigError> {
    let shown = path.display();
    let text = std::fs::read_to_string(path).map_err(|error| {
        ConfigError::one(format!(
            "cannot read the configuration file {shown}: {error}; `parlor config` prints one to \
             start from"
        ))
    })?;
    let values: Dict = Toml::from_str(&text).map_err(|error| {
        ConfigError::one(format!("{shown} is not valid TOML: {}", error.to_string().trim()))
    })?;
    let faults = unknown_keys(&values, &shown.to_string());
    if faults.is_empty() {
        Ok(Layer { name: shown.to_string(), values })
    } else {
        Err(ConfigError { faults })
    }
}

/// Every key that no section or field has. (Serde would refuse the first alone.)
fn unknown_keys(values: &Dict, file: &str) -> Vec<String> {
    let sections = fields::describe();
    let mut faults = Vec::new();
    for (name, value) in values {
        let Some(section) = sections.iter().find(|section| section.name == name) else {
            let known: Vec<&str> = sections.iter().map(|section| section.name).collect();
            let known = known.join(", ");
            faults.push(format!("unknown key `{name}` in {file}; known sections: {known}"));
            continue;
        };
        for key in value.as_dict().into_iter().flat_map(Dict::keys) {
            if section.fields.iter().all(|field| field.name != key) {
                let known: Vec<&str> = section.fields.iter().map(|field| field.name).collect();
                let known = known.join(", ");
                faults.push(format!(
                    "unknown key `{key}` in the section [{name}] of {file}; known keys: {known}"
                ));
            }
        }
    }
    faults
}

/// One of figment's errors as a sentence: what, which key, from where.
fn explain(error: &figment::Error) -> String {
    let source = error.metadata.as_ref().map(|metadata| metadata.name.as_ref());
    let from = source.map(|name| format!(" (from {name})")).unwrap_or_default();
    let key = error.path.join(".");
    let kind = &error.kind;
    if key.is_empty() { format!("{kind}{from}") } else { format!("`{key}`: {kind}{from}") }
}

#[cfg(test)]
mod tests;
