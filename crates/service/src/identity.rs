//! Who a token stands for: the port that the binary fills with its token checks.

use std::borrow::Cow;

use parlor_chat::entry::Millis;
use parlor_chat::ids::UserId;

/// Tells whose a token is. Stateless and without waiting: it is called for each connection.
pub trait Authenticator: Send + Sync + 'static {
    /// Checks a token.
    ///
    /// # Errors
    /// [`AuthError`] when it is not trusted, not valid now, or names no user.
    fn verify(&self, token: &str, now: Millis) -> Result<Identity, AuthError>;
}

/// What a trusted token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The user it was issued to.
    pub user: UserId,
    /// The name that it says the user has; whoever issued it vouches for that alone.
    pub name: Option<String>,
    /// When it was issued; a device revoked at or after that stays closed to it.
    pub issued: Option<Millis>,
    /// When it ends, and the connection with it; `None` for never.
    pub expires: Option<Millis>,
}

/// Why a token is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct AuthError {
    /// Safe to show to the client: never the token or a key.
    pub reason: Cow<'static, str>,
    /// Whether it was good and has ended.
    pub expired: bool,
    /// Whether it may be accepted shortly: keys are being fetched. The client is to come back.
    pub undecided: bool,
}

impl AuthError {
    /// A token that is not trusted.
    pub fn untrusted(reason: impl Into<Cow<'static, str>>) -> Self {
        Self { reason: reason.into(), expired: false, undecided: false }
    }

    /// A token that was good and has ended.
    pub fn expired() -> Self {
        let reason = Cow::Borrowed("the token has expired");
        Self { reason, expired: true, undecided: false }
    }
}
