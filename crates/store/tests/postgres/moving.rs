//! A migration beside a server, cut off, into the wrong database, and of what somebody changed.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

use parlor_chat::around::port::{Around, ChangeMessage, Say, Wish};
use parlor_chat::entry::{Content, Millis};
use parlor_chat::group::decide::Wish as GroupWish;
use parlor_chat::group::port::{ChangeGroup, Groups};
use parlor_chat::group::{GroupName, SettingsPatch};
use parlor_chat::ids::{ClientId, ConversationId, GroupId, Seq, UserId};
use parlor_chat::limits::Limits;
use parlor_chat::store::{
    Append, Appended, Authority, Mark, MarkKind, Origin, Pending, Recipient, Store, StoreError,
};
use parlor_store::migrate::{MigrateError, Outcome, Unsealed, migrate};
use parlor_store::postgres::{self, PostgresStore};
use parlor_store::sqlite::{self, Check, Config, OpenError, Progress, SqliteStore, backup};
use tokio::runtime::Runtime;

use crate::migrating::{Nobody, answer_alike, keyring, migration, opened};
use crate::server::{Database, server};

const NOW: Millis = Millis(1_800_000_000_000);

fn user(name: &str) -> UserId {
    UserId::parse(name).expect("a good id")
}

fn room() -> GroupId {
    GroupId::parse("room").expect("a good id")
}

/// A source, a database, and a runtime to ask stores in; migrations are run outside of it.
struct Place {
    dir: tempfile::TempDir,
    config: Config,
    database: Database,
    runtime: Runtime,
}

impl Place {
    fn new(change: impl FnOnce(&mut Config)) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let mut config = Config::new(dir.path());
        change(&mut config);
        let runtime = Runtime::new().expect("a runtime");
        Self { dir, config, database: server().database(), runtime }
    }

    fn open(&self) -> SqliteStore {
        SqliteStore::open(self.config.clone(), Arc::new(Nobody)).expect("it opens")
    }

    fn migrate(&self) -> Result<Outcome, MigrateError> {
        self.migrate_telling(&mut |_| {})
    }

    fn migrate_telling(&self, report: &mut dyn FnMut(Progress)) -> Result<Outcome, MigrateError> {
        migrate(&migration(&self.config, &self.database), report)
    }

    /// Runs it to the end, and compares.
    fn finish(&self) {
        let outcome = self.migrate().expect("it is moved");
        assert!(matches!(outcome, Outcome::Finished { .. }), "{outcome:?}");
        answer_alike(&self.config, &self.database);
    }

    fn done<T>(&self, pending: Pending<T>) -> T {
        self.runtime.block_on(pending).expect("it is done")
    }
}

fn wish(from: &str, to: Recipient, text: &str, key: Option<&str>) -> Append {
    Append {
        from: user(from),
        to,
        client_id: key.map(|key| ClientId::parse(key).expect("a good key")),
        content: Content(format!("\"{text}\"").into()),
        now: NOW,
        origin: Origin::of(0),
    }
}

fn to(name: &str) -> Recipient {
    Recipient::User(user(name))
}

fn deed(by: &str, of: &ConversationId, seq: u64, wish: Wish) -> ChangeMessage {
    ChangeMessage {
        by: user(by),
        authority: Authority::User,
        conversation: of.clone(),
        seq: Seq(seq),
        wish,
        client_id: None,
        now: NOW,
        origin: Origin::of(0),
        limits: Limits::default(),
        screening: None,
        removal: None,
    }
}

fn change(by: &str, wish: GroupWish) -> ChangeGroup {
    ChangeGroup {
        by: user(by),
        authority: Authority::User,
        group: room(),
        wish,
        client_id: None,
        now: NOW,
        origin: Origin::of(0),
        limits: Limits::default(),
    }
}

/// Many messages of two, and a group.
fn fill(place: &Place, store: &SqliteStore, messages: usize) {
    let members = ["b", "c", "d"].map(user).to_vec();
    let name = GroupName::parse("Room").expect("a good name");
    let create = GroupWish::Create { name, settings: SettingsPatch::default(), members };
    place.done(store.change_group(change("a", create)));
    let said: Vec<Pending<Appended>> = (0..messages)
        .map(|n| {
            let (from, recipient) = match n % 3 {
                0 => ("a", to("b")),
                1 => ("b", to("a")),
                _ => ("c", Recipient::Group(room())),
            };
            store.append(wish(from, recipient, &format!("number {n}"), Some(&format!("key {n}"))))
        })
        .collect();
    for said in said {
        place.done(said);
    }
}

