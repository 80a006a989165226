//! Payload to command, for groups: as in `commands`, nothing here knows who asks.

use parlor_chat::entry::Millis;
use parlor_chat::group::decide::{InviteCode, Wish};
use parlor_chat::group::port::MembersCursor;
use parlor_chat::group::{FOREVER, GroupName, Role, SettingsPatch};
use parlor_chat::ids::{ClientId, ConversationId, GroupId, Seq, UserId};
use parlor_chat::limits::Limits;
use parlor_chat::refusal::Refusal;

use crate::commands::{Payload, limit, within};
use crate::fields::{Fields, required};
use crate::group_records::{JOINING, OPEN_TO, PAST};

/// Seconds that an invite is good for if nothing is said: a week.
const INVITE_SECONDS: u64 = 7 * 24 * 60 * 60;

/// A wish about a group, as an event says it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct About {
    pub(crate) group: GroupId,
    pub(crate) wish: Wish,
}

/// `group_create`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Create {
    pub(crate) client_id: Option<ClientId>,
    pub(crate) wish: Wish,
}

/// Reads `{name, members?, settings?, clientId?}`.
pub(crate) fn create(payload: Payload<'_>, limits: &Limits) -> Result<Create, Refusal> {
    let fields = Fields::parse(payload, ["name", "members", "settings", "clientId"])?;
    let wish = creation(&fields, limits)?;
    Ok(Create { client_id: fields.id("clientId", ClientId::parse)?, wish })
}

/// Reads `name`, `members?` and `settings?` among the fields.
pub(crate) fn creation<const N: usize>(
    fields: &Fields<'_, N>,
    limits: &Limits,
) -> Result<Wish, Refusal> {
    let name = required("name", fields.id("name", GroupName::parse)?)?;
    let members = fields.ids("members", limits.group_add_max)?.unwrap_or_default();
    Ok(Wish::Create { name, settings: settings(fields, limits)?, members })
}

/// Reads `{groupId, name?, settings?}`.
pub(crate) fn update(payload: Payload<'_>, limits: &Limits) -> Result<About, Refusal> {
    let fields = Fields::parse(payload, ["groupId", "name", "settings"])?;
    Ok(About { group: group(&fields)?, wish: changes(&fields, limits)? })
}

/// Reads `name?` and `settings?` among the fields.
pub(crate) fn changes<const N: usize>(
    fields: &Fields<'_, N>,
    limits: &Limits,
) -> Result<Wish, Refusal> {
    let name = fields.id("name", GroupName::parse)?;
    Ok(Wish::Update { name, settings: settings(fields, limits)? })
}

/// Reads `{groupId, userIds}`.
pub(crate) fn add(payload: Payload<'_>, limits: &Limits) -> Result<About, Refusal> {
    let fields = Fields::parse(payload, ["groupId", "userIds"])?;
    let group = group(&fields)?;
    let users = required("userIds", fields.ids("userIds", limits.group_add_max)?)?;
    Ok(About { group, wish: Wish::Add(users) })
}

/// Reads `{groupId, invite?}`.
pub(crate) fn join(payload: Payload<'_>) -> Result<About, Refusal> {
    let fields = Fields::parse(payload, ["groupId", "invite"])?;
    let wish = joining(&fields)?;
    Ok(About { group: group(&fields)?, wish })
}

/// Reads `invite?` among the fields.
pub(crate) fn joining<const N: usize>(fields: &Fields<'_, N>) -> Result<Wish, Refusal> {
    Ok(Wish::Join(fields.id("invite", InviteCode::parse)?))
}

/// Reads `{groupId}`.
pub(crate) fn alone(payload: Payload<'_>) -> Result<GroupId, Refusal> {
    group(&Fields::parse(payload, ["groupId"])?)
}

/// Reads `{groupId, userId}`.
pub(crate) fn member(payload: Payload<'_>) -> Result<(GroupId, UserId), Refusal> {
    let fields = Fields::parse(payload, ["groupId", "userId"])?;
    Ok((group(&fields)?, user(&fields)?))
}

/// Reads `{groupId, userId, forSeconds?}`; without a time it is for good.
pub(crate) fn measure(
    payload: Payload<'_>,
    now: Millis,
) -> Result<(GroupId, UserId, Millis), Refusal> {
    let fields = Fields::parse(payload, ["groupId", "userId", "forSeconds"])?;
    let until = until(&fields, now)?;
    Ok((group(&fields)?, user(&fields)?, until))
}

/// Reads until when `forSeconds?` among the fields lasts; without it, it is for good.
pub(crate) fn until<const N: usize>(
    fields: &Fields<'_, N>,
    now: Millis,
) -> Result<Millis, Refusal> {
    Ok(seconds_from(now, fields.number("forSeconds", 1)?).unwrap_or(FOREVER))
}

