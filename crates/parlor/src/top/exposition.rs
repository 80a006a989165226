//! Reads what `/metrics` answers: Prometheus' text format, as far as Parlor's own metrics need it.
//!
//! The bytes are another program's, and may be anything: a line that is not understood is passed
//! over, and of those that are at most [`SAMPLES_MAX`] are kept. Comments, timestamps and exemplars
//! are not looked at.
//!
//! Source: <https://prometheus.io/docs/instrumenting/exposition_formats/>

use std::collections::BTreeMap;

/// The most samples that are kept.
const SAMPLES_MAX: usize = 10_000;

/// One scrape.
#[derive(Debug, Default, Clone, PartialEq)]
pub(super) struct Exposition {
    samples: BTreeMap<String, Vec<Sample>>,
}

#[derive(Debug, Clone, PartialEq)]
struct Sample {
    labels: Vec<(String, String)>,
    value: f64,
}

/// A histogram: how many were at most as large as each bound, by ascending bounds.
pub(super) type Buckets = Vec<(f64, f64)>;

impl Exposition {
    /// Reads a page.
    pub(super) fn parse(page: &[u8]) -> Self {
        let text = String::from_utf8_lossy(page);
        let mut samples: BTreeMap<String, Vec<Sample>> = BTreeMap::new();
        for (name, sample) in text.lines().filter_map(parse_line).take(SAMPLES_MAX) {
            samples.entry(name.to_owned()).or_default().push(sample);
        }
        Self { samples }
    }

    /// Whether there is nothing of Parlor's in it.
    pub(super) fn is_foreign(&self) -> bool {
        !self.samples.contains_key("parlor_server_ready")
    }

    /// The value of a metric, the sum of it over all labels; `None` if the server has no such one.
    pub(super) fn sum(&self, name: &str) -> Option<f64> {
        let samples = self.samples.get(name)?;
        Some(samples.iter().map(|sample| sample.value).filter(|value| value.is_finite()).sum())
    }

    /// The buckets of a histogram.
    pub(super) fn buckets(&self, name: &str) -> Buckets {
        let samples = self.samples.get(&format!("{name}_bucket")).map_or(&[][..], Vec::as_slice);
        let bound = |sample: &Sample| {
            let (_, le) = sample.labels.iter().find(|(label, _)| label == "le")?;
            let bound = number(le).filter(|bound| !bound.is_nan())?;
            sample.value.is_finite().then_some((bound, sample.value))
        };
        let mut buckets: Buckets = samples.iter().filter_map(bound).collect();
        buckets.sort_by(|(one, _), (other, _)| one.total_cmp(other));
        buckets
    }
}

fn parse_line(line: &str) -> Option<(&str, Sample)> {
    let line = line.trim_start();
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':');
    let end = line.bytes().position(|byte| !is_name(byte))?;
    let (name, rest) = line.split_at(end);
    if name.is_empty() {
        return None;
    }
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(rest) => parse_labels(rest)?,
        None => (Vec::new(), rest),
    };
    let value = number(rest.split_ascii_whitespace().next()?)?;
    Some((name, Sample { labels, value }))
}

/// Labels, and what stands behind their brace.
fn parse_labels(mut rest: &str) -> Option<(Vec<(String, String)>, &str)> {
    let mut labels = Vec::new();
    loop {
        rest = rest.trim_start_matches([' ', ',']);
        if let Some(rest) = rest.strip_prefix('}') {
            return Some((labels, rest));
        }
        let (name, quoted) = rest.split_once("=\"")?;
        let mut value = String::new();
        let mut chars = quoted.char_indices();
        rest = loop {
            match chars.next()? {
                (at, '"') => break &quoted[at + 1..],
                (_, '\\') => value.push(match chars.next()?.1 {
                    'n' => '\n',
                    other => other,
                }),
                (_, char) => value.push(char),
            }
        };
        labels.push((name.trim().to_owned(), value));
    }
}

/// A number as Go writes it, infinities too.
fn number(text: &str) -> Option<f64> {
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PAGE: &str = "\
# HELP parlor_server_ready Whether messages can be taken now: 1 or 0.
# TYPE parlor_server_ready gauge
parlor_server_ready 1
parlor_service_refusals_total{code=\"a \\\"b\\\" } \\\\ \\n\",x=\"\"} 2 1395066363000
parlor_service_refusals_total{code=\"c\"} 3 # {trace=\"1\"} 1
parlor_d_seconds_bucket{le=\"+Inf\"} 9
parlor_d_seconds_bucket{le=\"0.5\"} 4
parlor_d_seconds_bucket{le=\"1e1\"} 7
";

    #[test]
    fn values_sums_and_buckets_are_read() {
        let page = Exposition::parse(PAGE.as_bytes());
        assert!(!page.is_foreign());
        assert_eq!(page.sum("parlor_server_ready"), Some(1.0));
        assert_eq!(page.sum("parlor_service_refusals_total"), Some(5.0));
        assert_eq!(page.sum("parlor_bus_up"), None);
        let code = &page.samples["parlor_service_refusals_total"][0].labels[0];
        assert_eq!(*code, (String::from("code"), String::from("a \"b\" } \\ \n")));
        let buckets = page.buckets("parlor_d_seconds");
        assert_eq!(buckets, [(0.5, 4.0), (10.0, 7.0), (f64::INFINITY, 9.0)]);
    }

    #[test]
    fn lines_that_are_not_understood_are_passed_over() {
        let page = "x\n{} 1\nx{ 1\nx{a=\"b} 1\nx{a=b} 1\nx one\n\u{7f}\nx{a=\"\\";
        assert_eq!(Exposition::parse(page.as_bytes()), Exposition::default());
        assert!(Exposition::parse(b"up 1\n").is_foreign());
        assert_eq!(Exposition::parse(b"x NaN\nx 1\n").sum("x"), Some(1.0));
    }

    #[test]
    fn samples_beyond_the_bound_are_left_out() {
        let page = Exposition::parse("x 1\n".repeat(SAMPLES_MAX + 1).as_bytes());
        assert_eq!(page.sum("x"), Some(SAMPLES_MAX as f64));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(page in prop::collection::vec(any::<u8>(), 0..600)) {
            let page = Exposition::parse(&page);
            page.buckets("x");
        }

        #[test]
        fn no_text_that_is_almost_right_panics(
            page in "([a-z_:]{0,3}[{]?([a-z]{0,2}=?\"?[a-z\\\\\"é]{0,3}\"?,?){0,3}[}]? ?[-+0-9a-zA-Z.]{0,5}\n?){0,8}"
        ) {
            let page = Exposition::parse(page.as_bytes());
            page.buckets("x");
        }

        #[test]
        fn what_is_written_is_read(value in prop::num::f64::NORMAL, label in "[^\\\\\"\n\r]{0,20}") {
            let page = Exposition::parse(format!("parlor_x{{l=\"{label}\"}} {value}\n").as_bytes());
            prop_assert_eq!(page.sum("parlor_x"), Some(value));
            prop_assert_eq!(&page.samples["parlor_x"][0].labels[0].1, &label);
        }
    }
}
