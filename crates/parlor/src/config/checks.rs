//! Combinations of settings that cannot work, refused before anything is opened.

use std::path::Path;

use parlor_chat::ids::UserId;

use super::fields::{
    Adapter, Backend, BusBackend, Config, Identity, JwtAlgorithm, Moderation, Traces,
};
use super::{ConfigError, fields};

/// The shortest secret that HS256 is safe with (RFC 7518, section 3.2).
pub(crate) const SECRET_BYTES_MIN: usize = 32;

/// A century, as good as for ever.
const DAYS_MAX: u64 = 36_500;

/// What the longest answer takes beside its last message: a page of messages, with room to spare.
const ANSWER_BYTES: u64 = 512 * 1024;

/// Refuses a configuration that cannot work.
///
/// # Errors
/// [`ConfigError`] with every fault, each saying what to do.
pub(crate) fn refuse(config: &Config, dev: bool) -> Result<(), ConfigError> {
    let mut faults = Vec::new();
    server(config, dev, &mut faults);
    if !dev {
        identity(&config.identity, &mut faults);
    }
    limits(&config.limits, &mut faults);
    limits_together(&config.limits, &mut faults);
    api(&config.api, &mut faults);
    web(&config.web, &mut faults);
    moderation(&config.moderation, dev, &mut faults);
    store(config, &mut faults);
    bus(config, &mut faults);
    adapter(config, &mut faults);
    traces(&config.traces, &mut faults);
    both(
        config.encryption.master_key.is_some() && config.encryption.master_key_file.is_some(),
        "encryption.master_key and encryption.master_key_file",
        &mut faults,
    );
    if config.retention.messages_max_age_days > DAYS_MAX {
        faults.push(format!("retention.messages_max_age_days must be from 0 to {DAYS_MAX}"));
    }
    if faults.is_empty() { Ok(()) } else { Err(ConfigError { faults }) }
}

fn server(config: &Config, dev: bool, faults: &mut Vec<String>) {
    let server = &config.server;
    if dev && !server.listen.ip().is_loopback() {
        faults.push(format!(
            "--dev listens on the machine's own loopback only, because anyone could be anyone: \
             listen on 127.0.0.1 or [::1] instead of {}, or configure [identity] and leave --dev \
             out",
            server.listen.ip()
        ));
    }
    match (&server.tls_cert, &server.tls_key) {
        (Some(_), None) => faults.push(String::from(
            "server.tls_cert is set without server.tls_key: TLS needs both the certificate and its \
             key",
        )),
        (None, Some(_)) => faults.push(String::from(
            "server.tls_key is set without server.tls_cert: TLS needs both the certificate and its \
             key",
        )),
        _ => {}
    }
    if server.proxy_protocol && server.trusted_proxies.is_empty() {
        faults.push(String::from(
            "server.proxy_protocol is set, but no proxy is trusted: name those that speak it in \
             server.trusted_proxies",
        ));
    }
    let path = &server.path;
    if path.len() < 3 || !path.starts_with('/') || !path.ends_with('/') {
        faults.push(format!("server.path must have a slash at both ends and a name, not `{path}`"));
    }
    if server.shards > 256 {
        faults.push(String::from("server.shards must be at most 256; 0 takes one per core"));
    }
    if server.own_file_tables && !cfg!(target_os = "linux") {
        faults.push(String::from("server.own_file_tables needs Linux"));
    }
    for origin in &server.cors_origins {
        let scheme = origin.starts_with("http://") || origin.starts_with("https://");
        if origin != "*" && (!scheme || origin.ends_with('/')) {
            faults.push(format!(
                "server.cors_origins: `{origin}` is no origin; write scheme, host and port only, \
                 such as https://chat.example"
            ));
        }
    }
}

