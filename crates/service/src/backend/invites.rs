//! Who may come into groups, by the app's own server: invites, and requests to join.

use parlor_chat::group::decide::{InviteCode, Wish};
use serde_json::value::RawValue;

use super::groups::group_id;
use super::{Answer, Backend, failed, id, user_id};
use crate::fields::Fields;
use crate::{clock, group_commands as read, group_records as records, groups};

impl Backend {
    /// Makes an invite to a group, good as `{as?, forSeconds?, uses?}` says.
    ///
    /// # Errors
    /// As `group_invite`, but for rates.
    pub async fn invite(&self, group: &str, body: Option<&RawValue>) -> Answer {
        let group = group_id(group)?;
        let fields = Fields::exactly(body, ["as", "forSeconds", "uses"])?;
        let actor = self.actor("as", &fields)?;
        let limits = &self.service.settings.limits;
        let (until, uses) = read::validity(&fields, clock::now(), limits)?;
        let code = groups::new_code()?;
        self.wishes(actor, &group, Wish::Invite { code: code.clone(), until, uses }).await?;
        Ok(records::invited(&group, &code, until, uses))
    }

    /// Lists the invites of a group, as the user of `{as?}` or as the system.
    ///
    /// # Errors
    /// As `group_invites`.
    pub async fn invites(&self, group: &str, query: Option<&RawValue>) -> Answer {
        let group = group_id(group)?;
        let viewer = self.viewer(&Fields::exactly(query, ["as"])?)?;
        let invites = self.service.groups.invites(viewer, group).await;
        Ok(records::invites(&invites.map_err(failed)?))
    }

    /// Ends an invite, as the user of `{as?}` or as the system.
    ///
    /// # Errors
    /// As `group_invite_revoke`, but for rates.
    pub async fn revoke_invite(
        &self,
        group: &str,
        invite: &str,
        query: Option<&RawValue>,
    ) -> Answer {
        let (group, code) = (group_id(group)?, id("invite", InviteCode::parse(invite))?);
        let fields = Fields::exactly(query, ["as"])?;
        self.change(self.actor("as", &fields)?, group, Wish::RevokeInvite(code)).await
    }

    /// Lists who has asked to join a group, as the user of `{as?}` or as the system.
    ///
    /// # Errors
    /// As `group_requests`.
    pub async fn requests(&self, group: &str, query: Option<&RawValue>) -> Answer {
        let group = group_id(group)?;
        let viewer = self.viewer(&Fields::exactly(query, ["as"])?)?;
        let max = groups::requests_max(&self.service);
        let requests = self.service.groups.requests(viewer, group, max).await;
        Ok(records::requests(&requests.map_err(failed)?))
    }

    /// Turns down somebody's request to join, as the user of `{as?}` or as the system.
    ///
    /// # Errors
    /// As `group_deny`, but for rates.
    pub async fn deny(&self, group: &str, user: &str, query: Option<&RawValue>) -> Answer {
        let (group, user) = (group_id(group)?, user_id(user)?);
        let fields = Fields::exactly(query, ["as"])?;
        self.change(self.actor("as", &fields)?, group, Wish::Deny(user)).await
    }
}
