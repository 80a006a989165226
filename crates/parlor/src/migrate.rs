//! `parlor migrate`: moves what a data directory holds to PostgreSQL.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use parlor_store::migrate::{Counted, MigrateError, Migration, Outcome, Unsealed};
use parlor_store::sqlite::{DATABASE_FILE, OpenError};

use crate::config::{self, Config, Overrides};
use crate::exit::{Code, Failure};
use crate::progress::{Shown, grouped};
use crate::{cli, serve};

/// Moves a store, or goes on with that, and prints what came of it.
///
/// # Errors
/// A [`Failure`] that says what to do; also where the target is not complete, since the source is in use.
pub(crate) fn run(arguments: &cli::Migrate) -> Result<(), Failure> {
    let data = serve::locate(&directory(&arguments.from)?)?;
    let overrides = Overrides { listen: None, data: Some(data.clone()) };
    let config = crate::load(&arguments.config, &overrides)?;
    crate::telemetry::start(&config::Log { level: String::from("warn"), ..config.log.clone() })?;
    if !data.join(DATABASE_FILE).exists() {
        return Err(Failure::new(
            Code::Data,
            format!(
                "there is no {DATABASE_FILE} in {}; name the directory with --from",
                data.display()
            ),
        ));
    }
    let to = address(arguments, &config)?;
    let unsealed = if arguments.unsealed { Unsealed::Allow } else { Unsealed::Refuse };
    let migration = Migration {
        from: data.clone(),
        keyring: config::keyring(&config.encryption)?.map(Arc::new),
        unsealed,
        to: serve::postgres_settings(&config, &to),
    };
    if arguments.unsealed && migration.keyring.is_some() {
        eprintln!("parlor: contents are opened on the way: PostgreSQL keeps them unsealed");
    }
    let outcome = {
        let mut shown = Shown::with_bar();
        parlor_store::migrate::migrate(&migration, &mut |progress| shown.show(progress))
    };
    let shown = data.display();
    match outcome.map_err(|error| refused(error, &data))? {
        Outcome::Follows { up_to } => Err(Failure::new(
            Code::Failed,
            format!(
                "a server is using {shown}, so the database is not complete: it has the messages up \
                 to position {}; stop the server, and run the same command again for the rest",
                grouped(up_to)
            ),
        )),
        Outcome::Finished { up_to, tables } => {
            print!("{}", table(&tables));
            println!(
                "the database has all of {shown}, up to position {}, and gave it back as it is there",
                grouped(up_to)
            );
            println!("start servers on it, and none on {shown} any more");
            Ok(())
        }
        Outcome::FinishedBefore { up_to } => {
            println!(
                "the database has all of {shown} since a migration before, up to position {}",
                grouped(up_to)
            );
            Ok(())
        }
    }
}

/// The data directory that an address of SQLite names.
fn directory(from: &str) -> Result<PathBuf, Failure> {
    let path = match from.split_once(':') {
        Some(("sqlite" | "file", path)) => path.strip_prefix("//").unwrap_or(path),
        Some((scheme, rest)) if rest.starts_with("//") => {
            return Err(Failure::new(
                Code::Usage,
                format!(
                    "--from {scheme}://…: only an embedded store can be moved: name its data \
                     directory, as sqlite:///var/lib/parlor or as it is"
                ),
            ));
        }
        _ => from,
    };
    let path = Path::new(path);
    // Who names the file means its directory.
    let named = path.file_name().is_some_and(|name| name == DATABASE_FILE);
    let directory = if named { path.parent().unwrap_or(Path::new("")) } else { path };
    Ok(if directory.as_os_str().is_empty() { PathBuf::from(".") } else { directory.to_owned() })
}

/// The address of the target.
fn address(arguments: &cli::Migrate, config: &Config) -> Result<String, Failure> {
    let configured = || {
        let url = config.store.url.as_ref();
        url.map(|url| String::from_utf8_lossy(url.expose()).into_owned())
    };
    let to = arguments.to.clone().or_else(configured);
    let is_postgres =
        |to: &String| to.starts_with("postgres://") || to.starts_with("postgresql://");
    to.filter(is_postgres).ok_or_else(|| {
        Failure::new(
            Code::Usage,
            "--to must be the address of a PostgreSQL database, as postgres://parlor@db/parlor; without it \
             that of store.url in the configuration is taken",
        )
    })
}

/// What each table has, in columns.
fn table(tables: &[Counted]) -> String {
    let width = |of: fn(&Counted) -> usize| tables.iter().map(of).max().unwrap_or(0);
    let (name, rows) = (width(|it| it.table.len()), width(|it| grouped(it.rows).len()).max(4));
    let mut text = format!("{:name$}  {:>rows$}  checksum\n", "table", "rows");
    for Counted { table, rows: count, checksum } in tables {
        let count = grouped(*count);
        text.push_str(&format!("{table:name$}  {count:>rows$}  {checksum}\n"));
    }
    text
}

/// Why it does not go on, and what to do.
fn refused(error: MigrateError, data: &Path) -> Failure {
    let (shown, why) = (data.display(), serve::with_sources(&error));
    let of = |code, advice: &str| Failure::new(code, format!("{why}; {advice}"));
    match error {
        MigrateError::Source(OpenError::InUse { .. }) => of(Code::Data, "run it again"),
        MigrateError::Source(error) => serve::explain(data, &error),
        MigrateError::Sealed => of(
            Code::Usage,
            "give --unsealed to have them opened on the way, and see that the database's disks and \
             backups are encrypted",
        ),
        MigrateError::Damaged { .. } => {
            of(Code::Failed, "see what `parlor check` says of the data, and restore a backup")
        }
        MigrateError::NotEmpty { .. } | MigrateError::OtherSource => {
            of(Code::Data, "give an empty database")
        }
        MigrateError::Busy => of(Code::Data, "let it end"),
        MigrateError::SourceWentOn { .. } => of(
            Code::Data,
            &format!(
                "the database lacks what {shown} got since: to move that too, begin anew with an empty \
                      database"
            ),
        ),
        MigrateError::Different(_) => of(
            Code::Failed,
            "no server can use the database; run the same command again, which copies anew what differs",
        ),
        MigrateError::Target(_) => of(
            Code::Data,
            "look at --to, and whether the server is there and lets this user make tables in that \
             database; what was copied stays, and the same command goes on from there",
        ),
        _ => Failure::new(Code::Failed, why),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_named_by_address_or_path() {
        for (from, expected) in [
            ("sqlite:///var/lib/parlor", "/var/lib/parlor"),
            ("sqlite://data", "data"),
            ("sqlite:data", "data"),
            ("file:///var/lib/parlor/", "/var/lib/parlor"),
            ("file:/var/lib/parlor", "/var/lib/parlor"),
            ("/var/lib/parlor", "/var/lib/parlor"),
            ("./a:b", "./a:b"),
            ("/var/lib/parlor/parlor.db", "/var/lib/parlor"),
            ("parlor.db", "."),
        ] {
            assert_eq!(directory(from).expect("a path"), Path::new(expected), "{from}");
        }
        assert_eq!(directory("postgres://db/parlor").expect_err("no path").code, Code::Usage);
    }

    #[test]
    fn counts_are_told_in_columns() {
        let counted = |table, rows| Counted { table, rows, checksum: String::from("0f") };
        assert_eq!(
            table(&[counted("entry", 12_345), counted("own", 7)]),
            "table    rows  checksum\nentry  12,345  0f\nown         7  0f\n"
        );
    }
}
