//! The events and commands by their names.

use serde_json::Value;
use ts_rs::{Config, TS};

use crate::conversation::*;
use crate::entry::Entry;
use crate::group::*;
use crate::message::*;
use crate::moderation::*;
use crate::own::*;
use crate::people::*;
use crate::presence::*;
use crate::session::*;

fn read<T: serde::de::DeserializeOwned>(value: &Value) -> Result<(), String> {
    serde_json::from_value::<T>(value.clone()).map(drop).map_err(|error| error.to_string())
}

macro_rules! registry {
    (
        events { $($event:literal => $heard:ty,)* }
        commands { $($command:literal => ($payload:ty, $answer:ty),)* }
    ) => {
        /// Checks an event that a server said. One of a name that is not known passes.
        ///
        /// # Errors
        /// What is wrong with it.
        pub fn check_event(name: &str, value: &Value) -> Result<(), String> {
            match name {
                $($event => read::<$heard>(value),)*
                _ => Ok(()),
            }
        }

        /// Checks the answer to a command. Those to commands that are not known pass.
        ///
        /// # Errors
        /// What is wrong with it.
        pub fn check_answer(command: &str, value: &Value) -> Result<(), String> {
            if value["status"] == "error" {
                return read::<Refused>(value);
            }
            match command {
                $($command => read::<$answer>(value),)*
                _ => Ok(()),
            }
        }

        /// The names of events, each with its type.
        pub(crate) fn events(config: &Config) -> Vec<(&'static str, String)> {
            vec![$(($event, <$heard>::name(config)),)*]
        }

        /// The names of commands, each with the types of its payload and its answer.
        pub(crate) fn commands(config: &Config) -> Vec<(&'static str, String, String)> {
            vec![$(($command, <$payload>::name(config), <$answer>::name(config)),)*]
        }

        /// Shows every type that is reachable from here.
        pub(crate) fn visit(visitor: &mut impl ts_rs::TypeVisitor) {
            $(visitor.visit::<$heard>();)*
            $(visitor.visit::<$payload>(); visitor.visit::<$answer>();)*
            visitor.visit::<Refused>();
        }
    };
}

