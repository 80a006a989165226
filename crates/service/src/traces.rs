//! Traces: what becomes of a sampled command, span by span, on this node and on others.
//!
//! ```text
//! event ─► Traces::begin ─► Begun ──────────────── "private_message", until it is answered
//!            │ current()                             ├─ "wait": in the store's queue
//!            ▼                                       ├─ "commit": the batch it was in
//!          Origin ─► store ─► Delivery::took ────────┤
//!            │                                       ├─ "publish": to the bus
//!            └─► hint, word ─► another node ────────►│    └─ "deliver": there
//!                                                    ├─ "deliver": here
//!                                                    └─ "ack"
//! ```
//!
//! Whether a command is traced is decided when it comes, once; what is not has no context, and nothing that
//! follows looks any further. While a traced command is carried out, and whenever its future is polled, it is
//! [`current`], so that what it hands to the store and tells other nodes is known to be its own. Who collects
//! spans ([`Tracer`]) is none of the service's business; where there is nobody, all of this is one look at an empty
//! cell per command. Spans name events, outcomes and counts: no user, conversation or content.

use std::cell::Cell;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use parlor_chat::store::Origin;
use parlor_chat::trace::{PUBLISH, Took, TraceContext, Traced};
use parlor_gateway::Io;
use tokio::runtime::Handle;

use crate::delivery::NAMESPACE;

/// Children by what they are; those that there may be several of are counted from the last on.
const WAIT: u64 = PUBLISH + 1;
const COMMIT: u64 = PUBLISH + 2;
const ACK: u64 = PUBLISH + 3;
const FIRST_OF_MANY: u64 = PUBLISH + 4;

/// Takes the spans of traces.
pub trait Tracer: Send + Sync + 'static {
    /// Whether what begins now is to be traced: then the span that it is.
    fn sample(&self) -> Option<TraceContext>;

    /// A number that no other node is likely to have.
    fn salt(&self) -> u64;

    /// What the store speaks to, by its name in OpenTelemetry's conventions.
    fn database(&self) -> &'static str;

    /// Takes a span that has ended. Never waits: one that there is no room for is dropped and counted.
    fn ended(&self, span: Span);
}

/// Something that began and has ended.
#[derive(Debug, Clone)]
pub struct Span {
    /// Which one it is.
    pub of: TraceContext,
    /// The span that it is part of; none of a trace's first.
    pub parent: Option<Parent>,
    /// What happened, of a closed set.
    pub name: Name,
    /// Towards whom.
    pub kind: Kind,
    /// When it began.
    pub began: Instant,
    /// When it ended.
    pub ended: Instant,
    /// What is known of it: OpenTelemetry's names where it has some.
    pub attributes: Vec<(&'static str, Value)>,
    /// Why it failed, if it did, by a name of a closed set.
    pub error: Option<&'static str>,
}

/// What a span is called.
pub type Name = std::borrow::Cow<'static, str>;

/// The span that another one is part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parent {
    /// Its number.
    pub span: u64,
    /// Whether it is another process's.
    pub is_remote: bool,
}

/// The role of what a span is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Within this process.
    Internal,
    /// Somebody asked for it.
    Server,
    /// It asked a database.
    Client,
    /// It told others.
    Producer,
    /// It was told by others.
    Consumer,
}

/// What an attribute holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A word.
    Text(Name),
    /// A count.
    Number(i64),
}

