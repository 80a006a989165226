//! A data directory as a server of some years has it: many conversations, one of them very long.
//!
//! A tenth of the messages are in one conversation, between the first two users; the others are spread in
//! no order over pairs of users, a hundred to a pair. Texts are some twenty words of a vocabulary in which
//! few words are frequent and most are rare. The messages were sent over the last year; those of the last 30
//! days have the idempotency keys that a server still remembers. It is written through the `Store` port, index
//! of words included, but without waiting for the disk: only what is there in the end is measured. The first
//! two users' devices have received all of it.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, ensure};
use parlor_chat::entry::{Content, Millis};
use parlor_chat::ids::{ClientId, ConversationId, DeviceId, Seq, UserId};
use parlor_chat::limits::DAY_MS;
use parlor_chat::store::{Append, AttachDevice, Mark, MarkKind, Origin, Recipient, Store};
use parlor_store::sqlite::{Config, Durability, IndexPace, SqliteStore};
use serde::{Deserialize, Serialize};

use super::{Nobody, outcome_of, say, text};
use crate::chance::scattered;
use crate::load::{device_name, user_name};

/// The conversation that a tenth of all messages are in, of the first two users.
pub(crate) const LONG_CONVERSATION: &str = "dm:u000000:u000001";

/// One message in so many is in the long conversation.
const LONG_EVERY: u64 = 10;
/// Messages of each other conversation, about.
const PER_PAIR: u64 = 100;
const CONTENT_BYTES: usize = 100;
/// Over how long the messages were sent, and for how long keys are remembered.
const SPAN_MS: u64 = 365 * DAY_MS;
const KEYS_MS: u64 = 30 * DAY_MS;

/// Words of the vocabulary, as a power of two; the rarest are in one message of some thousands.
const VOCABULARY_BITS: u64 = 14;
/// One of the rarest words.
pub(crate) const RARE_WORD: &str = "w3abc";

/// Large batches, a log that is seldom moved into the database, and a cache that the scattered pages of
/// the indexes fit into.
const IN_FLIGHT: usize = 32_768;
const BATCH_COMMANDS_MAX: usize = 16_384;
const WAL_BYTES: u64 = 1 << 30;
const CACHE_KIB: u32 = 1 << 20;
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// What is written where.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Fill {
    /// A data directory that is not there yet
    #[arg(long)]
    pub(crate) data: PathBuf,
    /// Messages
    #[arg(long)]
    pub(crate) messages: u64,
}

/// What is there then.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Filled {
    pub(crate) messages: u64,
    /// Those of the long conversation.
    pub(crate) long: u64,
    /// How long it took, index of words included.
    pub(crate) seconds: f64,
    /// Of the whole data directory.
    pub(crate) bytes: u64,
}

impl Fill {
    /// Runs it in a process of its own, on any core.
    ///
    /// # Errors
    /// It fails.
    pub(crate) fn make(&self) -> anyhow::Result<Filled> {
        let Self { data, messages } = self;
        let arguments = [
            "store-fill".to_owned(),
            "--data".to_owned(),
            text(data)?,
            format!("--messages={messages}"),
        ];
        outcome_of(None, &arguments)
    }

    /// Runs it here.
    ///
    /// # Errors
    /// The store cannot be opened or refuses something.
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        ensure!(self.messages >= 2 * LONG_EVERY, "too few messages to be worth it");
        let began = Instant::now();
        let config = Config {
            durability: Durability::OperatingSystem,
            write_queue_commands_max: 2 * IN_FLIGHT,
            batch_commands_max: BATCH_COMMANDS_MAX,
            wal_soft_bytes: WAL_BYTES,
            wal_hard_bytes: 2 * WAL_BYTES,
            writer_cache_kib: CACHE_KIB,
            index_pace: IndexPace::Whole,
            ..Config::new(&self.data)
        };
        let store = SqliteStore::open(config, Arc::new(Nobody))?;
        let runtime = tokio::runtime::Builder::new_current_thread().build()?;
        let long = runtime.block_on(self.append_all(&store))?;
        runtime.block_on(confirm(&store, long))?;
        while store.stats().unindexed > 0 {
            crate::process::pause(LOOK_EVERY);
        }
        store.close();
        let seconds = began.elapsed().as_secs_f64();
        let bytes = folder_bytes(&self.data)?;
        say(&Filled { messages: self.messages, long, seconds, bytes })
    }

    /// Gives the number of messages in the long conversation.
    async fn append_all(&self, store: &SqliteStore) -> anyhow::Result<u64> {
        let (pairs, end) = ((self.messages / PER_PAIR).max(1), now_ms()?);
        let mut waiting = VecDeque::with_capacity(IN_FLIGHT);
        let mut long = 0;
        for number in 0..self.messages {
            if waiting.len() >= IN_FLIGHT
                && let Some(pending) = waiting.pop_front()
            {
                answered(pending).await?;
            }
            long += u64::from(number % LONG_EVERY == 0);
            let sent_ms = end - SPAN_MS
                + u64::try_from(
                    u128::from(SPAN_MS) * u128::from(number) / u128::from(self.messages),
                )?;
            let keyed = end - sent_ms < KEYS_MS;
            waiting.push_back(store.append(message(number, pairs, sent_ms, keyed)?));
        }
        for pending in waiting {
            answered(pending).await?;
        }
        Ok(long)
    }
}

