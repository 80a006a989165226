//! Which command something comes from, where it is traced: what goes along with it through the store and
//! to other nodes.
//!
//! A [`TraceContext`] names a span of a trace, as W3C's `traceparent` does; [`Traced`] is that with the time
//! at which the command was handed on. Only commands that are sampled have one, so whoever passes them on
//! needs to know nothing of who wants to see them. The ids of what happens in a command's course follow from
//! its own ([`TraceContext::child`]), so nothing has to be remembered between a span's parts.

use std::fmt;
use std::num::{NonZeroU64, NonZeroU128};
use std::time::Instant;

/// Bytes of a context on its way to another node.
pub const CONTEXT_BYTES: usize = 24;

/// The child that is a commit's way to the other nodes.
pub const PUBLISH: u64 = 1;

/// A span of a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceContext {
    trace: (u64, u64),
    span: NonZeroU64,
}

impl TraceContext {
    /// A span by its numbers.
    pub fn new(trace: NonZeroU128, span: NonZeroU64) -> Self {
        let [low, high] = [0, 64].map(|bits| (trace.get() >> bits & u128::from(u64::MAX)) as u64);
        Self { trace: (high, low), span }
    }

    /// The trace's number.
    pub fn trace(self) -> u128 {
        u128::from(self.trace.0) << 64 | u128::from(self.trace.1)
    }

    /// The span's number.
    pub fn span(self) -> u64 {
        self.span.get()
    }

    /// Another span of the trace: always the same for the same number, and another one for another number.
    pub fn child(self, number: u64) -> Self {
        // The finisher of SplitMix64, which maps no two numbers to one.
        let mut mixed = self.span.get() ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let span = NonZeroU64::new(mixed ^ (mixed >> 31)).unwrap_or(self.span);
        Self { span, ..self }
    }

    /// Reads a `traceparent`, and whether it says that the trace is recorded; `None` for what is none.
    ///
    /// Source: W3C Trace Context, level 1, section 3.2. Versions to come are read like this one.
    pub fn parse(traceparent: &str) -> Option<(Self, bool)> {
        let plain = |text: &str, digits: usize| {
            let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
            text.len() == digits && text.bytes().all(hex)
        };
        let mut parts = traceparent.split('-');
        let [version, trace, span, flags] = std::array::from_fn(|_| parts.next().unwrap_or(""));
        let is_whole = version != "00" || parts.next().is_none();
        let is_plain = plain(version, 2) && plain(trace, 32) && plain(span, 16) && plain(flags, 2);
        if !is_whole || !is_plain || version == "ff" {
            return None;
        }
        let is_sampled = u8::from_str_radix(flags, 16).ok()? & 1 == 1;
        let trace = NonZeroU128::new(u128::from_str_radix(trace, 16).ok()?)?;
        let span = NonZeroU64::new(u64::from_str_radix(span, 16).ok()?)?;
        Some((Self::new(trace, span), is_sampled))
    }

    /// The span that a `traceparent` names, if it says that the trace is recorded.
    pub fn sampled(traceparent: &str) -> Option<Self> {
        Self::parse(traceparent).filter(|(_, is_sampled)| *is_sampled).map(|(context, _)| context)
    }

    /// As it goes to another node.
    pub fn to_bytes(self) -> [u8; CONTEXT_BYTES] {
        let mut bytes = [0; CONTEXT_BYTES];
        for (to, part) in bytes.chunks_mut(8).zip([self.trace.0, self.trace.1, self.span.get()]) {
            to.copy_from_slice(&part.to_be_bytes());
        }
        bytes
    }

    /// As it came from another node; `None` for what names no span.
    pub fn from_bytes(bytes: [u8; CONTEXT_BYTES]) -> Option<Self> {
        let part = |at: usize| bytes[at..at + 8].iter().fold(0, |it, b| it << 8 | u64::from(*b));
        let trace = (part(0), part(8));
        (trace != (0, 0)).then_some(())?;
        Some(Self { trace, span: NonZeroU64::new(part(16))? })
    }
}

/// As a `traceparent` of a trace that is recorded.
impl fmt::Display for TraceContext {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "00-{:032x}-{:016x}-01", self.trace(), self.span())
    }
}

/// A command that is traced, on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Traced {
    /// The span that what follows belongs to.
    pub of: TraceContext,
    /// Since when it is where it is: in the store's queue, or on this node.
    pub since: Instant,
    /// Whether that span is of another node.
    pub is_remote: bool,
}

/// What a commit took that had a traced command in it.
#[derive(Debug, Clone, Copy)]
pub struct Took {
    /// When its transaction began.
    pub began: Instant,
    /// When it was durable.
    pub ended: Instant,
    /// Commands that were committed together.
    pub commands: usize,
    /// From when to when it was handed to the bus, if there is one.
    pub published: Option<(Instant, Instant)>,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_traceparent_is_read_as_it_is_written() {
        let context = TraceContext::sampled(PARENT).expect("it is sampled");
        assert_eq!(context.trace(), 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736);
        assert_eq!((context.span(), context.to_string()), (0x00f0_67aa_0ba9_02b7, PARENT.into()));
        // A later version may say more.
        assert_eq!(TraceContext::sampled(&format!("01{}-more", &PARENT[2..])), Some(context));
    }

    #[test]
    fn what_is_no_traceparent_or_not_sampled_is_none() {
        let with = |from: &str, to: &str| TraceContext::sampled(&PARENT.replace(from, to));
        for (from, to) in [
            ("-01", "-00"),
            ("00-4b", "ff-4b"),
            ("4bf92f3577b34da6a3ce929d0e0e4736", "00000000000000000000000000000000"),
            ("00f067aa0ba902b7", "0000000000000000"),
            ("00f067aa0ba902b7", "00F067AA0BA902B7"),
            ("00f067aa0ba902b7", "0f067aa0ba902b7"),
            ("00f067aa0ba902b7", "+0f067aa0ba902b7"),
            ("-01", "-01-more"),
            ("-01", ""),
            ("-01", "-ä1"),
        ] {
            assert_eq!(with(from, to), None, "{from} {to}");
        }
        assert_eq!(TraceContext::sampled(""), None);
    }

    proptest! {
        #[test]
        fn what_other_nodes_read_is_what_was_meant(trace in 1u128.., span in 1u64.., number: u64) {
            let [trace, span] = [trace, u128::from(span)];
            let span = NonZeroU64::new(u64::try_from(span).expect("it was one")).expect("above 0");
            let context = TraceContext::new(NonZeroU128::new(trace).expect("above 0"), span);
            prop_assert_eq!(context.trace(), trace);
            for it in [context, context.child(number)] {
                prop_assert_eq!(TraceContext::from_bytes(it.to_bytes()), Some(it));
                prop_assert_eq!(TraceContext::sampled(&it.to_string()), Some(it));
            }
            prop_assert_ne!(context.child(number), context.child(number.wrapping_add(1)));
        }

        #[test]
        fn no_text_does_harm(text in "\\PC{0,60}", bytes: [u8; CONTEXT_BYTES]) {
            let _ = TraceContext::sampled(&text);
            let _ = TraceContext::from_bytes(bytes);
        }
    }

    #[test]
    fn what_names_no_span_is_none() {
        let context = TraceContext::sampled(PARENT).expect("it is sampled");
        let mut bytes = context.to_bytes();
        bytes[16..].fill(0);
        assert_eq!(TraceContext::from_bytes(bytes), None);
        let mut bytes = context.to_bytes();
        bytes[..16].fill(0);
        assert_eq!(TraceContext::from_bytes(bytes), None);
    }
}
