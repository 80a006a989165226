//! What is written on the outside of messages: replies, mentions and forwards.

use parlor_chat::around::Reply;
use parlor_chat::around::port::{Say, ThreadQuery, Wish};
use parlor_chat::group::decide::Wish as GroupWish;
use parlor_chat::ids::{ConversationId, GroupId, Seq};
use parlor_chat::refusal::{Refusal, of_store};
use parlor_chat::store::{Append, Recipient};

use super::around::{House, about};
use super::{dm, user, wish};

fn say(append: Append) -> Say {
    Say::plain(append)
}

pub(super) async fn a_reply_names_what_it_answers(h: &House) {
    h.base.sent("a", "b", "x").await;
    h.base.sent("a", "c", "elsewhere").await;
    let reply = |to: u64, key| Say { reply_to: Some(Seq(to)), ..say(wish("b", "a", "y", key)) };
    let sent = h.around.say(reply(1, Some("k"))).await.expect("it is kept");
    assert_eq!(sent.seq, Seq(2));
    let page = h.page("a", &dm("a", "b")).await;
    let envelope = page.entries[1].envelope.as_ref().expect("it has something outside");
    assert_eq!(envelope.reply_to, Some(Reply { seq: Seq(1), from: user("a") }));
    assert_eq!(
        h.base.sink.heard.lock().last().map(|c| c.entry.clone()),
        Some(page.entries[1].clone())
    );
    let refused = async |say| h.around.say(say).await.map_err(|error| of_store(&error)).err();
    let missing = Some(Refusal::invalid("replyTo", "must be a message of this conversation"));
    assert_eq!(refused(reply(3, None)).await, missing);
    let first = Say { reply_to: Some(Seq(1)), ..say(wish("b", "z", "y", None)) };
    assert_eq!(refused(first).await, missing, "nothing was said there yet");
    assert_eq!(refused(reply(1, Some("k"))).await, None, "a retry is answered like the first");
    assert_eq!(refused(reply(2, Some("k"))).await, Some(Refusal::Conflict));
    assert_eq!(refused(say(wish("b", "a", "y", Some("k")))).await, Some(Refusal::Conflict));
    h.done("a", &dm("a", "b"), 1, Wish::Delete).await;
    assert_eq!(refused(reply(1, None)).await, Some(Refusal::MessageDeleted));
    assert_eq!(refused(reply(1, Some("k"))).await, None);
    assert!(h.page("a", &dm("a", "b")).await.entries[1].envelope.is_some());
}

pub(super) async fn a_thread_is_read_in_pages_and_counted(h: &House) {
    let of = dm("a", "b");
    h.base.sent("a", "b", "root").await;
    h.base.sent("a", "b", "other").await;
    let reply = |by: &str, to: &str, root: u64| Say {
        thread: Some(Seq(root)),
        ..say(wish(by, to, "x", None))
    };
    for n in 3..=7 {
        let sent = h.around.say(reply("b", "a", 1)).await.expect("it is kept");
        assert_eq!(sent.seq, Seq(n));
    }
    let refused = async |say| h.around.say(say).await.map_err(|error| of_store(&error)).err();
    let nested = Refusal::invalid("thread", "must be a message that is in no thread");
    assert_eq!(refused(reply("a", "b", 3)).await, Some(nested));
    let missing = Refusal::invalid("thread", "must be a message of this conversation");
    assert_eq!(refused(reply("a", "b", 99)).await, Some(missing));
    let read = async |who: &str, root, after, limit| {
        let (user, conversation) = (user(who), of.clone());
        let query = ThreadQuery { user, conversation, root: Seq(root), after, limit };
        h.around.thread(query).await.map_err(|error| of_store(&error)).map(|page| {
            let seqs: Vec<_> = page.messages.iter().map(|message| message.seq.0).collect();
            (seqs, page.next)
        })
    };
    assert_eq!(read("a", 1, Seq(0), 3).await, Ok((vec![3, 4, 5], Some(Seq(5)))));
    assert_eq!(read("a", 1, Seq(5), 3).await, Ok((vec![6, 7], None)));
    assert_eq!(read("a", 2, Seq(0), 3).await, Ok((vec![], None)));
    assert_eq!(read("a", 99, Seq(0), 3).await, Err(Refusal::NotFound));
    assert_eq!(read("c", 1, Seq(0), 3).await, Err(Refusal::NotFound));
    let replies = async |seq| h.page("a", &of).await.states.get(&Seq(seq)).map(|s| s.replies);
    assert_eq!((replies(1).await, replies(2).await), (Some(5), None));
    assert!(h.does(about("b", &of, 4, Wish::Delete)).await.is_ok());
    assert!(h.does(about("a", &of, 1, Wish::Delete)).await.is_ok());
    assert_eq!(replies(1).await, Some(5), "a thread outlives what began it");
    assert_eq!(read("b", 1, Seq(6), 3).await, Ok((vec![7], None)));
    assert_eq!(refused(reply("a", "b", 1)).await, Some(Refusal::MessageDeleted));
}

