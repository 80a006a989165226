//! The size of the program that is shipped: the `dist` profile, stripped.

use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::place::Place;
use crate::plot::Picture;
use crate::scenario::Scenario;
use crate::server::Kind;
use crate::table::Metric;

pub(crate) const METRICS: [Metric; 1] = [Metric::told("MB", 2)];

/// What can be chosen.
#[derive(Clone, Debug, Default, clap::Args)]
#[group(skip)]
pub(crate) struct Options {
    /// The program, already built by the `dist` profile and stripped
    #[arg(long)]
    program: Option<PathBuf>,
}

impl Options {
    /// Building by the `dist` profile takes many minutes: a quick run has this only if the program is given.
    pub(crate) fn scenario(&self, quick: bool) -> Scenario {
        let given = self.program.clone();
        let is_measured = !quick || given.is_some();
        let kinds: &[Kind] = if is_measured { &[Kind::Parlor] } else { &[] };
        let settings =
            "`cargo build --profile dist`, stripped; MB are millions of bytes".to_owned();
        Scenario::new("binary", "The program", settings, kinds, move |run, kind, results| {
            let program = match &given {
                Some(program) => program.clone(),
                None => run.place.build_dist()?,
            };
            let bytes = size(&program)?;
            results.table("binary", &METRICS).add(kind.name(), vec![bytes as f64 / 1e6]);
            Ok(())
        })
        .with_estimate(900.0)
        .with_rounds_max(1)
        .with_pictures(Vec::<Picture>::new())
    }
}

fn size(program: &Path) -> anyhow::Result<u64> {
    Ok(std::fs::metadata(program).with_context(|| format!("no {}", program.display()))?.len())
}

impl Place {
    /// Builds what is shipped, and says where it is.
    fn build_dist(&self) -> anyhow::Result<PathBuf> {
        let config = ["--config", "profile.dist.strip=true"];
        let package = ["--profile", "dist", "-p", "parlor", "--bin", "parlor"];
        self.cargo(&[&["build", "--locked"], &package[..], &config[..]].concat())?;
        Ok(self.target.join("dist/parlor"))
    }
}
