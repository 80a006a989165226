//! What is wished by the right of the system: whatever the owner of a group may, and the deletion of
//! any message, by a user who is nowhere a member.

use parlor_chat::around::port::{ChangeMessage, Say, Speaker, Wish as Deed};
use parlor_chat::around::{Act, Deed as Done};
use parlor_chat::entry::{Body, Position};
use parlor_chat::group::decide::{InviteCode, Wish};
use parlor_chat::group::port::MembersQuery;
use parlor_chat::group::{FOREVER, Role, SettingsPatch};
use parlor_chat::ids::{ConversationId, GroupId, Seq};
use parlor_chat::refusal::{Refusal, of_store};
use parlor_chat::store::{Append, Authority, Block, HistoryRange, Recipient, StoreError, Viewer};

use super::around::{House, about, edit};
use super::{NOW, dm, text, user, wish};

const SYSTEM: (&str, Authority) = ("system", Authority::System);

fn add(name: &str) -> Wish {
    Wish::Add(vec![user(name)])
}

async fn owner(h: &House, name: &str) -> String {
    let group = GroupId::parse(name).expect("a good id");
    let view = h.groups.group(Viewer::System, group).await.expect("it is seen");
    view.group.owner.as_str().to_owned()
}

async fn roles(h: &House, name: &str) -> Vec<(String, Role)> {
    let group = GroupId::parse(name).expect("a good id");
    let query = MembersQuery { viewer: Viewer::System, group, after: None, limit: 9 };
    let page = h.groups.members(query).await.expect("a page is read");
    page.members.iter().map(|line| (line.user.as_str().to_owned(), line.role)).collect()
}

pub(super) async fn it_may_in_a_group_what_the_owner_may(h: &House) {
    h.group("g", "o", &["a", "b"]).await;
    let block =
        Block { user: user("c"), other: user("system"), blocked: true, now: NOW, blocks_max: 9 };
    h.base.store.block(block).await.expect("it is kept");
    let settings = SettingsPatch { slow_mode_ms: Some(5_000), ..SettingsPatch::default() };
    for (n, wish) in [
        Wish::Update { name: None, settings },
        add("c"),
        Wish::SetRole(user("a"), Role::Admin),
        Wish::Kick(user("a")),
        Wish::Ban(user("a"), FOREVER),
        Wish::Unban(user("a")),
        Wish::Mute(user("b"), FOREVER),
        Wish::Unmute(user("b")),
    ]
    .into_iter()
    .enumerate()
    {
        let done = h.wishes("g", ("system", Authority::User), wish.clone()).await;
        assert_eq!(done, Err(Refusal::NotAMember), "{wish:?} by its own right");
        let done = h.wishes("g", SYSTEM, wish.clone()).await;
        assert_eq!(done, Ok(Some(n as u64 + 2)), "{wish:?}");
    }
    let heard = h.base.sink.heard.lock().clone();
    assert!(heard.iter().skip(1).all(|heard| heard.entry.from == user("system")));
    let code = InviteCode::parse("open").expect("a good code");
    let invite = Wish::Invite { code: code.clone(), until: FOREVER, uses: 1 };
    assert_eq!(h.wishes("g", SYSTEM, invite).await, Ok(None));
    let joins = Wish::Join(Some(code));
    assert_eq!(h.wishes("g", ("d", Authority::User), joins).await, Ok(Some(10)));
    assert_eq!(h.wishes("g", SYSTEM, Wish::Leave).await, Err(Refusal::NotAMember));
    assert_eq!(h.wishes("g", SYSTEM, Wish::Delete).await, Ok(Some(11)));
    assert_eq!(h.wishes("g", SYSTEM, add("a")).await, Err(Refusal::NotFound));
}

pub(super) async fn it_leaves_every_group_its_owner(h: &House) {
    h.group("g", "o", &["a"]).await;
    for wish in [
        Wish::Kick(user("o")),
        Wish::Ban(user("o"), FOREVER),
        Wish::SetRole(user("o"), Role::Admin),
    ] {
        let done = h.wishes("g", SYSTEM, wish.clone()).await;
        assert_eq!(done, Err(Refusal::OwnerMustStay), "{wish:?}");
    }
    let mute = Wish::Mute(user("o"), FOREVER);
    assert_eq!(h.wishes("g", SYSTEM, mute).await, Err(Refusal::NotAllowed));
    let stays = Wish::SetRole(user("o"), Role::Owner);
    assert_eq!(h.wishes("g", SYSTEM, stays).await, Ok(None));
    let passes = Wish::SetRole(user("a"), Role::Owner);
    assert_eq!(h.wishes("g", SYSTEM, passes).await, Ok(Some(2)));
    assert_eq!(owner(h, "g").await, "a");
    let expected = [("o".to_owned(), Role::Admin), ("a".to_owned(), Role::Owner)];
    assert_eq!(roles(h, "g").await, expected);
    assert_eq!(h.wishes("g", SYSTEM, Wish::Kick(user("o"))).await, Ok(Some(3)));
}

