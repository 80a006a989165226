//! With `--dev`, a token is the bare user name.

use parlor_chat::ids::UserId;
use parlor_service::Identity;

use super::Refusal;

/// Believes everyone. It is only ever used on loopback.
pub(crate) struct DevAuthenticator;

impl DevAuthenticator {
    /// Takes the token for the user's name.
    ///
    /// # Errors
    /// [`Refusal::BadSubject`] when it is no user id.
    pub(crate) fn check(&self, token: &str) -> Result<Identity, Refusal> {
        let user = UserId::parse(token).map_err(|_| Refusal::BadSubject)?;
        Ok(Identity { user, name: None, issued: None, expires: None })
    }
}
