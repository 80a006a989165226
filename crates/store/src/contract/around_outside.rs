//! What is written on the outside of messages: replies, mentions and forwards.

use parlor_chat::around::Reply;
use parlor_chat::around::port::{Say, Wish};
use parlor_chat::ids::{ConversationId, GroupId, Seq};
use parlor_chat::refusal::{Refusal, of_store};
use parlor_chat::store::{Append, Recipient};

use super::around::House;
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
