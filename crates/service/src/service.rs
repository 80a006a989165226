//! The service: everything that handlers share, and how they are bound to the gateway.
//!
//! Made from its settings, the store, the token check and the delivery; bound to a gateway by
//! [`Service::namespace`]; opened by [`Service::start`] once the gateway runs; closed by
//! [`Service::close`], ended by [`Service::drain`]. Until it is open, and once it is closed,
//! connections are turned away so that they come back.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use parlor_chat::aborts::Order;
use parlor_chat::around::port::Around;
use parlor_chat::bus::Bus;
use parlor_chat::entry::{Millis, Position};
use parlor_chat::group::port::Groups;
use parlor_chat::ids::{DeviceId, UserId};
use parlor_chat::rate::Rate;
use parlor_chat::refusal::{Refusal, SHUTTING_DOWN_RETRY_AFTER_MS};
use parlor_chat::resume::Cursor;
use parlor_chat::store::{Store, StoreError, Whose};
use parlor_gateway::{Frame, Io, Namespace, RoomChange, Socket};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::adapter;
use crate::closing::Ending;
use crate::delivery::{Delivery, NAMESPACE};
use crate::dispatch::{self, Command};
use crate::expiry::{Expiry, SCAN_EVERY_SECONDS};
use crate::identity::Authenticator;
use crate::lines::Lines;
use crate::paces::Paces;
use crate::presence::Presences;
use crate::receipts::{self, Receipts};
use crate::recovery::Pids;
use crate::session::Session;
use crate::sessions::Sessions;
use crate::settings::Settings;
use crate::stats::{Counters, Stats};
use crate::traces::{Begun, Tracer, Traces};
use crate::turns::Turns;
use crate::typing::Typing;
use crate::visibility::Visibility;
use crate::{
    app_events, around, blocks, clock, connect, contacts, conversation_settings, crowds, drafts,
    group_rules, groups, jitter, moderation, nodes, presence, privacy, profiles, queries, records,
    requests, resume, schedules, search, sends, stars, timers, tutorial, typing,
};

/// Beyond every position that a store gives out, which is below 2^53.
const END_OF_LOG: Position = Position((1 << 53) - 1);

/// Chat over a gateway.
pub struct Service {
    pub(crate) settings: Settings,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) groups: Arc<dyn Groups>,
    pub(crate) around: Arc<dyn Around>,
    pub(crate) auth: Arc<dyn Authenticator>,
    delivery: Arc<Delivery>,
    pub(crate) receipts: Receipts,
    pub(crate) member_requests: adapter::Requests,
    rooms_told: OnceLock<RoomsTold>,
    pub(crate) expiry: Expiry,
    pub(crate) turns: Turns,
    pub(crate) pids: Pids,
    pub(crate) token_names: profiles::TokenNames,
    pub(crate) presence: Arc<Presences>,
    pub(crate) typing: Typing,
    pub(crate) connection_rate: Rate,
    pub(crate) user_rate: Rate,
    pub(crate) paces: Arc<Paces>,
    pub(crate) shared_device: DeviceId,
    /// What waits for the store on behalf of a client.
    pub(crate) tasks: TaskTracker,
    /// The tasks that run as long as the service does.
    own_tasks: TaskTracker,
    /// The runtime that the service was started in, which is none of the gateway's.
    pub(crate) runtime: OnceLock<Handle>,
    /// Cancelled when nobody is let in any more.
    pub(crate) closed: CancellationToken,
    /// Cancelled when nothing more is written.
    pub(crate) draining: CancellationToken,
    pub(crate) ending: CancellationToken,
    /// The lines in which sends stand while the app's hook is asked.
    pub(crate) lines: Arc<Lines>,
    /// The lines in which events in passing stand while the store is asked.
    pub(crate) relays: Arc<Lines>,
    /// One for each question that may be under way.
    pub(crate) questions: Arc<Semaphore>,
    /// Wakes the task that says what is due.
    pub(crate) wake: schedules::Wake,
    /// Counts sends, so that those of a connection have an order.
    sends: AtomicU64,
    /// Counts the connections that are let in, so that those which recover one socket have an order.
    pub(crate) attempts: AtomicU64,
}