async fn answered(
    pending: parlor_chat::store::Pending<parlor_chat::store::Appended>,
) -> anyhow::Result<()> {
    pending.await.map(drop).context("an append was refused")
}

fn message(number: u64, pairs: u64, sent_ms: u64, keyed: bool) -> anyhow::Result<Append> {
    let pair = if number.is_multiple_of(LONG_EVERY) { 0 } else { 1 + scattered(number) % pairs };
    // Each of the two has said half of it.
    let from = u32::try_from(2 * pair + (scattered(number) >> 63))?;
    let key = format!("{:013x}-7{number:011x}", sent_ms);
    Ok(Append {
        from: UserId::parse(&user_name(from))?,
        to: Recipient::User(UserId::parse(&user_name(from ^ 1))?),
        client_id: if keyed { Some(ClientId::parse(&key)?) } else { None },
        content: Content(format!("\"{}\"", words(number)).into()),
        now: Millis(sent_ms),
        origin: Origin::of(0),
    })
}

/// A text of words that are frequent or rare as words are.
fn words(mut number: u64) -> String {
    let mut text = String::with_capacity(CONTENT_BYTES + 8);
    while text.len() < CONTENT_BYTES {
        number =
            number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        // A vocabulary of two words as often as one of four, of eight, and so on.
        let word = (number >> 40) % (2 << ((number >> 33) % VOCABULARY_BITS));
        text.push_str(&format!("w{word:x} "));
    }
    text.truncate(text.trim_end().len());
    text
}

/// The first two users' devices are known and have all of the long conversation.
async fn confirm(store: &SqliteStore, long: u64) -> anyhow::Result<()> {
    let now = Millis(now_ms()?);
    for number in [0, 1] {
        let (user, device) =
            (UserId::parse(&user_name(number))?, DeviceId::parse(&device_name(number))?);
        let attach = AttachDevice {
            user: user.clone(),
            device: device.clone(),
            token_issued: None,
            now,
            devices_max: 20,
            idle_expiry_ms: 90 * DAY_MS,
        };
        store.attach_device(attach).await.context("a device was refused")?;
        let (one, other) = (UserId::parse(&user_name(0))?, UserId::parse(&user_name(1))?);
        let mark = Mark {
            user,
            conversation: ConversationId::direct(&one, &other),
            seq: Seq(long),
            kind: MarkKind::Read(device),
            now,
        };
        store.mark(vec![mark]).await.context("a mark was refused")?;
    }
    Ok(())
}

fn now_ms() -> anyhow::Result<u64> {
    Ok(u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis())?)
}

fn folder_bytes(folder: &Path) -> anyhow::Result<u64> {
    let mut bytes = 0;
    for file in std::fs::read_dir(folder)? {
        bytes += file?.metadata()?.len();
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filled_store_has_what_it_says() {
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path().join("data");
        let fill = Fill { data: data.clone(), messages: 500 };
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let store = SqliteStore::open(Config::new(&data), Arc::new(Nobody)).expect("it opens");
        let long = runtime.block_on(fill.append_all(&store)).expect("it is filled");
        runtime.block_on(confirm(&store, long)).expect("it is confirmed");
        assert_eq!((long, store.position().0), (50, 500));
        let (user, device) = (
            UserId::parse(&user_name(1)).expect("a good id"),
            DeviceId::parse(&device_name(1)).expect("a good id"),
        );
        let undelivered = runtime.block_on(store.undelivered(user, device, None, 10));
        assert!(undelivered.expect("it is read").entries.is_empty());
    }

    #[test]
    fn the_rare_word_is_rare_and_there() {
        let with = |word: &str| {
            let texts = (0..40_000).map(words);
            texts.filter(|text| text.split(' ').any(|other| other == word)).count()
        };
        let (rare, frequent) = (with(RARE_WORD), with("w1"));
        assert!((1..40).contains(&rare), "{rare}");
        assert!(frequent > 20_000, "{frequent}");
    }
}
