//! Spans on their way to a collector, by OTLP over HTTP.
//!
//! ```text
//! service ──try_send──► queue, bounded ──► one task: batches ──► exporter ──► collector
//!             └─ full: dropped, counted         └─ failed: dropped, counted
//! ```
//!
//! Nobody waits for a collector but the task. Which spans there are is the service's affair
//! (`parlor_service::Tracer`); here is decided which commands are sampled, once for each trace, and what the
//! service says is written as OpenTelemetry has it. The processor of its SDK is not used: that has a thread of its
//! own, on which the workspace's HTTP client cannot run, and does not tell how much it dropped.

use std::num::{NonZeroU64, NonZeroU128};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant, SystemTime};

use opentelemetry::trace::{
    SpanContext, SpanId, SpanKind as OtelKind, Status, TraceFlags, TraceId, TraceState,
};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_http::hyper::HyperClient;
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{
    IdGenerator, RandomIdGenerator, SpanData, SpanEvents, SpanExporter as _, SpanLinks,
};
use parlor_chat::bus::NodeId;
use parlor_chat::trace::TraceContext;
use parlor_service::{Name, Span, SpanKind, Tracer, Value};
use tokio::sync::{mpsc, oneshot};

use crate::config::Traces as Config;
use crate::serve::{SpanCounts as Counts, Tracing as Started};

/// Spans that are sent together at most.
const BATCH_SPANS_MAX: usize = 512;

/// How long spans wait for others to be sent with.
const GATHERED_FOR: Duration = Duration::from_secs(1);

/// How long what waits may take to be sent at the end.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(2);

/// Sends spans from now on, to where the configuration says; `None` if that is nowhere. A node that has no name
/// on a bus is given one. To be called within the runtime that is to send them.
///
/// # Errors
/// What is wrong with the address, or with the machine's trusted certificates.
pub(crate) fn start(
    config: &Config,
    node: Option<NodeId>,
    database: &'static str,
) -> Result<Option<Started>, String> {
    let Some(endpoint) = &config.endpoint else { return Ok(None) };
    let mut exporter = exporter(&crate::config::traces_url(endpoint)?, config.timeout_ms)?;
    let made_up =
        || NodeId(u64::from_be_bytes(RandomIdGenerator::default().new_span_id().to_bytes()));
    let node = node.unwrap_or_else(made_up);
    exporter.set_resource(&resource(node));
    let (queue, spans) = mpsc::channel(usize::try_from(config.queue_spans_max).unwrap_or(1));
    let (end, ended) = oneshot::channel();
    let counts = Arc::new(Counts::default());
    let sending = Sending { exporter, counts: Arc::clone(&counts), is_failing: false };
    let task = tokio::spawn(sending.run(spans, ended));
    let (below, counted) = (bound(config.ratio), Arc::clone(&counts));
    let tracer = Arc::new(Sampler { queue, below, counts: counted, salt: node.0, database });
    let flush = async move {
        let _ = end.send(());
        if tokio::time::timeout(FLUSH_TIMEOUT, task).await.is_err() {
            tracing::warn!("traces: the last spans were not sent in time");
        }
    };
    Ok(Some(Started { tracer, counts, flush: Box::pin(flush) }))
}

fn exporter(url: &str, timeout_ms: u64) -> Result<SpanExporter, String> {
    let connector = hyper_rustls::HttpsConnectorBuilder::new();
    let connector = if url.starts_with("http://") {
        let config = rustls::ClientConfig::builder()
            .with_root_certificates(rustls::RootCertStore::empty())
            .with_no_client_auth();
        connector.with_tls_config(config)
    } else {
        connector
            .with_native_roots()
            .map_err(|error| format!("cannot read the machine's trusted certificates: {error}"))?
    };
    let connector = connector.https_or_http().enable_http1().build();
    let timeout = Duration::from_millis(timeout_ms);
    SpanExporter::builder()
        .with_http()
        .with_http_client(HyperClient::new(connector, timeout, None))
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(url)
        .with_timeout(timeout)
        .build()
        .map_err(|error| error.to_string())
}

fn resource(node: NodeId) -> Resource {
    let attributes = [
        KeyValue::new("service.name", "parlor"),
        KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
        KeyValue::new("service.instance.id", node.to_string()),
    ];
    Resource::builder_empty().with_attributes(attributes).build()
}

/// Below which number of 63 bits a trace is sampled, as OpenTelemetry's sampler by ratio has it.
fn bound(ratio: f64) -> u64 {
    // It is from 0 to 1.
    (ratio * (1_u64 << 63) as f64) as u64
}

struct Sampler {
    queue: mpsc::Sender<Span>,
    below: u64,
    counts: Arc<Counts>,
    salt: u64,
    database: &'static str,
}

impl Tracer for Sampler {
    fn sample(&self) -> Option<TraceContext> {
        let (ids, low) = (RandomIdGenerator::default(), |bytes: [u8; 16]| {
            u64::from_be_bytes(*bytes.last_chunk().expect("it has sixteen bytes"))
        });
        let trace = ids.new_trace_id().to_bytes();
        if low(trace) >> 1 >= self.below {
            return None;
        }
        let trace = NonZeroU128::new(u128::from_be_bytes(trace))?;
        let span = NonZeroU64::new(u64::from_be_bytes(ids.new_span_id().to_bytes()))?;
        Some(TraceContext::new(trace, span))
    }

    fn salt(&self) -> u64 {
        self.salt
    }

