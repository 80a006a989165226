//! From a wish about a message to what is committed, or why not.
//!
//! The store calls [`decide`] inside the commit with what then holds ([`Standing`]); so every backend
//! judges alike, and by the state it commits on.

use crate::entry::{Content, Millis};
use crate::group::rights::{Action, may};
use crate::group::{GroupSettings, Member, Role};
use crate::ids::UserId;
use crate::limits::Limits;
use crate::refusal::Refusal;
use crate::store::Authority;

use super::Deed;
use super::port::Wish;

/// What holds when a wish about a message is judged.
#[derive(Debug, Clone)]
pub struct Standing<'a> {
    /// Whose conversation it is, and what who wishes is there.
    pub place: Place<'a>,
    /// Who said the message.
    pub author: &'a UserId,
    /// When.
    pub said_at: Millis,
    /// Its newest content; `None` once it was deleted.
    pub content: Option<&'a Content>,
    /// How often it was edited.
    pub edits: u64,
    /// What is known of the emoji of the wish, and of the others; all 0 for other wishes.
    pub reactions: Reactions,
    /// Whether it is pinned.
    pub is_pinned: bool,
    /// How many messages of the conversation are pinned.
    pub pins: u64,
}

/// Where a message is, as who wishes something about it stands there.
#[derive(Debug, Clone)]
pub enum Place<'a> {
    /// In a direct conversation.
    Direct {
        /// Why the other member takes nothing from who wishes, if so: as a message would be refused.
        barred: Option<Refusal>,
    },
    /// In a group.
    Group {
        /// How it is run.
        settings: &'a GroupSettings,
        /// What who wishes is in it; `None` for who is out.
        member: Option<Member>,
        /// What the author is in it; `None` for who is out.
        author: Option<Role>,
    },
}

/// Reactions to a message, seen from one user and one emoji.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reactions {
    /// How many different ones there are.
    pub kinds: u64,
    /// How many users react with this emoji.
    pub alike: u64,
    /// How many the user has.
    pub own: u64,
    /// Whether the user reacts with this emoji.
    pub is_mine: bool,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// This is the next entry of the log.
    Commit(Deed),
    /// It is so already.
    Unchanged,
}

/// Decides on a wish of `by` about a message that they may see. By the right of the system any message
/// may be deleted, at any time; all else is judged by what the user is.
///
/// # Errors
/// Why it may not be.
pub fn decide(
    (by, authority): (&UserId, Authority),
    wish: &Wish,
    standing: &Standing<'_>,
    now: Millis,
    limits: &Limits,
) -> Result<Decision, Refusal> {
    let is_own = by == standing.author;
    if matches!(wish, Wish::Delete) {
        return delete(standing, is_own, authority, now, limits);
    }
    may_act(wish, standing, now)?;
    if matches!(wish, Wish::Edit(_)) && !is_own {
        return Err(Refusal::NotAllowed);
    }
    let Some(content) = standing.content else { return Err(Refusal::MessageDeleted) };
    let reactions = standing.reactions;
    let deed = match wish {
        Wish::Delete => Deed::Deleted,
        Wish::Edit(new) if new == content => return Ok(Decision::Unchanged),
        Wish::Edit(new) => {
            is_in_time(standing, limits.edit_window_ms, now)?;
            if standing.edits >= limits.edits_per_message_max {
                return Err(Refusal::TooManyEdits);
            }
            Deed::Edited(Some(new.clone()))
        }
        Wish::React(_) if reactions.is_mine => return Ok(Decision::Unchanged),
        Wish::React(emoji) => {
            let is_new = reactions.alike == 0;
            if reactions.own >= limits.reactions_per_user_max
                || is_new && reactions.kinds >= limits.reactions_per_message_max
            {
                return Err(Refusal::TooManyReactions);
            }
            Deed::Reacted(emoji.clone())
        }
        Wish::Unreact(_) if !reactions.is_mine => return Ok(Decision::Unchanged),
        Wish::Unreact(emoji) => Deed::Unreacted(emoji.clone()),
        Wish::Pin if standing.is_pinned => return Ok(Decision::Unchanged),
        Wish::Pin if standing.pins >= limits.pins_max => return Err(Refusal::TooManyPins),
        Wish::Pin => Deed::Pinned,
        Wish::Unpin if !standing.is_pinned => return Ok(Decision::Unchanged),
        Wish::Unpin => Deed::Unpinned,
    };
    Ok(Decision::Commit(deed))
}

