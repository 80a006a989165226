//! From the configuration to what each part takes.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use parlor_chat::ids::UserId;
use parlor_chat::limits::{DAY_MS, Limits};
use parlor_gateway::Cors;
use parlor_service::hook::{AppHook, OnFailure};
use parlor_service::{MemberLimits, Mode, Settings};
use parlor_store::sqlite::{self, Durability, Keyring};

use crate::config::{self, Config, Fsync, HookFailure};
use crate::exit::{Code, Failure};
use crate::hook::HttpHook;

/// The chat's bounds.
pub(super) fn limits(config: &Config) -> Limits {
    let limits = &config.limits;
    Limits {
        content_bytes_max: size(limits.content_bytes_max),
        content_depth_max: size(limits.content_depth_max),
        history_limit_max: size(limits.history_limit_max),
        history_limit_default: size(limits.history_limit_default),
        conversations_limit_max: size(limits.conversations_limit_max),
        conversations_limit_default: size(limits.conversations_limit_default),
        devices_per_user_max: size(limits.devices_per_user_max),
        device_idle_expiry_days: count(limits.device_idle_expiry_days),
        commands_in_flight_max: size(limits.commands_in_flight_max),
        client_id_window_days: count(limits.client_id_window_days),
        user_rate_burst: count(limits.user_rate_burst),
        user_rate_per_second: count(limits.user_rate_per_second),
        connection_rate_burst: count(limits.connection_rate_burst),
        connection_rate_per_second: count(limits.connection_rate_per_second),
        connections_per_user_max: size(limits.connections_per_user_max),
        connections_per_address_max: size(limits.connections_per_address_max),
        handshake_timeout_ms: limits.handshake_timeout_ms,
        catch_up_page_entries: size(limits.catch_up_page_entries),
        catch_up_queue_bytes: size(limits.catch_up_queue_bytes),
        catch_up_overflows_max: count(limits.catch_up_overflows_max),
        resume_entries_max: size(limits.resume_entries_max),
        sync_conversations_max: size(limits.sync_conversations_max),
        recovery_entries_max: size(limits.recovery_entries_max),
        recovery_age_max_ms: limits.recovery_age_max_ms,
        resumes_in_flight_max: size(limits.resumes_in_flight_max),
        resumes_waiting_max: size(limits.resumes_waiting_max),
        position_interval_ms: limits.position_interval_ms,
        blocks_per_user_max: size(limits.blocks_per_user_max),
        group_members_max: limits.group_members_max,
        group_add_max: size(limits.group_add_max),
        groups_per_user_max: limits.groups_per_user_max,
        group_members_limit_max: size(limits.group_members_limit_max),
        group_members_limit_default: size(limits.group_members_limit_default),
        invites_per_group_max: limits.invites_per_group_max,
        requests_per_group_max: limits.requests_per_group_max,
        group_slow_mode_seconds_max: limits.group_slow_mode_seconds_max,
        receipts_members_max: limits.receipts_members_max,
        crowd_gather_ms: limits.crowd_gather_ms,
        crowd_marks_max: size(limits.crowd_marks_max),
        open_conversations_max: size(limits.open_conversations_max),
        group_rate_per_second: count(limits.group_rate_per_second),
        group_rate_burst: count(limits.group_rate_burst),
        group_creates_per_hour: count(limits.group_creates_per_hour),
        group_joins_per_hour: count(limits.group_joins_per_hour),
        reactions_per_minute: count(limits.reactions_per_minute),
        reports_per_hour: count(limits.reports_per_hour),
        paces_remembered_max: size(limits.paces_remembered_max),
        group_words_max: size(limits.group_words_max),
        ruled_groups_max: limits.ruled_groups_max,
        group_rules_ready_max: size(limits.group_rules_ready_max),
        edit_window_ms: limits.edit_window_ms,
        delete_window_ms: limits.delete_window_ms,
        edits_per_message_max: limits.edits_per_message_max,
        reactions_per_message_max: limits.reactions_per_message_max,
        reactions_per_user_max: limits.reactions_per_user_max,
        pins_max: limits.pins_max,
        mentions_max: size(limits.mentions_max),
        mention_all_members_max: limits.mention_all_members_max,
        timer_seconds_min: limits.timer_seconds_min,
        timer_seconds_max: limits.timer_seconds_max,
        schedules_per_user_max: size(limits.schedules_per_user_max),
        schedule_ahead_days_max: count(limits.schedule_ahead_days_max),
        drafts_per_user_max: size(limits.drafts_per_user_max),
        stars_per_user_max: size(limits.stars_per_user_max),
        conversation_settings_per_user_max: size(limits.conversation_settings_per_user_max),
        hidden_per_user_max: size(limits.hidden_per_user_max),
        contacts_per_user_max: size(limits.contacts_per_user_max),
        request_messages_max: limits.request_messages_max,
        requests_per_user_max: limits.requests_per_user_max,
        records_limit_max: size(limits.records_limit_max),
        records_limit_default: size(limits.records_limit_default),
        name_bytes_max: size(limits.name_bytes_max),
        avatar_url_bytes_max: size(limits.avatar_url_bytes_max),
        about_bytes_max: size(limits.about_bytes_max),
        regards_cached_max: size(limits.regards_cached_max),
        search_text_bytes_max: size(limits.search_text_bytes_max),
        search_words_max: size(limits.search_words_max),
        search_limit_max: size(limits.search_limit_max),
        search_limit_default: size(limits.search_limit_default),
        search_commands: count(limits.search_commands),
        search_contents_max: size(limits.search_contents_max),
        search_work_max_ms: limits.search_work_max_ms,
        search_highlights_max: size(limits.search_highlights_max),
        unconfirmed_entries_max: size(limits.unconfirmed_entries_max),
        marks_pending_max: size(limits.marks_pending_max),
        marks_gather_ms: limits.marks_gather_ms,
        aborted_conversations_max: size(limits.aborted_conversations_max),
        presence_grace_ms: limits.presence_grace_ms,
        presence_gather_ms: limits.presence_gather_ms,
        presence_subscriptions_max: size(limits.presence_subscriptions_max),
        presence_users_max: size(limits.presence_users_max),
        presence_in_grace_max: size(limits.presence_in_grace_max),
        presence_remembered_max: size(limits.presence_remembered_max),
        visibility_remembered_max: size(limits.visibility_remembered_max),
        typing_expires_ms: limits.typing_expires_ms,
        api_rate_burst: count(limits.api_rate_burst),
        api_rate_per_second: count(limits.api_rate_per_second),
        reports_open_per_user_max: size(config.moderation.reports_open_per_user_max),
        moderation_text_bytes_max: size(config.moderation.text_bytes_max),
        moderation_page_max: size(config.moderation.page_max),
        notices_per_user_max: size(config.moderation.notices_per_user_max),
        content_matches_max: size(config.moderation.content_matches_max),
        content_mask_work_bytes_max: size(config.moderation.content_mask_work_bytes_max),
        flood_contents_max: size(config.moderation.flood_contents_max),
    }
}

