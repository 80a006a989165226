//! Groups, made, run and read by the app's own server: as a user, with that user's rights, or as the
//! system, which may what an owner may. Sockets enter and leave rooms as the log says, as ever.

use parlor_chat::group::decide::Wish;
use parlor_chat::group::port::{ChangeGroup, Done, GroupChanged};
use parlor_chat::ids::{ClientId, GroupId, UserId};
use parlor_chat::refusal::Refusal;
use parlor_chat::store::Authority;
use serde_json::value::RawValue;

use super::{Actor, Answer, Backend, failed, id, user_id};
use crate::fields::{Fields, required};
use crate::group_commands::{self as read, Page};
use crate::traces;
use crate::{clock, group_records as records, groups};

impl Backend {
    /// Makes the group of `{as?, name, members?, settings?}`, whose owner is who makes it. Under the same
    /// `key` it is made once.
    ///
    /// # Errors
    /// As `group_create`, but for rates.
    pub async fn create_group(&self, body: Option<&RawValue>, key: Option<&str>) -> Answer {
        let fields = Fields::exactly(body, ["as", "name", "members", "settings"])?;
        let actor = self.actor("as", &fields)?;
        let wish = read::creation(&fields, &self.service.settings.limits)?;
        let key = self.key(key)?.as_ref().map(ClientId::of_backend);
        let group = groups::new_group_id(&self.service, &actor.user, key.as_ref())?;
        self.change(actor, group, wish).await
    }

    /// What a group is, as the user of `{as?}` or as the system.
    ///
    /// # Errors
    /// As `group_info`.
    pub async fn group(&self, group: &str, query: Option<&RawValue>) -> Answer {
        let group = group_id(group)?;
        let viewer = self.viewer(&Fields::exactly(query, ["as"])?)?;
        let view = self.service.groups.group(viewer.clone(), group.clone()).await;
        Ok(records::view(&group, &view.map_err(failed)?, &viewer))
    }

    /// Changes a group to `{as?, name?, settings?}`.
    ///
    /// # Errors
    /// As `group_update`, but for rates.
    pub async fn update_group(&self, group: &str, body: Option<&RawValue>) -> Answer {
        let group = group_id(group)?;
        let fields = Fields::exactly(body, ["as", "name", "settings"])?;
        let wish = read::changes(&fields, &self.service.settings.limits)?;
        self.change(self.actor("as", &fields)?, group, wish).await
    }

    /// Ends a group, as the user of `{as?}` or as the system.
    ///
    /// # Errors
    /// As `group_delete`, but for rates.
    pub async fn delete_group(&self, group: &str, query: Option<&RawValue>) -> Answer {
        let fields = Fields::exactly(query, ["as"])?;
        self.change(self.actor("as", &fields)?, group_id(group)?, Wish::Delete).await
    }

    /// Lets the user of `{as, invite?}` come in, as the group lets people.
    ///
    /// # Errors
    /// As `group_join`, but for rates.
    pub async fn join_group(&self, group: &str, body: Option<&RawValue>) -> Answer {
        let group = group_id(group)?;
        let fields = Fields::exactly(body, ["as", "invite"])?;
        let wish = read::joining(&fields)?;
        self.change(one(&fields)?, group, wish).await
    }

    /// Lets the user of `{as}` go.
    ///
    /// # Errors
    /// As `group_leave`, but for rates.
    pub async fn leave_group(&self, group: &str, body: Option<&RawValue>) -> Answer {
        let fields = Fields::exactly(body, ["as"])?;
        self.change(one(&fields)?, group_id(group)?, Wish::Leave).await
    }

    /// Lists `{cursor?, limit?}` of a user's groups.
    ///
    /// # Errors
    /// As `groups`.
    pub async fn groups(&self, user: &str, query: Option<&RawValue>) -> Answer {
        let user = user_id(user)?;
        let fields = Fields::exactly(query, ["cursor", "limit"])?;
        let Page { after, limit } = read::page(&fields, &self.service.settings.limits)?;
        let lines = self.service.groups.groups(user, after, limit).await;
        Ok(records::groups(&lines.map_err(failed)?))
    }

    /// Has a wish judged and carried out, and tells what came of it.
    pub(super) async fn change(&self, actor: Actor, group: GroupId, wish: Wish) -> Answer {
        let user = actor.user.clone();
        let changed = self.wishes(actor, &group, wish).await?;
        if changed.done == Done::Asked {
            groups::tell_of_request(&self.service, &group, &user).await;
        }
        Ok(records::changed(&group, &changed))
    }

    /// Has a wish judged and carried out.
    pub(super) async fn wishes(
        &self,
        actor: Actor,
        group: &GroupId,
        wish: Wish,
    ) -> Result<GroupChanged, Refusal> {
        self.service.accepts_writes()?;
        let changed = self.service.groups.change_group(ChangeGroup {
            by: actor.user,
            authority: actor.authority,
            group: group.clone(),
            wish,
            client_id: None,
            now: clock::now(),
            origin: traces::origin(0),
            limits: self.service.settings.limits.clone(),
        });
        changed.await.map_err(failed)
    }
}

/// The user who comes or goes, which nobody does for another.
fn one<const N: usize>(fields: &Fields<'_, N>) -> Result<Actor, Refusal> {
    let user = required("as", fields.id("as", UserId::parse)?)?;
    Ok(Actor { user, authority: Authority::User })
}

pub(super) fn group_id(text: &str) -> Result<GroupId, Refusal> {
    id("groupId", GroupId::parse(text))
}
