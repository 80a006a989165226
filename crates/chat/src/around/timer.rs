//! Messages that end: how long those of a conversation stay is said by entries of its log.

use crate::entry::Millis;
use crate::group::rights::{Action, may};
use crate::ids::{ConversationId, UserId};
use crate::limits::Limits;
use crate::refusal::Refusal;
use crate::store::Origin;

use super::decide::Place;

/// A wish about how long the messages of a conversation stay.
#[derive(Debug, Clone)]
pub struct SetTimer {
    /// Who wishes it, authenticated.
    pub by: UserId,
    /// In which conversation.
    pub conversation: ConversationId,
    /// After how many seconds a new message ends; `None` for never.
    pub seconds: Option<u64>,
    /// The time of the wish.
    pub now: Millis,
    /// Passed on to [`crate::store::Committed::origin`].
    pub origin: Origin,
    /// The bounds to judge by.
    pub limits: Limits,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// The next entry of the log says that new messages end after so many milliseconds.
    Commit(Option<u64>),
    /// It is so already.
    Unchanged,
}

/// Decides on a wish about a conversation whose messages now end after `timer_ms`. In a direct one
/// either member may, in a group whoever may change its settings.
///
/// # Errors
/// Why it may not be.
pub fn decide(
    wish: &SetTimer,
    timer_ms: Option<u64>,
    place: &Place<'_>,
) -> Result<Decision, Refusal> {
    match place {
        Place::Direct { barred: Some(why) } => return Err(why.clone()),
        Place::Direct { barred: None } => {}
        Place::Group { member: None, .. } => return Err(Refusal::NotAMember),
        Place::Group { settings, member: Some(member), .. } => {
            if !may(member.role, Action::Update, settings) {
                return Err(Refusal::NotAllowed);
            }
        }
    }
    let wished_ms = match wish.seconds {
        None => None,
        Some(seconds) => Some(checked(seconds, &wish.limits)? * 1_000),
    };
    match wished_ms == timer_ms {
        true => Ok(Decision::Unchanged),
        false => Ok(Decision::Commit(wished_ms)),
    }
}

fn checked(seconds: u64, limits: &Limits) -> Result<u64, Refusal> {
    let (least, most) = (limits.timer_seconds_min, limits.timer_seconds_max);
    match (least..=most).contains(&seconds) {
        true => Ok(seconds),
        false => Err(Refusal::invalid("seconds", format!("must be {least} to {most}, or null"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::{GroupSettings, Joining, Member, OpenTo, PastShown, Role};
    use crate::ids::Seq;

    const SETTINGS: GroupSettings = GroupSettings {
        post: OpenTo::Everyone,
        add: OpenTo::Everyone,
        join: Joining::Open,
        slow_mode_ms: 0,
        members_max: 9,
        past: PastShown::FromJoin,
    };
    const DIRECT: Place<'static> = Place::Direct { barred: None };

    fn decided(
        seconds: Option<u64>,
        timer_ms: Option<u64>,
        place: &Place<'_>,
    ) -> Result<Decision, Refusal> {
        let by = UserId::parse("a").expect("an id in a test");
        let wish = SetTimer {
            conversation: ConversationId::direct(&by, &by),
            by,
            seconds,
            now: Millis(1),
            origin: Origin::of(0),
            limits: Limits { timer_seconds_min: 5, timer_seconds_max: 9, ..Limits::default() },
        };
        decide(&wish, timer_ms, place)
    }

    #[test]
    fn a_time_within_its_bounds_is_set_once() {
        for (seconds, timer_ms, expected) in [
            (Some(5), None, Decision::Commit(Some(5_000))),
            (Some(9), Some(5_000), Decision::Commit(Some(9_000))),
            (Some(9), Some(9_000), Decision::Unchanged),
            (None, Some(9_000), Decision::Commit(None)),
            (None, None, Decision::Unchanged),
        ] {
            assert_eq!(decided(seconds, timer_ms, &DIRECT), Ok(expected));
        }
        for seconds in [0, 4, 10, u64::MAX] {
            let refused = decided(Some(seconds), None, &DIRECT).expect_err("out of bounds");
            assert_eq!(refused.to_string(), "seconds must be 5 to 9, or null");
        }
    }

    #[test]
    fn who_may_not_change_the_group_or_is_kept_out_sets_nothing() {
        let blocked = Place::Direct { barred: Some(Refusal::Blocked) };
        assert_eq!(decided(Some(5), None, &blocked), Err(Refusal::Blocked));
        let as_role = |role: Option<Role>| {
            let member =
                role.map(|role| Member { role, joined: Seq(1), muted_until: None, said_at: None });
            decided(Some(5), None, &Place::Group { settings: &SETTINGS, member, author: None })
        };
        assert_eq!(as_role(None), Err(Refusal::NotAMember));
        for role in [Role::Member, Role::Moderator] {
            assert_eq!(as_role(Some(role)), Err(Refusal::NotAllowed));
        }
        for role in [Role::Admin, Role::Owner] {
            assert_eq!(as_role(Some(role)), Ok(Decision::Commit(Some(5_000))));
        }
    }
}
