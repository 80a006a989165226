//! The members of groups, by the app's own server: who they are, who comes in and goes, what they may.

use parlor_chat::group::decide::Wish;
use parlor_chat::group::port::MembersQuery;
use serde_json::value::RawValue;

use super::groups::group_id;
use super::{Answer, Backend, failed, user_id};
use crate::fields::{Fields, required};
use crate::group_commands::{self as read, Page};
use crate::{clock, group_records as records};

impl Backend {
    /// Lists `{as?, cursor?, limit?}` of a group's members.
    ///
    /// # Errors
    /// As `group_members`.
    pub async fn members(&self, group: &str, query: Option<&RawValue>) -> Answer {
        let group = group_id(group)?;
        let fields = Fields::exactly(query, ["as", "cursor", "limit"])?;
        let viewer = self.viewer(&fields)?;
        let Page { after, limit } = read::page(&fields, &self.service.settings.limits)?;
        let page = self.service.groups.members(MembersQuery { viewer, group, after, limit }).await;
        Ok(records::members(&page.map_err(failed)?))
    }

    /// Brings the users of `{as?, userIds}` into a group.
    ///
    /// # Errors
    /// As `group_add`, but for rates.
    pub async fn add_members(&self, group: &str, body: Option<&RawValue>) -> Answer {
        let group = group_id(group)?;
        let fields = Fields::exactly(body, ["as", "userIds"])?;
        let max = self.service.settings.limits.group_add_max;
        let users = required("userIds", fields.ids("userIds", max)?)?;
        self.change(self.actor("as", &fields)?, group, Wish::Add(users)).await
    }

    /// Makes a member of a group what `{as?, role}` says.
    ///
    /// # Errors
    /// As `group_role`, but for rates.
    pub async fn set_role(&self, group: &str, user: &str, body: Option<&RawValue>) -> Answer {
        let (group, user) = (group_id(group)?, user_id(user)?);
        let fields = Fields::exactly(body, ["as", "role"])?;
        let role = read::named_role(&fields)?;
        self.change(self.actor("as", &fields)?, group, Wish::SetRole(user, role)).await
    }

    /// Removes a member from a group, as the user of `{as?}` or as the system.
    ///
    /// # Errors
    /// As `group_kick`, but for rates.
    pub async fn kick(&self, group: &str, user: &str, query: Option<&RawValue>) -> Answer {
        let (group, user) = (group_id(group)?, user_id(user)?);
        let fields = Fields::exactly(query, ["as"])?;
        self.change(self.actor("as", &fields)?, group, Wish::Kick(user)).await
    }

    /// Removes somebody from a group and keeps them out for `{as?, forSeconds?}`.
    ///
    /// # Errors
    /// As `group_ban`, but for rates.
    pub async fn ban(&self, group: &str, user: &str, body: Option<&RawValue>) -> Answer {
        let (group, user) = (group_id(group)?, user_id(user)?);
        let fields = Fields::exactly(body, ["as", "forSeconds"])?;
        let until = read::until(&fields, clock::now())?;
        self.change(self.actor("as", &fields)?, group, Wish::Ban(user, until)).await
    }

    /// Lets somebody come back into a group.
    ///
    /// # Errors
    /// As `group_unban`, but for rates.
    pub async fn unban(&self, group: &str, user: &str, query: Option<&RawValue>) -> Answer {
        let (group, user) = (group_id(group)?, user_id(user)?);
        let fields = Fields::exactly(query, ["as"])?;
        self.change(self.actor("as", &fields)?, group, Wish::Unban(user)).await
    }

    /// Keeps a member from posting for `{as?, forSeconds?}`.
    ///
    /// # Errors
    /// As `group_mute`, but for rates.
    pub async fn mute(&self, group: &str, user: &str, body: Option<&RawValue>) -> Answer {
        let (group, user) = (group_id(group)?, user_id(user)?);
        let fields = Fields::exactly(body, ["as", "forSeconds"])?;
        let until = read::until(&fields, clock::now())?;
        self.change(self.actor("as", &fields)?, group, Wish::Mute(user, until)).await
    }

    /// Lets a member post again.
    ///
    /// # Errors
    /// As `group_unmute`, but for rates.
    pub async fn unmute(&self, group: &str, user: &str, query: Option<&RawValue>) -> Answer {
        let (group, user) = (group_id(group)?, user_id(user)?);
        let fields = Fields::exactly(query, ["as"])?;
        self.change(self.actor("as", &fields)?, group, Wish::Unmute(user)).await
    }
}
