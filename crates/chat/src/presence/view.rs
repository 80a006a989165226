//! What there is to know of a user's presence, and how much of it a viewer sees.

use crate::entry::Millis;

/// Whether a user is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// There, or within the grace period.
    Online,
    /// Not there, since the time given if it is remembered.
    Offline(Option<Millis>),
}

/// What a viewer may see of a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sight {
    /// Whether the user is online.
    pub online: bool,
    /// When the user was last there.
    pub last_seen: bool,
}

impl Sight {
    /// All there is to see.
    pub const FULL: Self = Self { online: true, last_seen: true };
    /// Nothing: the user seems to be offline, for an unknown time.
    pub const NONE: Self = Self { online: false, last_seen: false };
}

/// What a viewer sees of a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct View {
    /// Whether the user seems to be there.
    pub online: bool,
    /// When the user was last there; `None` while online, or if it is unknown or not to be seen.
    pub last_seen: Option<Millis>,
}

impl View {
    /// What is left of a state for someone with this sight. Who may not see whether a user is online
    /// does not see since when not either, since that would tell.
    pub fn new(state: State, sight: Sight) -> Self {
        match state {
            State::Online => Self { online: sight.online, last_seen: None },
            State::Offline(since) => {
                let last_seen = since.filter(|_| sight.online && sight.last_seen);
                Self { online: false, last_seen }
            }
        }
    }
}
