//! What clients see of groups, as JSON text; the names here are those that commands are read by.

use parlor_chat::entry::Millis;
use parlor_chat::group::decide::InviteCode;
use parlor_chat::group::port::{
    Done, GroupChanged, GroupLines, GroupView, InviteLine, MemberLine, MembersCursor, MembersPage,
    ReceiptsPage, Request,
};
use parlor_chat::group::{
    Change, FOREVER, GroupSettings, Joining, Member, OpenTo, PastShown, Role,
};
use parlor_chat::ids::{ConversationId, GroupId, MessageId, UserId};
use parlor_chat::store::Viewer;

use crate::group_rules;
use crate::json::Object;
use crate::records::{ok_with, text};

/// The names of values of settings.
pub(crate) const OPEN_TO: [(OpenTo, &str); 2] =
    [(OpenTo::Everyone, "everyone"), (OpenTo::Admins, "admins")];
pub(crate) const JOINING: [(Joining, &str); 3] =
    [(Joining::Invite, "invite"), (Joining::Request, "request"), (Joining::Open, "open")];
pub(crate) const PAST: [(PastShown, &str); 2] =
    [(PastShown::FromJoin, "join"), (PastShown::All, "all")];

fn name_of<T: PartialEq>(table: &[(T, &'static str)], value: &T) -> &'static str {
    table.iter().find(|(of, _)| of == value).map_or("", |(_, name)| name)
}

fn settings(settings: &GroupSettings) -> String {
    Object::new()
        .text("post", name_of(&OPEN_TO, &settings.post))
        .text("add", name_of(&OPEN_TO, &settings.add))
        .text("join", name_of(&JOINING, &settings.join))
        .number("slowModeSeconds", settings.slow_mode_ms / 1_000)
        .number("membersMax", settings.members_max)
        .text("history", name_of(&PAST, &settings.past))
        .end()
}

fn until(object: Object, until: Option<Millis>) -> Object {
    object.number_if("until", until.filter(|until| *until != FOREVER).map(|until| until.0))
}

/// What a change adds to the entry that says so, its kind first.
pub(crate) fn change(object: Object, change: &Change) -> Object {
    let kind = |kind: &str| object.text("kind", kind);
    match change {
        Change::Created { name, settings: how, members } => kind("group_created")
            .text("name", name.as_str())
            .raw("settings", &settings(how))
            .list("userIds", members.iter().map(text)),
        Change::Updated { name, settings: how } => {
            let object = kind("group_updated");
            let object = match name {
                Some(name) => object.text("name", name.as_str()),
                None => object,
            };
            match how {
                Some(how) => object.raw("settings", &settings(how)),
                None => object,
            }
        }
        Change::Deleted => kind("group_deleted"),
        Change::Added(users) => kind("member_added").list("userIds", users.iter().map(text)),
        Change::Joined => kind("member_joined"),
        Change::Left => kind("member_left"),
        Change::Kicked(user) => kind("member_kicked").text("userId", user.as_str()),
        Change::Banned(user, end) => {
            until(kind("member_banned").text("userId", user.as_str()), Some(*end))
        }
        Change::Unbanned(user) => kind("member_unbanned").text("userId", user.as_str()),
        Change::Muted(user, end) => {
            until(kind("member_muted").text("userId", user.as_str()), Some(*end))
        }
        Change::Unmuted(user) => kind("member_unmuted").text("userId", user.as_str()),
        Change::RulesSet(rules) => group_rules::changed(kind("group_rules_set"), rules.as_ref()),
        Change::RoleSet(user, role) => {
            kind("role_changed").text("userId", user.as_str()).text("role", role.name())
        }
    }
}

/// The answer to a command that changes a group.
pub(crate) fn changed(group: &GroupId, changed: &GroupChanged) -> String {
    let object = ok_with().text("groupId", group.as_str());
    match changed.done {
        Done::Committed { seq, ts } => {
            let conversation = ConversationId::group(group);
            object
                .text("conversationId", conversation.as_str())
                .text("id", MessageId::new(&conversation, seq).as_str())
                .number("seq", seq.0)
                .number("ts", ts.0)
                .end()
        }
        Done::Asked => object.flag("requested", true).end(),
        Done::Unchanged => object.flag("unchanged", true).end(),
        Done::Noted => object.end(),
    }
}

/// The answer to `group_info`; the system is told as much as a member.
pub(crate) fn view(group: &GroupId, view: &GroupView, viewer: &Viewer) -> String {
    let object = ok_with()
        .text("groupId", group.as_str())
        .text("conversationId", ConversationId::group(group).as_str())
        .text("name", view.group.name.as_str())
        .number("members", view.group.members)
        .number("createdAt", view.created.0);
    let object = match (&view.membership, viewer) {
        (None, Viewer::User(_)) => object,
        _ => object
            .text("ownerId", view.group.owner.as_str())
            .raw("settings", &settings(&view.group.settings)),
    };
    match &view.membership {
        None => object.raw("role", "null").end(),
        Some(member) => membership(object, member).end(),
    }
}

fn membership(object: Object, member: &Member) -> Object {
    object
        .text("role", member.role.name())
        .number_if("mutedUntil", member.muted_until.map(|until| until.0))
}

/// The answer to `groups`.
pub(crate) fn groups(lines: &GroupLines) -> String {
    let each = lines.groups.iter().map(|(group, line)| {
        let object = Object::new()
            .text("groupId", group.as_str())
            .text("conversationId", ConversationId::group(group).as_str());
        described(object, line.name.as_str(), line.members, line.role).end()
    });
    cursor(ok_with().list("groups", each), lines.next)
}

/// What a list says of a group.
pub(crate) fn described(object: Object, name: &str, members: u64, role: Option<Role>) -> Object {
    let object = object.text("name", name).number("members", members);
    match role {
        Some(role) => object.text("role", role.name()),
        None => object.raw("role", "null"),
    }
}

/// The answer to `group_members`.
pub(crate) fn members(page: &MembersPage) -> String {
    let lines = page.members.iter().map(|line| {
        let MemberLine { user, role, joined_at, muted_until } = line;
        Object::new()
            .text("userId", user.as_str())
            .text("role", role.name())
            .number("joinedAt", joined_at.0)
            .number_if("mutedUntil", muted_until.map(|until| until.0))
            .end()
    });
    cursor(ok_with().list("members", lines).number("count", page.count), page.next)
}

/// The answer to `receipts`.
pub(crate) fn receipts(page: &ReceiptsPage) -> String {
    let lines = page.members.iter().map(|line| {
        let object = Object::new().text("userId", line.user.as_str());
        object.flag("read", line.read).number("at", line.at.0).end()
    });
    cursor(ok_with().list("receipts", lines), page.next)
}

/// The answer to `group_requests`.
pub(crate) fn requests(requests: &[Request]) -> String {
    let lines = requests.iter().map(|request| {
        Object::new().text("userId", request.user.as_str()).number("at", request.at.0).end()
    });
    ok_with().list("requests", lines).end()
}

/// The answer to `group_invite`.
pub(crate) fn invited(group: &GroupId, code: &InviteCode, end: Millis, uses: u64) -> String {
    let object = ok_with().text("groupId", group.as_str()).text("invite", code.as_str());
    until(object, Some(end)).number("uses", uses).end()
}

/// The answer to `group_invites`.
pub(crate) fn invites(invites: &[InviteLine]) -> String {
    let lines = invites.iter().map(|line| {
        let object = Object::new().text("invite", line.code.as_str()).text("by", line.by.as_str());
        until(object, Some(line.until)).number("uses", line.uses_left).end()
    });
    ok_with().list("invites", lines).end()
}

/// The `group_request` event: somebody has asked to join.
pub(crate) fn request(group: &GroupId, user: &UserId) -> String {
    Object::new().text("groupId", group.as_str()).text("userId", user.as_str()).end()
}

fn cursor(object: Object, next: Option<MembersCursor>) -> String {
    match next {
        Some(next) => object.text("cursor", &next.0.to_string()).end(),
        None => object.raw("cursor", "null").end(),
    }
}