/// Reads `{groupId, userId, role}`.
pub(crate) fn role(payload: Payload<'_>) -> Result<About, Refusal> {
    let fields = Fields::parse(payload, ["groupId", "userId", "role"])?;
    let (group, user) = (group(&fields)?, user(&fields)?);
    Ok(About { group, wish: Wish::SetRole(user, named_role(&fields)?) })
}

/// Reads `role` among the fields.
pub(crate) fn named_role<const N: usize>(fields: &Fields<'_, N>) -> Result<Role, Refusal> {
    let role = required("role", fields.text("role")?)?;
    let rule = "must be member, moderator, admin or owner";
    Role::named(&role).ok_or_else(|| Refusal::invalid("role", rule))
}

/// `group_invite`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Invite {
    pub(crate) group: GroupId,
    pub(crate) until: Millis,
    pub(crate) uses: u64,
}

/// Reads `{groupId, forSeconds?, uses?}`.
pub(crate) fn invite(
    payload: Payload<'_>,
    now: Millis,
    limits: &Limits,
) -> Result<Invite, Refusal> {
    let fields = Fields::parse(payload, ["groupId", "forSeconds", "uses"])?;
    let (until, uses) = validity(&fields, now, limits)?;
    Ok(Invite { group: group(&fields)?, until, uses })
}

/// Reads until when, and for how many, an invite of `forSeconds?` and `uses?` is good.
pub(crate) fn validity<const N: usize>(
    fields: &Fields<'_, N>,
    now: Millis,
    limits: &Limits,
) -> Result<(Millis, u64), Refusal> {
    let seconds = fields.number("forSeconds", 1)?.unwrap_or(INVITE_SECONDS);
    let uses = fields.number("uses", 1)?.unwrap_or(limits.group_members_max);
    Ok((seconds_from(now, Some(seconds)).unwrap_or(FOREVER), uses))
}

/// Reads `{groupId, invite}`.
pub(crate) fn revoke_invite(payload: Payload<'_>) -> Result<About, Refusal> {
    let fields = Fields::parse(payload, ["groupId", "invite"])?;
    let group = group(&fields)?;
    let code = required("invite", fields.id("invite", InviteCode::parse)?)?;
    Ok(About { group, wish: Wish::RevokeInvite(code) })
}

/// A page of something.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) after: Option<MembersCursor>,
    pub(crate) limit: usize,
}

/// Reads `{groupId, cursor?, limit?}`.
pub(crate) fn members(payload: Payload<'_>, limits: &Limits) -> Result<(GroupId, Page), Refusal> {
    let fields = Fields::parse(payload, ["groupId", "cursor", "limit"])?;
    Ok((group(&fields)?, page(&fields, limits)?))
}

/// Reads `{cursor?, limit?}`.
pub(crate) fn groups(payload: Payload<'_>, limits: &Limits) -> Result<Page, Refusal> {
    page(&Fields::parse(payload, ["cursor", "limit"])?, limits)
}

/// Reads `{conversationId, seq, cursor?, limit?}` of a group's conversation.
pub(crate) fn receipts(
    payload: Payload<'_>,
    limits: &Limits,
) -> Result<(GroupId, Seq, Page), Refusal> {
    let fields = Fields::parse(payload, ["conversationId", "seq", "cursor", "limit"])?;
    let conversation = fields.id("conversationId", ConversationId::parse)?;
    let group = required("conversationId", conversation)?.group_id();
    let rule = "must be that of a group; a direct one has its receipts in `watermarks`";
    let group = group.ok_or_else(|| Refusal::invalid("conversationId", rule))?;
    let seq = Seq(required("seq", fields.number("seq", 1)?)?);
    Ok((group, seq, page(&fields, limits)?))
}

/// Reads `cursor?` and `limit?` among the fields.
pub(crate) fn page<const N: usize>(
    fields: &Fields<'_, N>,
    limits: &Limits,
) -> Result<Page, Refusal> {
    let after = match fields.text("cursor")? {
        None => None,
        Some(text) => {
            let rule = "must be one that the server gave";
            let number = text.parse().map_err(|_| Refusal::invalid("cursor", rule))?;
            Some(MembersCursor(number))
        }
    };
    let (default, max) = (limits.group_members_limit_default, limits.group_members_limit_max);
    Ok(Page { after, limit: limit(fields, default, max)? })
}

fn group<const N: usize>(fields: &Fields<'_, N>) -> Result<GroupId, Refusal> {
    required("groupId", fields.id("groupId", GroupId::parse)?)
}

fn user<const N: usize>(fields: &Fields<'_, N>) -> Result<UserId, Refusal> {
    required("userId", fields.id("userId", UserId::parse)?)
}

fn seconds_from(now: Millis, seconds: Option<u64>) -> Option<Millis> {
    let end = now.0.checked_add(seconds?.checked_mul(1_000)?)?;
    Some(Millis(end)).filter(|end| *end < FOREVER)
}