fn store(config: &Config, faults: &mut Vec<String>) {
    let store = &config.store;
    if store.backend == Backend::Sqlite {
        if store.url.is_some() {
            faults.push(String::from(
                "store.url is set, but messages are kept in SQLite: set store.backend to \
                 \"postgres\", or leave the address out",
            ));
        }
        if store.replica_url.is_some() {
            faults.push(String::from(
                "store.replica_url is set, but messages are kept in SQLite: set store.backend to \
                 \"postgres\", or leave the address out",
            ));
        }
        if store.pooler {
            faults.push(String::from(
                "store.pooler is set, but messages are kept in SQLite: set store.backend to \
                 \"postgres\", or leave it out",
            ));
        }
        return;
    }
    if !cfg!(feature = "postgres") {
        faults.push(String::from(
            "store.backend is \"postgres\", but this Parlor was built without it: build it with \
             `--features postgres`",
        ));
    }
    if store.url.is_none() {
        faults.push(String::from(
            "store.backend is \"postgres\", but store.url is not set (nor store.url_file, nor the \
             variable PARLOR_STORE__URL): it says where the database is",
        ));
    }
    if !(1..=CONNECTIONS_MAX).contains(&store.connections) {
        faults.push(format!("store.connections must be from 1 to {CONNECTIONS_MAX}"));
    }
    let encryption = &config.encryption;
    if encryption.master_key.is_some() || encryption.master_key_file.is_some() {
        faults.push(String::from(
            "[encryption] is for SQLite: contents are not sealed in PostgreSQL. Encrypt the \
             database's disks and backups instead, and leave the master key out",
        ));
    }
}

fn bus(config: &Config, faults: &mut Vec<String>) {
    let bus = &config.bus;
    let (server, cluster) = (bus.url.is_some(), !bus.urls.is_empty());
    match bus.backend {
        BusBackend::None if server || cluster => faults.push(String::from(
            "there is an address of Redis in [bus], but no bus: set bus.backend to \"redis\" or \
             \"redis-cluster\", or leave the address out",
        )),
        BusBackend::Redis if !server || cluster => faults.push(String::from(
            "bus.backend is \"redis\": it needs bus.url (or the variable PARLOR_BUS__URL), the \
             address of the server, and no bus.urls",
        )),
        BusBackend::RedisCluster if server || !cluster => faults.push(String::from(
            "bus.backend is \"redis-cluster\": it needs bus.urls (or the variable PARLOR_BUS__URLS), \
             addresses of some of its nodes, and no bus.url",
        )),
        _ => {}
    }
    if bus.backend == BusBackend::None {
        return;
    }
    if config.store.backend == Backend::Sqlite {
        faults.push(String::from(
            "bus.backend is set, but messages are kept in SQLite, which one server has for itself: \
             there are no others to speak to. Set store.backend to \"postgres\", or bus.backend to \
             \"none\"",
        ));
    }
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    if !(1..=64).contains(&bus.cluster.len()) || !bus.cluster.bytes().all(plain) {
        faults.push(format!(
            "bus.cluster must be 1 to 64 ASCII letters, digits, `-`, `_` or `.`, not `{}`",
            bus.cluster
        ));
    }
    let mut within = bounds("bus", faults);
    within("lease_ms", bus.lease_ms, 1_000, 300_000);
    within("queue_messages_max", bus.queue_messages_max, 16, 1 << 20);
    within("queue_bytes_max", bus.queue_bytes_max, 1 << 20, 1 << 30);
    within("seats_max", bus.seats_max, 1_000, 1 << 24);
}

/// Notes which numbers of a section are out of their bounds: by name, value, the least and the greatest.
fn bounds<'a>(
    section: &'static str,
    faults: &'a mut Vec<String>,
) -> impl FnMut(&str, u64, u64, u64) + 'a {
    move |name, value, low, high| {
        if !(low..=high).contains(&value) {
            faults.push(format!("{section}.{name} must be from {low} to {high}, not {value}"));
        }
    }
}

fn adapter(config: &Config, faults: &mut Vec<String>) {
    let Adapter { url, urls, prefix, .. } = &config.adapter;
    if (url.is_some() || !urls.is_empty()) && !cfg!(feature = "postgres") {
        faults.push(String::from(
            "[adapter] has an address, but this Parlor was built without what speaks to Redis: build it \
             with `--features postgres`",
        ));
    }
    if url.is_some() && !urls.is_empty() {
        faults.push(String::from(
            "adapter.url is the address of one server, adapter.urls are those of a cluster: leave one out",
        ));
    }
    if !(1..=PREFIX_BYTES_MAX).contains(&prefix.len()) || prefix.contains(char::is_control) {
        faults.push(format!(
            "adapter.prefix must be 1 to {PREFIX_BYTES_MAX} bytes, without control characters"
        ));
    }
    let mut within = bounds("adapter", faults);
    let adapter = &config.adapter;
    within("rooms_per_socket_max", adapter.rooms_per_socket_max, 1, 1 << 20);
    within("sockets_told_max", adapter.sockets_told_max, 1, 1 << 24);
    within("told_bytes_max", adapter.told_bytes_max, 1 << 10, 1 << 28);
    within("fetches_max", adapter.fetches_max, 1, 1 << 16);
    within("asks_max", adapter.asks_max, 1, 1 << 20);
    within("ack_timeout_max_ms", adapter.ack_timeout_max_ms, 100, 600_000);
    within("answers_max", adapter.answers_max, 16, 1 << 20);
    within("answers_bytes_max", adapter.answers_bytes_max, 1 << 20, 1 << 30);
}

