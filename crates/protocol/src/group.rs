//! Groups and their members.

use crate::shape::{Nullable, SaysOk, Yes, shapes, words};

words! {
    Role { Member, Moderator, Admin, Owner, }
    OpenTo { Everyone, Admins, }
    Joining { Invite, Request, Open, }
    PastShown { Join, All, }
}

shapes! {
    GroupSettings {
        post: OpenTo,
        add: OpenTo,
        join: Joining,
        slow_mode_seconds: u64,
        members_max: u64,
        history: PastShown,
    }
    GroupSettingsChange {
        post: Option<OpenTo>,
        add: Option<OpenTo>,
        join: Option<Joining>,
        slow_mode_seconds: Option<u64>,
        members_max: Option<u64>,
        history: Option<PastShown>,
    }

    GroupCreate {
        name: String,
        members: Option<Vec<String>>,
        settings: Option<GroupSettingsChange>,
        client_id: Option<String>,
    }
    GroupUpdate { group_id: String, name: Option<String>, settings: Option<GroupSettingsChange>, }
    GroupId { group_id: String, }
    GroupAdd { group_id: String, user_ids: Vec<String>, }
    GroupJoin { group_id: String, invite: Option<String>, }
    GroupUser { group_id: String, user_id: String, }
    GroupUserFor { group_id: String, user_id: String, for_seconds: Option<u64>, }
    GroupRole { group_id: String, user_id: String, role: Role, }
    GroupInvite { group_id: String, for_seconds: Option<u64>, uses: Option<u64>, }
    GroupInviteRevoke { group_id: String, invite: String, }
    GroupRulesSet { group_id: String, words: Vec<String>, action: Option<String>, }
    GroupPage { group_id: String, cursor: Option<String>, limit: Option<u64>, }

    /// The answer to a command that changes a group; without `seq` when it changed nothing.
    GroupChanged {
        status: SaysOk,
        group_id: String,
        conversation_id: Option<String>,
        id: Option<String>,
        seq: Option<u64>,
        ts: Option<u64>,
        requested: Option<Yes>,
        unchanged: Option<Yes>,
    }
    GroupInvited {
        status: SaysOk,
        group_id: String,
        invite: String,
        until: Option<u64>,
        uses: u64,
    }
    Invite { invite: String, by: String, until: Option<u64>, uses: u64, }
    GroupInvites {
        status: SaysOk,
        invites: Vec<Invite>,
    }
    /// Somebody asks to be let in.
    GroupRequest { group_id: String, user_id: String, }
    WaitingRequest { user_id: String, at: u64, }
    GroupRequests {
        status: SaysOk,
        requests: Vec<WaitingRequest>,
    }
    GroupRules {
        status: SaysOk,
        group_id: String,
        words: Vec<String>,
        action: Option<String>,
    }
    GroupInfo {
        status: SaysOk,
        group_id: String,
        conversation_id: String,
        name: String,
        members: u64,
        created_at: u64,
        owner_id: Option<String>,
        settings: Option<GroupSettings>,
        role: Nullable<Role>,
        muted_until: Option<u64>,
    }
    GroupMember { user_id: String, role: Role, joined_at: u64, muted_until: Option<u64>, }
    GroupMembers {
        status: SaysOk,
        members: Vec<GroupMember>,
        count: u64,
        cursor: Nullable<String>,
    }
    GroupLine {
        group_id: String,
        conversation_id: String,
        name: String,
        members: u64,
        role: Nullable<Role>,
    }
    Groups {
        status: SaysOk,
        groups: Vec<GroupLine>,
        cursor: Nullable<String>,
    }
}
