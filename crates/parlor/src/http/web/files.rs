//! The client's files as they lie in the binary.

use super::encoding::Encoding;

/// One file, in every encoding that makes it smaller.
#[derive(Debug)]
pub(super) struct File {
    /// The path of its URL.
    pub(super) path: &'static str,
    /// Its media type.
    pub(super) kind: &'static str,
    /// A hash of what is in it, in hexadecimal.
    pub(super) hash: &'static str,
    /// Whether its name has such a hash, so that what is in it never changes.
    pub(super) hashed: bool,
    /// As it is.
    pub(super) plain: &'static [u8],
    /// Compressed by gzip.
    pub(super) gzip: Option<&'static [u8]>,
    /// Compressed by Brotli.
    pub(super) brotli: Option<&'static [u8]>,
}

/// Every file, in the order of their paths. The table is made with the files, by `npm run embed` in
/// `clients/`.
pub(super) const FILES: &[File] = include!("../../../web/files.rs");

/// The file of a path, as it was sent.
pub(super) fn find(path: &str) -> Option<&'static File> {
    let at = FILES.binary_search_by(|file| file.path.cmp(path)).ok()?;
    FILES.get(at)
}

impl File {
    /// What is sent in an encoding; as it is, where there is no such form.
    pub(super) fn bytes(&self, encoding: Encoding) -> &'static [u8] {
        let form = match encoding {
            Encoding::Plain => None,
            Encoding::Gzip => self.gzip,
            Encoding::Brotli => self.brotli,
        };
        form.unwrap_or(self.plain)
    }

    /// What names exactly these bytes: each form has a tag of its own.
    pub(super) fn tag(&self, encoding: Encoding) -> String {
        match encoding.name() {
            None => format!("\"{}\"", self.hash),
            Some(name) => format!("\"{}-{name}\"", self.hash),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_in_order_and_found() {
        assert!(FILES.is_sorted_by(|one, other| one.path < other.path));
        for file in FILES {
            assert_eq!(find(file.path).map(|found| found.path), Some(file.path));
        }
        for path in ["", "//", "/.", "/..", "/assets", "/assets/", "/index.html", "/zzz"] {
            assert!(find(path).is_none(), "{path}");
        }
    }

    #[test]
    fn compressed_forms_are_smaller_and_hashes_differ() {
        for file in FILES {
            for form in [file.gzip, file.brotli].into_iter().flatten() {
                assert!(form.len() < file.plain.len(), "{}", file.path);
            }
            let same = FILES.iter().filter(|other| other.hash == file.hash);
            assert!(same.into_iter().all(|other| other.plain == file.plain), "{}", file.path);
            assert!(file.hash.len() >= 16 && file.hash.bytes().all(|b| b.is_ascii_hexdigit()));
            assert_eq!(file.hashed, file.path.starts_with("/assets/"), "{}", file.path);
        }
    }
}