registry! {
    events {
        "ready" => Ready,
        "snapshot" => Snapshot,
        "moved" => MovedEvent,
        "caught_up" => CaughtUp,
        "position" => Position,
        "closing" => Closing,
        "private_message" => Message,
        "group_message" => Message,
        "entry" => Entry,
        "app_event" => AppEvent,
        "delivered" => Receipt,
        "read" => Receipt,
        "receipts" => Receipts,
        "typing" => TypingEvent,
        "presence" => PresenceEvent,
        "blocked" => BlockedEvent,
        "notice" => Notice,
        "report" => ReportLine,
        "group_request" => GroupRequest,
        "draft" => Draft,
        "schedule" => Schedule,
        "starred" => Starred,
        "hidden" => Hidden,
        "conversation_settings" => ConversationSettingsEvent,
        "contact" => Contact,
        "privacy" => PrivacyEvent,
        "request" => RequestEvent,
        "profile" => Profile,
    }
    commands {
        "private_message" => (SendPrivateMessage, SendAnswer),
        "group_message" => (SendGroupMessage, SendAnswer),
        "app_event" => (SendAppEvent, AppEventAnswer),
        "typing" => (SayTyping, Done),
        "delivered" => (Mark, Done),
        "read" => (Mark, Done),
        "history" => (History, HistoryPage),
        "conversations" => (Page, ConversationsPage),
        "badge" => (Nothing, Badge),
        "search" => (Search, SearchPage),
        "sync" => (Position, Synced),
        "devices" => (Nothing, Devices),
        "device_revoke" => (DeviceRevoke, Done),
        "renew" => (Renew, Renewed),
        "block" => (UserId, Done),
        "unblock" => (UserId, Done),
        "blocked" => (Nothing, BlockedList),
        "presence" => (PresenceQuery, PresenceAnswer),
        "presence_subscribe" => (UserIds, PresencePage),
        "presence_unsubscribe" => (UserIds, Done),
        "edit" => (Edit, MessageChanged),
        "delete" => (MessageId, MessageChanged),
        "react" => (React, MessageChanged),
        "unreact" => (React, MessageChanged),
        "pin" => (MessageId, MessageChanged),
        "unpin" => (MessageId, MessageChanged),
        "pins" => (ConversationId, Pins),
        "thread" => (ThreadQuery, MessagesPage),
        "conversation_timer" => (ConversationTimer, TimerSet),
        "conversation_open" => (ConversationId, Done),
        "conversation_close" => (ConversationId, Done),
        "receipts" => (ReceiptsQuery, ReceiptsPage),
        "group_create" => (GroupCreate, GroupChanged),
        "group_update" => (GroupUpdate, GroupChanged),
        "group_delete" => (GroupId, GroupChanged),
        "group_add" => (GroupAdd, GroupChanged),
        "group_join" => (GroupJoin, GroupChanged),
        "group_leave" => (GroupId, GroupChanged),
        "group_kick" => (GroupUser, GroupChanged),
        "group_ban" => (GroupUserFor, GroupChanged),
        "group_unban" => (GroupUser, GroupChanged),
        "group_mute" => (GroupUserFor, GroupChanged),
        "group_unmute" => (GroupUser, GroupChanged),
        "group_role" => (GroupRole, GroupChanged),
        "group_invite" => (GroupInvite, GroupInvited),
        "group_invites" => (GroupId, GroupInvites),
        "group_invite_revoke" => (GroupInviteRevoke, GroupChanged),
        "group_requests" => (GroupId, GroupRequests),
        "group_deny" => (GroupUser, GroupChanged),
        "group_rules" => (GroupId, GroupRules),
        "group_rules_set" => (GroupRulesSet, GroupChanged),
        "group_info" => (GroupId, GroupInfo),
        "group_members" => (GroupPage, GroupMembers),
        "groups" => (Page, Groups),
        "draft_set" => (DraftSet, OwnChanged),
        "drafts" => (Page, Drafts),
        "schedules" => (Page, Schedules),
        "schedule_set" => (ScheduleSet, ScheduleChanged),
        "schedule_cancel" => (ScheduleId, ScheduleChanged),
        "star" => (MessageId, OwnChanged),
        "unstar" => (MessageId, OwnChanged),
        "starred" => (Page, StarredPage),
        "hide" => (MessageId, OwnChanged),
        "unhide" => (MessageId, OwnChanged),
        "conversation_set" => (ConversationSet, OwnChanged),
        "contact_add" => (ContactAdd, OwnChanged),
        "contact_remove" => (UserId, OwnChanged),
        "contacts" => (Page, Contacts),
        "privacy_set" => (PrivacySet, OwnChanged),
        "privacy_get" => (Nothing, Privacy),
        "requests" => (Page, ConversationsPage),
        "request_accept" => (ConversationId, OwnChanged),
        "request_decline" => (ConversationId, OwnChanged),
        "profile_get" => (UserId, ProfileAnswer),
        "profile_set" => (ProfileSet, ProfileAnswer),
        "users" => (UsersQuery, UsersPage),
        "report" => (Report, Reported),
        "notice_confirm" => (NoticeConfirm, Done),
        "reports" => (ReportsQuery, ReportsPage),
        "report_take" => (ReportId, ReportTaken),
        "report_resolve" => (ReportResolve, Done),
        "warn" => (Warn, Done),
        "suspend" => (Suspend, Done),
        "unsuspend" => (Unsuspend, Done),
        "message_remove" => (MessageRemove, MessageChanged),
        "audit" => (Page, Audit),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_shape_lacks_or_does_not_know_is_found() {
        let good = json!({"id": "c:1", "conversationId": "c", "seq": 1, "from": "a", "content": null, "ts": 1, "pos": 1});
        assert_eq!(check_event("private_message", &good), Ok(()));
        for (field, value) in [("seq", json!(null)), ("seq", json!("1")), ("novel", json!(1))] {
            let mut bad = good.clone();
            bad[field] = value;
            assert!(check_event("private_message", &bad).is_err(), "{bad}");
        }
        let mut entry = json!({"id": "c:2", "conversationId": "c", "seq": 2, "by": "a", "ts": 1, "pos": 1, "kind": "timer", "seconds": null});
        assert_eq!(check_event("entry", &entry), Ok(()));
        entry["novel"] = json!(1);
        assert!(check_event("entry", &entry).is_err());
        entry["kind"] = json!("novel");
        assert!(check_event("entry", &entry).is_err());
    }

    #[test]
    fn an_answer_is_that_of_its_command_or_a_refusal() {
        let badge = json!({"status": "ok", "unread": 1, "mentions": 0, "conversations": 1});
        assert_eq!(check_answer("badge", &badge), Ok(()));
        assert!(check_answer("blocked", &badge).is_err());
        let refused = json!({"status": "error", "code": "muted", "error": "muted", "until": 5});
        assert_eq!(check_answer("badge", &refused), Ok(()));
        assert!(
            check_answer("badge", &json!({"status": "ok", "unread": 1, "mentions": 0})).is_err()
        );
    }

    #[test]
    fn what_may_be_null_has_to_be_there() {
        let ready = |more: serde_json::Value| {
            let mut presence = json!({"userId": "a", "online": true});
            presence
                .as_object_mut()
                .expect("an object")
                .extend(more.as_object().expect("one").clone());
            check_event("presence", &presence)
        };
        assert_eq!(ready(json!({"lastSeen": null})), Ok(()));
        assert!(ready(json!({})).is_err());
    }
}
