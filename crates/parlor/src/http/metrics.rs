//! `/metrics`: what gateway, service, store and identity have counted, for Prometheus.
//!
//! Nothing is counted here: at each scrape the parts' own counters are read and written down.
//! Names are `parlor_<part>_<thing>_<unit>[_total]`; labels are closed sets and never ids.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use parlor_gateway::CloseReason;
use parlor_service::ModerationStats;
use parlor_store::sqlite::{BATCH_COMMANDS_BOUNDS, COMMIT_MICROS_BOUNDS};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use super::App;

/// Writes all metrics down, in OpenMetrics text, which Prometheus reads as well.
pub(crate) fn render(app: &Arc<App>) -> String {
    let mut registry = Registry::with_prefix("parlor");
    registry.register_collector(Box::new(Reading(Arc::clone(app))));
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &registry)
        .expect("writing to a string does not fail");
    text
}

struct Reading(Arc<App>);

impl fmt::Debug for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reading")
    }
}

impl Collector for Reading {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut page = Page(encoder);
        self.0.write_server(&mut page)?;
        write_process(&mut page)?;
        self.0.write_api(&mut page)?;
        self.0.write_identity(&mut page)?;
        self.0.write_gateway(&mut page)?;
        self.0.write_service(&mut page)?;
        self.0.write_store(&mut page)?;
        self.0.write_traces(&mut page)?;
        self.0.write_bus(&mut page)
    }
}

/// Where metrics are written.
struct Page<'a>(DescriptorEncoder<'a>);

impl Page<'_> {
    /// Something that only grows; `_total` is added to its name.
    fn counter(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        self.metric(name, help, &ConstCounter::new(value))
    }

    /// Something that goes up and down.
    fn gauge(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        self.metric(name, help, &ConstGauge::new(value))
    }

    /// Counters that differ by one label.
    fn counters(
        &mut self,
        name: &str,
        help: &str,
        label: &'static str,
        values: impl IntoIterator<Item = (&'static str, u64)>,
    ) -> fmt::Result {
        let mut metric = self.0.encode_descriptor(name, help, None, MetricType::Counter)?;
        for (word, value) in values {
            let labels = [(label, word)];
            ConstCounter::new(value).encode(metric.encode_family(&labels)?)?;
        }
        Ok(())
    }

    /// How often a value fell into each bucket; the last bucket has no bound.
    fn histogram(
        &mut self,
        name: &str,
        help: &str,
        sum: f64,
        bounds: impl Iterator<Item = f64>,
        counts: &[u64],
    ) -> fmt::Result {
        let bounds = bounds.chain([f64::INFINITY]);
        let buckets: Vec<(f64, u64)> = bounds.zip(counts.iter().copied()).collect();
        let mut metric = self.0.encode_descriptor(name, help, None, MetricType::Histogram)?;
        metric.encode_histogram::<[(&str, &str); 0]>(sum, counts.iter().sum(), &buckets, None)
    }

    fn metric(&mut self, name: &str, help: &str, metric: &impl EncodeMetric) -> fmt::Result {
        let encoder = self.0.encode_descriptor(name, help, None, metric.metric_type())?;
        metric.encode(encoder)
    }
}

fn write_process(page: &mut Page<'_>) -> fmt::Result {
    let Some(usage) = crate::system::usage() else { return Ok(()) };
    let help = "Memory of the process that is in RAM";
    page.gauge("process_resident_bytes", help, usage.resident_bytes)?;
    let help = "Time that the process has spent on processors";
    page.metric("process_cpu_seconds", help, &ConstCounter::new(usage.cpu.as_secs_f64()))
}