/// The service's settings. `--dev` lifts every rate and every bound on connections.
///
/// # Errors
/// A [`Failure`] when a content rule or the hook cannot be used.
pub(super) fn service(config: &Config, dev: bool) -> Result<Settings, Failure> {
    let mode = if dev { Mode::Development } else { Mode::Production };
    let system_user = config.api.system_user.as_deref();
    // It was checked before anything was opened.
    let system_user = system_user.and_then(|user| UserId::parse(user).ok());
    let usage = |text: String| Failure::new(Code::Usage, text);
    let rules = config.moderation.rules.compile();
    let rules = rules.map_err(|error| usage(format!("moderation.rules: {error}")))?;
    let (limits, members, hook) = (limits(config), members(config), hook(config)?);
    Ok(Settings { limits, mode, system_user, rules, hook, members })
}

fn members(config: &Config) -> MemberLimits {
    let adapter = &config.adapter;
    MemberLimits {
        rooms_per_socket_max: size(adapter.rooms_per_socket_max),
        sockets_told_max: size(adapter.sockets_told_max),
        told_bytes_max: size(adapter.told_bytes_max),
        fetches_max: size(adapter.fetches_max),
        asks_max: size(adapter.asks_max),
        ack_timeout_max: Duration::from_millis(adapter.ack_timeout_max_ms),
    }
}

fn hook(config: &Config) -> Result<Option<AppHook>, Failure> {
    let moderation = &config.moderation;
    let (Some(url), Some(secret)) = (&moderation.hook_url, config::hook_secret(moderation)?) else {
        return Ok(None);
    };
    let timeout = Duration::from_millis(moderation.hook_timeout_ms);
    let hook = HttpHook::new(url, &secret, timeout, size(config.limits.content_bytes_max))
        .map_err(|error| Failure::new(Code::Usage, format!("moderation.hook_url: {error}")))?;
    let on_failure = match moderation.hook_on_failure {
        HookFailure::Allow => OnFailure::Allow,
        HookFailure::Refuse => OnFailure::Refuse,
    };
    let in_flight_max = size(moderation.hook_in_flight_max);
    Ok(Some(AppHook { hook: Arc::new(hook), on_failure, in_flight_max }))
}