#[test]
fn a_store_in_use_is_followed_and_settled_once_it_rests() {
    let place = Place::new(|_| {});
    let store = place.open();
    fill(&place, &store, 2_300);
    let outcome = place.migrate().expect("it follows");
    assert_eq!(outcome, Outcome::Follows { up_to: 2_301 });
    let config = postgres::Config::new(place.database.url());
    let refused = PostgresStore::open(config, Arc::new(Nobody)).map(|_| ());
    let refused = refused.expect_err("no server uses what is not whole");
    assert!(matches!(refused, postgres::OpenError::MigrationUnfinished), "{refused:?}");
    // What lies far behind the position changes as well as what is new.
    let of = ConversationId::direct(&user("a"), &user("b"));
    let edited = Wish::Edit(Content("\"edited to something\"".into()));
    place.done(store.change_message(deed("a", &of, 1, edited)));
    place.done(store.change_message(deed("b", &of, 2, Wish::Delete)));
    place.done(store.change_group(change("a", GroupWish::Kick(user("d")))));
    place.done(store.append(wish("a", to("e"), "hello", None)));
    let kind = MarkKind::Read(parlor_chat::ids::DeviceId::shared());
    let read = Mark { user: user("b"), conversation: of.clone(), seq: Seq(9), kind, now: NOW };
    place.done(store.mark(vec![read]));
    let outcome = place.migrate().expect("it follows on");
    assert_eq!(outcome, Outcome::Follows { up_to: 2_305 });
    let (epoch, position) = (store.epoch(), store.position());
    store.close();
    place.finish();
    let here = opened(&place.config, &place.database);
    assert_ne!(here.epoch(), epoch, "it is another life of the log");
    let next = place.done(here.append(wish("a", to("b"), "more", None)));
    assert_eq!(next.seq, Seq(1_537), "seqs go on");
    let since = place.done(here.since(user("a"), position, parlor_chat::store::Whose::Everyone, 9));
    assert_eq!(since.entries.len(), 1);
    assert_eq!(since.entries[0].position.0, position.0 + 1, "positions go on");
    let again = place.done(here.append(wish("a", to("b"), "number 3", Some("key 3"))));
    assert!(again.repeated && again.seq == Seq(3), "{again:?}");
    let other = wish("a", to("b"), "another", Some("key 3"));
    let other = place.runtime.block_on(here.append(other));
    assert!(matches!(other, Err(StoreError::ClientIdConflict)), "{other:?}");
    here.close();
}

#[test]
fn a_migration_that_is_cut_off_anywhere_goes_on() {
    let place = Place::new(|_| {});
    let store = place.open();
    fill(&place, &store, 2_300);
    store.close();
    let mut cuts = 0;
    for at in (0..).step_by(4) {
        let mut told = 0;
        let run = catch_unwind(AssertUnwindSafe(|| {
            place.migrate_telling(&mut |_| {
                told += 1;
                if told > at {
                    // As if it was killed: nothing is finished, the connection is lost.
                    resume_unwind(Box::new(()));
                }
            })
        }));
        match run {
            Err(_) => cuts += 1,
            Ok(outcome) => {
                let outcome = outcome.expect("it is moved");
                assert!(matches!(outcome, Outcome::Finished { .. }), "{outcome:?}");
                break;
            }
        }
    }
    assert!(cuts > 8, "{cuts}");
    answer_alike(&place.config, &place.database);
}

#[test]
fn a_connection_that_is_lost_in_the_middle_ends_it_until_the_next_run() {
    let place = Place::new(|_| {});
    let store = place.open();
    fill(&place, &store, 2_300);
    store.close();
    for step in ["messages compared or copied", "tables copied", "messages verified"] {
        let mut is_cut = false;
        let run = place.migrate_telling(&mut |progress| {
            if progress.step == step && progress.done > 1 && !std::mem::replace(&mut is_cut, true) {
                place.database.sql(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                     WHERE application_name = 'parlor migrate' AND datname = current_database()",
                );
            }
        });
        assert!(matches!(run, Err(MigrateError::Target(_))), "{step}: {run:?}");
    }
    place.finish();
}

#[test]
fn a_target_that_is_not_empty_is_refused() {
    let place = Place::new(|_| {});
    let store = place.open();
    fill(&place, &store, 3);
    store.close();
    place.database.sql("CREATE TABLE other ()");
    let refused = place.migrate().expect_err("somebody else's");
    assert!(
        matches!(&refused, MigrateError::NotEmpty { table } if table == "other"),
        "{refused:?}"
    );
    place.database.sql("DROP TABLE other");
    opened(&place.config, &place.database).close();
    let refused = place.migrate().expect_err("a server has made its tables there");
    assert!(matches!(refused, MigrateError::NotEmpty { .. }), "{refused:?}");
    let other = Place::new(|_| {});
    fill(&other, &other.open(), 3);
    other.migrate().expect("into an empty one it is moved");
    let into_others = migrate(&migration(&place.config, &other.database), &mut |_| {});
    assert!(matches!(into_others, Err(MigrateError::OtherSource)), "{into_others:?}");
}