fn write_moderation(page: &mut Page<'_>, stats: &ModerationStats) -> fmt::Result {
    let counters = [
        (
            "moderation_messages_refused",
            "Messages kept out by a content rule or the app's hook",
            stats.refused_by_rule,
        ),
        (
            "moderation_messages_masked",
            "Messages of which something was masked or replaced",
            stats.masked,
        ),
        (
            "moderation_messages_flagged",
            "Messages brought before the moderators by a rule or the hook",
            stats.flagged,
        ),
        (
            "moderation_messages_shadowed",
            "Messages and edits that nobody but their senders see",
            stats.shadowed,
        ),
        ("moderation_reports", "Reports filed", stats.reports),
        ("moderation_messages_removed", "Messages that moderators removed", stats.removed),
        ("moderation_warnings", "Warnings given", stats.warnings),
        ("moderation_suspensions", "Users suspended", stats.suspensions),
        ("moderation_hook_questions", "Messages the hook was asked about", stats.hook_asked),
        (
            "moderation_hook_failures",
            "Questions without a good answer, time-outs included",
            stats.hook_failed,
        ),
        ("moderation_hook_timeouts", "Questions not answered in time", stats.hook_timed_out),
        (
            "moderation_hook_overloads",
            "Messages refused since too many questions were under way",
            stats.hook_turned_away,
        ),
    ];
    for (name, help, value) in counters {
        page.counter(name, help, value)?;
    }
    Ok(())
}

impl App {
    fn write_server(&self, page: &mut Page<'_>) -> fmt::Result {
        let ready = u64::from(self.unready().is_none());
        page.gauge("server_ready", "Whether messages can be taken now: 1 or 0", ready)?;
        page.gauge(
            "server_start_time_seconds",
            "When the server started, in seconds since the Unix epoch",
            self.started.0 / 1_000,
        )
    }

    fn write_api(&self, page: &mut Page<'_>) -> fmt::Result {
        page.counters(
            "api_requests",
            "Requests to operations of the HTTP API, by outcome",
            "outcome",
            self.answered.counts(),
        )
    }

    fn write_identity(&self, page: &mut Page<'_>) -> fmt::Result {
        let Some(ring) = &self.ring else { return Ok(()) };
        let (refreshed, failed) = ring.counts();
        page.counters(
            "identity_key_set_reads",
            "Reads of the key set, by outcome",
            "outcome",
            [("ok", refreshed), ("failed", failed)],
        )?;
        let keys = ring.current().map_or(0, |keys| keys.len() as u64);
        page.gauge("identity_keys", "Signing keys in use", keys)
    }

    fn write_gateway(&self, page: &mut Page<'_>) -> fmt::Result {
        let Some(io) = self.gateway.get() else { return Ok(()) };
        let stats = io.stats();
        page.gauge("gateway_connections", "Connections now", stats.connections)?;
        page.gauge(
            "gateway_websocket_connections",
            "Connections now whose transport is a WebSocket",
            stats.connections_websocket,
        )?;
        page.gauge("gateway_sockets", "Members of namespaces now", stats.sockets)?;
        page.gauge(
            "gateway_handshakes_waiting",
            "Handshakes that wait because too many are under way",
            stats.handshakes_waiting,
        )?;
        page.gauge(
            "gateway_inbox_operations",
            "Operations that wait in the inboxes of shards",
            stats.waiting,
        )?;
        let counters = [
            ("gateway_connections_opened", "Connections opened", stats.opened),
            (
                "gateway_handshakes_refused",
                "Handshakes refused because too many waited, or for too long",
                stats.handshakes_refused,
            ),
            ("gateway_upgrades", "Upgrades from polling to WebSocket", stats.upgrades),
            ("gateway_received_packets", "Packets received", stats.packets_in),
            ("gateway_sent_packets", "Packets sent or queued", stats.packets_out),
            ("gateway_received_bytes", "Bytes read", stats.bytes_in),
            ("gateway_sent_bytes", "Bytes written", stats.bytes_out),
            ("gateway_deliveries", "Recipients of broadcasts", stats.deliveries),
            ("gateway_runs", "Runs of broadcasts, each one write a socket", stats.runs),
            ("gateway_volatile_dropped", "Volatile emits dropped", stats.volatile_dropped),
            ("gateway_holds_overflowed", "Hold buffers overflowed", stats.holds_overflowed),
            ("gateway_handler_panics", "Handlers that panicked", stats.handler_panics),
            ("gateway_inbox_refusals", "Operations refused by a full inbox", stats.busy),
        ];
        for (name, help, value) in counters {
            page.counter(name, help, value)?;
        }
        page.counters(
            "gateway_connections_closed",
            "Connections closed, by reason",
            "reason",
            CloseReason::ALL.map(|reason| (reason.as_str(), stats.closed_for(reason))),
        )
    }

