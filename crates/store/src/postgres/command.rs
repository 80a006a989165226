//! A write on its way: what is wished, what came of it, and who waits for the answer.
//!
//! The writer decides each command inside the batch's transaction, perhaps more than once, and answers
//! all of them once the batch is durable.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parlor_chat::around::port::Say;
use parlor_chat::rules::Screening;
use parlor_chat::store::{Append, Appended, Recipient, StoreError};
use tokio::sync::oneshot;

use super::appends::{self, Fetched, Said, Spoken};
use super::closing::Closing;
use super::conn::Failure;
use super::locks::Locks;
use super::turn::Turn;

/// Something that is wished to be written.
pub(crate) trait Wish: Send + Sync + 'static {
    /// What came of it.
    type Answer: Send + 'static;

    /// About how much memory it holds on to.
    fn weight(&self) -> usize;

    /// What has to be held while it is decided.
    fn lock(&self, locks: &mut Locks);

    /// Carries it out. Whatever it needs to decide it reads before it writes, so that one that is refused
    /// has written nothing.
    fn carry_out(
        &self,
        turn: &mut Turn<'_>,
    ) -> impl Future<Output = Result<Self::Answer, Failure>> + Send;
}

/// Who waits, and what they will be told once the batch is durable.
#[derive(Debug)]
pub(crate) struct Reply<T> {
    waiting: oneshot::Sender<Result<T, StoreError>>,
    outcome: Option<Result<T, StoreError>>,
}

impl<T> Reply<T> {
    pub(crate) fn new(waiting: oneshot::Sender<Result<T, StoreError>>) -> Self {
        Self { waiting, outcome: None }
    }

    /// Notes what came of it, over what was noted before.
    pub(crate) fn decide(&mut self, outcome: Result<T, StoreError>) {
        self.outcome = Some(outcome);
    }

    fn answer(self) {
        let outcome = self.outcome.unwrap_or_else(|| Err(super::closed()));
        // Who no longer waits needs no answer.
        drop(self.waiting.send(outcome));
    }

    fn fail(self, error: StoreError) {
        drop(self.waiting.send(Err(error)));
    }
}

type Carried<'a> = Pin<Box<dyn Future<Output = Result<(), tokio_postgres::Error>> + Send + 'a>>;

/// A wish of any kind, and where its outcome goes.
trait Job: Send + Sync {
    fn lock(&self, locks: &mut Locks);
    fn carry_out<'a>(&'a mut self, turn: &'a mut Turn<'_>) -> Carried<'a>;
    fn answer(self: Box<Self>);
    fn fail(self: Box<Self>, error: StoreError);
}

struct Waiting<W: Wish> {
    wish: W,
    reply: Reply<W::Answer>,
}

impl<W: Wish> Job for Waiting<W>
where
    Reply<W::Answer>: Sync,
{
    fn lock(&self, locks: &mut Locks) {
        self.wish.lock(locks);
    }

    fn carry_out<'a>(&'a mut self, turn: &'a mut Turn<'_>) -> Carried<'a> {
        Box::pin(async move {
            match self.wish.carry_out(turn).await {
                Ok(answer) => self.reply.decide(Ok(answer)),
                Err(Failure::Refused(error)) => self.reply.decide(Err(error)),
                Err(Failure::Engine(error)) => return Err(error),
            }
            Ok(())
        })
    }

    fn answer(self: Box<Self>) {
        self.reply.answer();
    }

    fn fail(self: Box<Self>, error: StoreError) {
        self.reply.fail(error);
    }
}

/// Something that is to be said, which is decided together with what is said beside it.
pub(crate) struct Saying {
    pub(crate) append: Append,
    pub(crate) outside: Option<Box<Say>>,
    pub(crate) screening: Option<Box<Screening>>,
    pub(crate) reply: Reply<Appended>,
}

impl Saying {
    pub(crate) fn spoken(&self) -> Spoken<'_> {
        let outside = self.outside.as_deref();
        let screening = match outside {
            Some(say) => say.screening.as_ref(),
            None => self.screening.as_deref(),
        };
        Spoken { append: &self.append, outside, screening }
    }

    fn weight(&self) -> usize {
        let original = self.spoken().screening.and_then(|it| it.original.as_ref());
        512 + self.append.content.0.len() + original.map_or(0, |it| it.0.len())
    }
}

/// The locks of something that is said.
pub(crate) fn lock_spoken(spoken: &Spoken<'_>, locks: &mut Locks) {
    let append = spoken.append;
    locks.conversation(&append.conversation());
    locks.rely_on(&append.from);
    if let Recipient::User(to) = &append.to {
        locks.rely_on(to);
    }
    match spoken.screening.is_some_and(|screening| screening.flagged.is_some()) {
        true => locks.moderation(),
        false => locks.rely_on_moderation(),
    }
}

enum Kind {
    Say(Box<Saying>),
    Other(Box<dyn Job>),
}

/// A write, and where its outcome goes.
pub(crate) struct Command {
    kind: Kind,
    _weight: Weight,
}

/// Bytes that a command takes of the queue's, for as long as it is there.
struct Weight {
    taken: Arc<AtomicUsize>,
    bytes: usize,
}