/// Who is told which rooms somebody is in.
type RoomsTold = Arc<dyn Fn(RoomChange<'_>) + Send + Sync>;

/// Questions to the app's hook that may be under way at once.
fn questions_max(settings: &Settings) -> usize {
    settings.hook.as_ref().map_or(0, |app| app.in_flight_max).min(Semaphore::MAX_PERMITS)
}

/// Why nobody is let in any more; each client hears another delay.
fn shutting_down() -> Refusal {
    Refusal::ShuttingDown { retry_after_ms: jitter::spread(SHUTTING_DOWN_RETRY_AFTER_MS) }
}

impl std::fmt::Debug for Service {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Service").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Service {
    /// A service that is not open yet. `delivery` must be the one that `store` was opened with, and
    /// `groups` and `around` the same backend.
    pub fn new(
        settings: Settings,
        store: Arc<dyn Store>,
        groups: Arc<dyn Groups>,
        around: Arc<dyn Around>,
        auth: Arc<dyn Authenticator>,
        delivery: Arc<Delivery>,
    ) -> Arc<Self> {
        Arc::new(Self {
            receipts: Receipts::new(&settings.limits),
            member_requests: adapter::Requests::new(&settings.members),
            rooms_told: OnceLock::new(),
            expiry: Expiry::default(),
            turns: Turns::new(&settings.limits),
            pids: Pids::new(&store.seal_key()),
            token_names: profiles::TokenNames::default(),
            presence: Arc::clone(&delivery.presence),
            typing: Typing::new(&settings.limits),
            connection_rate: settings.connection_rate(),
            user_rate: settings.user_rate(),
            paces: Arc::new(Paces::new(&settings.limits, settings.is_development())),
            shared_device: DeviceId::shared(),
            tasks: TaskTracker::new(),
            own_tasks: TaskTracker::new(),
            runtime: OnceLock::new(),
            closed: CancellationToken::new(),
            draining: CancellationToken::new(),
            ending: CancellationToken::new(),
            sends: AtomicU64::new(0),
            attempts: AtomicU64::new(0),
            wake: schedules::Wake::default(),
            lines: Arc::default(),
            relays: Arc::default(),
            questions: Arc::new(Semaphore::new(questions_max(&settings))),
            settings,
            store,
            groups,
            around,
            auth,
            delivery,
        })
    }

    /// The order of a send that has just come; called within its handler.
    pub(crate) fn next_order(&self) -> Order {
        Order(self.sends.fetch_add(1, Ordering::Relaxed))
    }

    /// The namespace that chat lives in, to be bound to `/`.
    pub fn namespace(self: &Arc<Self>) -> Namespace {
        let commands: [(&'static str, Command); 86] = [
            ("private_message", sends::private_message),
            ("app_event", app_events::app_event),
            ("typing", typing::typing),
            ("delivered", receipts::delivered),
            ("read", receipts::read),
            ("history", queries::history),
            ("conversations", queries::conversations),
            ("devices", queries::devices),
            ("device_revoke", queries::device_revoke),
            ("renew", queries::renew),
            ("sync", resume::sync),
            ("block", blocks::block),
            ("unblock", blocks::unblock),
            ("blocked", blocks::blocked),
            ("presence", presence::presence),
            ("presence_subscribe", presence::subscribe),
            ("presence_unsubscribe", presence::unsubscribe),
            ("report", moderation::report),
            ("reports", moderation::reports),
            ("report_take", moderation::report_take),
            ("report_resolve", moderation::report_resolve),
            ("warn", moderation::warn),
            ("suspend", moderation::suspend),
            ("unsuspend", moderation::unsuspend),
            ("message_remove", moderation::message_remove),
            ("notice_confirm", moderation::notice_confirm),
            ("audit", moderation::audit),
            ("group_message", groups::message),
            ("group_create", groups::create),
            ("group_update", groups::update),
            ("group_delete", groups::delete),
            ("group_add", groups::add),
            ("group_join", groups::join),
            ("group_leave", groups::leave),
            ("group_kick", groups::kick),
            ("group_ban", groups::ban),
            ("group_unban", groups::unban),
            ("group_mute", groups::mute),
            ("group_unmute", groups::unmute),
            ("group_role", groups::role),
            ("group_members", groups::members),
            ("group_rules", group_rules::get),
            ("group_rules_set", group_rules::set),
            ("group_info", groups::info),
            ("group_invite", groups::invite),
            ("group_invites", groups::invites),
            ("group_invite_revoke", groups::revoke_invite),
            ("group_requests", groups::requests),
            ("group_deny", groups::deny),
            ("groups", groups::groups),
            ("receipts", groups::receipts),
            ("conversation_open", crowds::open),
            ("conversation_close", crowds::close),
            ("badge", queries::badge),
            ("edit", around::edit),
            ("delete", around::delete),
            ("react", around::react),
            ("unreact", around::unreact),
            ("pin", around::pin),
            ("unpin", around::unpin),
            ("pins", around::pins),
            ("thread", around::thread),
            ("conversation_timer", timers::set),
            ("schedules", schedules::list),
            ("schedule_set", schedules::set),
            ("schedule_cancel", schedules::cancel),
            ("search", search::search),
            ("draft_set", drafts::set),
            ("drafts", drafts::list),
            ("star", stars::star),
            ("unstar", stars::unstar),
            ("starred", stars::list),
            ("hide", stars::hide),
            ("unhide", stars::unhide),
            ("conversation_set", conversation_settings::set),
            ("contact_add", contacts::add),
            ("contact_remove", contacts::remove),
            ("contacts", contacts::list),
            ("requests", requests::list),
            ("request_accept", requests::accept),
            ("request_decline", requests::decline),
            ("privacy_get", privacy::get),
            ("privacy_set", privacy::set),
            ("profile_get", profiles::get),
            ("profile_set", profiles::set),
            ("users", profiles::search),
        ];
        let mut namespace = Namespace::new();
        for (name, command) in commands {
            namespace = self.on(namespace, name, command);
        }
        if self.settings.is_development() {
            namespace = self.on(namespace, "private message", sends::tutorial_message);
            let service = Arc::clone(self);
            namespace = namespace
                .on("register", move |socket, event| tutorial::register(&service, socket, event));
        }
        if let Some(tell) = self.rooms_told.get().cloned() {
            namespace = namespace.on_room(move |change| {
                adapter::outside_change(change).into_iter().for_each(|change| tell(change));
            });
        }
        let [admits, connected, unknown, confirmed, gone] = [(); 5].map(|()| Arc::clone(self));
        namespace
            .middleware(async move |request| connect::admit(&admits, request).await)
            .on_connect(move |socket| connect::connected(&connected, &socket))
            .on_any(move |socket, event| {
                let work = dispatch::prepare(&unknown, socket, &event);
                let work = work.and_then(|_| Err(Refusal::UnknownEvent));
                dispatch::finish(&unknown, work, event, None);
            })
            .on_confirmed(move |socket, position| {
                receipts::confirmed(&confirmed, socket, position);
            })
            .on_disconnect(move |socket, reason| {
                connect::disconnected(&gone, socket, reason.as_str());
            })
    }

    fn on(
        self: &Arc<Self>,
        namespace: Namespace,
        name: &'static str,
        command: Command,
    ) -> Namespace {
        let service = Arc::clone(self);
        let named = (name, command);
        namespace.on(name, move |socket, event| dispatch::run(&service, named, socket, event))
    }

    /// Has it told which rooms somebody is in, by the names that members of the app's Socket.IO cluster have for
    /// them: several rooms may have one, and each is told of by itself. To be called before
    /// [`Service::namespace`], once. `tell` must not block.
    pub fn tell_rooms(&self, tell: impl Fn(RoomChange<'_>) + Send + Sync + 'static) {
        let _ = self.rooms_told.set(Arc::new(tell));
    }

    /// Has the courses of some commands told from now on; to be called before [`Service::start`], once, and within
    /// the runtime that it is started in.
    pub fn trace(&self, tracer: Arc<dyn Tracer>) {
        self.traces().collect(tracer);
    }

    /// A request of the app's own server that begins, if it is to be traced; what is done of it is to
    /// [`follow`](crate::follow) it. A `route` has no ids in it.
    pub fn begin_request(
        &self,
        traceparent: Option<&str>,
        method: &str,
        route: &str,
    ) -> Option<Box<Begun>> {
        self.traces().request(traceparent, method, route)
    }

    pub(crate) fn traces(&self) -> &Traces {
        &self.delivery.traces
    }

    /// Speaks with the other nodes of the log from now on; to be called before [`Service::start`], once.
    pub fn join(&self, bus: Arc<dyn Bus>) {
        self.nodes().join(bus);
    }

    /// Opens the service on a running gateway: commits are delivered and connections let in from
    /// now on. To be called once, within a runtime that lives as long as the service and is none of
    /// the gateway's.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read; the service stays closed.
    pub async fn start(self: &Arc<Self>, io: Io) -> Result<(), StoreError> {
        // Whoever asks for nothing still learns how far the log is.
        let nobody = UserId::parse("nobody").expect("a plain word is a user id");
        let head = self.store.since(nobody, END_OF_LOG, Whose::Others, 1).await?.as_of;
        group_rules::load(self).await?;
        self.runtime.get_or_init(Handle::current);
        self.delivery.attach(io, head);
        let service = Arc::clone(self);
        self.own_tasks.spawn(async move { service.receipts.run(Arc::clone(&service)).await });
        let service = Arc::clone(self);
        self.own_tasks.spawn(async move { service.sweep().await });
        let service = Arc::clone(self);
        self.own_tasks.spawn(async move { service.tell_positions().await });
        self.own_tasks.spawn(presence::run(Arc::clone(self)));
        self.own_tasks.spawn(typing::run(Arc::clone(self)));
        self.own_tasks.spawn(crowds::run(Arc::clone(self)));
        let service = Arc::clone(self);
        self.own_tasks.spawn(async move { service.receipts.run_crowds(&service).await });
        self.own_tasks.spawn(schedules::run(Arc::clone(self)));
        self.own_tasks.spawn(nodes::run(Arc::clone(self)));
        self.own_tasks.spawn(nodes::recover(Arc::clone(self)));
        self.own_tasks.close();
        Ok(())
    }

    /// Lets nobody in any more; they are told to come back. Who is here is served as before: the
    /// gateway is to be drained next, so that each connection ends with all of its events answered.
    pub fn close(&self) {
        self.closed.cancel();
    }

    /// What a socket hears before its connection is closed because the server goes down: when to
    /// come back. `jitter`, from 0 to 1, is another for each.
    pub fn farewell(&self, socket: &Socket, jitter: f64) -> Option<Frame> {
        if socket.data::<Session>().is_none_or(Session::is_unanswered) {
            return None;
        }
        let retry_after_ms = jitter::at(SHUTTING_DOWN_RETRY_AFTER_MS, jitter);
        let said = records::reason(&Refusal::ShuttingDown { retry_after_ms });
        Some(Frame::event_raw(NAMESPACE, "closing", &records::alone(&said)))
    }

    /// Ends the service: writes are turned away, what the store was given is waited for and
    /// answered, gathered watermarks are stored. The gateway is to be shut down before that, so that
    /// nobody is left who could be told `unavailable`.
    ///
    /// # Cancel safety
    /// Cancel safe; calling it again goes on waiting.
    pub async fn drain(&self) {
        self.draining.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        self.ending.cancel();
        self.own_tasks.close();
        self.own_tasks.wait().await;
    }

    /// The counters.
    pub fn stats(&self) -> Stats {
        let sessions = self.sessions();
        let (sessions, users) = (sessions.len() as u64, sessions.users() as u64);
        let stats = self.counters().snapshot(sessions, users, self.turns.waiting() as u64);
        let (presence_subscriptions, presence_coalesced) = self.presence.counts();
        let floods = self.settings.rules.floods();
        Stats { presence_subscriptions, presence_coalesced, floods, ..stats }
    }

    /// Refuses connections before the service is open, and once it is closed.
    pub(crate) fn is_open(&self) -> Result<(), Refusal> {
        if self.closed.is_cancelled() || self.draining.is_cancelled() {
            Err(shutting_down())
        } else if self.io().is_none() {
            Err(Refusal::unavailable())
        } else {
            Ok(())
        }
    }

    /// Refuses writes once the service drains.
    pub(crate) fn accepts_writes(&self) -> Result<(), Refusal> {
        if self.draining.is_cancelled() { Err(Refusal::unavailable()) } else { Ok(()) }
    }

    pub(crate) fn io(&self) -> Option<&Io> {
        self.delivery.io()
    }

    pub(crate) fn delivery(&self) -> &Arc<Delivery> {
        &self.delivery
    }

    /// Runs a future on a thread that is no shard's; `None` if the service is ending.
    pub(crate) async fn outside_shards<T: Send + 'static>(
        &self,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Option<T> {
        self.runtime.get()?.spawn(work).await.ok()
    }

    pub(crate) fn sessions(&self) -> &Sessions {
        &self.delivery.sessions
    }

    pub(crate) fn visibility(&self) -> &Visibility {
        &self.delivery.visibility
    }

    pub(crate) fn counters(&self) -> &Counters {
        &self.delivery.counters
    }

    /// Takes a session off the list of those that are here.
    pub(crate) fn unlist(&self, session: &Session) {
        let now = clock::now();
        if let (true, Some(user)) = (self.sessions().remove(session, now), session.user()) {
            self.seated(user, now);
            if !self.sessions().is_here(user) {
                let until = Millis(now.0 + self.settings.limits.presence_grace_ms);
                let crowd = self.crowd();
                self.sessions().with_roster(user, |roster| crowd.went(roster.groups(), until));
            }
        }
    }

    /// Ends a session: tells its client why and closes its connection.
    pub(crate) fn end(&self, session: &Session, ending: Ending) {
        self.unlist(session);
        if let (Some(io), Some(key)) = (self.io(), session.key()) {
            tracing::debug!(code = ending.refusal().name(), "connection: ended by the server");
            // The client of one that was taken over has left it.
            if ending == Ending::TakenOver || session.is_unanswered() {
                ending.close(io, key);
            } else {
                ending.carry_out(io, key);
            }
        }
    }

    /// Tells sessions whose clients keep a position the newest one, so that a client to which
    /// something got lost on its own side finds out although nothing more is said.
    async fn tell_positions(&self) {
        let interval = self.settings.limits.position_interval_ms.max(1);
        let mut ticks = tokio::time::interval(Duration::from_millis(interval));
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = self.ending.cancelled() => break,
            }
            let Some(io) = self.io() else { continue };
            let epoch = self.store.epoch();
            let handed_over = self.delivery.position();
            let mut keepers = Vec::new();
            self.sessions().sweep(clock::now(), |session| {
                if session.is_keeping_position() {
                    keepers.push(Arc::clone(session));
                }
            });
            for session in keepers {
                self.note_groups(&session);
                let position = session.untold_position(handed_over);
                let (Some(key), Some(position)) = (session.key(), position) else { continue };
                let said = records::alone(&records::position(Cursor { epoch, position }));
                if let Err(error) = io.emit_to(key, Frame::event_raw(NAMESPACE, "position", &said))
                {
                    tracing::debug!(%error, "a position was not told");
                }
            }
        }
    }

    /// Notes what was broadcast to the groups of a session's user.
    fn note_groups(&self, session: &Session) {
        let Some(user) = session.user() else { return };
        let tails = &self.delivery.tails;
        let newest = self.sessions().with_roster(user, |roster| {
            roster.groups().filter_map(|group| tails.head(group)).max()
        });
        if let Some(newest) = newest {
            session.group_pushed(newest);
        }
    }

    /// Closes sessions whose tokens have ended, once a second.
    async fn sweep(&self) {
        let mut seconds = tokio::time::interval(Duration::from_secs(1));
        seconds.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        for second in 0u64.. {
            tokio::select! {
                _ = seconds.tick() => {}
                () = self.ending.cancelled() => break,
            }
            let now = clock::now();
            if second % SCAN_EVERY_SECONDS == 0 {
                self.sessions().sweep(now, |session| self.expiry.note(session, now));
                self.delivery.tails.sweep(now);
            }
            for session in self.expiry.due(now) {
                self.counters().expired.add(1);
                self.end(&session, Ending::Expired);
            }
        }
    }
}
