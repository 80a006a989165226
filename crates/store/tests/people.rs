//! A search looks at so many words at most, and goes on where it stopped.

use std::sync::Arc;

use parlor_chat::ids::UserId;
use parlor_chat::people::{ProfileChange, UsersQuery, wanted};
use parlor_chat::store::{CommitSink, Committed, Store};
use parlor_store::sqlite::{Config, SqliteStore};

struct Nobody;

impl CommitSink for Nobody {
    fn committed(&self, _: &[Committed]) {}
}

fn user(name: &str) -> UserId {
    UserId::parse(name).expect("a good user id")
}

#[tokio::test]
async fn a_search_among_many_stops_at_its_bound_and_goes_on() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = SqliteStore::open(Config::new(dir.path()), Arc::new(Nobody)).expect("it opens");
    let name = |who: &str, name: &str| {
        store.change_profile(ProfileChange {
            user: user(who),
            name: Some(Some(name.into())),
            token_name: None,
            avatar: None,
            about: None,
        })
    };
    // Who is looked for comes last, or just within the bound.
    for (before, pages) in [(1_999, 1), (2_000, 2), (2_001, 2)] {
        let word = format!("kim{before}");
        let pending: Vec<_> = (0..before)
            .map(|n| name(&format!("{before}-{n}"), &word))
            .chain([name(&format!("{before}-last"), &format!("{word} lee"))])
            .collect();
        for pending in pending {
            pending.await.expect("it is kept");
        }
        let (mut found, mut looked, mut after) = (Vec::new(), 0, None);
        loop {
            let words = wanted(&format!("{word} lee"));
            let query = UsersQuery { asker: user("x"), words, after, limit: 9 };
            let page = store.users(query).await.expect("a page is read");
            found.extend(page.users);
            looked += 1;
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!((found.len(), looked), (1, pages), "behind {before}");
        assert_eq!(found[0].user, user(&format!("{before}-last")));
    }
}