    fn database(&self) -> &'static str {
        self.database
    }

    fn ended(&self, span: Span) {
        if self.queue.try_send(span).is_err() {
            self.counts.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// The task that speaks to the collector.
struct Sending {
    exporter: SpanExporter,
    counts: Arc<Counts>,
    is_failing: bool,
}

impl Sending {
    async fn run(mut self, mut spans: mpsc::Receiver<Span>, mut ended: oneshot::Receiver<()>) {
        let mut tick = tokio::time::interval(GATHERED_FOR);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut batch = Vec::new();
        loop {
            let left = BATCH_SPANS_MAX - batch.len();
            tokio::select! {
                biased;
                _ = &mut ended => break,
                _ = tick.tick() => self.send(&mut batch).await,
                taken = spans.recv_many(&mut batch, left) => match taken {
                    0 => break,
                    _ if batch.len() == BATCH_SPANS_MAX => self.send(&mut batch).await,
                    _ => {}
                }
            }
        }
        spans.close();
        loop {
            self.send(&mut batch).await;
            if spans.recv_many(&mut batch, BATCH_SPANS_MAX).await == 0 {
                break;
            }
        }
    }

    async fn send(&mut self, batch: &mut Vec<Span>) {
        if batch.is_empty() {
            return;
        }
        let (spans, now) = (batch.len() as u64, (Instant::now(), SystemTime::now()));
        let batch = batch.drain(..).map(|span| written(span, now)).collect();
        let sent = self.exporter.export(batch).await;
        let counted = match sent {
            Ok(()) => &self.counts.exported,
            Err(_) => &self.counts.dropped,
        };
        counted.fetch_add(spans, Ordering::Relaxed);
        match &sent {
            Err(error) if !self.is_failing => {
                tracing::warn!(%error, "traces: the collector does not take spans; they are dropped");
            }
            Ok(()) if self.is_failing => tracing::info!("traces: the collector takes spans again"),
            _ => {}
        }
        self.is_failing = sent.is_err();
    }
}

/// A span as OpenTelemetry has it; `now` is one moment by both clocks.
fn written(span: Span, (here, there): (Instant, SystemTime)) -> SpanData {
    let at = |it: Instant| there - here.saturating_duration_since(it);
    let id = |context: TraceContext, span: u64| {
        let trace = TraceId::from_bytes(context.trace().to_be_bytes());
        let span = SpanId::from_bytes(span.to_be_bytes());
        SpanContext::new(trace, span, TraceFlags::SAMPLED, false, TraceState::default())
    };
    let parent = span.parent.map(|parent| id(span.of, parent.span));
    SpanData {
        span_context: id(span.of, span.of.span()),
        parent_span_id: parent.map_or(SpanId::INVALID, |it| it.span_id()),
        parent_span_is_remote: span.parent.is_some_and(|it| it.is_remote),
        span_kind: match span.kind {
            SpanKind::Internal => OtelKind::Internal,
            SpanKind::Server => OtelKind::Server,
            SpanKind::Client => OtelKind::Client,
            SpanKind::Producer => OtelKind::Producer,
            SpanKind::Consumer => OtelKind::Consumer,
        },
        name: span.name,
        start_time: at(span.began),
        end_time: at(span.ended),
        attributes: span.attributes.into_iter().map(attribute).collect(),
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links: SpanLinks::default(),
        status: match span.error {
            Some(error) => Status::error(error),
            None => Status::Unset,
        },
        instrumentation_scope: InstrumentationScope::builder("parlor").build(),
    }
}

fn attribute((name, value): (&'static str, Value)) -> KeyValue {
    match value {
        Value::Text(Name::Borrowed(text)) => KeyValue::new(name, text),
        Value::Text(Name::Owned(text)) => KeyValue::new(name, text),
        Value::Number(number) => KeyValue::new(name, number),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sampler(ratio: f64, room: usize) -> (Sampler, mpsc::Receiver<Span>) {
        let (queue, spans) = mpsc::channel(room);
        let counts = Arc::default();
        (Sampler { queue, below: bound(ratio), counts, salt: 1, database: "sqlite" }, spans)
    }

    #[test]
    fn as_many_are_sampled_as_the_ratio_says() {
        let sampled = |ratio| {
            let (sampler, _spans) = sampler(ratio, 1);
            (0..20_000).filter(|_| sampler.sample().is_some()).count()
        };
        assert_eq!((sampled(0.0), sampled(1.0)), (0, 20_000));
        // Nine standard deviations.
        assert!((4_450..=5_550).contains(&sampled(0.25)));
    }

    #[test]
    fn what_there_is_no_room_for_is_dropped_and_counted() {
        let (sampler, mut spans) = sampler(1.0, 1);
        let now = Instant::now();
        let span = Span {
            of: sampler.sample().expect("all are"),
            parent: None,
            name: "read".into(),
            kind: SpanKind::Server,
            began: now - Duration::from_millis(5),
            ended: now,
            attributes: vec![("parlor.commit.commands", Value::Number(3))],
            error: Some("rate_limited"),
        };
        sampler.ended(span.clone());
        sampler.ended(span);
        assert_eq!(sampler.counts.dropped.load(Ordering::Relaxed), 1);
        let written = written(spans.try_recv().expect("one had room"), (now, SystemTime::now()));
        let took = written.end_time.duration_since(written.start_time);
        assert_eq!(took.expect("it ends behind its begin"), Duration::from_millis(5));
        assert_eq!(written.parent_span_id, SpanId::INVALID);
        assert_eq!(written.status, Status::error("rate_limited"));
        assert_eq!(written.attributes, [KeyValue::new("parlor.commit.commands", 3)]);
    }
}