/// The gateway's settings.
pub(super) fn gateway(config: &Config, dev: bool) -> parlor_gateway::Config {
    let limits = &config.limits;
    let any = config.server.cors_origins.iter().any(|origin| origin == "*");
    parlor_gateway::Config {
        path: config.server.path.clone(),
        ping_interval: Duration::from_millis(limits.ping_interval_ms),
        ping_timeout: Duration::from_millis(limits.ping_timeout_ms),
        connect_timeout: Duration::from_millis(limits.handshake_timeout_ms),
        handshake_timeout: Duration::from_millis(limits.request_timeout_ms),
        upgrade_timeout: Duration::from_millis(limits.upgrade_timeout_ms),
        connections_per_shard_max: size(limits.connections_per_shard_max),
        own_file_tables: config.server.own_file_tables,
        handshakes_in_flight_max: size(limits.handshakes_in_flight_max),
        handshake_turns_per_shard: size(limits.handshake_turns_per_shard),
        handshakes_waiting_max: size(limits.handshakes_waiting_max),
        handshake_wait: Duration::from_millis(limits.handshake_wait_ms),
        hold_bytes_max: size(limits.catch_up_hold_bytes_max),
        deflate: config.server.compression,
        max_payload: size(limits.packet_bytes_max),
        output_bytes_max: size(limits.output_queue_bytes_max),
        events_in_flight_max: count(limits.commands_in_flight_max),
        connections_per_address_max: (!dev).then_some(count(limits.connections_per_address_max)),
        trusted_proxies: config.server.trusted_proxies.clone(),
        proxy_protocol: config.server.proxy_protocol,
        cors: match () {
            () if dev || any => Cors::Any,
            () if config.server.cors_origins.is_empty() => Cors::Off,
            () => Cors::Origins(config.server.cors_origins.clone()),
        },
        ..parlor_gateway::Config::default()
    }
}

/// The store's settings.
pub(super) fn store(config: &Config, data: &Path, keyring: Option<Arc<Keyring>>) -> sqlite::Config {
    let limits = &config.limits;
    sqlite::Config {
        durability: match config.durability.fsync {
            Fsync::Always => Durability::Fsync,
            Fsync::Relaxed => Durability::OperatingSystem,
        },
        search: config.search.enabled,
        keyring,
        retention_ms: retention_ms(config),
        client_id_window_ms: limits.client_id_window_days.saturating_mul(DAY_MS),
        receipts_members_max: limits.receipts_members_max,
        requests: self::limits(config).requests(),
        write_queue_commands_max: size(limits.write_queue_commands_max),
        write_queue_bytes_max: size(limits.write_queue_bytes_max),
        ..sqlite::Config::new(data)
    }
}

/// The settings of the store on PostgreSQL, with the address of its database.
#[cfg(feature = "postgres")]
pub(crate) fn postgres(config: &Config, url: &str) -> parlor_store::postgres::Config {
    let limits = &config.limits;
    parlor_store::postgres::Config {
        replica_url: config
            .store
            .replica_url
            .as_ref()
            .map(|url| String::from_utf8_lossy(url.expose()).into_owned()),
        tls_ca_file: config.store.tls_ca_file.clone(),
        statements: match config.store.pooler {
            true => parlor_store::postgres::Statements::Unnamed,
            false => parlor_store::postgres::Statements::Prepared,
        },
        clock_skew_max: Duration::from_millis(config.store.clock_skew_max_ms),
        readers: size(config.store.connections),
        search: config.search.enabled,
        retention_ms: retention_ms(config),
        client_id_window_ms: limits.client_id_window_days.saturating_mul(DAY_MS),
        receipts_members_max: limits.receipts_members_max,
        requests: self::limits(config).requests(),
        write_queue_commands_max: size(limits.write_queue_commands_max),
        write_queue_bytes_max: size(limits.write_queue_bytes_max),
        ..parlor_store::postgres::Config::new(url)
    }
}

fn retention_ms(config: &Config) -> Option<u64> {
    match config.retention.messages_max_age_days {
        0 => None,
        days => Some(days.saturating_mul(DAY_MS)),
    }
}

