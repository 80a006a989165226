//! Groups: what one is, who is in it as what, and how it changes.
//!
//! A group's conversation is a log like any other; whatever changes the group is an entry of it
//! ([`Change`]), so that everybody learns of it in the same order as of what is said. [`rights`]
//! says who may do what, as a table; [`decide`] turns a wish into a change or a refusal, and is
//! called by the store inside the commit, so that no wish is judged by an older state than it is
//! committed on; [`port`] is how groups are kept.

pub mod decide;

pub mod port;

pub mod rights;

use std::sync::Arc;

use crate::entry::Millis;
use crate::ids::{InvalidId, Seq, UserId};
use crate::rules::Action;

/// The longest name of a group, in bytes.
pub const GROUP_NAME_BYTES_MAX: usize = 128;

/// What a group is called by people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupName(Arc<str>);

impl GroupName {
    /// Checks and takes a name.
    ///
    /// # Errors
    /// [`InvalidId`] when it is empty, longer than [`GROUP_NAME_BYTES_MAX`] or has control
    /// characters.
    pub fn parse(text: &str) -> Result<Self, InvalidId> {
        let fits = (1..=GROUP_NAME_BYTES_MAX).contains(&text.len());
        if fits && !text.chars().any(char::is_control) {
            Ok(Self(Arc::from(text)))
        } else {
            let rule = "1 to 128 bytes without control characters";
            Err(InvalidId { kind: "name", rule })
        }
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a member is in a group, least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Role {
    /// One like the others.
    #[default]
    Member,
    /// Keeps order: may remove, ban and mute members.
    Moderator,
    /// Runs the group: may also change it, and appoint moderators.
    Admin,
    /// Whose group it is; there is exactly one.
    Owner,
}

impl Role {
    /// Every role, least first.
    pub const ALL: [Self; 4] = [Self::Member, Self::Moderator, Self::Admin, Self::Owner];

    /// The name that clients know it by.
    pub fn name(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Moderator => "moderator",
            Self::Admin => "admin",
            Self::Owner => "owner",
        }
    }

    /// The role of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }
}

/// To whom something is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OpenTo {
    /// All members.
    #[default]
    Everyone,
    /// Admins and the owner.
    Admins,
}

/// How somebody who was not added comes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Joining {
    /// By an invite only.
    #[default]
    Invite,
    /// By an invite, or by a request that somebody who may add approves.
    Request,
    /// Whoever knows its id.
    Open,
}

/// What who joins may read of the time before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PastShown {
    /// Nothing.
    #[default]
    FromJoin,
    /// Everything that is kept.
    All,
}

/// How a group is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GroupSettings {
    /// Who may post. Only admins: an announcement group.
    pub post: OpenTo,
    /// Who may add members and make invites.
    pub add: OpenTo,
    /// How others come in.
    pub join: Joining,
    /// Milliseconds that a member waits between two messages; 0 for none.
    pub slow_mode_ms: u64,
    /// How many members it may have.
    pub members_max: u64,
    /// What who joins may read.
    pub past: PastShown,
}

/// A wish to change settings: what is `None` stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[allow(missing_docs, reason = "the fields are those of the settings")]
pub struct SettingsPatch {
    pub post: Option<OpenTo>,
    pub add: Option<OpenTo>,
    pub join: Option<Joining>,
    pub slow_mode_ms: Option<u64>,
    pub members_max: Option<u64>,
    pub past: Option<PastShown>,
}

impl SettingsPatch {
    /// The settings that come of it.
    pub fn over(self, settings: GroupSettings) -> GroupSettings {
        GroupSettings {
            post: self.post.unwrap_or(settings.post),
            add: self.add.unwrap_or(settings.add),
            join: self.join.unwrap_or(settings.join),
            slow_mode_ms: self.slow_mode_ms.unwrap_or(settings.slow_mode_ms),
            members_max: self.members_max.unwrap_or(settings.members_max),
            past: self.past.unwrap_or(settings.past),
        }
    }
}