fn traces(traces: &Traces, faults: &mut Vec<String>) {
    if traces.endpoint.is_some() && !cfg!(feature = "traces") {
        faults.push(String::from(
            "traces.endpoint is set, but this Parlor was built without traces: build it with `--features \
             traces`",
        ));
    }
    if let Some(Err(rule)) = traces.endpoint.as_deref().map(traces_url) {
        faults.push(format!("traces.endpoint: {rule}"));
    }
    if !(0.0..=1.0).contains(&traces.ratio) {
        faults.push(format!("traces.ratio must be from 0 to 1, not {}", traces.ratio));
    }
    let mut within = bounds("traces", faults);
    within("queue_spans_max", traces.queue_spans_max, 1, 1 << 20);
    within("timeout_ms", traces.timeout_ms, 1, 60_000);
}

/// Where spans are sent to: with the path that OTLP has, if the address has none.
///
/// # Errors
/// What is wrong with the address.
pub(crate) fn traces_url(endpoint: &str) -> Result<String, String> {
    // It may have a password in it, by mistake.
    let url: http::Uri = endpoint.parse().map_err(|error| format!("it is no URL: {error}"))?;
    let authority = url.authority().map_or("", |authority| authority.as_str());
    let known = matches!(url.scheme_str(), Some("http" | "https"));
    if !known || authority.is_empty() || authority.contains('@') || url.query().is_some() {
        return Err(String::from(
            "it must be http:// or https://, host and port of a collector, perhaps with a path, such as \
             http://127.0.0.1:4318, and nothing else",
        ));
    }
    match url.path() {
        "/" => Ok(format!("{}/v1/traces", endpoint.trim_end_matches('/'))),
        _ => Ok(endpoint.to_owned()),
    }
}

/// The longest prefix of channels, in bytes.
const PREFIX_BYTES_MAX: usize = 128;

/// The most connections to a database.
const CONNECTIONS_MAX: u64 = 1_000;

fn identity(identity: &Identity, faults: &mut Vec<String>) {
    let secret = identity.hs256_secret.is_some() || identity.hs256_secret_file.is_some();
    let keys = identity.jwks_file.is_some() || identity.jwks_url.is_some();
    if !secret && !keys {
        faults.push(String::from(
            "no identity is configured, so nobody could connect: set identity.hs256_secret_file \
             (or the variable PARLOR_IDENTITY__HS256_SECRET) to a secret of at least 32 bytes, or \
             identity.jwks_url to the key set of your identity provider; to try Parlor out on this \
             machine, use `parlor serve --dev`",
        ));
        return;
    }
    both(
        identity.hs256_secret.is_some() && identity.hs256_secret_file.is_some(),
        "identity.hs256_secret and identity.hs256_secret_file",
        faults,
    );
    both(
        identity.jwks_file.is_some() && identity.jwks_url.is_some(),
        "identity.jwks_file and identity.jwks_url",
        faults,
    );
    if let Some(secret) = &identity.hs256_secret
        && let Some(fault) = short_secret("identity.hs256_secret", secret.expose().len())
    {
        faults.push(fault);
    }
    if let Some(url) = &identity.jwks_url
        && let Err(rule) = safe_url(url)
    {
        faults.push(format!("identity.jwks_url: {rule}"));
    }
    let symmetric = identity.algorithms.contains(&JwtAlgorithm::Hs256);
    let asymmetric = identity.algorithms.iter().any(|name| *name != JwtAlgorithm::Hs256);
    if !(secret && symmetric || keys && asymmetric) {
        faults.push(String::from(
            "identity.algorithms allows none of the configured keys: HS256 goes with a secret; \
             RS256, ES256 and EdDSA with a key set",
        ));
    }
    if identity.jwks_refresh_ms < 1_000 || identity.jwks_refresh_min_ms < 100 {
        faults.push(String::from(
            "identity.jwks_refresh_ms must be at least 1000 and identity.jwks_refresh_min_ms at \
             least 100",
        ));
    }
}

