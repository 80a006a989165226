//! The web client in the binary is what its sources make.
//!
//! `npm run embed` in `clients/` builds it and writes it, with its compressed forms, a table for the
//! server and a list of its sources, to `crates/parlor/web`; what it wrote is under version control,
//! so that cargo needs no Node.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::command::{output, run};
use crate::setup::clients_folder;
use crate::workspace::{Profile, Workspace};

/// What is to be done about any difference.
const REMEDY: &str = "run `npm run embed` in clients/, and commit what it writes";

/// Compares the hashes of the sources with those that the client was built of, without building it.
pub(crate) fn fresh(workspace: &Workspace) -> Result<()> {
    let list = workspace.root().join("crates/parlor/web/sources.txt");
    let list = std::fs::read_to_string(&list).with_context(|| format!("cannot read {list:?}"))?;
    let sources = list.lines().filter_map(|line| line.split_once(' '));
    let sources: Vec<(&str, &str)> = sources.collect();
    if sources.is_empty() {
        bail!("the web client in the binary names no sources: {REMEDY}");
    }
    let changed: Vec<_> = changed(workspace.root(), &sources)?;
    if !changed.is_empty() {
        let changed = changed.join("\n  ");
        bail!(
            "the web client in the binary is not that of its sources: {REMEDY}; changed:\n  {changed}"
        );
    }
    println!("the web client in the binary is that of its {} sources", sources.len());
    Ok(())
}

/// The paths whose file has another hash, or is gone.
fn changed<'a>(root: &Path, sources: &[(&str, &'a str)]) -> Result<Vec<&'a str>> {
    let (there, gone): (Vec<_>, Vec<_>) =
        sources.iter().partition(|(_, path)| root.join(path).is_file());
    let paths = there.iter().map(|(_, path)| *path);
    let hashes = output(
        Command::new("git")
            .args(["hash-object", "--no-filters", "--"])
            .args(paths)
            .current_dir(root),
    )?;
    let differs = there.iter().zip(hashes.lines()).filter(|((hash, _), now)| hash != now);
    Ok(gone.iter().map(|(_, path)| *path).chain(differs.map(|((_, path), _)| *path)).collect())
}

/// Builds the client anew and compares every byte, then uses the one within the binary in a browser.
pub(crate) fn same(workspace: &Workspace) -> Result<()> {
    let anew = workspace.scratch("web")?;
    run(Command::new("npm")
        .args(["run", "--silent", "embed"])
        .env("EMBED_INTO", &anew)
        .current_dir(clients_folder(workspace)))
    .context("the web client cannot be built")?;
    let (anew, kept) = (files(&anew)?, files(&workspace.root().join("crates/parlor/web"))?);
    let names = anew.keys().chain(kept.keys().filter(|name| !anew.contains_key(*name)));
    let differing: Vec<_> = names.filter(|name| anew.get(*name) != kept.get(*name)).collect();
    if !differing.is_empty() {
        bail!(
            "the web client in the binary is not what its sources make: {REMEDY}; differing: {differing:?}"
        );
    }
    println!("the web client in the binary is what its sources make, in {} files", kept.len());
    workspace.build_server(Profile::Release)?;
    run(Command::new("npm")
        .args(["run", "--silent", "test:embedded", "--workspace", "web"])
        .env("SERVER_UNDER_TEST", workspace.program("parlor", Profile::Release))
        .current_dir(clients_folder(workspace)))
    .context("the web client in the binary fails its tests")
}

/// Every file below a folder: its path within, and what is in it.
fn files(folder: &Path) -> Result<BTreeMap<String, Vec<u8>>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        let entries = std::fs::read_dir(&next).with_context(|| format!("cannot read {next:?}"))?;
        for entry in entries {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(folder)?.to_string_lossy().into_owned();
            found.insert(name, std::fs::read(&path)?);
        }
    }
    Ok(found)
}