/// Decides on the wish of a moderator of the server to delete a message of this content.
pub fn remove(content: Option<&Content>) -> Decision {
    content.map_or(Decision::Unchanged, |_| Decision::Commit(Deed::Deleted))
}

/// One's own within its time, also while one may not speak; in a group others' as well, by who keeps
/// order and is more than they are.
fn delete(
    standing: &Standing<'_>,
    is_own: bool,
    authority: Authority,
    now: Millis,
    limits: &Limits,
) -> Result<Decision, Refusal> {
    let keeps_order = match (authority, &standing.place) {
        (Authority::System, _) => true,
        (_, Place::Direct { .. }) => false,
        (_, Place::Group { member: None, .. }) => return Err(Refusal::NotAMember),
        (_, Place::Group { member: Some(member), author, .. }) => {
            member.role >= Role::Moderator && author.is_none_or(|author| author < member.role)
        }
    };
    if !is_own && !keeps_order {
        return Err(Refusal::NotAllowed);
    }
    if standing.content.is_none() {
        return Ok(Decision::Unchanged);
    }
    if !keeps_order {
        is_in_time(standing, limits.delete_window_ms, now)?;
    }
    Ok(Decision::Commit(Deed::Deleted))
}

/// Whether somebody may do anything but delete.
fn may_act(wish: &Wish, standing: &Standing<'_>, now: Millis) -> Result<(), Refusal> {
    match &standing.place {
        Place::Direct { barred } => barred.clone().map_or(Ok(()), Err),
        Place::Group { settings, member, .. } => {
            let member = member.ok_or(Refusal::NotAMember)?;
            let is_allowed = match wish {
                Wish::Pin | Wish::Unpin => may(member.role, Action::Pin, settings),
                _ => may(member.role, Action::Post, settings),
            };
            if !is_allowed {
                return Err(Refusal::NotAllowed);
            }
            match member.muted_until.filter(|until| now < *until) {
                Some(until) => Err(Refusal::Muted { until }),
                None => Ok(()),
            }
        }
    }
}