impl From<&'static str> for Value {
    fn from(text: &'static str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl From<usize> for Value {
    fn from(number: usize) -> Self {
        Self::Number(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

thread_local! {
    static CURRENT: Cell<Option<TraceContext>> = const { Cell::new(None) };
}

/// The span that what runs now is part of.
pub(crate) fn current() -> Option<TraceContext> {
    CURRENT.get()
}

/// Runs something as part of a span.
pub(crate) fn within<T>(of: Option<TraceContext>, run: impl FnOnce() -> T) -> T {
    struct Restore(Option<TraceContext>);
    impl Drop for Restore {
        fn drop(&mut self) {
            CURRENT.set(self.0);
        }
    }
    if of.is_none() {
        return run();
    }
    let _restore = Restore(CURRENT.replace(of));
    run()
}

/// Runs a future as part of a span, whichever threads poll it.
///
/// # Cancel safety
/// As the future.
pub async fn follow<T>(of: TraceContext, future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    poll_fn(|cx| within(Some(of), || future.as_mut().poll(cx))).await
}

/// Of a connection, and of the command that is carried out.
pub(crate) fn origin(connection: u64) -> Origin {
    let traced = current().map(|of| Traced { of, since: Instant::now(), is_remote: false });
    Origin { connection, traced }
}

/// The same, handed on only now.
pub(crate) fn again(origin: Origin) -> Origin {
    let traced = origin.traced.map(|traced| Traced { since: Instant::now(), ..traced });
    Origin { traced, ..origin }
}

/// What was committed, as it is delivered from now on; what was heard of, since it was.
pub(crate) fn arrived(traced: Traced, now: Instant) -> Traced {
    match traced.is_remote {
        true => traced,
        false => Traced { since: now, ..traced },
    }
}

/// This node's part of all traces.
#[derive(Default)]
pub(crate) struct Traces {
    to: OnceLock<Collecting>,
}

struct Collecting {
    tracer: Arc<dyn Tracer>,
    runtime: Handle,
    /// Numbers of children of which a span may have several.
    next: AtomicU64,
    salt: u64,
}

impl std::fmt::Debug for Traces {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Traces").field("are_on", &self.to.get().is_some()).finish()
    }
}

impl Traces {
    /// Has spans collected from now on; to be called within a runtime that lives as long as the service.
    pub(crate) fn collect(&self, tracer: Arc<dyn Tracer>) {
        let (runtime, salt) = (Handle::current(), tracer.salt());
        let next = AtomicU64::new(FIRST_OF_MANY);
        let first = self.to.set(Collecting { tracer, runtime, next, salt }).is_ok();
        debug_assert!(first, "there is one tracer");
    }

    /// A command that comes, if it is to be traced.
    pub(crate) fn begin(&self, name: &'static str) -> Option<Box<Begun>> {
        let collecting = self.to.get()?;
        let of = collecting.tracer.sample()?;
        let attributes = vec![
            ("messaging.system", "socketio".into()),
            ("messaging.operation.name", name.into()),
            ("messaging.operation.type", "process".into()),
        ];
        Some(collecting.begun(of, None, name.into(), attributes))
    }

    /// A request of the HTTP API, if it is to be traced: as part of the caller's trace, where that says so,
    /// and as one of its own where the caller has none.
    pub(crate) fn request(
        &self,
        traceparent: Option<&str>,
        method: &str,
        route: &str,
    ) -> Option<Box<Begun>> {
        let collecting = self.to.get()?;
        let (of, parent) = match traceparent.and_then(TraceContext::parse) {
            None => (collecting.tracer.sample()?, None),
            Some((_, false)) => return None,
            Some((parent, true)) => {
                (collecting.another(parent), Some(Parent { span: parent.span(), is_remote: true }))
            }
        };
        let attributes = vec![
            ("http.request.method", method.to_owned().into()),
            ("http.route", route.to_owned().into()),
        ];
        Some(collecting.begun(of, parent, format!("{method} {route}").into(), attributes))
    }

    /// What a commit took that had traced commands in it.
    pub(crate) fn took(&self, traced: &[Traced], took: &Took) {
        let Some(collecting) = self.to.get() else { return };
        for Traced { of, since, .. } in traced {
            let part = |number, name: &'static str, kind, began, ended| {
                let parent = Some(Parent { span: of.span(), is_remote: false });
                let (of, name, attributes) = (of.child(number), name.into(), Vec::new());
                Span { of, parent, name, kind, began, ended, attributes, error: None }
            };
            // A transaction that is carried out again began before the last one.
            let began = took.began.max(*since);
            collecting.tracer.ended(part(WAIT, "wait", Kind::Internal, *since, began));
            let mut commit = part(COMMIT, "commit", Kind::Client, began, took.ended);
            commit.attributes = vec![
                ("db.system.name", collecting.tracer.database().into()),
                ("db.operation.name", "COMMIT".into()),
                ("parlor.commit.commands", took.commands.into()),
            ];
            if took.commands > 1 {
                commit.attributes.push(("db.operation.batch.size", took.commands.into()));
            }
            collecting.tracer.ended(commit);
            if let Some((began, ended)) = took.published {
                let mut publish = part(PUBLISH, "publish log", Kind::Producer, began, ended);
                publish.attributes = published("log");
                collecting.tracer.ended(publish);
            }
        }
    }

    /// Something is told to other nodes now; what they shall know it by, if what runs is traced.
    pub(crate) fn publish(&self) -> Option<TraceContext> {
        let (parent, collecting) = (current()?, self.to.get()?);
        let (of, now) = (collecting.another(parent), Instant::now());
        collecting.tracer.ended(Span {
            of,
            parent: Some(Parent { span: parent.span(), is_remote: false }),
            name: "publish talk".into(),
            kind: Kind::Producer,
            began: now,
            ended: now,
            attributes: published("talk"),
            error: None,
        });
        Some(of)
    }

    /// Something was handed to the gateway that a traced command led to: a span if there is anybody in its room,
    /// until each shard has it.
    pub(crate) fn delivered(&self, io: &Io, traced: Traced, room: Arc<str>) {
        let Some(collecting) = self.to.get() else { return };
        let Traced { of: parent, since: began, is_remote } = traced;
        let of = collecting.another(parent);
        let (tracer, sockets) = (Arc::clone(&collecting.tracer), io.of(NAMESPACE).to(room));
        collecting.runtime.spawn(async move {
            // The shards are asked behind what they were given.
            if sockets.fetch_at_most(0).await.is_some() {
                return;
            }
            tracer.ended(Span {
                of,
                parent: Some(Parent { span: parent.span(), is_remote }),
                name: "deliver".into(),
                kind: Kind::Consumer,
                began,
                ended: Instant::now(),
                attributes: vec![
                    ("messaging.system", "socketio".into()),
                    ("messaging.operation.name", "deliver".into()),
                    ("messaging.operation.type", "process".into()),
                ],
                error: None,
            });
        });
    }
}

fn published(topic: &'static str) -> Vec<(&'static str, Value)> {
    vec![
        ("messaging.system", "redis".into()),
        ("messaging.operation.name", "publish".into()),
        ("messaging.operation.type", "send".into()),
        ("messaging.destination.name", topic.into()),
    ]
}

impl Collecting {
    /// One of several children of a span, which no other node makes.
    fn another(&self, of: TraceContext) -> TraceContext {
        of.child(self.salt.wrapping_add(self.next.fetch_add(1, Ordering::Relaxed)))
    }

    fn begun(
        &self,
        of: TraceContext,
        parent: Option<Parent>,
        name: Name,
        attributes: Vec<(&'static str, Value)>,
    ) -> Box<Begun> {
        let (tracer, now) = (Arc::clone(&self.tracer), Instant::now());
        let (kind, error) = (Kind::Server, None);
        let span = Span { of, parent, name, kind, began: now, ended: now, attributes, error };
        Box::new(Begun { tracer, span })
    }
}

/// What is under way; it ends when this is dropped.
pub struct Begun {
    tracer: Arc<dyn Tracer>,
    span: Span,
}

impl std::fmt::Debug for Begun {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Begun").field("span", &self.span).finish_non_exhaustive()
    }
}

impl Begun {
    /// The span that it is.
    pub fn of(&self) -> TraceContext {
        self.span.of
    }

    /// Notes something of it.
    pub fn note(&mut self, name: &'static str, value: impl Into<Value>) {
        self.span.attributes.push((name, value.into()));
    }

    /// Notes why it failed.
    pub fn fail(&mut self, error: &'static str) {
        self.span.error = Some(error);
        self.note("error.type", error);
    }

    /// Notes that it was answered, from when on.
    pub(crate) fn answered(&self, began: Instant) {
        let parent = Some(Parent { span: self.span.of.span(), is_remote: false });
        let (name, kind, ended) = ("ack".into(), Kind::Internal, Instant::now());
        let (of, attributes) = (self.span.of.child(ACK), Vec::new());
        let ack = Span { of, parent, name, kind, began, ended, attributes, error: None };
        self.tracer.ended(ack);
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        self.span.ended = Instant::now();
        self.tracer.ended(self.span.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context() -> TraceContext {
        let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        TraceContext::sampled(parent).expect("it is sampled")
    }

    #[test]
    fn what_runs_within_a_span_is_part_of_it_and_nothing_else_is() {
        assert_eq!(origin(7), Origin::of(7));
        within(Some(context()), || {
            assert_eq!(origin(7).traced.map(|it| it.of), Some(context()));
            let other = context().child(9);
            within(Some(other), || assert_eq!(current(), Some(other)));
            within(None, || assert_eq!(current(), Some(context())));
        });
        assert_eq!(current(), None);
    }

    #[tokio::test]
    async fn a_future_is_part_of_its_span_whenever_it_is_polled() {
        let mut future = pin!(follow(context(), async {
            tokio::task::yield_now().await;
            current()
        }));
        assert!(futures_util::poll!(&mut future).is_pending());
        assert_eq!(current(), None);
        assert_eq!(future.await, Some(context()));
    }
}
