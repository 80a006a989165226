//! What is said: many appends at once, in few statements.
//!
//! What the rules need is fetched for all of them together; they are decided one behind the other, each
//! on what those before it leave; and what comes of them is written together. An append that changes
//! more than its log (a request that begins, a mention, a report) is the last of its run, since those
//! behind it must be judged by that.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use parlor_chat::app_event::AppEvent;
use parlor_chat::around::Envelope;
use parlor_chat::around::port::Say;
use parlor_chat::entry::{Body, Entry, Millis};
use parlor_chat::ids::{ClientId, ConversationId, Seq, UserId};
use parlor_chat::own::OwnCommitted;
use parlor_chat::requests::Reception;
use parlor_chat::rules::{Refused, Screening};
use parlor_chat::store::{Append, Appended, Authority, StoreError};
use sha2::{Digest, Sha256};

use super::conn::{Conn, Failure, params};
use super::entries::{self, Lasts, New, Next};
use super::speaking::{Circumstance, First, Speaker, circumstances};
use super::threads::{self, Thread};
use super::turn::Turn;
use super::{reports, requests, says};
use crate::kept::envelope::wished_outside;
use crate::kept::numbers::{corrupt, int, nat};

/// Something that is to be said.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spoken<'a> {
    pub(crate) append: &'a Append,
    /// What is on its outside, if something may be.
    pub(crate) outside: Option<&'a Say>,
    pub(crate) screening: Option<&'a Screening>,
}

/// An append's answer, and the entry if it is new.
#[derive(Debug)]
pub(crate) struct AppendDone {
    pub(crate) appended: Appended,
    pub(crate) entry: Option<Arc<Entry>>,
    /// What it changed among records of the two users.
    pub(crate) own: Vec<OwnCommitted>,
}

/// What each of some appends came to, as far as the run went.
pub(crate) type Said = Vec<Result<AppendDone, StoreError>>;

/// What was decided on one append, before it is written.
enum Decided {
    Refused(StoreError),
    Repeated(Appended),
    /// The place among the new entries.
    New(usize),
}

/// What else is to be done once an append is written.
struct Effect {
    reception: Reception,
    envelope: Option<Arc<Envelope>>,
    is_shadowed: bool,
    is_slowed: bool,
}

type Keys = HashMap<(ConversationId, UserId, ClientId), First>;

/// What is fetched for some appends before they are decided.
pub(crate) struct Fetched {
    threads: HashMap<ConversationId, Thread>,
    circumstances: Vec<Circumstance>,
}

/// A run, as it goes on until it is decided.
pub(crate) struct Run {
    threads: HashMap<ConversationId, Thread>,
    keys: Keys,
    news: Vec<New>,
    decided: Vec<Decided>,
    effect: Option<Effect>,
}

impl<'a> Spoken<'a> {
    fn authority(&self) -> Authority {
        self.outside.map_or(Authority::User, |say| say.authority)
    }

    /// Whether something is on its outside that has to be looked up.
    fn has_outside(&self) -> bool {
        self.outside.is_some_and(|say| say.event.is_none() && wished_outside(say).is_some())
    }

    /// Whether more than one log changes by it, as far as it says itself.
    fn stands_alone(&self) -> bool {
        self.has_outside() || self.screening.is_some_and(|screening| screening.flagged.is_some())
    }

    /// What another payload under the same key is told by. A retry is known by what its sender wrote,
    /// whatever a rule makes of it.
    fn digest(&self) -> [u8; 16] {
        let original = self.screening.and_then(|screening| screening.original.as_ref());
        let written = original.unwrap_or(&self.append.content);
        match self.outside.and_then(wished_outside) {
            Some(outside) => digest(&[&*written.0, &outside].concat()),
            None => digest(&written.0),
        }
    }

