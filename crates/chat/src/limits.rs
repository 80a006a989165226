//! Every bound of the domain, with its unit in its name.
//!
//! The binary fills [`Limits`] from its config and hands one copy to the service; the defaults
//! here are the documented ones. Bounds on connections and frames belong to the gateway; bounds
//! on ids are constants in [`crate::ids`].

use crate::requests;

/// The bounds that every command is held to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Longest content of one message, in bytes of JSON text. Default 65,536.
    pub content_bytes_max: usize,
    /// Deepest nesting of arrays and objects in a content. Default 32.
    pub content_depth_max: usize,
    /// Most entries one `history` may ask for. Default 200.
    pub history_limit_max: usize,
    /// Entries of a `history` that names no limit. Default 50.
    pub history_limit_default: usize,
    /// Most conversations one `conversations` may ask for. Default 100.
    pub conversations_limit_max: usize,
    /// Conversations of a `conversations` that names no limit. Default 50.
    pub conversations_limit_default: usize,
    /// Named devices of one user. Default 20.
    pub devices_per_user_max: usize,
    /// A device not seen for so many days makes room for a new one. Default 90.
    pub device_idle_expiry_days: u32,
    /// Events of one connection that are not yet answered; then the server stops reading from
    /// it. Default 64.
    pub commands_in_flight_max: usize,
    /// Days for which an idempotency key is remembered. Default 30.
    pub client_id_window_days: u32,
    /// Commands that one user may send at once, over all connections. Default 120.
    pub user_rate_burst: u32,
    /// Commands per second that one user may send for long. Default 30.
    pub user_rate_per_second: u32,
    /// Commands that one connection may send at once. Default 80.
    pub connection_rate_burst: u32,
    /// Commands per second that one connection may send for long. Default 20.
    pub connection_rate_per_second: u32,
    /// Connections of one user; above it the stalest is closed, not the new one. Default 64.
    pub connections_per_user_max: usize,
    /// Connections from one address. Default 10,000, since many users may share one.
    pub connections_per_address_max: usize,
    /// Milliseconds that a connection has to present its token. Default 20,000.
    pub handshake_timeout_ms: u64,
    /// Entries read from the store at a time while a device catches up. Default 100.
    pub catch_up_page_entries: usize,
    /// Bytes queued for a connection above which the next page of its catch-up waits.
    /// Default 65,536.
    pub catch_up_queue_bytes: usize,
    /// Times the closing gap of a catch-up may overflow before the connection is closed so that
    /// the device resumes. Default 8.
    pub catch_up_overflows_max: u32,
    /// Entries that are pushed to a device that says how far it is; with more to push it is told to
    /// read a snapshot. Default 1,000.
    pub resume_entries_max: usize,
    /// Conversations that one `sync` tells of; when more have moved, a snapshot is due.
    /// Default 10,000.
    pub sync_conversations_max: usize,
    /// Entries that a recovered connection may have missed. Default 1,000.
    pub recovery_entries_max: usize,
    /// Milliseconds that the oldest of them may be old. Default 120,000, as in Node.
    pub recovery_age_max_ms: u64,
    /// Devices that read the store to catch up at a time. Default 64.
    pub resumes_in_flight_max: usize,
    /// Devices that wait for that; beyond it connections are closed and told when to come back, and
    /// where half of it wait nobody else is let in. Default 20,000.
    pub resumes_waiting_max: usize,
    /// Milliseconds between two looks at whether a connection has to be told its position.
    /// Default 30,000.
    pub position_interval_ms: u64,
    /// Others whom one user keeps from writing to them. Default 1,000.
    pub blocks_per_user_max: usize,
    /// Members that a group may have; a group's own setting may be less. Default 100,000.
    pub group_members_max: u64,
    /// Users that one command may bring into a group. Default 256.
    pub group_add_max: usize,
    /// Groups that one user may be in. Default 1,000.
    pub groups_per_user_max: u64,
    /// Members that one `group_members`, or receipts that one `receipts`, may ask for.
    /// Default 200.
    pub group_members_limit_max: usize,
    /// Members of a `group_members` that names no limit. Default 50.
    pub group_members_limit_default: usize,
    /// Invites that a group may have at a time. Default 100.
    pub invites_per_group_max: u64,
    /// Requests to join that may wait in a group. Default 1,000.
    pub requests_per_group_max: u64,
    /// Longest slow mode of a group, in seconds. Default 21,600, six hours.
    pub group_slow_mode_seconds_max: u64,
    /// Members up to which each of a group is told of each other's receipts, typing and presence; in
    /// larger ones how many are concerned is told, to those whom it concerns. Default 64.
    pub receipts_members_max: u64,
    /// Milliseconds for which that is gathered in larger groups, and for which their watermarks are,
    /// before they are stored. Default 1,000.
    pub crowd_gather_ms: u64,
    /// Watermarks of larger groups that are gathered; beyond it they are stored at once.
    /// Default 65,536.
    pub crowd_marks_max: usize,
    /// Conversations that one connection may have open at a time. Default 16.
    pub open_conversations_max: usize,
    /// Messages per second that one group takes for long, whoever sends them; 0, the default, for any.
    pub group_rate_per_second: u32,
    /// Messages that one group takes at once, where there is such a rate. Default 1,000.
    pub group_rate_burst: u32,
    /// Groups that one user may make in an hour. Default 100.
    pub group_creates_per_hour: u32,
    /// Groups that one user may join, or ask to, in an hour. Default 300.
    pub group_joins_per_hour: u32,
    /// Reactions that one user may give or take back in a minute. Default 240.
    pub reactions_per_minute: u32,
    /// Reports that one user may file in an hour. Default 100.
    pub reports_per_hour: u32,
    /// Groups, and users for each of these actions, whose pace is remembered. Default 65,536.
    pub paces_remembered_max: usize,
    /// Words that one group's own rules may have. Default 200.
    pub group_words_max: usize,
    /// Groups of the server that may have rules of their own. Default 10,000.
    pub ruled_groups_max: u64,
    /// Groups whose own rules are kept ready for use, each in up to a megabyte. Default 256.
    pub group_rules_ready_max: usize,
    /// Milliseconds after which a message can no longer be edited. Default 24 hours.
    pub edit_window_ms: u64,
    /// Milliseconds after which its author can no longer delete a message for everyone. Default 48
    /// hours.
    pub delete_window_ms: u64,
    /// Edits of one message. Default 200.
    pub edits_per_message_max: u64,
    /// Different reactions to one message. Default 64.
    pub reactions_per_message_max: u64,
    /// Reactions of one user to one message. Default 8.
    pub reactions_per_user_max: u64,
    /// Pinned messages of one conversation. Default 50.
    pub pins_max: u64,
    /// Users that one message may mention. Default 50.
    pub mentions_max: usize,
    /// Members up to which anybody in a group may mention all. Default 32.
    pub mention_all_members_max: u64,
    /// Shortest time after which a conversation's messages may end, in seconds. Default 5.
    pub timer_seconds_min: u64,
    /// Longest such time, in seconds. Default 31,536,000, a year.
    pub timer_seconds_max: u64,
    /// Messages of one user that are to be said later, with those that could not be. Default 100.
    pub schedules_per_user_max: usize,
    /// Days ahead that a message may be said later. Default 365.
    pub schedule_ahead_days_max: u32,
    /// Drafts of one user. Default 500.
    pub drafts_per_user_max: usize,
    /// Starred messages of one user. Default 10,000.
    pub stars_per_user_max: usize,
    /// Conversations of one user that have a setting, for each of the settings. Default 10,000.
    pub conversation_settings_per_user_max: usize,
    /// Messages that one user hides. Default 10,000.
    pub hidden_per_user_max: usize,
    /// Contacts of one user. Default 10,000.
    pub contacts_per_user_max: usize,
    /// Messages that a stranger's request may hold before it is decided. Default 3.
    pub request_messages_max: u64,
    /// Message requests kept for one user, decided ones included. Default 10,000.
    pub requests_per_user_max: u64,
    /// Most records that one `drafts`, `starred`, `contacts` or `users` may ask for. Default 100.
    pub records_limit_max: usize,
    /// Records of one of these that names no limit. Default 50.
    pub records_limit_default: usize,
    /// Longest name of a user or contact, in bytes. Default 256.
    pub name_bytes_max: usize,
    /// Longest address of a picture, in bytes. Default 2,048.
    pub avatar_url_bytes_max: usize,
    /// Longest text about a user, in bytes. Default 2,048.
    pub about_bytes_max: usize,
    /// Pairs of users of which is remembered how they stand to each other. Default 65,536.
    pub regards_cached_max: usize,
    /// Longest text of one `search`, in bytes. Default 512.
    pub search_text_bytes_max: usize,
    /// Most words of one `search`. Default 16.
    pub search_words_max: usize,
    /// Most messages that one `search` may ask for. Default 50.
    pub search_limit_max: usize,
    /// Messages of a `search` that names no limit. Default 20.
    pub search_limit_default: usize,
    /// As how many commands a `search` counts towards the rates. Default 5.
    pub search_commands: u32,
    /// Contents that one `search` looks at. Default 2,000.
    pub search_contents_max: usize,
    /// Milliseconds of a reader's time that one `search` takes. Default 250.
    pub search_work_max_ms: u64,
    /// Places that are highlighted in one message. Default 32.
    pub search_highlights_max: usize,
    /// Pushed entries per connection whose confirmation is awaited at once; beyond it the oldest
    /// are forgotten and will be pushed again after a reconnect. Default 1,024.
    pub unconfirmed_entries_max: usize,
    /// Watermarks gathered before they are stored. Default 4,096.
    pub marks_pending_max: usize,
    /// Milliseconds for which watermarks are gathered before they are stored. Default 20.
    pub marks_gather_ms: u64,
    /// Conversations of one connection on which a failed send is remembered. Default 32.
    pub aborted_conversations_max: usize,
    /// Milliseconds from the end of a user's last session until the user is offline.
    /// Default 10,000.
    pub presence_grace_ms: u64,
    /// Milliseconds for which changes of a user's presence are gathered before the last is told.
    /// Default 250.
    pub presence_gather_ms: u64,
    /// Users whose presence one connection is told. Default 500.
    pub presence_subscriptions_max: usize,
    /// Users that one `presence` or `presence_subscribe` may name. Default 100.
    pub presence_users_max: usize,
    /// Users whose last session ended and who still count as online; above it those who left first
    /// are offline. Default 1,000,000.
    pub presence_in_grace_max: usize,
    /// Users who left of whom the time is kept in memory; of others the store knows a device's last
    /// connect. Default 100,000.
    pub presence_remembered_max: usize,
    /// Users, and others whom they keep out, of whom it is kept in memory who may see whom.
    /// Default 100,000.
    pub visibility_remembered_max: usize,
    /// Milliseconds after which a `typing` that is not repeated is over. Default 6,000.
    pub typing_expires_ms: u64,
    /// Requests that the app's own server may make at once, for each of its keys. Default 500.
    pub api_rate_burst: u32,
    /// Requests per second that it may make for long, for each of its keys. Default 100.
    pub api_rate_per_second: u32,
    /// Reports of one user that may be open at a time; of what rules flag, messages of one user.
    /// Default 20.
    pub reports_open_per_user_max: usize,
    /// Longest comment, note, warning or reason of a suspension, in bytes. Default 1,000.
    pub moderation_text_bytes_max: usize,
    /// Most reports, or entries of the audit log, that may be asked for at once. Default 100.
    pub moderation_page_max: usize,
    /// Notices kept for one user until they are confirmed; beyond it the oldest goes. Default 20.
    pub notices_per_user_max: usize,
    /// Matches of content rules in one content; one with more is refused. Default 1,000.
    pub content_matches_max: usize,
    /// Bytes that patterns may go through to mask one content, counted anew for each match; one that
    /// needs more is refused. Default 4,194,304.
    pub content_mask_work_bytes_max: usize,
    /// Contents that flood rules remember at a time, of all users; beyond it the oldest are
    /// forgotten early. Default 100,000.
    pub flood_contents_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            content_bytes_max: 64 * 1024,
            content_depth_max: 32,
            history_limit_max: 200,
            history_limit_default: 50,
            conversations_limit_max: 100,
            conversations_limit_default: 50,
            devices_per_user_max: 20,
            device_idle_expiry_days: 90,
            commands_in_flight_max: 64,
            client_id_window_days: 30,
            user_rate_burst: 120,
            user_rate_per_second: 30,
            connection_rate_burst: 80,
            connection_rate_per_second: 20,
            connections_per_user_max: 64,
            connections_per_address_max: 10_000,
            handshake_timeout_ms: 20_000,
            catch_up_page_entries: 100,
            catch_up_queue_bytes: 64 * 1024,
            catch_up_overflows_max: 8,
            resume_entries_max: 1_000,
            sync_conversations_max: 10_000,
            recovery_entries_max: 1_000,
            recovery_age_max_ms: 120_000,
            resumes_in_flight_max: 64,
            resumes_waiting_max: 20_000,
            position_interval_ms: 30_000,
            blocks_per_user_max: 1_000,
            group_members_max: 100_000,
            group_add_max: 256,
            groups_per_user_max: 1_000,
            group_members_limit_max: 200,
            group_members_limit_default: 50,
            invites_per_group_max: 100,
            requests_per_group_max: 1_000,
            group_slow_mode_seconds_max: 6 * 60 * 60,
            receipts_members_max: 64,
            crowd_gather_ms: 1_000,
            crowd_marks_max: 65_536,
            open_conversations_max: 16,
            group_rate_per_second: 0,
            group_rate_burst: 1_000,
            group_creates_per_hour: 100,
            group_joins_per_hour: 300,
            reactions_per_minute: 240,
            reports_per_hour: 100,
            paces_remembered_max: 65_536,
            group_words_max: 200,
            ruled_groups_max: 10_000,
            group_rules_ready_max: 256,
            edit_window_ms: DAY_MS,
            delete_window_ms: 2 * DAY_MS,
            edits_per_message_max: 200,
            reactions_per_message_max: 64,
            reactions_per_user_max: 8,
            pins_max: 50,
            mentions_max: 50,
            mention_all_members_max: 32,
            timer_seconds_min: 5,
            timer_seconds_max: 365 * DAY_MS / 1_000,
            schedules_per_user_max: 100,
            schedule_ahead_days_max: 365,
            drafts_per_user_max: 500,
            stars_per_user_max: 10_000,
            conversation_settings_per_user_max: 10_000,
            hidden_per_user_max: 10_000,
            contacts_per_user_max: 10_000,
            request_messages_max: 3,
            requests_per_user_max: 10_000,
            records_limit_max: 100,
            records_limit_default: 50,
            name_bytes_max: 256,
            avatar_url_bytes_max: 2_048,
            about_bytes_max: 2_048,
            regards_cached_max: 65_536,
            search_text_bytes_max: 512,
            search_words_max: 16,
            search_limit_max: 50,
            search_limit_default: 20,
            search_commands: 5,
            search_contents_max: 2_000,
            search_work_max_ms: 250,
            search_highlights_max: 32,
            unconfirmed_entries_max: 1_024,
            marks_pending_max: 4_096,
            marks_gather_ms: 20,
            aborted_conversations_max: 32,
            presence_grace_ms: 10_000,
            presence_gather_ms: 250,
            presence_subscriptions_max: 500,
            presence_users_max: 100,
            presence_in_grace_max: 1_000_000,
            presence_remembered_max: 100_000,
            visibility_remembered_max: 100_000,
            typing_expires_ms: 6_000,
            api_rate_burst: 500,
            api_rate_per_second: 100,
            reports_open_per_user_max: 20,
            moderation_text_bytes_max: 1_000,
            moderation_page_max: 100,
            notices_per_user_max: 20,
            content_matches_max: 1_000,
            content_mask_work_bytes_max: 4 << 20,
            flood_contents_max: 100_000,
        }
    }
}