pub(super) async fn a_thread_in_a_group_ends_with_the_membership(h: &House) {
    let of = h.group("g", "a", &["b"]).await;
    let root = h.says("a", &of, "root").await;
    let reply = |by: &str| {
        let group = GroupId::parse("g").expect("a good id");
        let append = Append { to: Recipient::Group(group), ..wish(by, by, "x", None) };
        Say { thread: Some(Seq(root)), ..say(append) }
    };
    h.around.say(reply("b")).await.expect("it is kept");
    h.change_group("g", "b", GroupWish::Leave).await;
    h.around.say(reply("a")).await.expect("it is kept");
    for (who, expected) in [("a", 2), ("b", 1)] {
        let (user, conversation) = (user(who), of.clone());
        let query = ThreadQuery { user, conversation, root: Seq(root), after: Seq(0), limit: 9 };
        let page = h.around.thread(query).await.expect("it is read");
        assert_eq!(page.messages.len(), expected, "{who}");
    }
}

pub(super) async fn mentions_are_of_members_and_counted_until_read(h: &House) {
    let of = h.group("g", "a", &["b", "c"]).await;
    let to = |by: &str| {
        let group = GroupId::parse("g").expect("a good id");
        Append { to: Recipient::Group(group), ..wish(by, by, "x", None) }
    };
    let mention = |by: &str, names: &[&str]| Say {
        mentions: names.iter().map(|name| user(name)).collect(),
        ..say(to(by))
    };
    let all =
        |by: &str, max| Say { mentions_all: true, mention_all_members_max: max, ..say(to(by)) };
    let outcome = async |say| h.around.say(say).await.map_err(|error| of_store(&error)).err();
    let count = async |who: &str| {
        let page = h.base.store.conversations(user(who), None, 9).await.expect("a page is read");
        page.conversations[0].mentions
    };
    assert_eq!(outcome(mention("b", &["a", "c", "b"])).await, None);
    assert_eq!((count("a").await, count("b").await, count("c").await), (1, 0, 1));
    let strangers = Some(Refusal::invalid("mentions", "must be members of the group"));
    assert_eq!(outcome(mention("b", &["a", "z"])).await, strangers);
    assert_eq!(outcome(all("b", 2)).await, Some(Refusal::NotAllowed));
    assert_eq!(outcome(all("b", 3)).await, None);
    assert_eq!(outcome(all("a", 0)).await, None, "who keeps order may");
    assert_eq!((count("a").await, count("b").await, count("c").await), (2, 1, 3));
    h.base.read("c", of.clone(), 2).await;
    assert_eq!(count("c").await, 2);
    h.done("a", &of, 4, Wish::Delete).await;
    assert_eq!((count("b").await, count("c").await), (0, 1));
    let direct = Say { mentions: vec![user("b")], ..say(wish("a", "b", "x", None)) };
    assert_eq!(outcome(direct).await, Some(Refusal::invalid("mentions", "are for groups")));
}

pub(super) async fn a_forward_is_of_what_the_sender_may_see(h: &House) {
    h.base.sent("a", "b", "x").await;
    let of = h.group("g", "c", &[]).await;
    let hidden = h.says("c", &of, "secret").await;
    let forward = |by: &str, of: ConversationId, seq| Say {
        forward_of: Some((of, Seq(seq))),
        ..say(wish(by, "d", "x", None))
    };
    let sent = h.around.say(forward("b", dm("a", "b"), 1)).await.expect("it is kept");
    let page = h.page("d", &sent.conversation).await;
    assert!(page.entries[0].envelope.as_ref().is_some_and(|outside| outside.forwarded));
    let unseen = Err(Refusal::invalid("forwardOf", "must be a message that the user may see"));
    for (by, of, seq) in [
        ("c", dm("a", "b"), 1),
        ("b", dm("a", "b"), 2),
        ("b", of.clone(), hidden),
        ("c", of.clone(), 1),
    ] {
        let said = h.around.say(forward(by, of, seq)).await;
        assert_eq!(said.map(|_| ()).map_err(|error| of_store(&error)), unseen);
    }
}
