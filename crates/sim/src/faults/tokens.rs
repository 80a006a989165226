//! What the devices of a run show to be who they are: tokens that the servers of the run accept, as an
//! app's own backend would sign them.

use jsonwebtoken::{EncodingKey, Header, encode};
use serde_json::json;

/// What they are signed with.
pub(super) const SECRET: &str = "nothing depends on this: it is for servers of fault runs";

/// A user's token, good for longer than any run.
///
/// # Errors
/// When it cannot be signed.
pub(super) fn token(user: &str) -> anyhow::Result<String> {
    // 2100-01-01.
    let claims = json!({ "sub": user, "exp": 4_102_444_800_u64 });
    Ok(encode(&Header::default(), &claims, &EncodingKey::from_secret(SECRET.as_bytes()))?)
}