pub(super) async fn it_reads_groups_whole(h: &House) {
    h.group("g", "o", &["a"]).await;
    let group = || GroupId::parse("g").expect("a good id");
    let view = h.groups.group(Viewer::System, group()).await.expect("it is seen");
    assert_eq!((view.membership, view.group.members), (None, 2));
    assert!(h.groups.group(user("z").into(), group()).await.is_err());
    assert_eq!(roles(h, "g").await.len(), 2);
    let refused = h.groups.invites(user("a").into(), group()).await.expect_err("no admin");
    assert_eq!(of_store(&refused), Refusal::NotAllowed);
    let requests = h.groups.requests(Viewer::System, group(), 9).await.expect("they are read");
    assert_eq!(requests, []);
    assert_eq!(h.groups.invites(Viewer::System, group()).await.expect("they are read"), []);
    let of = ConversationId::group(&group());
    h.says("o", &of, "one").await;
    h.change_group("g", "o", add("late")).await;
    h.done("o", &of, 2, edit("two")).await;
    h.change_group("g", "o", Wish::Delete).await;
    let piece = async |range, limit| {
        h.groups.group_history(group(), range, limit).await.expect("a page is read")
    };
    let all = piece(HistoryRange::After(Seq(0), None), 9).await;
    assert_eq!((all.entries.len(), all.more, all.covers), (5, false, Some((Seq(1), Seq(5)))));
    let edited = all.states[&Seq(2)].edited.as_ref().map(|(content, _)| content.clone());
    assert_eq!(edited, Some(text("two")));
    let newest = piece(HistoryRange::Before(Some(Seq(5))), 2).await;
    assert_eq!((newest.entries[0].seq, newest.more), (Seq(4), true));
    assert_eq!(newest.covers, Some((Seq(3), Seq(4))));
    let nowhere = GroupId::parse("none").expect("a good id");
    let missing = h.groups.group_history(nowhere, HistoryRange::Before(None), 9).await;
    assert!(matches!(missing, Err(StoreError::NotFound)));
}

pub(super) async fn it_speaks_in_groups_that_it_is_not_in(h: &House) {
    let of = h.group("g", "o", &["a"]).await;
    let group = of.group_id().expect("a group's");
    let append = |to: &GroupId| Append {
        to: Recipient::Group(to.clone()),
        ..wish("system", "a", "hear", Some("k"))
    };
    let said = |authority, to: &GroupId| h.around.say(Say { authority, ..Say::plain(append(to)) });
    let refused = said(Authority::User, &group).await.expect_err("it is not in it");
    assert_eq!(of_store(&refused), Refusal::NotAMember);
    let first = said(Authority::System, &group).await.expect("it is kept");
    let again = said(Authority::System, &group).await.expect("it is kept");
    assert!(!first.repeated && again.repeated && first.seq == Seq(2) && again.seq == Seq(2));
    h.says("a", &of, "I did").await;
    let page = h.base.store.conversations(user("a"), None, 9).await.expect("a page");
    assert_eq!(page.conversations[0].unread, 1);
    let page = h.base.store.conversations(user("system"), None, 9).await.expect("a page");
    assert_eq!(page.conversations.len(), 0, "it is still not in it");
    let (undelivered, _) = h.base.undelivered("o", "", 9).await;
    assert_eq!(undelivered.len(), 2);
    let nowhere = GroupId::parse("none").expect("a good id");
    let missing = said(Authority::System, &nowhere).await.expect_err("there is none");
    assert_eq!(of_store(&missing), Refusal::NotFound);
    let speaker = |authority| Speaker {
        from: user("system"),
        authority,
        to: Recipient::Group(group.clone()),
        now: NOW,
    };
    assert!(h.around.may_say(speaker(Authority::System)).await.is_ok());
    assert!(h.around.may_say(speaker(Authority::User)).await.is_err());
}

pub(super) async fn it_deletes_what_two_say_to_each_other(h: &House) {
    let of: ConversationId = dm("a", "b");
    h.base.sent("a", "b", "x").await;
    h.done("a", &of, 1, edit("y")).await;
    h.base.sent("b", "a", "z").await;
    let before = h.base.head_position().await;
    let by_system = |seq, wish| ChangeMessage {
        authority: Authority::System,
        ..about("system", &of, seq, wish)
    };
    let stranger = h.does(about("system", &of, 1, Deed::Delete)).await;
    assert_eq!(stranger, Err(Refusal::NotFound));
    assert_eq!(h.does(by_system(1, edit("w"))).await, Err(Refusal::NotAllowed));
    assert_eq!(h.does(by_system(1, Deed::Delete)).await, Ok(Some(4)));
    assert_eq!(h.does(by_system(1, Deed::Delete)).await, Ok(None));
    assert_eq!(h.does(by_system(9, Deed::Delete)).await, Err(Refusal::NotFound));
    let heard = h.base.sink.heard.lock().last().expect("it was told").entry.clone();
    assert_eq!((&heard.from, &heard.to), (&user("system"), &None));
    for reader in ["a", "b"] {
        let page = h.page(reader, &of).await;
        assert_eq!(page.entries[0].body, Body::Gone);
        let last = page.entries.last().expect("it is there");
        assert_eq!(last.body, Body::Acted(Act { on: Seq(1), deed: Done::Deleted }));
        assert_eq!((&last.from, &last.to), (&user("system"), &None));
        let since = h.base.since(reader, before, 9).await;
        assert_eq!(since, std::slice::from_ref(last), "{reader} was away");
        let (undelivered, _) = h.base.undelivered(reader, "", 9).await;
        assert!(undelivered.contains(last));
        let page = h.base.store.conversations(user(reader), None, 9).await.expect("a page");
        assert_eq!((page.conversations[0].unread, &page.conversations[0].last), (1, last));
    }
    // The log goes on from it.
    assert_eq!(h.base.sent("a", "b", "on").await.seq, Seq(5));
    let page = h.base.store.conversations(user("b"), None, 9).await.expect("a page");
    assert_eq!(page.conversations[0].unread, 2);
    let since = h.base.since("system", Position(0), 9).await;
    assert_eq!(since, [], "it hears nothing of theirs");
    let said = h.page("a", &of).await.entries[4].body.clone();
    assert_eq!(said, Body::Said(text("on")));
}