/// A group, as of some entry of its log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// What people call it.
    pub name: GroupName,
    /// Whose it is.
    pub owner: UserId,
    /// How it is run.
    pub settings: GroupSettings,
    /// How many members it has.
    pub members: u64,
}

/// Somebody who is in a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member {
    /// As what.
    pub role: Role,
    /// The entry by which they came in.
    pub joined: Seq,
    /// Until when they may not post.
    pub muted_until: Option<Millis>,
    /// When they last posted, where that matters.
    pub said_at: Option<Millis>,
}

/// What may not be said in one group, besides what may be nowhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupRules {
    /// Words, in any case.
    pub words: Vec<Arc<str>>,
    /// What is done about a message that has one: [`Action::Refuse`] or [`Action::Mask`].
    pub action: Action,
}

impl GroupRules {
    /// About how many bytes it holds.
    pub fn weight(&self) -> usize {
        self.words.iter().map(|word| 16 + word.len()).sum()
    }
}

/// The time of a measure that has no end.
pub const FOREVER: Millis = Millis((1 << 53) - 1);

/// What an entry of a group's log changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// The group was made by its first owner, with these other members.
    Created {
        /// Its name.
        name: GroupName,
        /// How it is run.
        settings: GroupSettings,
        /// Who is in it besides the owner.
        members: Vec<UserId>,
    },
    /// It is called, or run, otherwise.
    Updated {
        /// Its name, if that changed.
        name: Option<GroupName>,
        /// Its settings, if they changed.
        settings: Option<GroupSettings>,
    },
    /// It is no more; nothing follows.
    Deleted,
    /// Somebody brought others in.
    Added(Vec<UserId>),
    /// Somebody came in.
    Joined,
    /// Somebody went.
    Left,
    /// Somebody was removed.
    Kicked(UserId),
    /// Somebody was removed, if they were there, and may not come back until then.
    Banned(UserId, Millis),
    /// Somebody may come back.
    Unbanned(UserId),
    /// Somebody may not post until then.
    Muted(UserId, Millis),
    /// Somebody may post again.
    Unmuted(UserId),
    /// Somebody is something else now; with [`Role::Owner`], who was that until now becomes an admin.
    RoleSet(UserId, Role),
    /// It has other rules of its own, or none.
    RulesSet(Option<GroupRules>),
}

impl Change {
    /// Who is in from this entry on, if `by` made it.
    pub fn joined<'a>(&'a self, by: &'a UserId) -> impl Iterator<Item = &'a UserId> {
        let (one, more): (Option<&UserId>, &[UserId]) = match self {
            Self::Created { members, .. } => (Some(by), members),
            Self::Added(users) => (None, users),
            Self::Joined => (Some(by), &[]),
            _ => (None, &[]),
        };
        one.into_iter().chain(more)
    }

    /// Who is out after this entry, if `by` made it; everybody, where the group is no more.
    pub fn left<'a>(&'a self, by: &'a UserId) -> Gone<'a> {
        match self {
            Self::Deleted => Gone::Everybody,
            Self::Left => Gone::One(by),
            Self::Kicked(user) | Self::Banned(user, _) => Gone::One(user),
            _ => Gone::Nobody,
        }
    }

    /// About how many bytes it holds.
    pub fn weight(&self) -> usize {
        let users = |users: &[UserId]| users.iter().map(|user| 16 + user.as_str().len()).sum();
        let more: usize = match self {
            Self::Created { members, .. } => users(members),
            Self::Added(added) => users(added),
            Self::RulesSet(Some(rules)) => rules.weight(),
            _ => 0,
        };
        2 * GROUP_NAME_BYTES_MAX + more
    }
}

/// Who leaves a group by a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gone<'a> {
    /// Nobody.
    Nobody,
    /// This one, if they are in.
    One(&'a UserId),
    /// All who are in.
    Everybody,
}
