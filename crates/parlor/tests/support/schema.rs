//! Holds JSON against a schema of the OpenAPI document, strictly: what it does not describe is a
//! fault.

use serde_json::Value;

/// What is wrong with a value, if something is.
pub(crate) fn fault(document: &Value, schema: &Value, value: &Value, at: &str) -> Option<String> {
    if let Some(name) = schema["$ref"].as_str() {
        let place = name.trim_start_matches('#');
        let schema = document.pointer(place).unwrap_or_else(|| panic!("no schema {name}"));
        return fault(document, schema, value, at);
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        let faults: Vec<_> = choices.iter().map(|it| fault(document, it, value, at)).collect();
        return faults.iter().all(Option::is_some).then(|| format!("{at} is none of {faults:?}"));
    }
    let types: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        _ => return None,
    };
    if !types.iter().any(|name| is_a(value, name)) {
        return Some(format!("{at} is {value}, none of {types:?}"));
    }
    match value {
        Value::Object(fields) => {
            let required = schema["required"].as_array().into_iter().flatten();
            let mut missing =
                required.filter_map(Value::as_str).filter(|it| !fields.contains_key(*it));
            if let Some(name) = missing.next() {
                return Some(format!("{at} lacks {name}"));
            }
            fields.iter().find_map(|(name, value)| match schema["properties"].get(name) {
                Some(schema) => fault(document, schema, value, &format!("{at}.{name}")),
                None => Some(format!("{at}.{name} is not described")),
            })
        }
        Value::Array(items) => {
            let bound = |name: &str, or| schema[name].as_u64().unwrap_or(or);
            let count = items.len() as u64;
            if !(bound("minItems", 0)..=bound("maxItems", u64::MAX)).contains(&count) {
                return Some(format!("{at} has {count} items"));
            }
            items
                .iter()
                .find_map(|item| fault(document, &schema["items"], item, &format!("{at}[]")))
        }
        _ => None,
    }
}

fn is_a(value: &Value, name: &str) -> bool {
    match name {
        "string" => value.is_string(),
        "integer" => value.is_u64() || value.is_i64(),
        "boolean" => value.is_boolean(),
        "object" => value.is_object(),
        "array" => value.is_array(),
        "null" => value.is_null(),
        _ => panic!("no type {name}"),
    }
}
