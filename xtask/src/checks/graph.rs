//! The crates import each other as docs/ARCHITECTURE.md says.
//!
//! The document has one block fenced as `graph`, a line per crate: its name, `->`, and the crates
//! that it imports, separated by commas, in any order. Names are short: `wire` for `parlor-wire`.
//! Dependencies of tests alone do not count.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, bail};

use crate::checks::documents::blocks;
use crate::workspace::Workspace;

type Graph = BTreeMap<String, BTreeSet<String>>;

/// Compares the written graph with cargo's.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    let path = workspace.root().join("docs/ARCHITECTURE.md");
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {path:?}"))?;
    let block = match blocks(&text, "graph").as_slice() {
        [block] => block.clone(),
        found => bail!("docs/ARCHITECTURE.md has {} blocks fenced as `graph`, not 1", found.len()),
    };
    let differences = differences(&parse(&block)?, workspace.imports());
    if !differences.is_empty() {
        bail!("docs/ARCHITECTURE.md and the crates differ:\n  {}", differences.join("\n  "));
    }
    println!("{} crates import what docs/ARCHITECTURE.md says", workspace.imports().len());
    Ok(())
}

fn parse(block: &str) -> Result<Graph> {
    let mut graph = Graph::new();
    for line in block.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (name, imports) =
            line.split_once("->").with_context(|| format!("a graph line without `->`: {line}"))?;
        let imports = imports.split(',').map(str::trim).filter(|name| !name.is_empty());
        let name = name.trim().to_owned();
        if graph.insert(name, imports.map(str::to_owned).collect()).is_some() {
            bail!("a crate has two graph lines: {line}");
        }
    }
    Ok(graph)
}

/// One line for each thing that only one of the two graphs has.
fn differences(written: &Graph, real: &Graph) -> Vec<String> {
    let none = BTreeSet::new();
    let names: BTreeSet<_> = written.keys().chain(real.keys()).collect();
    let mut lines = Vec::new();
    for name in names {
        match (written.contains_key(name), real.contains_key(name)) {
            (true, false) => lines.push(format!("{name} is written, but there is no such crate")),
            (false, true) => lines.push(format!("{name} is a crate, but has no line")),
            _ => {}
        }
        let (written, real) = (written.get(name).unwrap_or(&none), real.get(name).unwrap_or(&none));
        lines.extend(real.difference(written).map(|to| format!("{name} -> {to} is not written")));
        lines.extend(
            written.difference(real).map(|to| format!("{name} -> {to} is written but not so")),
        );
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn graph_lines_may_come_in_any_order() {
        let one = parse("a -> b, c\nb ->\nc ->\n").expect("a graph");
        let other = parse("c ->\n\nb ->\na -> c,b\n").expect("a graph");
        assert_eq!(differences(&one, &other), Vec::<String>::new());
    }

    #[test]
    fn each_difference_is_named() {
        let written = parse("a -> b\nb ->\ngone ->").expect("a graph");
        let real = parse("a ->\nb -> a\nnew ->").expect("a graph");
        assert_eq!(
            differences(&written, &real),
            [
                "a -> b is written but not so",
                "b -> a is not written",
                "gone is written, but there is no such crate",
                "new is a crate, but has no line",
            ]
        );
    }

    #[test]
    fn a_line_without_an_arrow_is_refused() {
        assert!(parse("a b").is_err());
        assert!(parse("a ->\na ->").is_err());
    }
}
