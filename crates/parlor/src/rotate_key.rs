//! `parlor rotate-key`: seals the conversations' keys by the current master key.

use parlor_store::sqlite::{self, DATABASE_FILE};

use crate::config::{self, Overrides};
use crate::exit::{Code, Failure};
use crate::progress::Shown;
use crate::{cli, serve};

/// Seals the keys anew, beside a server that may be running, and prints how many.
///
/// # Errors
/// A [`Failure`] when no key is configured, one is missing, or the data cannot be used.
pub(crate) fn run(arguments: &cli::RotateKey) -> Result<(), Failure> {
    let overrides = Overrides { listen: None, data: arguments.data.clone() };
    let config = crate::load(&arguments.config, &overrides)?;
    crate::telemetry::start(&config::Log { level: String::from("warn"), ..config.log.clone() })?;
    let data = serve::locate(&config.server.data)?;
    let keyring = config::keyring(&config.encryption)?.ok_or_else(|| {
        Failure::new(
            Code::Usage,
            "there is no master key to seal by: set encryption.master_key_file in the configuration \
             (--config FILE), the same as the server's",
        )
    })?;
    if !data.join(DATABASE_FILE).exists() {
        return Err(Failure::new(
            Code::Data,
            format!(
                "there is no {DATABASE_FILE} in {}; name the directory with --data",
                data.display()
            ),
        ));
    }
    let rotated = {
        let mut shown = Shown::new();
        sqlite::rotate(&data, &keyring, &mut |progress| shown.show(progress))
    };
    let rotated = rotated.map_err(|error| serve::explain(&data, &error))?;
    println!("{}: {} keys sealed by the current master key", data.display(), rotated.sealed);
    if rotated.whole {
        println!("master keys from before are not needed any more, but by older backups");
        return Ok(());
    }
    Err(Failure::new(
        Code::Failed,
        "a server still seals by a master key from before: restart it with the new one, and run \
         this again",
    ))
}