fn is_in_time(standing: &Standing<'_>, window_ms: u64, now: Millis) -> Result<(), Refusal> {
    match now.0.saturating_sub(standing.said_at.0) > window_ms {
        true => Err(Refusal::TooLate),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::around::Emoji;
    use crate::group::{Joining, OpenTo, PastShown};
    use crate::ids::Seq;

    const SETTINGS: GroupSettings = GroupSettings {
        post: OpenTo::Everyone,
        add: OpenTo::Everyone,
        join: Joining::Invite,
        slow_mode_ms: 60_000,
        members_max: 9,
        past: PastShown::FromJoin,
    };
    const CLOSED: GroupSettings = GroupSettings { post: OpenTo::Admins, ..SETTINGS };

    fn user(name: &str) -> UserId {
        UserId::parse(name).expect("an id in a test")
    }

    fn content(text: &str) -> Content {
        Content(text.into())
    }

    fn emoji() -> Emoji {
        Emoji::parse("👍").expect("an emoji in a test")
    }

    fn member(role: Role) -> Option<Member> {
        Some(Member { role, joined: Seq(1), muted_until: None, said_at: Some(Millis(999)) })
    }

    fn standing<'a>(
        place: Place<'a>,
        author: &'a UserId,
        content: Option<&'a Content>,
    ) -> Standing<'a> {
        Standing {
            place,
            author,
            said_at: Millis(1_000),
            content,
            edits: 0,
            reactions: Reactions::default(),
            is_pinned: false,
            pins: 0,
        }
    }

    const DIRECT: Place<'static> = Place::Direct { barred: None };

    fn judged(by: &str, wish: &Wish, standing: &Standing<'_>) -> Result<Decision, Refusal> {
        decide((&user(by), Authority::User), wish, standing, Millis(2_000), &Limits::default())
    }

    #[test]
    fn a_wish_is_granted_once() {
        let (author, text) = (user("a"), content("1"));
        let at = standing(DIRECT, &author, Some(&text));
        let mine = Reactions { kinds: 1, alike: 1, own: 1, is_mine: true };
        let done = Standing { reactions: mine, is_pinned: true, pins: 1, ..at.clone() };
        let (yes, no) = (Wish::React(emoji()), Wish::Unreact(emoji()));
        for (wish, before, after) in [
            (&yes, &at, &done),
            (&no, &done, &at),
            (&Wish::Pin, &at, &done),
            (&Wish::Unpin, &done, &at),
        ] {
            assert!(matches!(judged("b", wish, before), Ok(Decision::Commit(_))), "{wish:?}");
            assert_eq!(judged("b", wish, after), Ok(Decision::Unchanged), "{wish:?}");
        }
        let edit = |text| Wish::Edit(content(text));
        let edited = Deed::Edited(Some(content("2")));
        assert_eq!(judged("a", &edit("2"), &at), Ok(Decision::Commit(edited)));
        assert_eq!(judged("a", &edit("1"), &at), Ok(Decision::Unchanged));
        assert_eq!(judged("a", &Wish::Delete, &at), Ok(Decision::Commit(Deed::Deleted)));
        let gone = standing(DIRECT, &author, None);
        assert_eq!(judged("a", &Wish::Delete, &gone), Ok(Decision::Unchanged));
        for wish in [&edit("2"), &yes, &no, &Wish::Pin, &Wish::Unpin] {
            assert_eq!(judged("a", wish, &gone), Err(Refusal::MessageDeleted), "{wish:?}");
        }
    }

    #[test]
    fn only_the_author_edits_and_in_a_direct_conversation_deletes() {
        let (author, text) = (user("a"), content("1"));
        let at = standing(DIRECT, &author, Some(&text));
        for wish in [Wish::Edit(content("2")), Wish::Delete] {
            assert_eq!(judged("b", &wish, &at), Err(Refusal::NotAllowed), "{wish:?}");
            assert!(judged("a", &wish, &at).is_ok());
        }
        for why in [Refusal::Blocked, Refusal::NotAccepted, Refusal::RequestPending] {
            let barred = Place::Direct { barred: Some(why.clone()) };
            let barred = standing(barred, &author, Some(&text));
            for wish in [Wish::Edit(content("2")), Wish::React(emoji()), Wish::Pin] {
                assert_eq!(judged("a", &wish, &barred), Err(why.clone()), "{wish:?}");
            }
            assert!(judged("a", &Wish::Delete, &barred).is_ok(), "one's own may always go");
        }
    }

    #[test]
    fn the_system_deletes_anything_at_any_time_and_does_nothing_else() {
        let (author, text) = (user("a"), content("1"));
        let group = |member| Place::Group { settings: &CLOSED, member, author: Some(Role::Owner) };
        for place in [DIRECT, group(None), group(member(Role::Member))] {
            let judge = |wish: &Wish, content| {
                let at = standing(place.clone(), &author, content);
                let by = (&user("system"), Authority::System);
                decide(by, wish, &at, Millis(u64::MAX), &Limits::default())
            };
            assert_eq!(judge(&Wish::Delete, Some(&text)), Ok(Decision::Commit(Deed::Deleted)));
            assert_eq!(judge(&Wish::Delete, None), Ok(Decision::Unchanged));
            assert!(judge(&Wish::Edit(content("2")), Some(&text)).is_err());
        }
    }

    #[test]
    fn time_and_numbers_are_bounded_at_their_edges() {
        let (author, text) = (user("a"), content("1"));
        let at = standing(DIRECT, &author, Some(&text));
        let limits = Limits {
            edit_window_ms: 500,
            delete_window_ms: 700,
            edits_per_message_max: 3,
            reactions_per_message_max: 5,
            reactions_per_user_max: 2,
            pins_max: 4,
            ..Limits::default()
        };
        let judge = |wish: &Wish, standing: &Standing<'_>, now| {
            decide((&user("a"), Authority::User), wish, standing, Millis(now), &limits).map(|_| ())
        };
        let edit = Wish::Edit(content("2"));
        assert_eq!(judge(&edit, &at, 1_500), Ok(()));
        assert_eq!(judge(&edit, &at, 1_501), Err(Refusal::TooLate));
        assert_eq!(judge(&Wish::Delete, &at, 1_700), Ok(()));
        assert_eq!(judge(&Wish::Delete, &at, 1_701), Err(Refusal::TooLate));
        let edits = |edits| Standing { edits, ..at.clone() };
        assert_eq!(judge(&edit, &edits(2), 1_000), Ok(()));
        assert_eq!(judge(&edit, &edits(3), 1_000), Err(Refusal::TooManyEdits));
        let pins = |pins| Standing { pins, ..at.clone() };
        assert_eq!(judge(&Wish::Pin, &pins(3), 1_000), Ok(()));
        assert_eq!(judge(&Wish::Pin, &pins(4), 1_000), Err(Refusal::TooManyPins));
        let react = |kinds, alike, own| {
            let reactions = Reactions { kinds, alike, own, is_mine: false };
            judge(&Wish::React(emoji()), &Standing { reactions, ..at.clone() }, 1_000)
        };
        assert_eq!(react(4, 0, 1), Ok(()));
        assert_eq!(react(5, 0, 1), Err(Refusal::TooManyReactions));
        assert_eq!(react(5, 1, 1), Ok(()), "one that is there needs no room");
        assert_eq!(react(5, 1, 2), Err(Refusal::TooManyReactions));
    }

    #[test]
    fn in_a_group_rights_are_as_the_table_says() {
        use Role::{Admin, Member, Moderator, Owner};
        let (author, text) = (user("a"), content("1"));
        // By role: who may edit their own, react, pin and unpin, in an open and in a closed group.
        for role in Role::ALL {
            for settings in [&SETTINGS, &CLOSED] {
                let place = Place::Group { settings, member: member(role), author: Some(role) };
                let at = standing(place, &author, Some(&text));
                let is_free = settings.post == OpenTo::Everyone || role >= Admin;
                for (wish, allowed) in [
                    (Wish::Edit(content("2")), is_free),
                    (Wish::React(emoji()), is_free),
                    (Wish::Unreact(emoji()), is_free),
                    (Wish::Pin, role >= Moderator),
                    (Wish::Unpin, role >= Moderator),
                    (Wish::Delete, true),
                ] {
                    let expected = if allowed { None } else { Some(Refusal::NotAllowed) };
                    assert_eq!(judged("a", &wish, &at).err(), expected, "{role:?} {wish:?}");
                }
            }
            // Whose messages a role may delete.
            for (of, allowed) in [
                (None, role >= Moderator),
                (Some(Member), role >= Moderator),
                (Some(Moderator), role >= Admin),
                (Some(Admin), role >= Owner),
                (Some(Owner), false),
            ] {
                let place = Place::Group { settings: &SETTINGS, member: member(role), author: of };
                let old = standing(place, &author, Some(&text));
                let at = decide(
                    (&user("b"), Authority::User),
                    &Wish::Delete,
                    &old,
                    Millis(u64::MAX),
                    &Limits::default(),
                );
                let expected = match allowed {
                    true => Ok(Decision::Commit(Deed::Deleted)),
                    false => Err(Refusal::NotAllowed),
                };
                assert_eq!(at, expected, "{role:?} of {of:?}");
            }
        }
    }

    #[test]
    fn who_is_out_does_nothing_and_who_is_muted_only_deletes() {
        let (author, text) = (user("a"), content("1"));
        let at = |member| {
            let place = Place::Group { settings: &SETTINGS, member, author: Some(Role::Member) };
            standing(place, &author, Some(&text))
        };
        let muted = Some(Millis(2_001));
        let muted = Member { muted_until: muted, ..member(Role::Moderator).expect("one") };
        let over = Member { muted_until: Some(Millis(2_000)), ..muted };
        for wish in [Wish::Edit(content("2")), Wish::React(emoji()), Wish::Pin] {
            assert_eq!(judged("a", &wish, &at(None)), Err(Refusal::NotAMember));
            let until = Millis(2_001);
            assert_eq!(judged("a", &wish, &at(Some(muted))), Err(Refusal::Muted { until }));
            assert!(judged("a", &wish, &at(Some(over))).is_ok());
        }
        assert_eq!(judged("a", &Wish::Delete, &at(None)), Err(Refusal::NotAMember));
        assert!(judged("a", &Wish::Delete, &at(Some(muted))).is_ok());
    }
}
