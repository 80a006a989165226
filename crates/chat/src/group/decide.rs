//! From a wish about a group to what is committed, or why not.
//!
//! The store calls [`decide`] and [`may_post`] inside the commit and lets them look at what they
//! need ([`Look`]); so every backend judges alike, and by the state it commits on.

use crate::entry::Millis;
use crate::ids::UserId;
use crate::limits::Limits;
use crate::refusal::Refusal;
use crate::store::Authority;

use super::rights::{Action, may};
use super::{
    Change, Group, GroupName, GroupRules, GroupSettings, Joining, Member, OpenTo, PastShown, Role,
    SettingsPatch,
};

/// What somebody wants to be done to a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// To make it, with others.
    Create {
        /// Its name.
        name: GroupName,
        /// How it is run; what is not said is as usual.
        settings: SettingsPatch,
        /// Who else is in it from the beginning.
        members: Vec<UserId>,
    },
    /// To change its name or settings.
    Update {
        /// Its new name.
        name: Option<GroupName>,
        /// What changes of its settings.
        settings: SettingsPatch,
    },
    /// To end it.
    Delete,
    /// To bring others in.
    Add(Vec<UserId>),
    /// To come in, perhaps by an invite.
    Join(Option<InviteCode>),
    /// To go.
    Leave,
    /// To remove somebody.
    Kick(UserId),
    /// To remove somebody, and keep them out until then.
    Ban(UserId, Millis),
    /// To let somebody come back.
    Unban(UserId),
    /// To let somebody not post until then.
    Mute(UserId, Millis),
    /// To let somebody post again.
    Unmute(UserId),
    /// To make somebody something else.
    SetRole(UserId, Role),
    /// To make an invite of this code, good until then and for so many.
    Invite {
        /// What it is known by; hard to guess.
        code: InviteCode,
        /// When it ends.
        until: Millis,
        /// How many may come in by it.
        uses: u64,
    },
    /// To end an invite.
    RevokeInvite(InviteCode),
    /// To turn down somebody's request to join.
    Deny(UserId),
    /// To give it other rules of its own, or none.
    SetRules(Option<GroupRules>),
}

impl Wish {
    /// About how many bytes it holds.
    pub fn weight(&self) -> usize {
        match self {
            Self::Create { members: users, .. } | Self::Add(users) => {
                users.iter().map(|user| 16 + user.as_str().len()).sum()
            }
            Self::SetRules(Some(rules)) => 256 + rules.weight(),
            _ => 256,
        }
    }
}

/// The longest code of an invite, in bytes.
pub const INVITE_CODE_BYTES_MAX: usize = 64;

/// What an invite is known by. Who knows it may come in: it is not logged.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct InviteCode(std::sync::Arc<str>);

impl InviteCode {
    /// Checks and takes a code.
    ///
    /// # Errors
    /// [`crate::ids::InvalidId`] when it is not 1 to [`INVITE_CODE_BYTES_MAX`] ASCII letters or
    /// digits.
    pub fn parse(text: &str) -> Result<Self, crate::ids::InvalidId> {
        let fits = (1..=INVITE_CODE_BYTES_MAX).contains(&text.len());
        if fits && text.bytes().all(|b| b.is_ascii_alphanumeric()) {
            Ok(Self(text.into()))
        } else {
            let rule = "a code that the server gave";
            Err(crate::ids::InvalidId { kind: "invite", rule })
        }
    }

    /// The code as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for InviteCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("InviteCode(…)")
    }
}

/// An invite that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Invite {
    /// When it ends.
    pub until: Millis,
    /// How many may still come in by it.
    pub uses_left: u64,
}

/// What a decision may look at.
pub trait Look {
    /// Why looking can fail.
    type Error;

    /// Somebody's membership, if they are in.
    fn member(&mut self, user: &UserId) -> Result<Option<Member>, Self::Error>;
    /// Until when somebody is banned, if they ever were.
    fn banned_until(&mut self, user: &UserId) -> Result<Option<Millis>, Self::Error>;
    /// Whether `user` keeps `other` from writing to them.
    fn blocks(&mut self, user: &UserId, other: &UserId) -> Result<bool, Self::Error>;
    /// In how many groups somebody is.
    fn groups_of(&mut self, user: &UserId) -> Result<u64, Self::Error>;
    /// An invite of the group.
    fn invite(&mut self, code: &InviteCode) -> Result<Option<Invite>, Self::Error>;
    /// How many invites the group has.
    fn invites(&mut self) -> Result<u64, Self::Error>;
    /// Whether somebody has asked to join.
    fn has_asked(&mut self, user: &UserId) -> Result<bool, Self::Error>;
    /// How many have asked to join.
    fn requests(&mut self) -> Result<u64, Self::Error>;
    /// The group's own rules.
    fn rules(&mut self) -> Result<Option<GroupRules>, Self::Error>;
    /// How many groups have rules of their own.
    fn ruled_groups(&mut self) -> Result<u64, Self::Error>;
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// This is the next entry of the log.
    Commit(Change),
    /// It is so already.
    Unchanged,
    /// Who wishes it has to be let in by somebody: their request is kept.
    Ask,
    /// The invite is kept.
    KeepInvite,
    /// The invite is ended.
    EndInvite,
    /// The request is forgotten.
    Deny,
}