fn api(api: &fields::Api, faults: &mut Vec<String>) {
    for (at, key) in api.keys.iter().enumerate() {
        let others = &api.keys[..at];
        if others.iter().any(|other| other.name == key.name) {
            faults.push(format!("api.keys: there are two keys of the name `{}`", key.name));
        }
        if others.iter().any(|other| other.sha256 == key.sha256) {
            faults.push(format!("api.keys: `{}` is the same key as another one", key.name));
        }
    }
    if let Some(user) = &api.system_user
        && let Err(error) = UserId::parse(user)
    {
        faults.push(format!("api.system_user: {error}"));
    }
}

fn web(web: &fields::Web, faults: &mut Vec<String>) {
    let urls = [("sign_in_url", &web.sign_in_url), ("token_url", &web.token_url)];
    for (name, url) in urls {
        let Some(url) = url else { continue };
        if let Err(rule) = safe_url(url) {
            faults.push(format!("web.{name}: {rule}"));
        } else if !is_plain_host(url) {
            faults.push(format!("web.{name}: `{url}` must have a name as its host, and no user"));
        }
    }
}

/// Whether a URL's host and port can be written into a content security policy.
fn is_plain_host(url: &str) -> bool {
    let uri: Option<http::Uri> = url.parse().ok();
    let authority = uri.as_ref().and_then(http::Uri::authority).map(http::uri::Authority::as_str);
    authority.is_some_and(|text| {
        text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:".contains(&byte))
    })
}

fn moderation(moderation: &Moderation, dev: bool, faults: &mut Vec<String>) {
    if let Err(error) = moderation.rules.compile() {
        faults.push(format!("moderation.rules: {error}"));
    }
    if !dev && !moderation.dev_moderators.is_empty() {
        faults.push(String::from(
            "moderation.dev_moderators is for --dev alone: name the claim of your tokens in \
             moderation.role_claim instead",
        ));
    }
    for user in &moderation.dev_moderators {
        if let Err(error) = UserId::parse(user) {
            faults.push(format!("moderation.dev_moderators: `{user}` is none: a {error}"));
        }
    }
    let within = |name: &str, value: u64, low: u64, high: u64| {
        let out = !(low..=high).contains(&value);
        out.then(|| format!("moderation.{name} must be from {low} to {high}, not {value}"))
    };
    let m = moderation;
    faults.extend(
        [
            within("content_matches_max", m.content_matches_max, 1, 1 << 20),
            within("content_mask_work_bytes_max", m.content_mask_work_bytes_max, 1_024, 1 << 30),
            within("flood_contents_max", m.flood_contents_max, 2, 1 << 24),
            within("reports_open_per_user_max", m.reports_open_per_user_max, 1, 10_000),
            within("text_bytes_max", m.text_bytes_max, 1, 65_536),
            within("page_max", m.page_max, 1, 1_000),
            within("notices_per_user_max", m.notices_per_user_max, 1, 1_000),
            within("hook_timeout_ms", m.hook_timeout_ms, 10, 60_000),
            within("hook_in_flight_max", m.hook_in_flight_max, 1, 65_536),
        ]
        .into_iter()
        .flatten(),
    );
    both(
        m.hook_secret.is_some() && m.hook_secret_file.is_some(),
        "moderation.hook_secret and moderation.hook_secret_file",
        faults,
    );
    if let Some(url) = &m.hook_url {
        if let Err(rule) = safe_url(url) {
            faults.push(format!("moderation.hook_url: {rule}"));
        }
        if m.hook_secret.is_none() && m.hook_secret_file.is_none() {
            faults.push(String::from(
                "moderation.hook_url is set without moderation.hook_secret_file: questions are \
                 signed with a secret of at least 32 bytes",
            ));
        }
    }
}

