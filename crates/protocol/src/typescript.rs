//! The TypeScript that clients have of the shapes, committed in `clients/typescript/src/protocol`.
//!
//! `PARLOR_WRITE_DOCS=1 cargo test -p parlor-protocol` writes the files; without the variable the
//! test fails when they differ.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use parlor_chat::refusal::CODES;
use ts_rs::{Config, TS, TypeVisitor};

use crate::registry;

const HEAD: &str = "// Made of the types in crates/protocol by \
                    `PARLOR_WRITE_DOCS=1 cargo test -p parlor-protocol`. Do not edit.\n";

const JSON: &str = "/** Any JSON. */\nexport type Json = null | boolean | number | string | \
                    readonly Json[] | { readonly [key: string]: Json };\n";

/// Collects what types are declared as, by their names.
struct Declarations {
    config: Config,
    found: BTreeMap<String, String>,
}

impl TypeVisitor for Declarations {
    fn visit<T: TS + 'static + ?Sized>(&mut self) {
        // What has an output path is a type of its own; others are part of those that use them.
        if T::output_path().is_some() {
            let name = T::ident(&self.config);
            if self.found.contains_key(&name) {
                return;
            }
            let docs = T::docs().unwrap_or_default();
            let declared = format!("{docs}export {}\n", T::decl(&self.config));
            self.found.insert(name, declared);
        }
        T::visit_dependencies(self);
        T::visit_generics(self);
    }
}

/// Every shape, and the events and commands by name, as TypeScript.
pub fn types() -> String {
    let config = Config::new().with_large_int("number");
    let mut declarations = Declarations { config, found: BTreeMap::new() };
    registry::visit(&mut declarations);
    let Declarations { config, found } = declarations;
    let mut out = format!("{HEAD}\n{JSON}");
    for declared in found.values() {
        write!(out, "\n{declared}").expect("strings take all text");
    }
    out.push_str(
        "\n/** What a server says, by the name of the event. */\nexport type ServerEvents = {\n",
    );
    for (name, heard) in registry::events(&config) {
        writeln!(out, "  {name}: {heard};").expect("strings take all text");
    }
    out.push_str("};\n\n/** What a client may ask, by the name of the command: what it says, and what it is answered. */\nexport type Commands = {\n");
    for (name, payload, answer) in registry::commands(&config) {
        writeln!(out, "  {name}: {{ payload: {payload}; answer: {answer} }};")
            .expect("strings take all text");
    }
    out.push_str("};\n");
    out
}

/// Every error code with what it says of trying again, as TypeScript.
pub fn codes() -> String {
    let mut out = format!(
        "{HEAD}\n/** The codes of refusals: what happened, and after how many milliseconds the same may \
         succeed, where it may. */\nexport const CODES = {{\n"
    );
    for code in CODES {
        let documented = code.documented();
        let after = documented.retry_after_ms.map_or("null".to_owned(), |ms| ms.to_string());
        writeln!(out, "  /** {}. */\n  {}: {after},", documented.happened, documented.name)
            .expect("strings take all text");
    }
    out.push_str("} as const satisfies Record<string, number | null>;\n\n");
    out.push_str(
        "/** A code of `docs/errors.md`. */\nexport type ErrorCode = keyof typeof CODES;\n",
    );
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn committed_is(file: &str, made: &str) {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../clients/typescript/src/protocol");
        let path = format!("{folder}/{file}");
        if std::env::var_os("PARLOR_WRITE_DOCS").is_some() {
            std::fs::create_dir_all(folder).expect("the clients are there");
            std::fs::write(&path, made).expect("the clients are writable");
        }
        let committed = std::fs::read_to_string(&path).expect("the file is committed");
        assert!(committed == made, "{file} differs: run with PARLOR_WRITE_DOCS=1");
    }

    #[test]
    fn the_committed_types_are_those_of_the_shapes() {
        committed_is("types.ts", &types());
    }

    #[test]
    fn the_committed_codes_are_those_of_the_server() {
        committed_is("codes.ts", &codes());
    }
}
