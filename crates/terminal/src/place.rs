//! Where the outbox and the device's name are kept: one folder for each server and user.

use std::fs;
use std::path::{Path, PathBuf};

use crate::{Failure, Options};

/// A folder that is there.
pub(crate) struct Place {
    folder: PathBuf,
}

impl Place {
    /// The folder of this server and user, made if it is not there.
    pub(crate) fn of(options: &Options) -> Result<Self, Failure> {
        let root = match &options.data {
            Some(root) => root.clone(),
            None => home()?.join("parlor"),
        };
        let folder = root.join(name(&options.url)).join(name(&options.user));
        fs::create_dir_all(&folder).map_err(|error| {
            Failure::new(format!(
                "the folder {} cannot be made ({error}): give another with --data",
                folder.display()
            ))
        })?;
        Ok(Self { folder })
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn outbox(&self) -> PathBuf {
        self.folder.join("outbox.db")
    }

    /// The name of this device, made once.
    pub(crate) fn device(&self) -> Result<String, Failure> {
        let file = self.folder.join("device");
        if let Ok(known) = fs::read_to_string(&file) {
            let known = known.trim();
            if !known.is_empty() && known.len() <= 64 {
                return Ok(known.to_owned());
            }
        }
        let device = format!("terminal-{}", uuid::Uuid::new_v4());
        fs::write(&file, &device).map_err(|error| {
            Failure::new(format!("{} cannot be written ({error})", file.display()))
        })?;
        Ok(device)
    }
}

/// Where programs keep what is theirs, as the XDG base directories say.
fn home() -> Result<PathBuf, Failure> {
    let absolute =
        |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute("XDG_DATA_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".local/share")))
        .ok_or_else(|| Failure::new("there is no home folder: give a folder with --data"))
}

/// A name for a folder: different for different texts.
fn name(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    text.bytes().fold(String::new(), |mut name, byte| {
        if plain(byte) {
            name.push(char::from(byte));
        } else {
            name.push_str(&format!("%{byte:02x}"));
        }
        name
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_folders_are_harmless_and_differ() {
        assert_eq!(name("http://127.0.0.1:3000"), "http%3a%2f%2f127%2e0%2e0%2e1%3a3000");
        assert_eq!(name("../../etc"), "%2e%2e%2f%2e%2e%2fetc");
        assert_ne!(name("a%2f"), name("a/"));
    }
}
