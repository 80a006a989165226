//! Every setting, with its meaning, unit and default: the one place that says what can be
//! configured.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use parlor_chat::limits::Limits as Chat;
use parlor_gateway::TrustedProxy;

use super::api_key::ApiKey;
use super::content_rules::ContentRules;
use super::setting::{Field, Kind, Section, Setting, quoted, sections, text_setting, words};

/// A text that is never shown.
#[derive(Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(transparent)]
pub(crate) struct Secret(String);

impl Secret {
    /// Takes a secret.
    pub(crate) fn new(text: String) -> Self {
        Self(text)
    }

    /// The secret itself, for those who sign and verify with it.
    pub(crate) fn expose(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

text_setting! {
    Secret => |_| String::from("…"),
}

words! {
    /// A signature algorithm that a token may have.
    JwtAlgorithm {
        /// HMAC with SHA-256 and the shared secret.
        Hs256 = "HS256",
        /// RSA PKCS #1 v1.5 with SHA-256.
        Rs256 = "RS256",
        /// ECDSA on P-256 with SHA-256.
        Es256 = "ES256",
        /// Ed25519.
        EdDsa = "EdDSA",
    }
}

words! {
    /// When a message is on disk.
    Fsync {
        /// Before it is acknowledged.
        Always = "always",
        /// Some time after it is acknowledged.
        Relaxed = "relaxed",
    }
}

words! {
    /// Where messages are kept.
    Backend {
        /// In a file of SQLite's, in the data directory.
        Sqlite = "sqlite",
        /// On a PostgreSQL server.
        Postgres = "postgres",
    }
}

words! {
    /// By what the nodes of one log speak to each other.
    BusBackend {
        /// By nothing: there is one node.
        None = "none",
        /// By a Redis server.
        Redis = "redis",
        /// By a Redis Cluster.
        RedisCluster = "redis-cluster",
    }
}

words! {
    /// Which adapter the app's Socket.IO servers have.
    AdapterKind {
        /// The one of `createAdapter`.
        Classic = "classic",
        /// The one of `createShardedAdapter`.
        Sharded = "sharded",
    }
}

words! {
    /// Which rooms have a channel of their own.
    SubscriptionMode {
        /// None.
        Static = "static",
        /// All but the one that each socket has by itself.
        Dynamic = "dynamic",
        /// All.
        DynamicPrivate = "dynamic-private",
    }
}

words! {
    /// What becomes of a message about which the hook says nothing.
    HookFailure {
        /// It is kept.
        Allow = "allow",
        /// It is refused, to be sent again.
        Refuse = "refuse",
    }
}

words! {
    /// How log lines look.
    LogFormat {
        /// For people.
        Text = "text",
        /// One JSON object per line, for machines.
        Json = "json",
    }
}

sections! {
    /// Where the server listens, where its data lies, and how it stops.
    [server] Server {
        /// The address and port to listen on. Port 0 takes a free one, which is printed.
        /// `0.0.0.0:3000` listens on every IPv4 address of the machine, `[::]:3000` on every address.
        listen: SocketAddr, "address:port" = SocketAddr::from(([127, 0, 0, 1], 3000));
        /// The directory that holds the messages. It is created if it is missing. One server at a
        /// time may use it, and it must lie on a local disk.
        data: PathBuf, "path" = PathBuf::from("data");
        /// Threads that serve connections; 0 for one per core.
        shards: u64, "threads" = 0;
        /// Whether each of these threads has a table of open files of its own. The system's limit of
        /// open files then bounds the connections of a thread instead of all; with enough `shards`
        /// the server holds as many as its memory allows where that limit cannot be raised. Linux
        /// only, and clients should connect by WebSocket alone: few upgrades from polling succeed.
        own_file_tables: bool, "true or false" = false;
        /// The path of Socket.IO requests, with a slash at both ends.
        path: String, "URL path" = String::from("/socket.io/");
        /// The certificate chain for TLS, in PEM, the server's own first. With `tls_key` it turns
        /// TLS on.
        tls_cert: Option<PathBuf>, "path" = None, example "\"/etc/parlor/fullchain.pem\"";
        /// The private key of the certificate, in PEM (PKCS #8, PKCS #1 or SEC1).
        tls_key: Option<PathBuf>, "path" = None, example "\"/etc/parlor/privkey.pem\"";
        /// Addresses of reverse proxies, or networks that have nobody else in them. Only from these is
        /// `X-Forwarded-For` believed, so that limits per address count clients and not the proxy.
        trusted_proxies: Vec<TrustedProxy>, "addresses and networks, such as \"10.0.0.2\" and \"10.0.0.0/8\"" = Vec::new();
        /// Whether these proxies begin each connection with the PROXY protocol, version 1 or 2, as those do that
        /// pass on TCP or TLS and not HTTP. A connection of theirs that begins otherwise is closed; anybody else
        /// is served as ever.
        proxy_protocol: bool, "true or false" = false;
        /// Origins of web pages that may connect from a browser, such as `https://chat.example`;
        /// `*` for any. None by default: only pages of the server's own origin may. With `--dev`
        /// any may.
        cors_origins: Vec<String>, "origins" = Vec::new();
        /// Whether WebSocket messages may be compressed (`permessage-deflate`). It saves bytes and
        /// costs processor time.
        compression: bool, "true or false" = false;
        /// How long connections may take to end after SIGTERM before they are cut. What was
        /// acknowledged is safe either way.
        drain_ms: u64, "milliseconds" = 10_000;
        /// Over how long connections are closed after SIGTERM, so that their clients do not all come
        /// back at once; at most half of `drain_ms`. Until its turn a connection is served as ever.
        drain_spread_ms: u64, "milliseconds" = 2_000;
    }

    /// Who may connect. A token is a JWT: its `sub` is the user. Without one of `hs256_secret`,
    /// `hs256_secret_file`, `jwks_file` and `jwks_url` the server starts only with `--dev`.
    [identity] Identity {
        /// A secret of at least 32 bytes that tokens are signed with by HS256, shared with your own
        /// backend. Better given by the environment or a file than here.
        hs256_secret: Option<Secret>, "text" = None, example "\"at least thirty-two bytes, kept secret\"";
        /// A file that holds the secret. Line ends at its end are not part of it.
        hs256_secret_file: Option<PathBuf>, "path" = None, example "\"/run/secrets/parlor\"";
        /// A file with the JSON Web Key Set whose keys sign tokens. It is read again at every
        /// refresh.
        jwks_file: Option<PathBuf>, "path" = None, example "\"/etc/parlor/jwks.json\"";
        /// The address of the JSON Web Key Set of an identity provider: `https`, or `http` on the
        /// machine's own loopback.
        jwks_url: Option<String>, "URL" = None, example "\"https://id.example/.well-known/jwks.json\"";
        /// How often the key set is read again. When it cannot be read, the old keys stay.
        jwks_refresh_ms: u64, "milliseconds" = 300_000;
        /// A token signed with an unknown key has the key set read again at once, but not more often
        /// than this.
        jwks_refresh_min_ms: u64, "milliseconds" = 5_000;
        /// How long reading the key set may take.
        jwks_timeout_ms: u64, "milliseconds" = 5_000;
        /// Signature algorithms that are accepted. HS256 is only ever tried with the secret, the
        /// others only with a key of their own type from the key set.
        algorithms: Vec<JwtAlgorithm>, "names" =
            vec![JwtAlgorithm::Hs256, JwtAlgorithm::Rs256, JwtAlgorithm::Es256, JwtAlgorithm::EdDsa];
        /// A token's `aud` must name one of these. When empty, a token that names any audience is
        /// refused, since it was made for somebody else.
        audience: Vec<String>, "names" = Vec::new();
        /// A token's `iss` must be one of these. When empty it is not looked at.
        issuer: Vec<String>, "names" = Vec::new();
        /// How far the clocks of the issuer and of this server may differ.
        leeway_ms: u64, "milliseconds" = 30_000;
        /// Whether a token must say when it expires (`exp`).
        expiry_required: bool, "true or false" = true;
    }

    /// The bound of everything. `--dev` lifts the rates and the bounds on connections; the sizes
    /// stay.
    [limits] Limits {
        /// Longest content of one message, as JSON text.
        content_bytes_max: u64, "bytes" = Chat::default().content_bytes_max as u64;
        /// Deepest nesting of arrays and objects in a content.
        content_depth_max: u64, "levels" = Chat::default().content_depth_max as u64;
        /// Longest packet from a client; also told to clients as `maxPayload`.
        packet_bytes_max: u64, "bytes" = 1_000_000;
        /// Commands that one user may send at once, over all connections.
        user_rate_burst: u64, "commands" = u64::from(Chat::default().user_rate_burst);
        /// Commands that one user may send for long.
        user_rate_per_second: u64, "commands per second" = u64::from(Chat::default().user_rate_per_second);
        /// Commands that one connection may send at once.
        connection_rate_burst: u64, "commands" = u64::from(Chat::default().connection_rate_burst);
        /// Commands that one connection may send for long.
        connection_rate_per_second: u64, "commands per second" = u64::from(Chat::default().connection_rate_per_second);
        /// Connections of one user. Above it the stalest is closed, not the new one.
        connections_per_user_max: u64, "connections" = Chat::default().connections_per_user_max as u64;
        /// Connections from one address. Many users may share one.
        connections_per_address_max: u64, "connections" = Chat::default().connections_per_address_max as u64;
        /// How long a new connection may take to present its token.
        handshake_timeout_ms: u64, "milliseconds" = Chat::default().handshake_timeout_ms;
        /// Connections that one thread serves. Above it new ones are refused by HTTP 503.
        connections_per_shard_max: u64, "connections" = 1_000_000;
        /// Connections that have been opened and not yet let in. Above it new ones wait or are
        /// refused, so that those under way get through.
        handshakes_in_flight_max: u64, "connections" = 2_048;
        /// Of those, how many one thread works at at the same time. Who is connected waits for so many
        /// of them, and not for all.
        handshake_turns_per_shard: u64, "connections" = 64;
        /// Connections that wait to be let in. Above it new ones are refused by HTTP 503 with a time
        /// after which to come back. Thousands who wait are back sooner than thousands who are refused.
        handshakes_waiting_max: u64, "connections" = 16_384;
        /// How long a connection may wait to be let in before it is refused likewise.
        handshake_wait_ms: u64, "milliseconds" = 5_000;
        /// How long a client may take to send the head of an HTTP request, or to agree on TLS.
        request_timeout_ms: u64, "milliseconds" = 10_000;
        /// How long the upgrade from long-polling to WebSocket may take.
        upgrade_timeout_ms: u64, "milliseconds" = 10_000;
        /// How often a connection is pinged.
        ping_interval_ms: u64, "milliseconds" = 25_000;
        /// How long a client may take to answer a ping.
        ping_timeout_ms: u64, "milliseconds" = 20_000;
        /// Bytes queued for a connection that reads too slowly. Above it the connection is closed,
        /// and the device catches up when it is back.
        output_queue_bytes_max: u64, "bytes" = 1_048_576;
        /// Commands of one connection that are not yet answered. Then the server stops reading from
        /// it for a while.
        commands_in_flight_max: u64, "commands" = Chat::default().commands_in_flight_max as u64;
        /// Named devices of one user.
        devices_per_user_max: u64, "devices" = Chat::default().devices_per_user_max as u64;
        /// A device not seen for so long makes room for a new one.
        device_idle_expiry_days: u64, "days" = u64::from(Chat::default().device_idle_expiry_days);
        /// How long an idempotency key (`clientId`) is remembered.
        client_id_window_days: u64, "days" = u64::from(Chat::default().client_id_window_days);
        /// Messages that one `history` may ask for.
        history_limit_max: u64, "messages" = Chat::default().history_limit_max as u64;
        /// Messages of a `history` that names no limit.
        history_limit_default: u64, "messages" = Chat::default().history_limit_default as u64;
        /// Conversations that one `conversations` may ask for.
        conversations_limit_max: u64, "conversations" = Chat::default().conversations_limit_max as u64;
        /// Conversations of a `conversations` that names no limit.
        conversations_limit_default: u64, "conversations" = Chat::default().conversations_limit_default as u64;
        /// Messages read from the store at a time while a device catches up.
        catch_up_page_entries: u64, "messages" = Chat::default().catch_up_page_entries as u64;
        /// Bytes queued for a connection above which the next page of its catch-up waits.
        catch_up_queue_bytes: u64, "bytes" = Chat::default().catch_up_queue_bytes as u64;
        /// Bytes of new messages that are kept aside for a connection while the end of its catch-up
        /// is read.
        catch_up_hold_bytes_max: u64, "bytes" = 262_144;
        /// How often new messages may overrun that before the connection is closed, so that its
        /// device starts over.
        catch_up_overflows_max: u64, "times" = u64::from(Chat::default().catch_up_overflows_max);
        /// Messages pushed to a device that says how far it is (`auth.resume`). With more to push, it
        /// is told to read a snapshot.
        resume_entries_max: u64, "messages" = Chat::default().resume_entries_max as u64;
        /// Conversations that one `sync` tells of. When more have moved, a snapshot is due.
        sync_conversations_max: u64, "conversations" = Chat::default().sync_conversations_max as u64;
        /// Messages that a connection may have missed and still be recovered (`auth.recovery`). Above
        /// it, it is a new connection that resumes.
        recovery_entries_max: u64, "messages" = Chat::default().recovery_entries_max as u64;
        /// How old the oldest message may be that a recovered connection has missed.
        recovery_age_max_ms: u64, "milliseconds" = Chat::default().recovery_age_max_ms;
        /// Devices that read the store to catch up at a time. Others wait for their turn.
        resumes_in_flight_max: u64, "devices" = Chat::default().resumes_in_flight_max as u64;
        /// Devices that may wait for that turn. Above it connections are closed and told when to come
        /// back; where half of it wait, who connects waits to be let in.
        resumes_waiting_max: u64, "devices" = Chat::default().resumes_waiting_max as u64;
        /// How often a connection that keeps a position is told the newest one.
        position_interval_ms: u64, "milliseconds" = Chat::default().position_interval_ms;
        /// Others whom one user can block.
        blocks_per_user_max: u64, "users" = Chat::default().blocks_per_user_max as u64;
        /// Members that a group may have; a group's own `membersMax` may be less.
        group_members_max: u64, "members" = Chat::default().group_members_max;
        /// Users that one command may bring into a group.
        group_add_max: u64, "users" = Chat::default().group_add_max as u64;
        /// Groups that one user may be in. Each of a user's connections is in the rooms of all of them.
        groups_per_user_max: u64, "groups" = Chat::default().groups_per_user_max;
        /// Members or receipts that one page may ask for.
        group_members_limit_max: u64, "members" = Chat::default().group_members_limit_max as u64;
        /// Members or receipts of a page that names no limit.
        group_members_limit_default: u64, "members" = Chat::default().group_members_limit_default as u64;
        /// Invites that a group may have at a time.
        invites_per_group_max: u64, "invites" = Chat::default().invites_per_group_max;
        /// Requests to join that may wait in a group.
        requests_per_group_max: u64, "requests" = Chat::default().requests_per_group_max;
        /// Longest slow mode of a group.
        group_slow_mode_seconds_max: u64, "seconds" = Chat::default().group_slow_mode_seconds_max;
        /// Members up to which each of a group is told of each other's receipts and typing; in larger ones
        /// who has the conversation open is told how many.
        receipts_members_max: u64, "members" = Chat::default().receipts_members_max;
        /// How long that is gathered in larger groups before it is told, and their watermarks before they
        /// are stored and answered.
        crowd_gather_ms: u64, "milliseconds" = Chat::default().crowd_gather_ms;
        /// Watermarks of larger groups that are gathered; beyond it they are stored at once.
        crowd_marks_max: u64, "marks" = Chat::default().crowd_marks_max as u64;
        /// Conversations that one connection may have open.
        open_conversations_max: u64, "conversations" = Chat::default().open_conversations_max as u64;
        /// Messages that one group takes for long, whoever sends them; 0 for any.
        group_rate_per_second: u64, "messages per second" = u64::from(Chat::default().group_rate_per_second);
        /// Messages that one group takes at once, where there is such a rate.
        group_rate_burst: u64, "messages" = u64::from(Chat::default().group_rate_burst);
        /// Groups that one user may make in an hour.
        group_creates_per_hour: u64, "groups" = u64::from(Chat::default().group_creates_per_hour);
        /// Groups that one user may join, or ask to join, in an hour.
        group_joins_per_hour: u64, "groups" = u64::from(Chat::default().group_joins_per_hour);
        /// Reactions that one user may give or take back in a minute.
        reactions_per_minute: u64, "reactions" = u64::from(Chat::default().reactions_per_minute);
        /// Reports that one user may file in an hour.
        reports_per_hour: u64, "reports" = u64::from(Chat::default().reports_per_hour);
        /// Groups, and users for each of these actions, whose pace is remembered at a time.
        paces_remembered_max: u64, "paces" = Chat::default().paces_remembered_max as u64;
        /// Words that one group's own rules may have.
        group_words_max: u64, "words" = Chat::default().group_words_max as u64;
        /// Groups of the server that may have rules of their own.
        ruled_groups_max: u64, "groups" = Chat::default().ruled_groups_max;
        /// Groups whose own rules are kept ready for use. Those of others are made ready when they are
        /// needed.
        group_rules_ready_max: u64, "groups" = Chat::default().group_rules_ready_max as u64;
        /// How long after it was sent a message may be edited.
        edit_window_ms: u64, "milliseconds" = Chat::default().edit_window_ms;
        /// How long after it was sent its author may delete a message for everyone. Who keeps order
        /// in a group may always.
        delete_window_ms: u64, "milliseconds" = Chat::default().delete_window_ms;
        /// How often one message may be edited.
        edits_per_message_max: u64, "edits" = Chat::default().edits_per_message_max;
        /// Different reactions to one message.
        reactions_per_message_max: u64, "reactions" = Chat::default().reactions_per_message_max;
        /// Reactions of one user to one message.
        reactions_per_user_max: u64, "reactions" = Chat::default().reactions_per_user_max;
        /// Pinned messages of one conversation.
        pins_max: u64, "messages" = Chat::default().pins_max;
        /// Users that one message may mention.
        mentions_max: u64, "users" = Chat::default().mentions_max as u64;
        /// Members up to which anybody in a group may mention all. In larger ones it takes a
        /// moderator.
        mention_all_members_max: u64, "members" = Chat::default().mention_all_members_max;
        /// Shortest time after which the messages of a conversation may end.
        timer_seconds_min: u64, "seconds" = Chat::default().timer_seconds_min;
        /// Longest time after which they may end.
        timer_seconds_max: u64, "seconds" = Chat::default().timer_seconds_max;
        /// Messages of one user that are to be said later, with those that could not be said.
        schedules_per_user_max: u64, "messages" = Chat::default().schedules_per_user_max as u64;
        /// How far ahead a message may be said later.
        schedule_ahead_days_max: u64, "days" = u64::from(Chat::default().schedule_ahead_days_max);
        /// Drafts that one user keeps.
        drafts_per_user_max: u64, "drafts" = Chat::default().drafts_per_user_max as u64;
        /// Messages that one user stars.
        stars_per_user_max: u64, "messages" = Chat::default().stars_per_user_max as u64;
        /// Conversations that one user mutes; and as many archived, marked as unread, and pinned ones.
        conversation_settings_per_user_max: u64, "conversations" = Chat::default().conversation_settings_per_user_max as u64;
        /// Messages that one user hides.
        hidden_per_user_max: u64, "messages" = Chat::default().hidden_per_user_max as u64;
        /// Contacts of one user.
        contacts_per_user_max: u64, "users" = Chat::default().contacts_per_user_max as u64;
        /// Messages that a stranger's message request may hold before it is decided.
        request_messages_max: u64, "messages" = Chat::default().request_messages_max;
        /// Message requests that are kept for one user, decided ones included. Above it strangers are
        /// refused as `not_accepted`.
        requests_per_user_max: u64, "requests" = Chat::default().requests_per_user_max;
        /// Records that one `drafts`, `schedules`, `starred`, `contacts` or `users` may ask for.
        records_limit_max: u64, "records" = Chat::default().records_limit_max as u64;
        /// Records of one of these that names no limit.
        records_limit_default: u64, "records" = Chat::default().records_limit_default as u64;
        /// Longest name of a user or a contact.
        name_bytes_max: u64, "bytes" = Chat::default().name_bytes_max as u64;
        /// Longest address of a user's picture.
        avatar_url_bytes_max: u64, "bytes" = Chat::default().avatar_url_bytes_max as u64;
        /// Longest text that a user tells about themselves.
        about_bytes_max: u64, "bytes" = Chat::default().about_bytes_max as u64;
        /// Pairs of users of which is remembered what the one lets the other see.
        regards_cached_max: u64, "pairs" = Chat::default().regards_cached_max as u64;
        /// Longest text of a `search`.
        search_text_bytes_max: u64, "bytes" = Chat::default().search_text_bytes_max as u64;
        /// Words of a `search`.
        search_words_max: u64, "words" = Chat::default().search_words_max as u64;
        /// Messages that one `search` may ask for.
        search_limit_max: u64, "messages" = Chat::default().search_limit_max as u64;
        /// Messages of a `search` that names no limit.
        search_limit_default: u64, "messages" = Chat::default().search_limit_default as u64;
        /// As how many commands a `search` counts towards the rates of its user and connection.
        search_commands: u64, "commands" = u64::from(Chat::default().search_commands);
        /// Messages that one `search` looks at. At the bound it gives what it found, and a cursor.
        search_contents_max: u64, "messages" = Chat::default().search_contents_max as u64;
        /// How long the store may work on one `search`, in pieces between which others have their
        /// turn. At the bound it gives what it found, and a cursor.
        search_work_max_ms: u64, "milliseconds" = Chat::default().search_work_max_ms;
        /// Places in one message that a `search` tells of.
        search_highlights_max: u64, "places" = Chat::default().search_highlights_max as u64;
        /// Pushed messages of one connection whose receipt is awaited at once. Beyond it the oldest
        /// are forgotten, and pushed again after a reconnect.
        unconfirmed_entries_max: u64, "messages" = Chat::default().unconfirmed_entries_max as u64;
        /// Watermarks gathered before they are stored.
        marks_pending_max: u64, "watermarks" = Chat::default().marks_pending_max as u64;
        /// How long watermarks are gathered before they are stored.
        marks_gather_ms: u64, "milliseconds" = Chat::default().marks_gather_ms;
        /// Conversations of one connection on which a failed send is remembered, so that later ones
        /// do not overtake it.
        aborted_conversations_max: u64, "conversations" = Chat::default().aborted_conversations_max as u64;
        /// How long a user whose last connection is gone still counts as online. Who comes back within
        /// it was never away.
        presence_grace_ms: u64, "milliseconds" = Chat::default().presence_grace_ms;
        /// How long changes of a user's presence are gathered before the last is told.
        presence_gather_ms: u64, "milliseconds" = Chat::default().presence_gather_ms;
        /// Users whose presence one connection can subscribe to.
        presence_subscriptions_max: u64, "users" = Chat::default().presence_subscriptions_max as u64;
        /// Users that one `presence` or `presence_subscribe` can name.
        presence_users_max: u64, "users" = Chat::default().presence_users_max as u64;
        /// Users whose last connection is gone and who still count as online. Above it those who left
        /// first are offline.
        presence_in_grace_max: u64, "users" = Chat::default().presence_in_grace_max as u64;
        /// Users who left of whom the time is kept in memory. Of others it is known when a device last
        /// connected.
        presence_remembered_max: u64, "users" = Chat::default().presence_remembered_max as u64;
        /// Users, and others whom they block, of whom it is kept in memory who may see whom.
        visibility_remembered_max: u64, "users" = Chat::default().visibility_remembered_max as u64;
        /// When a `typing` is over that is neither repeated nor followed by a message.
        typing_expires_ms: u64, "milliseconds" = Chat::default().typing_expires_ms;
        /// Requests to `/v1` that may be made at once, for each API key.
        api_rate_burst: u64, "requests" = u64::from(Chat::default().api_rate_burst);
        /// Requests to `/v1` that may be made for long, for each API key.
        api_rate_per_second: u64, "requests per second" = u64::from(Chat::default().api_rate_per_second);
        /// Writes that may wait for the disk. Above it sends are refused as `overloaded`.
        write_queue_commands_max: u64, "writes" = 16_384;
        /// Bytes of writes that may wait for the disk.
        write_queue_bytes_max: u64, "bytes" = 67_108_864;
    }

    /// The HTTP API under `/v1`, for the app's own server. Without a key there is none.
    [api] Api {
        /// Its keys, by their SHA-256: `parlor api-key new` makes one, and prints the line to put
        /// here. In the variable each is `NAME:SHA256:SCOPE+SCOPE`. One a line:
        /// `{ name = "shop", sha256 = "64 hexadecimal digits", scopes = ["messages:write"] }`
        keys: Vec<ApiKey>, "keys" = Vec::new();
        /// In whose name a message is sent that names no sender. No token opens this user.
        system_user: Option<String>, "user id" = None, example "\"system\"";
    }

    /// Where messages are kept. docs/running.md tells what PostgreSQL needs and what it does not do.
    [store] Store {
        /// `sqlite`: in a file in the data directory (`server.data`). `postgres`: in a database of a
        /// PostgreSQL server, which needs a Parlor that was built with it.
        backend: Backend, "\"sqlite\" or \"postgres\"" = Backend::Sqlite;
        /// The address of the PostgreSQL database. Better given by the environment or by a file than here,
        /// if a password is in it.
        url: Option<Secret>, "URL" = None, example "\"postgres://parlor@/parlor?host=/run/postgresql\"";
        /// A file with that address.
        url_file: Option<PathBuf>, "path" = None, example "\"/run/secrets/parlor-store\"";
        /// The address of a standby of that database, not by way of a pooler. Histories, searches and what devices
        /// catch up with are then read there, whenever it has all that was acknowledged.
        replica_url: Option<Secret>, "URL" = None, example "\"postgres://parlor@standby.example/parlor\"";
        /// A file with that address.
        replica_url_file: Option<PathBuf>, "path" = None, example "\"/run/secrets/parlor-replica\"";
        /// Certificates, in PEM, by which the server is known where its address says `sslmode=require`; by
        /// default those that the system trusts.
        tls_ca_file: Option<PathBuf>, "path" = None, example "\"/etc/parlor/postgres-ca.pem\"";
        /// Connections to it that read; one more writes.
        connections: u64, "connections" = 8;
        /// Whether a pooler in transaction mode stands between, such as PgBouncer. Each statement then costs more.
        pooler: bool, "true or false" = false;
        /// How far this machine's clock may be from the database's at the start, which is refused otherwise.
        clock_skew_max_ms: u64, "milliseconds" = 10_000;
    }

    /// By what several servers on one PostgreSQL database speak to each other. docs/running.md tells what
    /// it needs and what it costs.
    [bus] Bus {
        /// `none`: there is one server. `redis`: by a Redis server, 6.2 or newer. `redis-cluster`: by a
        /// Redis Cluster of version 7 or newer. Valkey will do as well.
        backend: BusBackend, "\"none\", \"redis\" or \"redis-cluster\"" = BusBackend::None;
        /// The address of the Redis server, `rediss://` for TLS. Better given by the environment or by a
        /// file than here, if a password is in it.
        url: Option<Secret>, "URL" = None, example "\"redis://user:password@redis.example:6379/0\"";
        /// A file with that address.
        url_file: Option<PathBuf>, "path" = None, example "\"/run/secrets/parlor-bus\"";
        /// Addresses of some nodes of the Redis Cluster. The others are found; user and password of the
        /// first are used for all.
        urls: Vec<Secret>, "URLs" = Vec::new();
        /// What the servers of one database are called together. Those of another database on the same
        /// Redis need another name.
        cluster: String, "name" = String::from("parlor");
        /// After how long without a sign of life a server counts as gone.
        lease_ms: u64, "milliseconds" = 9_000;
        /// Messages that wait to be published. What comes above it is dropped, and other servers look into
        /// the database for it.
        queue_messages_max: u64, "messages" = 16_384;
        /// Bytes of them.
        queue_bytes_max: u64, "bytes" = 67_108_864;
        /// Users of whom it is yet to be published where they are connected. It should be more than are
        /// connected to one server.
        seats_max: u64, "users" = 1_048_576;
    }

    /// Socket.IO servers of yours that speak with each other by `@socket.io/redis-adapter`, and programs that emit
    /// by `@socket.io/redis-emitter`: this server is one more of them, with users and groups for rooms.
    /// docs/guides/from-socket-io.md tells how. Whoever can publish on that Redis can have anybody told anything but
    /// chat's own events.
    [adapter] Adapter {
        /// The address of the Redis server by which they speak, `rediss://` for TLS. Without one nobody is
        /// heard. Better given by the environment or by a file than here, if a password is in it.
        url: Option<Secret>, "URL" = None, example "\"redis://user:password@redis.example:6379/0\"";
        /// A file with that address.
        url_file: Option<PathBuf>, "path" = None, example "\"/run/secrets/parlor-adapter\"";
        /// Addresses of some nodes, if it is a Redis Cluster. The others are found; user and password of the
        /// first are used for all.
        urls: Vec<Secret>, "URLs" = Vec::new();
        /// `classic`: they use `createAdapter`. `sharded`: they use `createShardedAdapter`, on Redis 7 or newer.
        kind: AdapterKind, "\"classic\" or \"sharded\"" = AdapterKind::Classic;
        /// The option `subscriptionMode` of the sharded adapter. With `dynamic`, its default, this server
        /// subscribes to a channel for each user and group that is connected to it; with `dynamic-private` also for each
        /// connection. What they have as `static` is heard with any.
        subscription_mode: SubscriptionMode, "\"static\", \"dynamic\" or \"dynamic-private\"" = SubscriptionMode::Dynamic;
        /// What their channels begin with: the option `key` of the classic adapter and the emitter,
        /// `channelPrefix` of the sharded one.
        prefix: String, "text" = String::from("socket.io");
        /// Rooms that a socket may be in, its groups counted, for your servers to have it join one more.
        rooms_per_socket_max: u64, "rooms" = 1_000;
        /// Sockets that this server tells of in one answer. Where there are more it tells of none.
        sockets_told_max: u64, "sockets" = 10_000;
        /// Bytes of such an answer.
        told_bytes_max: u64, "bytes" = 16_777_216;
        /// Requests about sockets that may be under way.
        fetches_max: u64, "requests" = 256;
        /// Requests that may wait for clients' acks.
        asks_max: u64, "requests" = 4_096;
        /// How long clients' acks are waited for, whatever a request says.
        ack_timeout_max_ms: u64, "milliseconds" = 60_000;
        /// Answers that may wait for Redis. Those above are dropped.
        answers_max: u64, "answers" = 16_384;
        /// Bytes of them.
        answers_bytes_max: u64, "bytes" = 67_108_864;
    }

    /// The web client at `/`. Who opens it without a token is sent to sign in with you: name one of
    /// the two addresses, or link to `/#token=…` yourself. With `--dev` any name will do.
    [web] Web {
        /// Whether the web client is served.
        enabled: bool, "true or false" = true;
        /// A page of yours that signs a user in and leads back to `/#token=TOKEN` here: `https`, or
        /// `http` on the machine's own loopback.
        sign_in_url: Option<String>, "URL" = None, example "\"https://app.example/chat\"";
        /// An address of yours that the client asks for a fresh token, with the cookies of your site,
        /// and that answers it as text. It must allow the origin of this server to read the answer
        /// with credentials (CORS). `https`, or `http` on the machine's own loopback.
        token_url: Option<String>, "URL" = None, example "\"https://app.example/parlor-token\"";
    }

    /// What a crash may cost.
    [durability] Durability {
        /// `always`: a message is acknowledged once it is on disk (fsync), so neither a crash of the
        /// server nor a power cut loses an acknowledged message. `relaxed`: it is acknowledged once
        /// it is with the operating system, which is faster on slow disks; a crash of the server
        /// still loses nothing, but a power cut or a crash of the system can lose the messages of
        /// the last seconds although they were acknowledged.
        fsync: Fsync, "\"always\" or \"relaxed\"" = Fsync::Always;
    }

    /// How long messages are kept.
    [retention] Retention {
        /// Messages older than this are removed, a few at a time, whoever has or has not read them;
        /// 0 keeps them. The newest message of a conversation stays until another follows it.
        messages_max_age_days: u64, "days" = 0;
    }

    /// Finding messages by their words (`search`).
    [search] Search {
        /// Whether an index of words is kept. Turned off, it is removed at the next start, and `search`
        /// is refused; turned on, it is made while the server runs.
        enabled: bool, "true or false" = true;
    }

    /// Moderators, content rules, and the app's own say before a message is kept. docs/moderation.md
    /// tells how they work.
    [moderation] Moderation {
        /// The claim of a token that makes its user a moderator: `moderator` or `admin`, alone or in a
        /// list. Empty: nobody is one.
        role_claim: String, "name" = String::new();
        /// With `--dev`, where tokens have no claims: users who are moderators.
        dev_moderators: Vec<String>, "user ids" = Vec::new();
        /// Content rules, in this order: each with `id`, `action` (`refuse`, `mask`, `flag` or `shadow`) and
        /// one of `words` (with `whole_words = false` also within words), `patterns` (regular
        /// expressions), `links_except` (hosts that links may lead to), and `repeats_max` with
        /// `repeats_window_ms`. In the file they may be written as tables, `[[moderation.rules]]`.
        rules: ContentRules, "rules" = ContentRules::default(), example "[{ id = \"no-cards\", action = \"mask\", patterns = ['\\d{4}-\\d{4}-\\d{4}-\\d{4}'] }]";
        /// Matches of content rules in one content. One with more is refused.
        content_matches_max: u64, "matches" = Chat::default().content_matches_max as u64;
        /// Bytes that patterns may go through to mask one content, counted anew for each match. One
        /// that needs more is refused.
        content_mask_work_bytes_max: u64, "bytes" = Chat::default().content_mask_work_bytes_max as u64;
        /// Contents that rules about repeats remember at a time. Beyond it the oldest are forgotten
        /// early.
        flood_contents_max: u64, "contents" = Chat::default().flood_contents_max as u64;
        /// Reports of one user that may be open at a time, and messages of one user that rules have
        /// flagged.
        reports_open_per_user_max: u64, "reports" = Chat::default().reports_open_per_user_max as u64;
        /// Longest comment, note, warning or reason of a suspension.
        text_bytes_max: u64, "bytes" = Chat::default().moderation_text_bytes_max as u64;
        /// Reports, or entries of the audit log, that may be asked for at once.
        page_max: u64, "entries" = Chat::default().moderation_page_max as u64;
        /// Notices kept for one user until they are confirmed. Beyond it the oldest goes.
        notices_per_user_max: u64, "notices" = Chat::default().notices_per_user_max as u64;
        /// The app's hook, which is asked about each message: `https`, or `http` on the machine's own
        /// loopback.
        hook_url: Option<String>, "URL" = None, example "\"https://app.example/parlor/moderate\"";
        /// The secret of at least 32 bytes that questions are signed with. Better given by the
        /// environment or a file than here.
        hook_secret: Option<Secret>, "text" = None, example "\"at least thirty-two bytes, kept secret\"";
        /// A file that holds that secret. Line ends at its end are not part of it.
        hook_secret_file: Option<PathBuf>, "path" = None, example "\"/run/secrets/parlor-hook\"";
        /// How long the hook may take to answer.
        hook_timeout_ms: u64, "milliseconds" = 2_000;
        /// What becomes of a message about which the hook gives no good answer in time: `allow` keeps
        /// it, `refuse` refuses it as `unavailable`, so that its sender tries again.
        hook_on_failure: HookFailure, "\"allow\" or \"refuse\"" = HookFailure::Refuse;
        /// Questions that may be under way at once. Above it messages are refused as `overloaded`.
        hook_in_flight_max: u64, "questions" = 1_024;
    }

    /// Encryption at rest. With a master key, the content of new messages is sealed on disk and in
    /// backups; who wrote to whom, and when, is not. Messages from before stay as they were, and
    /// there is no way back: without its key the data cannot be opened any more.
    [encryption] Encryption {
        /// The master key: 64 hexadecimal digits, as `openssl rand -hex 32` prints them. Better given
        /// by the environment or a file than here. Keep a copy elsewhere.
        master_key: Option<Secret>, "hexadecimal digits" = None, example "\"64 hexadecimal digits, kept secret\"";
        /// A file that holds the master key.
        master_key_file: Option<PathBuf>, "path" = None, example "\"/run/secrets/parlor-master-key\"";
        /// Files with master keys from before, until `parlor rotate-key` is through.
        previous_master_key_files: Vec<PathBuf>, "paths" = Vec::new();
    }

    /// What the server says about itself, on standard error. Never message contents, tokens or
    /// keys.
    [log] Log {
        /// `text` for people, `json` for one object per line.
        format: LogFormat, "\"text\" or \"json\"" = LogFormat::Text;
        /// The least severe level to show: `error`, `warn`, `info`, `debug` or `trace`, also per
        /// part, as in `info,parlor_gateway=debug`.
        level: String, "level" = String::from("info");
    }

    /// Traces: the courses of some commands, sent to an OpenTelemetry collector. They name events, outcomes and
    /// counts, never users, conversations or contents.
    [traces] Traces {
        /// The collector, by OTLP over HTTP (protobuf). Without a path, `/v1/traces` is added. None: nothing is
        /// traced.
        endpoint: Option<String>, "URL" = None, example "\"http://127.0.0.1:4318\"";
        /// The share of commands that are traced, from 0 to 1. A request of the HTTP API with a `traceparent` is
        /// traced if that says so.
        ratio: f64, "share" = 0.01;
        /// Spans that may wait to be sent. Above it they are dropped and counted.
        queue_spans_max: u64, "spans" = 8_192;
        /// How long the collector may take to answer. What it has not taken by then is dropped and counted.
        timeout_ms: u64, "milliseconds" = 5_000;
    }
}