impl Drop for Weight {
    fn drop(&mut self) {
        self.taken.fetch_sub(self.bytes, Ordering::AcqRel);
    }
}

impl Weight {
    fn take(taken: &Arc<AtomicUsize>, bytes: usize, bytes_max: usize) -> Option<Self> {
        let before = taken.fetch_add(bytes, Ordering::AcqRel);
        let weight = Self { taken: taken.clone(), bytes };
        // A single one is always taken in.
        (before == 0 || before + bytes <= bytes_max).then_some(weight)
    }
}

impl Command {
    /// A wish, if there is room for it.
    pub(crate) fn wish<W: Wish>(
        wish: W,
        reply: Reply<W::Answer>,
        (taken, bytes_max): (&Arc<AtomicUsize>, usize),
    ) -> Option<Self>
    where
        Reply<W::Answer>: Sync,
    {
        let weight = Weight::take(taken, wish.weight(), bytes_max)?;
        Some(Self { kind: Kind::Other(Box::new(Waiting { wish, reply })), _weight: weight })
    }

    /// Something that is to be said, likewise.
    pub(crate) fn say(
        saying: Saying,
        (taken, bytes_max): (&Arc<AtomicUsize>, usize),
    ) -> Option<Self> {
        let weight = Weight::take(taken, saying.weight(), bytes_max)?;
        Some(Self { kind: Kind::Say(Box::new(saying)), _weight: weight })
    }

    pub(crate) fn lock(&self, locks: &mut Locks) {
        match &self.kind {
            Kind::Say(saying) => lock_spoken(&saying.spoken(), locks),
            Kind::Other(job) => job.lock(locks),
        }
    }

    /// What it says, if it says something.
    fn spoken(&self) -> Option<Spoken<'_>> {
        match &self.kind {
            Kind::Say(saying) => Some(saying.spoken()),
            Kind::Other(_) => None,
        }
    }

    /// Tells what was decided.
    pub(crate) fn answer(self) {
        match self.kind {
            Kind::Say(saying) => saying.reply.answer(),
            Kind::Other(job) => job.answer(),
        }
    }

    /// Tells that it failed, whatever was decided.
    pub(crate) fn fail(self, error: StoreError) {
        match self.kind {
            Kind::Say(saying) => saying.reply.fail(error),
            Kind::Other(job) => job.fail(error),
        }
    }
}

/// What is said at the beginning of some commands, without anything else between.
pub(crate) fn spoken_first(batch: &[Command]) -> Vec<Spoken<'_>> {
    batch.iter().map_while(Command::spoken).collect()
}

/// Carries out the commands of a batch, one behind the other; what is said, together with what is said
/// right behind it. `fetched` is what was fetched for [`spoken_first`], if that says anything.
///
/// What is said last is given back where it can be written with the commit: [`settle`] takes what it comes to.
pub(crate) async fn carry_out(
    batch: &mut [Command],
    turn: &mut Turn<'_>,
    mut fetched: Option<Fetched>,
) -> Result<Option<Box<Closing>>, tokio_postgres::Error> {
    let mut at = 0;
    while at < batch.len() {
        let spoken = spoken_first(&batch[at..]);
        if spoken.is_empty() {
            if let Kind::Other(job) = &mut batch[at].kind {
                job.carry_out(turn).await?;
            }
            at += 1;
            continue;
        }
        let is_end = at + spoken.len() == batch.len();
        let said = match say(turn, &spoken, is_end, fetched.take()).await {
            Ok(Outcome::Said(said)) => said,
            Ok(Outcome::Last(closing)) => return Ok(Some(closing)),
            Err(Failure::Engine(error)) => return Err(error),
            // What cannot be told of one of them is told of the first.
            Err(Failure::Refused(error)) => vec![Err(error)],
        };
        for done in said {
            if let Kind::Say(saying) = &mut batch[at].kind {
                let outcome = turn.work.told(done, saying.append.origin);
                saying.reply.decide(outcome);
            }
            at += 1;
        }
    }
    Ok(None)
}

/// What became of a run.
enum Outcome {
    Said(Said),
    /// Nothing is behind it, and it goes with the commit.
    Last(Box<Closing>),
}

async fn say(
    turn: &mut Turn<'_>,
    spoken: &[Spoken<'_>],
    is_end: bool,
    fetched: Option<Fetched>,
) -> Result<Outcome, Failure> {
    let fetched = match fetched {
        Some(fetched) => fetched,
        None => appends::fetch(turn.conn, spoken).await?,
    };
    let run = turn.decide_run(spoken, fetched).await?;
    let is_last = is_end && run.len() == spoken.len();
    if is_last && run.is_plain() && turn.known_position().is_none() {
        let closing = Closing::new(run, spoken, turn.config.search);
        return Ok(Outcome::Last(Box::new(closing)));
    }
    turn.write_run(run, spoken).await.map(Outcome::Said)
}

/// Notes what was decided on the last commands of a batch.
pub(crate) fn settle(batch: &mut [Command], outcomes: Vec<Result<Appended, StoreError>>) {
    let first = batch.len().saturating_sub(outcomes.len());
    for (command, outcome) in batch[first..].iter_mut().zip(outcomes) {
        if let Kind::Say(saying) = &mut command.kind {
            saying.reply.decide(outcome);
        }
    }
}
