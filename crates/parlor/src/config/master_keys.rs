//! The master keys of encryption at rest, read from where the configuration says.

use std::path::Path;

use parlor_store::sqlite::{Keyring, MasterKey};

use super::ConfigError;
use super::fields::Encryption;

/// Reads the configured keys; `None` when nothing is to be sealed.
///
/// # Errors
/// [`ConfigError`] when a file cannot be read or holds no key, or there are only keys from before.
pub(crate) fn keyring(encryption: &Encryption) -> Result<Option<Keyring>, ConfigError> {
    let current = match (&encryption.master_key, &encryption.master_key_file) {
        (Some(key), _) => {
            let text = String::from_utf8_lossy(key.expose());
            parse("encryption.master_key", &text)?
        }
        (None, Some(path)) => read("encryption.master_key_file", path)?,
        (None, None) if encryption.previous_master_key_files.is_empty() => return Ok(None),
        (None, None) => {
            return Err(ConfigError::one(String::from(
                "encryption.previous_master_key_files is set without a current key: set \
                 encryption.master_key_file too",
            )));
        }
    };
    let previous = encryption.previous_master_key_files.iter();
    let previous = previous.map(|path| read("encryption.previous_master_key_files", path));
    Ok(Some(Keyring::new(current, previous.collect::<Result<_, _>>()?)))
}

fn read(name: &str, path: &Path) -> Result<MasterKey, ConfigError> {
    let shown = path.display();
    let text = std::fs::read_to_string(path)
        .map_err(|error| ConfigError::one(format!("cannot read {name} {shown}: {error}")))?;
    parse(&format!("{name} {shown}"), &text)
}

fn parse(name: &str, text: &str) -> Result<MasterKey, ConfigError> {
    MasterKey::parse(text).map_err(|rule| {
        ConfigError::one(format!("{name}: {rule}; `openssl rand -hex 32` makes a good one"))
    })
}

#[cfg(test)]
mod tests {
    use super::super::Secret;
    use super::*;

    #[test]
    fn keys_are_read_from_the_setting_or_files_and_never_told() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("key");
        std::fs::write(&file, "ab".repeat(32) + "\n").unwrap();
        let none = Encryption::default();
        assert!(keyring(&none).unwrap().is_none());
        let by_file = Encryption { master_key_file: Some(file.clone()), ..none.clone() };
        assert!(keyring(&by_file).unwrap().is_some());
        let by_text = Encryption { master_key: Some(Secret::new("cd".repeat(32))), ..none.clone() };
        assert!(keyring(&by_text).unwrap().is_some());
        let only_old = Encryption { previous_master_key_files: vec![file], ..none.clone() };
        assert!(keyring(&only_old).unwrap_err().to_string().contains("without a current key"));
        let bad = Encryption { master_key: Some(Secret::new("secret-but-bad".into())), ..none };
        let fault = keyring(&bad).unwrap_err().to_string();
        assert!(
            fault.contains("64 hexadecimal digits") && !fault.contains("secret-but"),
            "{fault}"
        );
    }
}