impl Limits {
    /// [`Limits::device_idle_expiry_days`] in milliseconds.
    pub fn device_idle_expiry_ms(&self) -> u64 {
        u64::from(self.device_idle_expiry_days) * DAY_MS
    }

    /// The bounds on message requests.
    pub fn requests(&self) -> requests::Bounds {
        requests::Bounds {
            messages_max: self.request_messages_max,
            requests_max: self.requests_per_user_max,
        }
    }

    /// [`Limits::client_id_window_days`] in milliseconds.
    pub fn client_id_window_ms(&self) -> u64 {
        u64::from(self.client_id_window_days) * DAY_MS
    }
}

/// Milliseconds of a day.
pub const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_lie_within_their_maxima() {
        let limits = Limits::default();
        assert!(limits.history_limit_default <= limits.history_limit_max);
        assert!(limits.group_members_limit_default <= limits.group_members_limit_max);
        assert!(limits.conversations_limit_default <= limits.conversations_limit_max);
        assert!(limits.records_limit_default <= limits.records_limit_max);
        assert!(limits.timer_seconds_min <= limits.timer_seconds_max);
        assert!(limits.search_limit_default <= limits.search_limit_max);
        assert!(limits.search_commands <= limits.connection_rate_burst);
        assert!(limits.presence_users_max <= limits.presence_subscriptions_max);
        assert_eq!(limits.client_id_window_ms(), 2_592_000_000);
    }
}