/// Why nothing is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Denied<E> {
    /// It may not be.
    Refused(Refusal),
    /// It could not be looked at.
    Failed(E),
}

impl<E> From<Refusal> for Denied<E> {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// How a new group is run where nothing is said.
pub fn usual_settings(limits: &Limits) -> GroupSettings {
    GroupSettings {
        post: OpenTo::Everyone,
        add: OpenTo::Admins,
        join: Joining::Invite,
        slow_mode_ms: 0,
        members_max: limits.group_members_max,
        past: PastShown::FromJoin,
    }
}

/// Whether a member may post now.
///
/// # Errors
/// Why not: not a member, the role, a mute, or slow mode, which time mends.
pub fn may_post(group: &Group, member: Option<&Member>, now: Millis) -> Result<(), Refusal> {
    let member = member.ok_or(Refusal::NotAMember)?;
    if !may(member.role, Action::Post, &group.settings) {
        return Err(Refusal::NotAllowed);
    }
    if let Some(until) = member.muted_until.filter(|until| now < *until) {
        return Err(Refusal::Muted { until });
    }
    let slow_ms = group.settings.slow_mode_ms;
    if is_slowed(group, member) {
        let next = member.said_at.map_or(0, |at| at.0.saturating_add(slow_ms));
        if now.0 < next {
            return Err(Refusal::SlowMode { retry_after_ms: (next - now.0).min(slow_ms) });
        }
    }
    Ok(())
}

/// Whether slow mode holds for a member: not for who keeps order.
pub fn is_slowed(group: &Group, member: &Member) -> bool {
    group.settings.slow_mode_ms > 0 && member.role < Role::Moderator
}

/// Decides on a wish of `by`, by their own right or by that of the system. `group` is the group as it is, `None` where there is none; a deleted
/// one is none.
///
/// # Errors
/// [`Denied`].
pub fn decide<L: Look>(
    (by, authority): (&UserId, Authority),
    wish: &Wish,
    group: Option<&Group>,
    look: &mut L,
    now: Millis,
    limits: &Limits,
) -> Result<Decision, Denied<L::Error>> {
    let deciding = Deciding { by, authority, look, now, limits };
    match (wish, group) {
        (Wish::Create { name, settings, members }, None) => {
            deciding.create(name, *settings, members)
        }
        (Wish::Create { .. }, Some(_)) => Err(Refusal::Conflict.into()),
        (_, None) => Err(Refusal::NotFound.into()),
        (wish, Some(group)) => deciding.change(wish, group),
    }
}

struct Deciding<'a, L> {
    by: &'a UserId,
    authority: Authority,
    look: &'a mut L,
    now: Millis,
    limits: &'a Limits,
}