#[test]
fn a_migration_is_finished_once() {
    let place = Place::new(|_| {});
    fill(&place, &place.open(), 3);
    place.finish();
    // To compare, the source was opened by a server.
    let again = place.migrate().expect_err("the source was used");
    assert!(matches!(again, MigrateError::SourceWentOn { up_to: 4 }), "{again:?}");
    let other = Place::new(|_| {});
    fill(&other, &other.open(), 3);
    other.migrate().expect("it is moved");
    let again = other.migrate().expect("there is nothing to do");
    assert_eq!(again, Outcome::FinishedBefore { up_to: 4 });
}

#[test]
fn a_copy_that_was_changed_is_found_and_mended() {
    let place = Place::new(|_| {});
    fill(&place, &place.open(), 1_200);
    for (step, sql, told) in [
        (
            "messages verified",
            "UPDATE entry SET content = '\"changed\"' WHERE conversation = 'dm:a:b' AND seq = 7",
            "seq 7 of dm:a:b is another",
        ),
        (
            "messages verified",
            "DELETE FROM entry WHERE conversation = 'dm:a:b' AND seq = 700",
            "seq 700 of dm:a:b is missing",
        ),
        (
            "messages verified",
            "INSERT INTO entry SELECT 'dm:x:y', seq, pos + 5000, epoch, ts, sender, client_id, kind, \
             about, content, envelope, expires, gone, said, low_said, shadow, moderated FROM entry \
             WHERE conversation = 'dm:a:b' AND seq = 7",
            "after position 1201",
        ),
        (
            "messages verified",
            "UPDATE message_words SET words = words || 'more:1' WHERE seq = 8",
            "message_words: positions",
        ),
        (
            "tables verified",
            "UPDATE member SET delivered = 1 WHERE conversation = 'group:room' AND user_id = 'c'",
            "member: ",
        ),
        ("tables verified", "DELETE FROM idempotency WHERE seq = 3", "idempotency: "),
    ] {
        let mut is_changed = false;
        let run = place.migrate_telling(&mut |progress| {
            if progress.step == step && !std::mem::replace(&mut is_changed, true) {
                place.database.sql(sql);
            }
        });
        let found = run.expect_err("it is noticed");
        assert!(matches!(found, MigrateError::Different(_)), "{found:?}");
        assert!(found.to_string().contains(told), "{found}");
    }
    place.finish();
}

#[test]
fn a_source_that_was_put_back_from_a_backup_is_moved_as_it_is_now() {
    let place = Place::new(|_| {});
    let store = place.open();
    fill(&place, &store, 1_500);
    let file = place.dir.path().join("backup.db");
    backup(place.dir.path(), &file, Check::Whole, &mut |_| {}).expect("a backup is made");
    for n in 0..1_500 {
        place.done(store.append(wish("a", to("b"), &format!("lost {n}"), None)));
    }
    place.migrate().expect("it follows");
    store.close();
    let restored = Place {
        dir: tempfile::tempdir().expect("a directory"),
        database: place.database.clone(),
        runtime: Runtime::new().expect("a runtime"),
        config: place.config.clone(),
    };
    let config = Config { dir: restored.dir.path().into(), ..restored.config.clone() };
    let restored = Place { config, ..restored };
    let refuse = sqlite::Existing::Refuse;
    sqlite::restore(&file, restored.dir.path(), &refuse, &mut |_| {}).expect("it is put back");
    let store = restored.open();
    // Other messages take the places, and some a place between.
    for n in 0..40 {
        restored.done(store.append(wish("x", to("y"), &format!("other {n}"), None)));
        restored.done(store.append(wish("b", to("a"), &format!("new {n}"), None)));
    }
    store.close();
    restored.finish();
    assert_eq!(place.database.sql("SELECT count(*) FROM entry WHERE content LIKE '%lost%'"), "0");
}

