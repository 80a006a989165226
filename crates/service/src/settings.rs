//! How the service behaves: what the binary fills from its config.

use parlor_chat::ids::UserId;
use parlor_chat::limits::Limits;
use parlor_chat::rate::Rate;

use crate::adapter::MemberLimits;
use crate::hook::AppHook;
use crate::rules::Rules;

/// The service's settings.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settings {
    /// The bounds that every command is held to.
    pub limits: Limits,
    /// For trying things out: lifts every bound on rates and connections (sizes stay), and lets
    /// in connections without a token that speak the simplest tutorial's events.
    pub mode: Mode,
    /// In whose name the app's own server speaks when it names nobody. No token opens it.
    pub system_user: Option<UserId>,
    /// What the contents of messages are looked at for.
    pub rules: Rules,
    /// The app's own say before a message is kept.
    pub hook: Option<AppHook>,
    /// What the app's own Socket.IO servers are held to.
    pub members: MemberLimits,
}

/// For whom a server is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// For users.
    #[default]
    Production,
    /// For its developer alone.
    Development,
}

impl Settings {
    pub(crate) fn is_development(&self) -> bool {
        self.mode == Mode::Development
    }

    pub(crate) fn user_rate(&self) -> Rate {
        let limits = &self.limits;
        self.lifted(Rate::new(limits.user_rate_burst, limits.user_rate_per_second))
    }

    pub(crate) fn connection_rate(&self) -> Rate {
        let limits = &self.limits;
        self.lifted(Rate::new(limits.connection_rate_burst, limits.connection_rate_per_second))
    }

    pub(crate) fn connections_per_user_max(&self) -> usize {
        if self.is_development() { usize::MAX } else { self.limits.connections_per_user_max }
    }

    fn lifted(&self, rate: Rate) -> Rate {
        if self.is_development() { Rate::unlimited() } else { rate }
    }
}