/// Reads the hook's secret from the configuration or its file.
///
/// # Errors
/// [`ConfigError`] when the file cannot be read or the secret is too short.
pub(crate) fn hook_secret(moderation: &Moderation) -> Result<Option<fields::Secret>, ConfigError> {
    let (name, secret) = match (&moderation.hook_secret, &moderation.hook_secret_file) {
        (Some(secret), _) => ("moderation.hook_secret", secret.clone()),
        (None, Some(path)) => (
            "the secret in moderation.hook_secret_file",
            read_secret("moderation.hook_secret_file", path)?,
        ),
        (None, None) => return Ok(None),
    };
    match short_secret(name, secret.expose().len()) {
        Some(fault) => Err(ConfigError::one(fault)),
        None => Ok(Some(secret)),
    }
}

fn both(given: bool, names: &str, faults: &mut Vec<String>) {
    if given {
        faults.push(format!("{names} are both set: give one of them"));
    }
}

/// Says why a secret of so many bytes is too short, if it is.
pub(crate) fn short_secret(name: &str, bytes: usize) -> Option<String> {
    (bytes < SECRET_BYTES_MIN).then(|| {
        format!(
            "{name} has {bytes} bytes, but needs at least {SECRET_BYTES_MIN}; \
             `openssl rand -base64 48` makes a good one"
        )
    })
}

/// Reads the secret from the configuration or its file; `None` when neither is set.
///
/// # Errors
/// [`ConfigError`] when the file cannot be read or the secret is too short.
pub(crate) fn secret(identity: &Identity) -> Result<Option<fields::Secret>, ConfigError> {
    let (name, secret) = match (&identity.hs256_secret, &identity.hs256_secret_file) {
        (Some(secret), _) => ("identity.hs256_secret", secret.clone()),
        (None, Some(path)) => (
            "the secret in identity.hs256_secret_file",
            read_secret("identity.hs256_secret_file", path)?,
        ),
        (None, None) => return Ok(None),
    };
    match short_secret(name, secret.expose().len()) {
        Some(fault) => Err(ConfigError::one(fault)),
        None => Ok(Some(secret)),
    }
}

/// Reads the addresses of servers, which may have passwords in them, that are given by files.
///
/// # Errors
/// [`ConfigError`] when a file cannot be read, or the address is given beside it.
pub(crate) fn read_addresses(config: &mut Config) -> Result<(), ConfigError> {
    let (store, bus, adapter) = (&mut config.store, &mut config.bus, &mut config.adapter);
    for (name, url, file) in [
        ("store.url", &mut store.url, &store.url_file),
        ("store.replica_url", &mut store.replica_url, &store.replica_url_file),
        ("bus.url", &mut bus.url, &bus.url_file),
        ("adapter.url", &mut adapter.url, &adapter.url_file),
    ] {
        let Some(file) = file else { continue };
        if url.is_some() {
            let fault = format!("{name} and {name}_file are both set: give one of them");
            return Err(ConfigError::one(fault));
        }
        *url = Some(read_secret(&format!("{name}_file"), file)?);
    }
    Ok(())
}

fn read_secret(name: &str, path: &Path) -> Result<fields::Secret, ConfigError> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        ConfigError::one(format!("cannot read {name} {}: {error}", path.display()))
    })?;
    Ok(fields::Secret::new(text.trim_end_matches(['\r', '\n']).to_owned()))
}

fn safe_url(url: &str) -> Result<(), String> {
    let parsed: http::Uri = url.parse().map_err(|error| format!("`{url}` is no URL: {error}"))?;
    let host = parsed.host().unwrap_or_default();
    let address: Option<std::net::IpAddr> = host.trim_matches(['[', ']']).parse().ok();
    let loopback = host == "localhost" || address.is_some_and(|address| address.is_loopback());
    match parsed.scheme_str() {
        Some("https") if !host.is_empty() => Ok(()),
        Some("http") if loopback => Ok(()),
        Some("http") => Err(format!(
            "`{url}` is plain http, so that anyone on the way could read and change it; use https"
        )),
        _ => Err(format!("`{url}` must be an https URL")),
    }
}

