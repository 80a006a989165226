//! The events and commands by their names, each with its shapes and a line on what it says.

use schemars::{Schema, SchemaGenerator};
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
        events { $($event:literal => $heard:ty: $event_says:literal,)* }
        commands { $($command:literal => ($payload:ty, $answer:ty): $command_says:literal,)* }
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

        /// The names of the events that a server says.
        pub fn event_names() -> Vec<&'static str> {
            vec![$($event,)*]
        }

        /// The names of events, each with its type.
        pub(crate) fn events(config: &Config) -> Vec<(&'static str, String)> {
            vec![$(($event, <$heard>::name(config)),)*]
        }

        /// The names of commands, each with the types of its payload and its answer.
        pub(crate) fn commands(config: &Config) -> Vec<(&'static str, String, String)> {
            vec![$(($command, <$payload>::name(config), <$answer>::name(config)),)*]
        }

        /// The events, each with its schema and what it says.
        pub(crate) fn event_schemas(
            generator: &mut SchemaGenerator,
        ) -> Vec<(&'static str, Schema, &'static str)> {
            vec![$(($event, generator.subschema_for::<$heard>(), $event_says),)*]
        }

        /// The commands, each with the schemas of its payload and its answer, and what it says.
        pub(crate) fn command_schemas(
            generator: &mut SchemaGenerator,
        ) -> Vec<(&'static str, Schema, Schema, &'static str)> {
            vec![$((
                $command,
                generator.subschema_for::<$payload>(),
                generator.subschema_for::<$answer>(),
                $command_says,
            ),)*]
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
        "ready" => Ready: "The connection is let in; the first event on it.",
        "snapshot" => Snapshot: "The position is no good: everything has to be read anew.",
        "moved" => MovedEvent: "What moved while the client was away, beside messages.",
        "caught_up" => CaughtUp: "The device has everything up to this position; from now on what is said is heard at once.",
        "position" => Position: "The newest position, told now and then to clients that keep one.",
        "closing" => Closing: "The server is about to end the connection, and why.",
        "private_message" => Message: "A message of a direct conversation.",
        "group_message" => Message: "A message of a group.",
        "entry" => Entry: "What happened in a conversation beside messages.",
        "app_event" => AppEvent: "An event of the app's own, in passing.",
        "delivered" => Receipt: "A member's devices have everything up to this message.",
        "read" => Receipt: "A member has read everything up to this message.",
        "receipts" => Receipts: "How many members of a larger group have messages, or have read them.",
        "typing" => TypingEvent: "Somebody types, or no longer does; in larger groups, how many do.",
        "presence" => PresenceEvent: "A user has come or gone; in larger groups, how many are here.",
        "blocked" => BlockedEvent: "Another device of the user blocked somebody, or no longer does.",
        "notice" => Notice: "What moderators tell the user.",
        "report" => ReportLine: "A new report, for moderators.",
        "group_request" => GroupRequest: "Somebody asks to be let into a group.",
        "draft" => Draft: "A draft of the user's changed.",
        "schedule" => Schedule: "A message of the user's that is said later changed.",
        "starred" => Starred: "The user starred a message, or no longer does.",
        "hidden" => Hidden: "The user hid a message, or no longer does.",
        "conversation_settings" => ConversationSettingsEvent: "The user changed how a conversation is shown.",
        "contact" => Contact: "A contact of the user's changed.",
        "privacy" => PrivacyEvent: "The user's privacy settings changed.",
        "request" => RequestEvent: "A message request came, or was decided.",
        "profile" => Profile: "The user's profile changed.",
    }
    commands {
        "private_message" => (SendPrivateMessage, SendAnswer): "Sends a message to a user.",
        "group_message" => (SendGroupMessage, SendAnswer): "Sends a message to a group.",
        "app_event" => (SendAppEvent, AppEventAnswer): "Sends an event of the app's own, stored or in passing.",
        "typing" => (SayTyping, Done): "Says that the user types, or no longer does.",
        "delivered" => (Mark, Done): "Confirms that this device has everything up to a message.",
        "read" => (Mark, Done): "Says that the user has read everything up to a message.",
        "history" => (History, HistoryPage): "Reads a piece of a conversation's log.",
        "conversations" => (Page, ConversationsPage): "Lists the user's conversations, those that moved last first.",
        "badge" => (Nothing, Badge): "Counts what is unread over all conversations.",
        "search" => (Search, SearchPage): "Finds messages by their words.",
        "sync" => (Position, Synced): "Asks what moved since a position.",
        "devices" => (Nothing, Devices): "Lists the user's devices.",
        "device_revoke" => (DeviceRevoke, Done): "Closes a device's connections and refuses its tokens issued up to now.",
        "renew" => (Renew, Renewed): "Gives the connection a new token of the same user.",
        "block" => (UserId, Done): "Takes no more messages from a user.",
        "unblock" => (UserId, Done): "Takes a user's messages again.",
        "blocked" => (Nothing, BlockedList): "Lists whom the user blocks.",
        "presence" => (PresenceQuery, PresenceAnswer): "Asks once who is here, of users or of a group.",
        "presence_subscribe" => (UserIds, PresencePage): "Asks who is here, and to be told from now on.",
        "presence_unsubscribe" => (UserIds, Done): "Asks to be told no more.",
        "edit" => (Edit, MessageChanged): "Changes what a message says.",
        "delete" => (MessageId, MessageChanged): "Deletes a message for everyone.",
        "react" => (React, MessageChanged): "Adds a reaction to a message.",
        "unreact" => (React, MessageChanged): "Takes a reaction back.",
        "pin" => (MessageId, MessageChanged): "Pins a message.",
        "unpin" => (MessageId, MessageChanged): "Takes a pin away.",
        "pins" => (ConversationId, Pins): "Lists the pinned messages of a conversation.",
        "thread" => (ThreadQuery, MessagesPage): "Reads what is in a message's thread.",
        "conversation_timer" => (ConversationTimer, TimerSet): "Says how long new messages of a conversation stay.",
        "conversation_open" => (ConversationId, Done): "Says that this connection shows a conversation.",
        "conversation_close" => (ConversationId, Done): "Says that it no longer does.",
        "receipts" => (ReceiptsQuery, ReceiptsPage): "Asks who has an entry.",
        "group_create" => (GroupCreate, GroupChanged): "Makes a group.",
        "group_update" => (GroupUpdate, GroupChanged): "Changes a group's name or settings.",
        "group_delete" => (GroupId, GroupChanged): "Ends a group.",
        "group_add" => (GroupAdd, GroupChanged): "Brings users into a group.",
        "group_join" => (GroupJoin, GroupChanged): "Joins a group, or asks to be let in.",
        "group_leave" => (GroupId, GroupChanged): "Leaves a group.",
        "group_kick" => (GroupUser, GroupChanged): "Takes a member out of a group.",
        "group_ban" => (GroupUserFor, GroupChanged): "Keeps a user out of a group.",
        "group_unban" => (GroupUser, GroupChanged): "Ends a ban.",
        "group_mute" => (GroupUserFor, GroupChanged): "Keeps a member from posting.",
        "group_unmute" => (GroupUser, GroupChanged): "Lets a member post again.",
        "group_role" => (GroupRole, GroupChanged): "Gives a member a role.",
        "group_invite" => (GroupInvite, GroupInvited): "Makes an invite to a group.",
        "group_invites" => (GroupId, GroupInvites): "Lists a group's invites.",
        "group_invite_revoke" => (GroupInviteRevoke, GroupChanged): "Takes an invite back.",
        "group_requests" => (GroupId, GroupRequests): "Lists who asks to be let into a group.",
        "group_deny" => (GroupUser, GroupChanged): "Turns a request down.",
        "group_rules" => (GroupId, GroupRules): "Reads a group's own rules.",
        "group_rules_set" => (GroupRulesSet, GroupChanged): "Sets a group's own rules.",
        "group_info" => (GroupId, GroupInfo): "Asks what a group is.",
        "group_members" => (GroupPage, GroupMembers): "Lists a group's members.",
        "groups" => (Page, Groups): "Lists the user's groups.",
        "draft_set" => (DraftSet, OwnChanged): "Keeps a draft, or takes it away.",
        "drafts" => (Page, Drafts): "Lists the user's drafts.",
        "schedules" => (Page, Schedules): "Lists messages that will be said later.",
        "schedule_set" => (ScheduleSet, ScheduleChanged): "Changes a message that will be said later.",
        "schedule_cancel" => (ScheduleId, ScheduleChanged): "Takes it back.",
        "star" => (MessageId, OwnChanged): "Stars a message.",
        "unstar" => (MessageId, OwnChanged): "Takes the star away.",
        "starred" => (Page, StarredPage): "Lists starred messages.",
        "hide" => (MessageId, OwnChanged): "Deletes a message for this user alone.",
        "unhide" => (MessageId, OwnChanged): "Shows it again.",
        "conversation_set" => (ConversationSet, OwnChanged): "Changes how a conversation is shown.",
        "contact_add" => (ContactAdd, OwnChanged): "Adds a contact, or renames one.",
        "contact_remove" => (UserId, OwnChanged): "Removes a contact.",
        "contacts" => (Page, Contacts): "Lists the user's contacts.",
        "privacy_set" => (PrivacySet, OwnChanged): "Changes who may write and who may see what.",
        "privacy_get" => (Nothing, Privacy): "Reads the privacy settings.",
        "requests" => (Page, ConversationsPage): "Lists message requests.",
        "request_accept" => (ConversationId, OwnChanged): "Accepts a message request.",
        "request_decline" => (ConversationId, OwnChanged): "Declines a message request.",
        "profile_get" => (UserId, ProfileAnswer): "Reads a user's profile.",
        "profile_set" => (ProfileSet, ProfileAnswer): "Changes the user's own profile.",
        "users" => (UsersQuery, UsersPage): "Finds users by the beginnings of words.",
        "report" => (Report, Reported): "Brings a message or a user before the moderators.",
        "notice_confirm" => (NoticeConfirm, Done): "Confirms a notice and those before it.",
        "reports" => (ReportsQuery, ReportsPage): "Lists reports; for moderators.",
        "report_take" => (ReportId, ReportTaken): "Takes a report on; for moderators.",
        "report_resolve" => (ReportResolve, Done): "Closes a report by an action; for moderators.",
        "warn" => (Warn, Done): "Warns a user; for moderators.",
        "suspend" => (Suspend, Done): "Suspends a user; for moderators.",
        "unsuspend" => (Unsuspend, Done): "Ends a suspension; for moderators.",
        "message_remove" => (MessageRemove, MessageChanged): "Removes a message; for moderators.",
        "audit" => (Page, Audit): "Reads what moderators did; for moderators.",
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