    fn speaker(&self, conversation: &'a ConversationId) -> Speaker<'a> {
        Speaker {
            conversation,
            from: &self.append.from,
            authority: self.authority(),
            to: &self.append.to,
            client_id: self.append.client_id.as_ref(),
            now: self.append.now,
            is_event: self.outside.is_some_and(|say| say.event.is_some()),
        }
    }
}

/// What a text is known by.
pub(crate) fn digest(text: &str) -> [u8; 16] {
    let mut digest = [0; 16];
    digest.copy_from_slice(&Sha256::digest(text.as_bytes())[..16]);
    digest
}

/// The outside of what nobody but its sender may see.
pub(crate) fn shadowed(envelope: Option<Arc<Envelope>>) -> Option<Arc<Envelope>> {
    let envelope = envelope.map_or_else(Envelope::default, Arc::unwrap_or_clone);
    Some(Arc::new(Envelope { shadow: true, ..envelope }))
}

/// What a used key answers, if it was used with the same.
pub(crate) fn answered(
    conversation: &ConversationId,
    first: &First,
    digest: &[u8; 16],
) -> Result<Appended, StoreError> {
    // One that came from a store that sealed it may have none: see `migrate/opened.rs`.
    if !first.digest.is_empty() && first.digest != digest {
        return Err(StoreError::ClientIdConflict);
    }
    Ok(Appended {
        conversation: conversation.clone(),
        seq: Seq(nat(first.seq)?),
        ts: Millis(nat(first.ts)?),
        expires: first.expires.map(nat).transpose()?.map(Millis),
        repeated: true,
    })
}

/// As many of some appends as may be decided together, the first of them among those.
fn together<'a, 's>(spoken: &'s [Spoken<'a>]) -> &'s [Spoken<'a>] {
    let alone = spoken.iter().skip(1).position(Spoken::stands_alone);
    &spoken[..alone.map_or(spoken.len(), |at| at + 1)]
}

/// Fetches what the rules need for some appends, as far as they are decided together.
pub(crate) async fn fetch(conn: Conn<'_>, spoken: &[Spoken<'_>]) -> Result<Fetched, Failure> {
    let spoken = together(spoken);
    let conversations: Vec<ConversationId> =
        spoken.iter().map(|it| it.append.conversation()).collect();
    let speakers: Vec<Speaker<'_>> =
        spoken.iter().zip(&conversations).map(|(it, of)| it.speaker(of)).collect();
    let asked: Vec<&ConversationId> = conversations.iter().collect();
    let (threads, circumstances) =
        tokio::try_join!(threads::find_all(conn, &asked), circumstances(conn, &speakers))?;
    Ok(Fetched { threads, circumstances })
}

impl Run {
    /// How many appends it decides.
    pub(crate) fn len(&self) -> usize {
        self.decided.len()
    }

    /// Whether nothing is to be written for it but its entries, of which there are some.
    pub(crate) fn is_plain(&self) -> bool {
        let is_succession = self.threads.values().any(|thread| thread.superseded.is_some());
        self.effect.is_none() && !is_succession && !self.news.is_empty()
    }

    /// Which of its appends have new entries, in the order of those.
    pub(crate) fn places(&self) -> impl Iterator<Item = usize> {
        let is_new = |decided: &Decided| matches!(decided, Decided::New(_));
        self.decided.iter().enumerate().filter(move |(_, it)| is_new(it)).map(|(at, _)| at)
    }

    /// Its new entries.
    pub(crate) fn news(&self) -> &[New] {
        &self.news
    }

    /// The conversations in which it has new entries.
    pub(crate) fn touched(&self) -> impl Iterator<Item = &Thread> {
        let written: HashSet<&ConversationId> = self.news.iter().map(New::conversation).collect();
        self.threads.values().filter(move |thread| written.contains(&thread.conversation))
    }

    /// What it came to, once its entries have the positions behind `after`.
    pub(crate) fn placed(self, after: i64) -> Result<Said, StoreError> {
        let entries = entries::placed(self.news, after)?;
        Ok(said(self.decided, &entries))
    }
}

