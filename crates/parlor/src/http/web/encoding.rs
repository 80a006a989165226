//! Which encoding a browser gets, by what it says it takes (`Accept-Encoding`, RFC 9110, 12.5.3).

use axum::http::{HeaderMap, header};

use super::files::File;

/// How a file's bytes are encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    /// Not at all.
    Plain,
    /// gzip.
    Gzip,
    /// Brotli.
    Brotli,
}

impl Encoding {
    /// Its name in `Content-Encoding`.
    pub(super) fn name(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Gzip => Some("gzip"),
            Self::Brotli => Some("br"),
        }
    }
}

/// A quality of 1. Qualities are counted in thousandths.
const FULL: u16 = 1_000;

/// What a client says of each encoding; `None` where it says nothing.
#[derive(Debug, Default)]
struct Wishes {
    plain: Option<u16>,
    gzip: Option<u16>,
    brotli: Option<u16>,
    others: Option<u16>,
}

impl Wishes {
    fn read(headers: &HeaderMap) -> Self {
        let mut wishes = Self::default();
        let values = headers.get_all(header::ACCEPT_ENCODING).iter();
        let items = values.filter_map(|value| value.to_str().ok()).flat_map(|text| text.split(','));
        for item in items {
            let (name, parameter) = item.split_once(';').unwrap_or((item, ""));
            // What is no quality is no wish.
            let Some(quality) = quality(parameter) else { continue };
            let name = name.trim().to_ascii_lowercase();
            let wish = match name.as_str() {
                "identity" => &mut wishes.plain,
                "gzip" | "x-gzip" => &mut wishes.gzip,
                "br" => &mut wishes.brotli,
                "*" => &mut wishes.others,
                _ => continue,
            };
            *wish = Some(quality);
        }
        wishes
    }
}

/// Reads `q=0.5` as 500; nothing is `q=1`.
fn quality(parameter: &str) -> Option<u16> {
    let parameter = parameter.trim();
    if parameter.is_empty() {
        return Some(FULL);
    }
    let (name, value) = parameter.split_once('=')?;
    if !name.trim().eq_ignore_ascii_case("q") {
        return None;
    }
    let (whole, part) = value.trim().split_once('.').unwrap_or((value.trim(), ""));
    if part.len() > 3 || !part.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let thousandths = format!("{part:0<3}").parse().ok()?;
    match (whole, thousandths) {
        ("0", thousandths) => Some(thousandths),
        ("1", 0) => Some(FULL),
        _ => None,
    }
}

/// The form of a file that a client likes best; of two that it likes alike, the smaller. One that
/// takes none of them gets the file as it is.
pub(super) fn choose(headers: &HeaderMap, file: &File) -> Encoding {
    let wishes = Wishes::read(headers);
    let others = wishes.others.unwrap_or(0);
    let mut best = (Encoding::Plain, wishes.plain.unwrap_or(0), file.plain.len());
    let forms =
        [(Encoding::Gzip, wishes.gzip, file.gzip), (Encoding::Brotli, wishes.brotli, file.brotli)];
    for (encoding, wish, form) in forms {
        let (wish, Some(form)) = (wish.unwrap_or(others), form) else { continue };
        let liked = wish > best.1 || wish == best.1 && form.len() < best.2;
        if wish > 0 && liked {
            best = (encoding, wish, form.len());
        }
    }
    best.0
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    const FILE: File = File {
        path: "/x",
        kind: "text/plain",
        hash: "00",
        hashed: false,
        plain: b"0123456789",
        gzip: Some(b"01234"),
        brotli: Some(b"012"),
    };

    fn of(accept: &str) -> Encoding {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_str(accept).expect("a value"));
        choose(&headers, &FILE)
    }

    #[test]
    fn best_liked_form_is_sent() {
        use Encoding::{Brotli, Gzip, Plain};
        for (accept, encoding) in [
            ("gzip, deflate, br, zstd", Brotli),
            ("gzip, deflate", Gzip),
            ("br;q=0.5, gzip;q=0.8", Gzip),
            ("br;q=0.8,gzip;q=0.8", Brotli),
            ("br;q=0, gzip", Gzip),
            ("GZIP ; Q=1.000", Gzip),
            ("x-gzip", Gzip),
            ("*", Brotli),
            ("*;q=0.1, br;q=0", Gzip),
            ("*;q=0", Plain),
            ("identity, br;q=0.5", Plain),
            ("identity;q=0.1, gzip;q=0.2", Gzip),
            ("identity;q=0", Plain),
            ("deflate, zstd", Plain),
            ("", Plain),
        ] {
            assert_eq!(of(accept), encoding, "{accept:?}");
        }
        assert_eq!(choose(&HeaderMap::new(), &FILE), Plain);
    }

    #[test]
    fn nonsense_is_no_wish() {
        for accept in [
            "br;q=2",
            "br;q=1.001",
            "br;q=0.0001",
            "br;q=-1",
            "br;x",
            "br;q=",
            ";;,",
            "br gzip",
            "br;q=0.5;q=1",
            "b\tr",
        ] {
            assert_eq!(of(accept), Encoding::Plain, "{accept:?}");
        }
        let mut headers = HeaderMap::new();
        let value = HeaderValue::from_bytes(b"br\xff").expect("an opaque value");
        headers.append(header::ACCEPT_ENCODING, value);
        headers.append(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
        assert_eq!(choose(&headers, &FILE), Encoding::Gzip);
    }

    #[test]
    fn forms_that_a_file_has_not_are_not_chosen() {
        let file = File { gzip: None, brotli: None, ..FILE };
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("br, gzip, identity;q=0"));
        assert_eq!(choose(&headers, &file), Encoding::Plain);
    }
}