impl<L: Look> Deciding<'_, L> {
    fn create(
        mut self,
        name: &GroupName,
        settings: SettingsPatch,
        members: &[UserId],
    ) -> Result<Decision, Denied<L::Error>> {
        let settings = settings.over(usual_settings(self.limits));
        let mut others: Vec<UserId> = Vec::new();
        for user in members {
            if user == self.by || others.contains(user) {
                continue;
            }
            self.may_be_brought(user)?;
            others.push(user.clone());
        }
        self.has_room_for_groups(self.by)?;
        if others.len() as u64 + 1 > settings.members_max {
            return Err(Refusal::GroupFull.into());
        }
        Ok(Decision::Commit(Change::Created { name: name.clone(), settings, members: others }))
    }

    fn set_rules(self, rules: Option<&GroupRules>) -> Result<Decision, Denied<L::Error>> {
        let before = self.look.rules().map_err(Denied::Failed)?;
        if before.as_ref() == rules {
            return Ok(Decision::Unchanged);
        }
        let is_one_more = before.is_none() && rules.is_some();
        let mut ruled = || self.look.ruled_groups().map_err(Denied::Failed);
        if is_one_more && ruled()? >= self.limits.ruled_groups_max {
            return Err(Refusal::TooManyRules.into());
        }
        Ok(Decision::Commit(Change::RulesSet(rules.cloned())))
    }

    fn change(mut self, wish: &Wish, group: &Group) -> Result<Decision, Denied<L::Error>> {
        let member = self.look.member(self.by).map_err(Denied::Failed)?;
        if let Wish::Join(invite) = wish {
            return self.join(invite.as_ref(), group, member.is_some());
        }
        let authority = self.authority;
        let role = match (authority, member) {
            // To go is one's own.
            (Authority::System, _) if *wish != Wish::Leave => Role::Owner,
            (_, member) => member.ok_or(Refusal::NotAMember)?.role,
        };
        let right = |action| match (may(role, action, &group.settings), authority) {
            (true, _) => Ok(()),
            // Whatever the system takes from the owner, there has to be one.
            (false, Authority::System) if !matches!(wish, Wish::Mute(..)) => {
                Err(Refusal::OwnerMustStay)
            }
            (false, _) => Err(Refusal::NotAllowed),
        };
        let change = match wish {
            Wish::Create { .. } | Wish::Join(_) => return Err(Refusal::Conflict.into()),
            Wish::Update { name, settings } => {
                right(Action::Update)?;
                return Ok(update(group, name.as_ref(), *settings));
            }
            Wish::Delete => {
                right(Action::Delete)?;
                Change::Deleted
            }
            Wish::Add(users) => {
                right(Action::Add)?;
                return self.add(group, users);
            }
            Wish::SetRules(rules) => {
                right(Action::Update)?;
                return self.set_rules(rules.as_ref());
            }
            Wish::Leave if role == Role::Owner => {
                return Err(Refusal::OwnerMustStay.into());
            }
            Wish::Leave => Change::Left,
            Wish::Kick(user) => {
                let other = self.other(user)?.ok_or(Refusal::NotFound)?;
                right(Action::Discipline(other.role))?;
                Change::Kicked(user.clone())
            }
            Wish::Ban(user, until) => {
                let role = self.other(user)?.map_or(Role::Member, |other| other.role);
                right(Action::Discipline(role))?;
                self.is_to_come(*until, "until")?;
                if self.look.banned_until(user).map_err(Denied::Failed)? == Some(*until) {
                    return Ok(Decision::Unchanged);
                }
                Change::Banned(user.clone(), *until)
            }
            Wish::Unban(user) => {
                right(Action::Pardon)?;
                if !self.is_banned(user)? {
                    return Ok(Decision::Unchanged);
                }
                Change::Unbanned(user.clone())
            }
            Wish::Mute(user, until) => {
                let other = self.other(user)?.ok_or(Refusal::NotFound)?;
                right(Action::Discipline(other.role))?;
                self.is_to_come(*until, "until")?;
                if other.muted_until == Some(*until) {
                    return Ok(Decision::Unchanged);
                }
                Change::Muted(user.clone(), *until)
            }
            Wish::Unmute(user) => {
                right(Action::Pardon)?;
                let other = self.other(user)?.ok_or(Refusal::NotFound)?;
                if other.muted_until.is_none_or(|until| until <= self.now) {
                    return Ok(Decision::Unchanged);
                }
                Change::Unmuted(user.clone())
            }
            Wish::SetRole(user, role) => {
                let other = self.other(user)?.ok_or(Refusal::NotFound)?;
                let is_so = other.role == *role;
                if !is_so || authority == Authority::User {
                    right(Action::Appoint { from: other.role, to: *role })?;
                }
                if is_so {
                    return Ok(Decision::Unchanged);
                }
                Change::RoleSet(user.clone(), *role)
            }
            Wish::Invite { code, until, uses } => {
                right(Action::Add)?;
                self.is_to_come(*until, "until")?;
                if *uses == 0 {
                    return Err(Refusal::invalid("uses", "must be at least 1").into());
                }
                if self.look.invite(code).map_err(Denied::Failed)?.is_some() {
                    return Ok(Decision::Unchanged);
                }
                let invites = self.look.invites().map_err(Denied::Failed)?;
                if invites >= self.limits.invites_per_group_max {
                    return Err(Refusal::TooManyInvites.into());
                }
                return Ok(Decision::KeepInvite);
            }
            Wish::RevokeInvite(code) => {
                right(Action::Add)?;
                self.look.invite(code).map_err(Denied::Failed)?.ok_or(Refusal::NotFound)?;
                return Ok(Decision::EndInvite);
            }
            Wish::Deny(user) => {
                right(Action::Add)?;
                if !self.look.has_asked(user).map_err(Denied::Failed)? {
                    return Err(Refusal::NotFound.into());
                }
                return Ok(Decision::Deny);
            }
        };
        Ok(Decision::Commit(change))
    }

    fn add(mut self, group: &Group, users: &[UserId]) -> Result<Decision, Denied<L::Error>> {
        let mut new: Vec<UserId> = Vec::new();
        for user in users {
            let is_in = self.look.member(user).map_err(Denied::Failed)?.is_some();
            if is_in || new.contains(user) {
                continue;
            }
            if self.is_banned(user)? {
                return Err(Refusal::Banned { until: None }.into());
            }
            self.may_be_brought(user)?;
            new.push(user.clone());
        }
        if new.is_empty() {
            return Ok(Decision::Unchanged);
        }
        if group.members + new.len() as u64 > group.settings.members_max {
            return Err(Refusal::GroupFull.into());
        }
        Ok(Decision::Commit(Change::Added(new)))
    }

    fn join(
        mut self,
        invite: Option<&InviteCode>,
        group: &Group,
        is_in: bool,
    ) -> Result<Decision, Denied<L::Error>> {
        if is_in {
            return Ok(Decision::Unchanged);
        }
        let banned = self.look.banned_until(self.by).map_err(Denied::Failed)?;
        if let Some(until) = banned.filter(|until| self.now < *until) {
            return Err(Refusal::Banned { until: Some(until) }.into());
        }
        let invited = match invite {
            None => false,
            Some(code) => {
                let invite = self.look.invite(code).map_err(Denied::Failed)?;
                let good = |invite: &Invite| self.now < invite.until && invite.uses_left > 0;
                invite.filter(good).ok_or(Refusal::NotFound)?;
                true
            }
        };
        if !invited {
            match group.settings.join {
                Joining::Open => {}
                // Whether it is there is not told to who has no way in.
                Joining::Invite => return Err(Refusal::NotFound.into()),
                Joining::Request => {
                    if self.look.has_asked(self.by).map_err(Denied::Failed)? {
                        return Ok(Decision::Ask);
                    }
                    let requests = self.look.requests().map_err(Denied::Failed)?;
                    return match requests < self.limits.requests_per_group_max {
                        true => Ok(Decision::Ask),
                        false => Err(Refusal::GroupFull.into()),
                    };
                }
            }
        }
        self.has_room_for_groups(self.by)?;
        if group.members >= group.settings.members_max {
            return Err(Refusal::GroupFull.into());
        }
        Ok(Decision::Commit(Change::Joined))
    }

    /// Somebody else's membership; to the system everybody is somebody else.
    fn other(&mut self, user: &UserId) -> Result<Option<Member>, Denied<L::Error>> {
        if self.authority == Authority::User && user == self.by {
            return Err(Refusal::invalid("userId", "must be another user").into());
        }
        self.look.member(user).map_err(Denied::Failed)
    }

    fn is_banned(&mut self, user: &UserId) -> Result<bool, Denied<L::Error>> {
        let until = self.look.banned_until(user).map_err(Denied::Failed)?;
        Ok(until.is_some_and(|until| self.now < until))
    }

    /// Whether somebody may be brought into a group by who wishes it.
    fn may_be_brought(&mut self, user: &UserId) -> Result<(), Denied<L::Error>> {
        let is_user = self.authority == Authority::User;
        if is_user && self.look.blocks(user, self.by).map_err(Denied::Failed)? {
            return Err(Refusal::Blocked.into());
        }
        self.has_room_for_groups(user)
    }

    fn has_room_for_groups(&mut self, user: &UserId) -> Result<(), Denied<L::Error>> {
        let groups = self.look.groups_of(user).map_err(Denied::Failed)?;
        if groups >= self.limits.groups_per_user_max {
            return Err(Refusal::TooManyGroups.into());
        }
        Ok(())
    }

    fn is_to_come(&self, until: Millis, field: &'static str) -> Result<(), Refusal> {
        match until > self.now {
            true => Ok(()),
            false => Err(Refusal::invalid(field, "must be in the future")),
        }
    }
}

fn update(group: &Group, name: Option<&GroupName>, settings: SettingsPatch) -> Decision {
    let settings = settings.over(group.settings);
    let settings = (settings != group.settings).then_some(settings);
    let name = name.filter(|name| **name != group.name).cloned();
    match (&name, &settings) {
        (None, None) => Decision::Unchanged,
        _ => Decision::Commit(Change::Updated { name, settings }),
    }
}