/// What appends came to whose entries are written.
fn said(decided: Vec<Decided>, entries: &[Arc<Entry>]) -> Said {
    let told = |decided| match decided {
        Decided::Refused(why) => Err(why),
        Decided::Repeated(appended) => Ok(AppendDone { appended, entry: None, own: Vec::new() }),
        Decided::New(at) => {
            let entry = entries.get(at).cloned().ok_or_else(|| corrupt("an entry of a batch"))?;
            let appended = Appended {
                conversation: entry.conversation.clone(),
                seq: entry.seq,
                ts: entry.ts,
                expires: entry.expires,
                repeated: false,
            };
            Ok(AppendDone { appended, entry: Some(entry), own: Vec::new() })
        }
    };
    decided.into_iter().map(told).collect()
}

impl Turn<'_> {
    /// Carries out the first of some appends, and as many behind it as can be decided with it.
    pub(crate) async fn say(&mut self, spoken: &[Spoken<'_>]) -> Result<Said, Failure> {
        let fetched = fetch(self.conn, spoken).await?;
        let run = self.decide_run(spoken, fetched).await?;
        self.write_run(run, spoken).await
    }

    /// Decides the first of some appends, and as many behind it as can be decided with it, by what was fetched for
    /// them.
    pub(crate) async fn decide_run(
        &mut self,
        spoken: &[Spoken<'_>],
        fetched: Fetched,
    ) -> Result<Run, Failure> {
        let Fetched { threads, circumstances } = fetched;
        let spoken = together(spoken);
        let conversations: Vec<ConversationId> =
            spoken.iter().map(|it| it.append.conversation()).collect();
        let mut run = Run {
            threads,
            keys: HashMap::new(),
            news: Vec::new(),
            decided: Vec::new(),
            effect: None,
        };
        for ((spoken, of), circumstance) in spoken.iter().zip(&conversations).zip(circumstances) {
            let speaker = &spoken.speaker(of);
            let decided = match self.decide(&mut run, spoken, speaker, &circumstance).await {
                Ok(decided) => decided,
                Err(Failure::Refused(why)) => Decided::Refused(why),
                Err(failure) => return Err(failure),
            };
            run.decided.push(decided);
            if run.effect.is_some() {
                break;
            }
        }
        Ok(run)
    }

    async fn decide(
        &mut self,
        run: &mut Run,
        spoken: &Spoken<'_>,
        speaker: &Speaker<'_>,
        circumstance: &Circumstance,
    ) -> Result<Decided, Failure> {
        let (append, conversation) = (spoken.append, speaker.conversation);
        let key = append
            .client_id
            .as_ref()
            .map(|client_id| (conversation.clone(), append.from.clone(), client_id.clone()));
        let first = key.as_ref().and_then(|key| run.keys.get(key));
        let first = first.or(circumstance.first.as_ref()).cloned();
        let thread = run.threads.get(conversation);
        let reception = circumstance.reception(speaker, thread, &self.config.requests);
        let barred = reception.as_ref().err().cloned().or_else(|| by_rule(spoken.screening));
        if let Some(why) = barred
            && first.is_none()
        {
            return Err(why.into());
        }
        let reception = reception.unwrap_or(Reception::Ordinary);
        let envelope = match spoken.outside.filter(|_| spoken.has_outside()) {
            None => None,
            Some(say) => match says::envelope(self, thread, say).await? {
                Ok(envelope) => envelope,
                Err(_) if first.is_some() => None,
                Err(why) => return Err(why.into()),
            },
        };
        if matches!(append.to, parlor_chat::store::Recipient::Group(_)) {
            let is_known = speaker.authority == Authority::System || circumstance.is_known;
            if thread.is_none() || !is_known {
                return Err(StoreError::NotFound.into());
            }
        }
        let digest = spoken.digest();
        if let Some(first) = first {
            return Ok(Decided::Repeated(answered(conversation, &first, &digest)?));
        }
        if thread.is_none() {
            run.threads.insert(conversation.clone(), Thread::begin(conversation.clone())?);
        }
        let what = || corrupt(format!("conversation {conversation}"));
        let thread = run.threads.get_mut(conversation).ok_or_else(what)?;
        let is_shadowed = spoken.screening.is_some_and(|screening| screening.shadow);
        let envelope = match is_shadowed {
            true => shadowed(envelope),
            false => requests::marked(reception, envelope),
        };
        let content = append.content.clone();
        let (body, lasts) = match spoken.outside.and_then(|say| say.event.clone()) {
            Some(name) => (Body::App(AppEvent { name, data: content }), Lasts::Always),
            None => (Body::Said(content), Lasts::of_timer(thread.timer()?)),
        };
        let next = Next {
            from: &append.from,
            client_id: append.client_id.as_ref(),
            digest: append.client_id.as_ref().map(|_| digest),
            envelope: envelope.clone(),
            lasts,
            body,
            now: append.now,
        };
        let new = self.place(thread, next)?;
        if let Some(key) = key {
            let (seq, ts) = (int(new.seq().0), int(new.ts().0));
            let expires = new.expires().map(|at| int(at.0));
            run.keys.insert(key, First { seq, ts, digest: digest.to_vec(), expires });
        }
        let is_slowed = circumstance.is_slowed();
        let touches_request = circumstance.own_request.is_some() && !is_shadowed;
        if spoken.stands_alone() || reception != Reception::Ordinary || is_slowed || touches_request
        {
            run.effect = Some(Effect { reception, envelope, is_shadowed, is_slowed });
        }
        run.news.push(new);
        Ok(Decided::New(run.news.len() - 1))
    }

    /// Writes what was decided, and what comes of the last.
    pub(crate) async fn write_run(
        &mut self,
        run: Run,
        spoken: &[Spoken<'_>],
    ) -> Result<Said, Failure> {
        let Run { mut threads, news, decided, effect, .. } = run;
        let entries = {
            let written: Vec<ConversationId> =
                news.iter().map(|new| new.conversation().clone()).collect();
            let mut touched: Vec<&mut Thread> = threads
                .iter_mut()
                .filter(|(of, _)| written.contains(of))
                .map(|(_, thread)| thread)
                .collect();
            self.write(news, &mut touched).await?
        };
        let mut said = said(decided, &entries);
        let last = said.len().checked_sub(1);
        if let (Some(effect), Some(at)) = (effect, last)
            && let Some(Ok(done)) = said.get_mut(at)
            && let Some(entry) = done.entry.clone()
        {
            done.own = self.take_effect(&spoken[at], &entry, effect).await?;
        }
        Ok(said)
    }

    async fn take_effect(
        &mut self,
        spoken: &Spoken<'_>,
        entry: &Arc<Entry>,
        effect: Effect,
    ) -> Result<Vec<OwnCommitted>, Failure> {
        let (append, conversation) = (spoken.append, &entry.conversation);
        if effect.is_slowed {
            let sql = "UPDATE member SET said_at = $1 WHERE conversation = $2 AND user_id = $3";
            let (at, user) = (int(entry.ts.0), append.from.as_str());
            self.conn.execute(sql, params![at, conversation.as_str(), user]).await?;
        }
        if let Some(envelope) = effect.envelope.filter(|_| !effect.is_shadowed) {
            says::note(self.conn, conversation, int(entry.seq.0), &envelope).await?;
        }
        if let Some(flagged) = spoken.screening.and_then(|screening| screening.flagged.as_ref()) {
            reports::flag(self.conn, entry, flagged).await?;
        }
        match effect.is_shadowed {
            // Nobody was written to, as far as the other knows.
            true => Ok(Vec::new()),
            false => requests::said(self, conversation, append, effect.reception).await,
        }
    }
}

/// Why a content rule keeps an append out.
fn by_rule(screening: Option<&Screening>) -> Option<StoreError> {
    let Refused { rule, reason } = screening?.refused.as_ref()?;
    Some(StoreError::ContentRefused { rule: rule.clone(), reason: reason.clone() })
}