/// How the server goes down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Drain {
    /// After that what is left is cut.
    pub(super) patience: Duration,
    /// Over that connections are closed.
    pub(super) spread: Duration,
}

/// How the server goes down. The spread leaves half of the patience to those who are slow.
pub(super) fn drain(config: &Config) -> Drain {
    let server = &config.server;
    let patience = Duration::from_millis(server.drain_ms);
    let spread = Duration::from_millis(server.drain_spread_ms).min(patience / 2);
    Drain { patience, spread }
}

/// How many threads serve connections.
pub(super) fn shards(config: &Config) -> usize {
    match config.server.shards {
        0 => std::thread::available_parallelism().map_or(1, usize::from).min(SHARDS_MAX),
        shards => size(shards).min(SHARDS_MAX),
    }
}

/// The most shards a gateway can have.
pub(crate) const SHARDS_MAX: usize = 256;

pub(super) fn size(value: u64) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}

fn count(value: u64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_reach_the_parts_unchanged() {
        let config = Config::default();
        assert_eq!(limits(&config), Limits::default());
        assert_eq!(service(&config, false).expect("it works"), Settings::default());
        let gateway = gateway(&config, false);
        let expected = parlor_gateway::Config::default();
        assert_eq!(gateway.path, expected.path);
        assert_eq!(gateway.ping_interval, expected.ping_interval);
        assert_eq!(gateway.ping_timeout, expected.ping_timeout);
        assert_eq!(gateway.handshake_timeout, expected.handshake_timeout);
        assert_eq!(gateway.upgrade_timeout, expected.upgrade_timeout);
        assert_eq!(gateway.connections_per_shard_max, expected.connections_per_shard_max);
        assert_eq!(gateway.handshakes_in_flight_max, expected.handshakes_in_flight_max);
        assert_eq!(gateway.handshake_turns_per_shard, expected.handshake_turns_per_shard);
        assert_eq!(gateway.handshakes_waiting_max, expected.handshakes_waiting_max);
        assert_eq!(gateway.handshake_wait, expected.handshake_wait);
        assert_eq!(gateway.hold_bytes_max, expected.hold_bytes_max);
        assert_eq!(gateway.deflate, expected.deflate);
        assert_eq!(gateway.max_payload, expected.max_payload);
        assert_eq!(gateway.output_bytes_max, expected.output_bytes_max);
        assert_eq!(gateway.events_in_flight_max, expected.events_in_flight_max);
        assert_eq!(gateway.connections_per_address_max, Some(10_000));
        let store = store(&config, Path::new("data"), None);
        let expected = sqlite::Config::new("data");
        assert_eq!(format!("{store:?}"), format!("{expected:?}"));
    }

    #[test]
    fn messages_are_kept_unless_an_age_is_set() {
        let mut config = Config::default();
        assert_eq!(store(&config, Path::new("data"), None).retention_ms, None);
        config.retention.messages_max_age_days = 30;
        assert_eq!(store(&config, Path::new("data"), None).retention_ms, Some(30 * DAY_MS));
    }

    #[test]
    fn the_spread_of_a_drain_leaves_time_for_the_slow() {
        let mut config = Config::default();
        let of = |ms| Duration::from_millis(ms);
        assert_eq!(drain(&config), Drain { patience: of(10_000), spread: of(2_000) });
        config.server.drain_ms = 3_000;
        assert_eq!(drain(&config), Drain { patience: of(3_000), spread: of(1_500) });
    }

    #[test]
    fn browsers_elsewhere_are_kept_out_unless_named_or_dev() {
        let mut config = Config::default();
        assert_eq!(gateway(&config, false).cors, Cors::Off);
        assert_eq!(gateway(&config, true).cors, Cors::Any);
        config.server.cors_origins = vec![String::from("https://chat.example")];
        let named = Cors::Origins(vec![String::from("https://chat.example")]);
        assert_eq!(gateway(&config, false).cors, named);
        config.server.cors_origins.push(String::from("*"));
        assert_eq!(gateway(&config, false).cors, Cors::Any);
    }

    #[test]
    fn dev_lifts_bounds_on_connections_and_keeps_sizes() {
        let config = Config::default();
        assert_eq!(service(&config, true).expect("it works").mode, Mode::Development);
        let dev = gateway(&config, true);
        assert_eq!(dev.connections_per_address_max, None);
        assert_eq!(dev.max_payload, 1_000_000);
    }
}
