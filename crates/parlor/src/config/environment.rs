//! `PARLOR_SECTION__FIELD` variables as a layer of the configuration.
//!
//! Text fields take the variable as it stands, so that a secret of digits stays text; lists are
//! split at commas. A `PARLOR_` variable that names no field is refused rather than ignored.

use figment::value::{Dict, Value};

use super::setting::{Field, Section};
use super::{ConfigError, Layer, fields};

/// What all variables start with.
const PREFIX: &str = "PARLOR_";
/// Variables of the command line rather than of the configuration.
const NOT_FIELDS: [&str; 1] = ["PARLOR_CONFIG"];

/// Takes the variables that are Parlor's.
///
/// # Errors
/// [`ConfigError`] naming each variable that no field has, or whose value cannot be read.
pub(super) fn layer(
    variables: impl IntoIterator<Item = (String, String)>,
) -> Result<Layer, ConfigError> {
    let sections = fields::describe();
    let mut values = Dict::new();
    let mut faults = Vec::new();
    for (name, text) in variables {
        if !name.starts_with(PREFIX) || NOT_FIELDS.contains(&name.as_str()) {
            continue;
        }
        let Some((section, field)) = find(&sections, &name) else {
            faults.push(unknown(&sections, &name));
            continue;
        };
        match field.kind.read(&text) {
            Ok(value) => insert(&mut values, section.name, field.name, value),
            Err(rule) => faults.push(format!("the environment variable {name} {rule}")),
        }
    }
    if faults.is_empty() {
        Ok(Layer { name: String::from("the environment"), values })
    } else {
        faults.sort_unstable();
        Err(ConfigError { faults })
    }
}

/// The variable of a field.
pub(super) fn variable(section: &Section, field: &Field) -> String {
    format!("{PREFIX}{}__{}", section.name, field.name).to_ascii_uppercase()
}

fn find<'a>(sections: &'a [Section], name: &str) -> Option<(&'a Section, &'a Field)> {
    let fields =
        sections.iter().flat_map(|section| section.fields.iter().map(move |f| (section, f)));
    fields.into_iter().find(|(section, field)| variable(section, field) == name)
}

fn unknown(sections: &[Section], name: &str) -> String {
    let last = name.rsplit('_').next().unwrap_or(name).to_ascii_lowercase();
    let like = sections.iter().flat_map(|section| {
        let fields = section.fields.iter().filter(|field| field.name.contains(&last));
        fields.map(move |field| variable(section, field))
    });
    let like: Vec<String> = like.take(4).collect();
    let hint = if like.is_empty() || last.is_empty() {
        String::from("`parlor config` lists the fields; PARLOR_SERVER__LISTEN is an example")
    } else {
        format!("did you mean {}?", like.join(" or "))
    };
    format!("the environment variable {name} is no setting of Parlor; {hint}")
}

fn insert(values: &mut Dict, section: &str, field: &str, value: Value) {
    let entry = values.entry(section.to_owned()).or_insert_with(|| Value::from(Dict::new()));
    if let Value::Dict(_, fields) = entry {
        fields.insert(field.to_owned(), value);
    }
}