fn settings<const N: usize>(
    fields: &Fields<'_, N>,
    limits: &Limits,
) -> Result<SettingsPatch, Refusal> {
    let Some(raw) = fields.raw("settings").filter(|raw| raw.get() != "null") else {
        return Ok(SettingsPatch::default());
    };
    let read = || {
        let names = ["post", "add", "join", "slowModeSeconds", "membersMax", "history"];
        let fields = Fields::parse(Some(raw), names)?;
        let slow_mode = fields.number("slowModeSeconds", 0)?;
        let slow_max = limits.group_slow_mode_seconds_max;
        if slow_mode.is_some_and(|seconds| seconds > slow_max) {
            let rule = format!("must be at most {slow_max}");
            return Err(Refusal::invalid("slowModeSeconds", rule));
        }
        let members_max = fields.number("membersMax", 1)?;
        if members_max.is_some_and(|max| max > limits.group_members_max) {
            let rule = format!("must be at most {}", limits.group_members_max);
            return Err(Refusal::invalid("membersMax", rule));
        }
        Ok(SettingsPatch {
            post: one_of(&fields, "post", &OPEN_TO)?,
            add: one_of(&fields, "add", &OPEN_TO)?,
            join: one_of(&fields, "join", &JOINING)?,
            slow_mode_ms: slow_mode.map(|seconds| seconds * 1_000),
            members_max,
            past: one_of(&fields, "history", &PAST)?,
        })
    };
    read().map_err(within("settings"))
}

fn one_of<const N: usize, T: Copy>(
    fields: &Fields<'_, N>,
    name: &'static str,
    table: &[(T, &'static str)],
) -> Result<Option<T>, Refusal> {
    let Some(text) = fields.text(name)? else { return Ok(None) };
    let value = table.iter().find(|(_, of)| *of == text).map(|(value, _)| *value);
    let names = || table.iter().map(|(_, name)| *name).collect::<Vec<_>>().join(" or ");
    value.map(Some).ok_or_else(|| Refusal::invalid(name, format!("must be {}", names())))
}

#[cfg(test)]
mod tests {
    use parlor_chat::group::{Joining, OpenTo, PastShown};

    use super::*;

    fn raw(json: &str) -> Payload<'_> {
        Some(serde_json::from_str(json).expect("valid JSON in a test"))
    }

    fn said<T: std::fmt::Debug>(result: Result<T, Refusal>) -> String {
        result.expect_err("refused").to_string()
    }

    #[test]
    fn a_group_is_made_with_what_is_said() {
        let limits = Limits::default();
        let json = r#"{"name":"Owls","members":["a","b"],"clientId":"k","settings":{"post":"admins",
            "join":"open","slowModeSeconds":5,"membersMax":9,"history":"all"}}"#;
        let made = create(raw(json), &limits).expect("fits");
        let settings = SettingsPatch {
            post: Some(OpenTo::Admins),
            add: None,
            join: Some(Joining::Open),
            slow_mode_ms: Some(5_000),
            members_max: Some(9),
            past: Some(PastShown::All),
        };
        let Wish::Create { settings: read, members, .. } = made.wish else { panic!("not made") };
        assert_eq!((read, members.len()), (settings, 2));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let limits = Limits { group_add_max: 2, ..Limits::default() };
        let many = r#"{"groupId":"g","userIds":["a","b","c"]}"#;
        for (got, expected) in [
            (said(create(raw("{}"), &limits)), "name is required"),
            (
                said(create(raw(r#"{"name":"x","settings":{"post":"me"}}"#), &limits)),
                "settings.post must be everyone or admins",
            ),
            (
                said(create(raw(r#"{"name":"x","settings":{"slowModeSeconds":21601}}"#), &limits)),
                "settings.slowModeSeconds must be at most 21600",
            ),
            (said(add(raw(many), &limits)), "userIds must be at most 2 user ids"),
            (
                said(add(raw(r#"{"groupId":"g","userIds":["a",""]}"#), &limits)),
                "userIds must be at most 2 user ids",
            ),
            (said(add(raw(r#"{"groupId":"g"}"#), &limits)), "userIds is required"),
            (
                said(role(raw(r#"{"groupId":"g","userId":"a","role":"king"}"#))),
                "role must be member, moderator, admin or owner",
            ),
            (
                said(alone(raw(r#"{"groupId":"a:b"}"#))),
                "groupId must be 1 to 64 ASCII letters, digits, `-` or `_`",
            ),
        ] {
            assert_eq!(got, expected);
        }
        assert!(add(raw(r#"{"groupId":"g","userIds":["a","b"]}"#), &limits).is_ok());
    }

    #[test]
    fn a_measure_without_a_time_is_for_good() {
        let read = |json| measure(raw(json), Millis(1_000)).expect("fits").2;
        assert_eq!(read(r#"{"groupId":"g","userId":"a"}"#), FOREVER);
        assert_eq!(read(r#"{"groupId":"g","userId":"a","forSeconds":2}"#), Millis(3_000));
        let far = r#"{"groupId":"g","userId":"a","forSeconds":9007199254740991}"#;
        assert_eq!(read(far), FOREVER);
    }
}