    fn write_service(&self, page: &mut Page<'_>) -> fmt::Result {
        let Some(service) = self.service.get() else { return Ok(()) };
        let stats = service.stats();
        page.gauge("service_sessions", "Authenticated connections now", stats.sessions)?;
        page.gauge("service_users", "Users with a session now", stats.users)?;
        page.gauge(
            "service_resumes_waiting",
            "Devices that wait for their turn to catch up",
            stats.resumes_waiting,
        )?;
        page.gauge(
            "service_presence_subscriptions",
            "Subscriptions to the presence of users now",
            stats.presence_subscriptions,
        )?;
        let counters = [
            ("service_connects", "Connections that were let in", stats.connects),
            ("service_commands", "Commands received, refused ones included", stats.commands),
            ("service_messages_sent", "Messages committed and acknowledged", stats.sent),
            (
                "service_messages_repeated",
                "Sends answered with what an earlier one with the same key committed",
                stats.sent_again,
            ),
            (
                "service_app_events_relayed",
                "Events of the app's own that were relayed and not stored",
                stats.app_events_relayed,
            ),
            (
                "service_emissions",
                "What the app's Socket.IO servers and emitters said and was done",
                stats.emissions,
            ),
            (
                "service_emissions_refused",
                "What they said and was not done, or could not be read",
                stats.emissions_refused,
            ),
            ("service_broadcasts", "Frames encoded and handed to the gateway", stats.broadcasts),
            ("service_catch_ups", "Devices brought up to date", stats.caught_up),
            (
                "service_catch_up_messages",
                "Messages pushed while devices caught up",
                stats.caught_up_entries,
            ),
            (
                "service_resumes",
                "Devices that resumed from where they said they were",
                stats.resumed,
            ),
            ("service_recoveries", "Sockets that were recovered", stats.recovered),
            ("service_snapshots", "Devices that were told to read a snapshot", stats.snapshots),
            ("service_marks_stored", "Watermarks stored, after merging", stats.marks_stored),
            (
                "service_marks_confirmed",
                "Watermarks moved because a client proved what it received",
                stats.marks_confirmed,
            ),
            (
                "service_connections_replaced",
                "Connections closed because their user had too many",
                stats.replaced,
            ),
            (
                "service_connections_expired",
                "Connections closed because their token expired",
                stats.expired,
            ),
            ("service_presence_packets", "Presence packets told", stats.presence_told),
            ("service_crowd_packets", "Packets of counts told in large groups", stats.crowd_told),
            (
                "service_presence_coalesced",
                "Changes of presence not told, since a later one took their place",
                stats.presence_coalesced,
            ),
        ];
        for (name, help, value) in counters {
            page.counter(name, help, value)?;
        }
        page.counters("service_refusals", "Refusals, by code", "code", stats.refused)?;
        let help = "Refusals that may be a sign of misuse, by family";
        page.counters("service_suspicious", help, "family", stats.suspicious())?;
        let help = "Contents that a rule about repeats found to come too often";
        page.counter("moderation_floods", help, stats.floods)?;
        write_moderation(page, &stats.moderation)
    }