fn limits(limits: &fields::Limits, faults: &mut Vec<String>) {
    let mut within = bounds("limits", faults);
    const HOUR_MS: u64 = 3_600_000;
    within("content_bytes_max", limits.content_bytes_max, 1, 16 << 20);
    within("content_depth_max", limits.content_depth_max, 1, 128);
    within("packet_bytes_max", limits.packet_bytes_max, 1_024, 64 << 20);
    within("user_rate_burst", limits.user_rate_burst, 1, u64::from(u32::MAX));
    within("user_rate_per_second", limits.user_rate_per_second, 1, u64::from(u32::MAX));
    within("connection_rate_burst", limits.connection_rate_burst, 1, u64::from(u32::MAX));
    within("connection_rate_per_second", limits.connection_rate_per_second, 1, u64::from(u32::MAX));
    within("connections_per_user_max", limits.connections_per_user_max, 1, 1 << 20);
    within("connections_per_address_max", limits.connections_per_address_max, 1, 1 << 24);
    within("handshake_timeout_ms", limits.handshake_timeout_ms, 100, HOUR_MS);
    within("connections_per_shard_max", limits.connections_per_shard_max, 1, 1_000_000);
    within("handshake_turns_per_shard", limits.handshake_turns_per_shard, 1, 65_536);
    within("handshakes_waiting_max", limits.handshakes_waiting_max, 0, 1 << 20);
    within("handshake_wait_ms", limits.handshake_wait_ms, 0, 60_000);
    within("request_timeout_ms", limits.request_timeout_ms, 100, HOUR_MS);
    within("upgrade_timeout_ms", limits.upgrade_timeout_ms, 100, HOUR_MS);
    within("ping_interval_ms", limits.ping_interval_ms, 100, HOUR_MS);
    within("ping_timeout_ms", limits.ping_timeout_ms, 100, HOUR_MS);
    within("output_queue_bytes_max", limits.output_queue_bytes_max, 65_536, 1 << 30);
    within("commands_in_flight_max", limits.commands_in_flight_max, 1, 65_536);
    within("devices_per_user_max", limits.devices_per_user_max, 1, 10_000);
    within("device_idle_expiry_days", limits.device_idle_expiry_days, 1, 36_500);
    within("client_id_window_days", limits.client_id_window_days, 1, 36_500);
    within("history_limit_max", limits.history_limit_max, 1, 10_000);
    within("history_limit_default", limits.history_limit_default, 1, limits.history_limit_max);
    within("conversations_limit_max", limits.conversations_limit_max, 1, 10_000);
    within(
        "conversations_limit_default",
        limits.conversations_limit_default,
        1,
        limits.conversations_limit_max,
    );
    within("timer_seconds_min", limits.timer_seconds_min, 1, limits.timer_seconds_max);
    within("timer_seconds_max", limits.timer_seconds_max, 1, 36_500 * 24 * 60 * 60);
    within("schedules_per_user_max", limits.schedules_per_user_max, 0, 1 << 20);
    within("schedule_ahead_days_max", limits.schedule_ahead_days_max, 1, 36_500);
    within("drafts_per_user_max", limits.drafts_per_user_max, 0, 1 << 20);
    within("stars_per_user_max", limits.stars_per_user_max, 0, 1 << 20);
    let settings_max = limits.conversation_settings_per_user_max;
    within("conversation_settings_per_user_max", settings_max, 0, 1 << 20);
    within("hidden_per_user_max", limits.hidden_per_user_max, 0, 1 << 20);
    within("contacts_per_user_max", limits.contacts_per_user_max, 0, 1 << 20);
    within("request_messages_max", limits.request_messages_max, 1, 1_000);
    within("requests_per_user_max", limits.requests_per_user_max, 0, 1 << 20);
    within("group_rate_per_second", limits.group_rate_per_second, 0, u64::from(u32::MAX));
    within("group_rate_burst", limits.group_rate_burst, 1, u64::from(u32::MAX));
    within("group_creates_per_hour", limits.group_creates_per_hour, 1, u64::from(u32::MAX));
    within("group_joins_per_hour", limits.group_joins_per_hour, 1, u64::from(u32::MAX));
    within("reactions_per_minute", limits.reactions_per_minute, 1, u64::from(u32::MAX));
    within("reports_per_hour", limits.reports_per_hour, 1, u64::from(u32::MAX));
    within("paces_remembered_max", limits.paces_remembered_max, 1, 1 << 24);
    within("group_words_max", limits.group_words_max, 0, 10_000);
    within("ruled_groups_max", limits.ruled_groups_max, 0, 1 << 20);
    within("group_rules_ready_max", limits.group_rules_ready_max, 1, 1 << 20);
    within("records_limit_max", limits.records_limit_max, 1, 10_000);
    within("records_limit_default", limits.records_limit_default, 1, limits.records_limit_max);
    within("name_bytes_max", limits.name_bytes_max, 1, 4_096);
    within("avatar_url_bytes_max", limits.avatar_url_bytes_max, 16, 16_384);
    within("about_bytes_max", limits.about_bytes_max, 1, 65_536);
    within("regards_cached_max", limits.regards_cached_max, 1, 1 << 24);
    within("search_text_bytes_max", limits.search_text_bytes_max, 1, 16_384);
    within("search_words_max", limits.search_words_max, 1, 64);
    within("search_limit_max", limits.search_limit_max, 1, 1_000);
    within("search_limit_default", limits.search_limit_default, 1, limits.search_limit_max);
    within("search_commands", limits.search_commands, 1, 1_000);
    within("search_contents_max", limits.search_contents_max, 1, 1 << 20);
    within("search_work_max_ms", limits.search_work_max_ms, 1, 60_000);
    within("search_highlights_max", limits.search_highlights_max, 1, 1_000);
    within("catch_up_page_entries", limits.catch_up_page_entries, 1, 10_000);
    within("catch_up_queue_bytes", limits.catch_up_queue_bytes, 1, limits.output_queue_bytes_max);
    within("catch_up_hold_bytes_max", limits.catch_up_hold_bytes_max, 1_024, 1 << 30);
    within("catch_up_overflows_max", limits.catch_up_overflows_max, 1, 1_000);
    within("unconfirmed_entries_max", limits.unconfirmed_entries_max, 1, 1 << 20);
    within("marks_pending_max", limits.marks_pending_max, 1, 1 << 20);
    within("marks_gather_ms", limits.marks_gather_ms, 1, 10_000);
    within("receipts_members_max", limits.receipts_members_max, 1, 10_000);
    within("crowd_gather_ms", limits.crowd_gather_ms, 1, 10_000);
    within("crowd_marks_max", limits.crowd_marks_max, 1, 1 << 24);
    within("open_conversations_max", limits.open_conversations_max, 1, 10_000);
    within("aborted_conversations_max", limits.aborted_conversations_max, 1, 10_000);
    within("presence_grace_ms", limits.presence_grace_ms, 0, HOUR_MS);
    within("presence_gather_ms", limits.presence_gather_ms, 0, HOUR_MS);
    within("presence_subscriptions_max", limits.presence_subscriptions_max, 1, 100_000);
    within("presence_users_max", limits.presence_users_max, 1, 10_000);
    within("presence_in_grace_max", limits.presence_in_grace_max, 1, 1 << 24);
    within("presence_remembered_max", limits.presence_remembered_max, 1, 1 << 24);
    within("visibility_remembered_max", limits.visibility_remembered_max, 1, 1 << 24);
    within("typing_expires_ms", limits.typing_expires_ms, 1_000, HOUR_MS);
    within("api_rate_burst", limits.api_rate_burst, 1, u64::from(u32::MAX));
    within("api_rate_per_second", limits.api_rate_per_second, 1, u64::from(u32::MAX));
    within("write_queue_commands_max", limits.write_queue_commands_max, 1, 1 << 24);
    within("write_queue_bytes_max", limits.write_queue_bytes_max, 1 << 20, 1 << 36);
}

/// What each limit must leave to the others.
fn limits_together(limits: &fields::Limits, faults: &mut Vec<String>) {
    if limits.content_bytes_max.saturating_add(1_024) > limits.packet_bytes_max {
        faults.push(String::from(
            "limits.content_bytes_max must be at least 1024 below limits.packet_bytes_max, or the \
             longest message would not fit a packet",
        ));
    }
    // Else a message could be taken in that closes whoever it is delivered to, each time again.
    let answer_bytes = limits.content_bytes_max.saturating_add(ANSWER_BYTES);
    let held_bytes = limits.catch_up_hold_bytes_max.saturating_add(limits.catch_up_queue_bytes);
    if answer_bytes.max(held_bytes) > limits.output_queue_bytes_max {
        faults.push(format!(
            "limits.output_queue_bytes_max must be at least {ANSWER_BYTES} above \
             limits.content_bytes_max, and at least limits.catch_up_hold_bytes_max and \
             limits.catch_up_queue_bytes together, or clients could not be sent what is theirs"
        ));
    }
}
