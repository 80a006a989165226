//! Who people are, and whom one does not want to hear.

use crate::shape::{Nullable, SaysOk, shapes};

shapes! {
    UserId { user_id: String, }
    Profile { user_id: String, name: Nullable<String>, avatar_url: Nullable<String>, about: Nullable<String>, }
    ProfileAnswer {
        status: SaysOk,
        user_id: String,
        name: Nullable<String>,
        avatar_url: Nullable<String>,
        about: Nullable<String>,
    }
    ProfileSet { name: Option<String>, avatar_url: Option<String>, about: Option<String>, }
    UsersQuery { query: String, cursor: Option<String>, limit: Option<u64>, }
    UsersPage {
        status: SaysOk,
        users: Vec<Profile>,
        cursor: Nullable<String>,
    }
    /// Another of one's own devices has blocked somebody, or no longer does.
    BlockedEvent { user_id: String, blocked: bool, }
    BlockedList {
        status: SaysOk,
        blocked: Vec<String>,
    }
}