    fn write_store(&self, page: &mut Page<'_>) -> fmt::Result {
        let stats = self.store.stats();
        let healthy = u64::from(self.store.health().is_ok());
        page.gauge("store_healthy", "Whether writes can be acknowledged: 1 or 0", healthy)?;
        let gauges = [
            ("store_queued_writes", "Writes that wait now", stats.write_queue_commands),
            ("store_queued_reads", "Reads that wait now", stats.read_queue_commands),
            ("store_wal_bytes", "Write-ahead log in use after the last commit", stats.wal_bytes),
            (
                "store_unindexed_entries",
                "Entries that are not in the index of words yet",
                stats.unindexed,
            ),
            (
                "store_untold_entries",
                "Entries known to be committed, by any node, that this one has not told yet",
                stats.untold,
            ),
            (
                "store_upkeep_slice_max_microseconds",
                "The longest slice of upkeep since the start, with its commit",
                stats.slice_micros_max,
            ),
            (
                "store_index_slice_max_microseconds",
                "The longest slice of indexing since the start, with its commit",
                stats.index_slice_micros_max,
            ),
        ];
        for (name, help, value) in gauges {
            page.gauge(name, help, value)?;
        }
        let counters = [
            ("store_commits", "Batches committed", stats.commits),
            ("store_commits_failed", "Batches that failed as a whole", stats.commits_failed),
            ("store_commands", "Commands of committed batches", stats.commands),
            ("store_entries", "Entries appended, without repeats", stats.entries),
            ("store_mark_blocks", "Blocks of watermarks of groups written", stats.mark_blocks),
            ("store_repeats", "Appends answered by their idempotency key", stats.repeats),
            ("store_overloads", "Writes refused by a full queue", stats.overloaded),
            ("store_checkpoints", "Checkpoints completed", stats.checkpoints),
            ("store_reads", "Reads served", stats.reads),
            ("store_replica_reads", "Reads that a replica answered", stats.replica_reads),
            (
                "store_replica_misses",
                "Reads that went to the database though there is a replica",
                stats.replica_misses,
            ),
            ("store_expired_entries", "Contents taken out because they have ended", stats.expired),
            ("store_removed_entries", "Entries removed for their age", stats.removed),
            ("store_upkeep_slices", "Slices of upkeep between batches", stats.slices),
            (
                "store_corrupt_operations",
                "Reads and writes refused because what is stored is damaged",
                stats.corrupt,
            ),
        ];
        for (name, help, value) in counters {
            page.counter(name, help, value)?;
        }
        page.histogram(
            "store_commit_duration_seconds",
            "Time from the begin of a batch until it is durable",
            stats.commit_micros_sum as f64 / 1e6,
            COMMIT_MICROS_BOUNDS.iter().map(|micros| *micros as f64 / 1e6),
            &stats.commit_micros,
        )?;
        page.histogram(
            "store_batch_commands",
            "Commands of a batch",
            stats.commands as f64,
            BATCH_COMMANDS_BOUNDS.iter().map(|commands| *commands as f64),
            &stats.batch_commands,
        )
    }

    fn write_traces(&self, page: &mut Page<'_>) -> fmt::Result {
        let Some(spans) = self.traces.get() else { return Ok(()) };
        let exported = spans.exported.load(Ordering::Relaxed);
        page.counter("traces_exported_spans", "Spans that the collector took", exported)?;
        page.counter(
            "traces_dropped_spans",
            "Spans that found no room in the queue, or no collector",
            spans.dropped.load(Ordering::Relaxed),
        )
    }

    fn write_bus(&self, page: &mut Page<'_>) -> fmt::Result {
        if let Some((is_up, dropped)) = self.adapter.get() {
            let is_up = u64::from(is_up.load(Ordering::Relaxed));
            page.gauge(
                "adapter_up",
                "Whether the app's Socket.IO servers are heard: 1 or 0",
                is_up,
            )?;
            page.counter(
                "adapter_dropped_answers",
                "Answers to them that found no room, or no Redis",
                dropped.load(Ordering::Relaxed),
            )?;
        }
        let Some(bus) = self.bus.get() else { return Ok(()) };
        let (stats, log) = (bus.stats(), self.store.stats());
        let gauges = [
            (
                "bus_lag_milliseconds",
                "How old the last commit of another server was when it was heard, by their clocks",
                log.heard_lag_ms,
            ),
            ("bus_up", "Whether the bus is in reach: 1 or 0", u64::from(stats.is_up)),
            ("bus_nodes", "Other servers that live", stats.nodes),
            ("bus_queued_messages", "Messages that wait to be published", stats.queued),
            (
                "bus_unseated_users",
                "Users of this server of whom the others have yet to be told where they are",
                stats.unseated,
            ),
        ];
        for (name, help, value) in gauges {
            page.gauge(name, help, value)?;
        }
        let counters = [
            ("bus_published_messages", "Messages published", stats.published),
            ("bus_published_bytes", "Bytes published", stats.published_bytes),
            (
                "bus_dropped_messages",
                "Messages that could not be published, which others were told of",
                stats.dropped,
            ),
            ("bus_heard_messages", "Messages of other servers heard", stats.heard),
            (
                "bus_passed_over_messages",
                "Messages of another database's servers, or that were not understood",
                stats.passed_over,
            ),
            (
                "bus_repaired_entries",
                "Entries that were not heard and were found in the database",
                log.repaired,
            ),
            (
                "bus_position_mismatches",
                "Times that another entry was heard at a position than is in the database",
                log.mismatches,
            ),
            ("bus_misses", "Times that messages of others may have been missed", stats.missed),
        ];
        for (name, help, value) in counters {
            page.counter(name, help, value)?;
        }
        Ok(())
    }
}
