//! The documents' fenced blocks, and the links between them.

use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::command::output;
use crate::workspace::Workspace;

/// Every relative link of every Markdown file leads to a file that exists.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    let listed = output(
        std::process::Command::new("git")
            .args(["ls-files", "--cached", "--others", "--exclude-standard", "--", "*.md"])
            .current_dir(workspace.root()),
    )?;
    let mut dead = Vec::new();
    for file in listed.lines() {
        let path = workspace.root().join(file);
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        let folder = path.parent().context("a file has a folder")?;
        dead.extend(dead_links(&text, folder).map(|link| format!("{file}: {link}")));
    }
    if !dead.is_empty() {
        bail!("links that lead nowhere:\n  {}", dead.join("\n  "));
    }
    Ok(())
}

fn dead_links<'a>(text: &'a str, folder: &Path) -> impl Iterator<Item = &'a str> {
    links(text).filter(move |link| {
        let file = link.split_once('#').map_or(*link, |(file, _)| file);
        !file.is_empty() && !link.contains(':') && !folder.join(file).exists()
    })
}

/// The targets of `[text](target)` outside fenced blocks.
fn links(text: &str) -> impl Iterator<Item = &str> {
    let mut fenced = false;
    text.lines()
        .filter(move |line| {
            fenced ^= line.trim_start().starts_with("```");
            !fenced
        })
        .flat_map(|line| line.split("](").skip(1))
        .filter_map(|rest| rest.split_once(')').map(|(target, _)| target))
}

/// The contents of the blocks fenced with a language, in order.
pub(crate) fn blocks(text: &str, language: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(fence) = line.strip_prefix("```") else { continue };
        let body: Vec<_> = lines.by_ref().take_while(|line| !line.starts_with("```")).collect();
        if fence.trim() == language {
            found.push(body.join("\n") + "\n");
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_blocks_of_the_language_are_taken() {
        let text = "```js\none\ntwo\n```\nprose\n```\nnot js\n```\n```js\nthree\n```\n";
        assert_eq!(blocks(text, "js"), ["one\ntwo\n", "three\n"]);
        assert_eq!(blocks("```json\n{}\n```\n", "js"), Vec::<String>::new());
    }

    #[test]
    fn links_in_fenced_blocks_do_not_count() {
        let text = "see [a](a.md) and [b](b.md#x)\n```\n[c](c.md)\n```\n![d](d.svg)";
        assert_eq!(links(text).collect::<Vec<_>>(), ["a.md", "b.md#x", "d.svg"]);
    }

    #[test]
    fn a_link_to_a_missing_file_is_dead() {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let text = "[x](Cargo.toml) [y](gone.md#top) [z](#here) [w](https://example.org)";
        assert_eq!(dead_links(text, here).collect::<Vec<_>>(), ["gone.md#top"]);
    }
}