#[test]
fn sealed_contents_are_opened_if_that_was_allowed() {
    let place = Place::new(|config| config.keyring = Some(keyring()));
    fill(&place, &place.open(), 30);
    let sealed = migration(&place.config, &place.database);
    let refused = parlor_store::migrate::Migration { unsealed: Unsealed::Refuse, ..sealed };
    let refused = migrate(&refused, &mut |_| {}).expect_err("nobody allowed it");
    assert!(matches!(refused, MigrateError::Sealed), "{refused:?}");
    let sealed = migration(&place.config, &place.database);
    let keyless = parlor_store::migrate::Migration { keyring: None, ..sealed };
    let keyless = migrate(&keyless, &mut |_| {}).expect_err("there is no key");
    assert!(matches!(keyless, MigrateError::Source(OpenError::KeyMissing { .. })), "{keyless:?}");
    let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'";
    assert_eq!(place.database.sql(tables), "0", "nothing was written");
    place.finish();
    let found = "SELECT count(*) FROM entry WHERE content LIKE '\"number%'";
    assert_eq!(place.database.sql(found), "30");
}

#[test]
fn keys_of_sealed_conversations_tell_a_retry_from_another_wish() {
    let place = Place::new(|config| config.keyring = Some(keyring()));
    let store = place.open();
    let of = ConversationId::direct(&user("a"), &user("b"));
    let say = |text: &str, key: &str, reply_to: Option<Seq>| {
        let append = wish("a", to("b"), text, Some(key));
        Say { reply_to, ..Say::plain(append) }
    };
    place.done(store.append(wish("a", to("b"), "first", Some("one"))));
    place.done(store.say(say("second", "two", Some(Seq(1)))));
    place.done(store.append(wish("a", to("b"), "third", Some("three"))));
    let edit = |text: &str| {
        let wish = Wish::Edit(Content(format!("\"{text}\"").into()));
        let client_id = Some(ClientId::parse("edit").expect("a good key"));
        ChangeMessage { client_id, ..deed("a", &of, 1, wish) }
    };
    place.done(store.change_message(edit("edited")));
    place.done(store.change_message(deed("a", &of, 3, Wish::Delete)));
    store.close();
    place.finish();
    let here = opened(&place.config, &place.database);
    let repeated = |pending| place.done::<Appended>(pending).repeated;
    let conflicts = |pending| {
        let answer: Result<Appended, _> = place.runtime.block_on::<Pending<Appended>>(pending);
        matches!(answer, Err(StoreError::ClientIdConflict))
    };
    assert!(repeated(here.append(wish("a", to("b"), "first", Some("one")))));
    assert!(conflicts(here.append(wish("a", to("b"), "second", Some("one")))));
    assert!(repeated(here.say(say("second", "two", Some(Seq(1))))));
    assert!(conflicts(here.say(say("second", "two", None))));
    let edited = place.runtime.block_on(here.change_message(edit("edited")));
    assert!(edited.is_ok(), "{edited:?}");
    let other = place.runtime.block_on(here.change_message(edit("other")));
    assert!(matches!(other, Err(StoreError::ClientIdConflict)), "{other:?}");
    // What it said is not known any more, so whatever comes under its key is taken for it.
    assert!(repeated(here.append(wish("a", to("b"), "third", Some("three")))));
    assert!(repeated(here.append(wish("a", to("b"), "fourth", Some("three")))));
    here.close();
}

#[test]
fn every_table_of_either_store_is_moved_or_made_anew() {
    let place = Place::new(|_| {});
    place.open().close();
    let Outcome::Finished { tables, .. } = place.migrate().expect("it is moved") else {
        panic!("it is at rest");
    };
    let mut moved: Vec<&str> = tables.iter().map(|counted| counted.table).collect();
    // What a store knows of itself.
    moved.extend(["counter", "meta", "migration", "schema_version"]);
    moved.sort_unstable();
    let sql = "SELECT string_agg(relname, ' ' ORDER BY relname COLLATE \"C\") FROM pg_class c \
               JOIN pg_namespace n ON n.oid = c.relnamespace WHERE nspname = 'public' \
               AND relkind IN ('r', 'p') AND NOT relispartition";
    assert_eq!(place.database.sql(sql), moved.join(" "));
    let conn = rusqlite::Connection::open(place.dir.path().join(sqlite::DATABASE_FILE));
    let conn = conn.expect("it opens");
    let names: String = conn
        .query_row(
            "SELECT group_concat(name, ' ' ORDER BY name) FROM sqlite_schema \
             WHERE type = 'table' AND name NOT LIKE 'word_index_%'",
            (),
            |row| row.get(0),
        )
        .expect("it is read");
    // A table that is added here is added to `migrate/tables.rs`, or is one that the other store does without.
    let known = "audit ban block chat_group conversation data_key delivered device entry \
                 idempotency invite join_request life mark_block master_key member mention \
                 message_state meta notice own own_key own_kind past_member profile profile_word \
                 reaction reaction_count report suspension token_floor user word_index";
    assert_eq!(names, known);
}
