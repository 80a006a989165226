//! The hub keeps every promise of the port.

use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use parlor_bus::contract::{self, Kept, LOG, Note, Stage, run_all};
use parlor_bus::hub::Hub;
use parlor_chat::bus::{Bus, NodeId, Topic};

#[derive(Default)]
struct OnHub {
    hub: Hub,
    nodes: Mutex<Vec<NodeId>>,
}

impl Stage for OnHub {
    fn join(&self, log: u64) -> BoxFuture<'_, Result<Arc<dyn Bus>, String>> {
        let joined = self.hub.join(log).map_err(|error| error.to_string());
        let joined = joined.map(|bus| -> Arc<dyn Bus> {
            self.nodes.lock().push(bus.node());
            bus
        });
        async move { joined }.boxed()
    }

    fn crash(&self, node: NodeId) -> BoxFuture<'_, ()> {
        self.hub.cut(node);
        self.hub.end_lease(node);
        async {}.boxed()
    }

    fn wipe(&self) -> BoxFuture<'_, ()> {
        self.hub.empty_directory();
        async {}.boxed()
    }

    fn interrupt(&self, kept: Kept) -> BoxFuture<'_, ()> {
        let nodes = self.nodes.lock().clone();
        nodes.iter().for_each(|node| self.hub.cut(*node));
        if kept == Kept::Nothing {
            self.hub.empty_directory();
        }
        nodes.iter().for_each(|node| self.hub.mend(*node));
        async {}.boxed()
    }

    fn say(&self, topic: Topic, bytes: Vec<u8>) -> BoxFuture<'_, ()> {
        self.hub.say(topic, &bytes);
        async {}.boxed()
    }
}

#[tokio::test]
async fn the_hub_keeps_the_contract() {
    run_all(async || OnHub::default()).await;
}

#[tokio::test]
async fn who_was_cut_off_is_told_and_so_are_those_who_did_not_hear_it() {
    let stage = OnHub::default();
    let (a, b) = (contract::node(&stage).await, contract::node(&stage).await);
    stage.hub.cut(a.bus.node());
    a.bus.publish(Topic::Log, b"unheard".to_vec());
    b.bus.publish(Topic::Log, b"unheard".to_vec());
    a.bus.seat(contract::user("al"), vec![contract::device("d")]);
    assert!(a.bus.elsewhere(vec![contract::user("al")]).await.is_err());
    assert_eq!((a.bus.stats().unseated, a.bus.stats().dropped), (1, 1));
    stage.hub.mend(a.bus.node());
    assert_eq!(a.log.count(&Note::Missed), 1);
    assert_eq!((b.log.count(&Note::Missed), b.talk.count(&Note::Missed)), (1, 0));
    assert!(a.log.messages().is_empty() && b.log.messages().is_empty());
    let here = vec![(a.bus.node(), vec![contract::device("d")])];
    contract::found(&*b.bus, &["al"], &[here]).await;
}

#[tokio::test]
async fn a_lease_that_ends_on_a_node_in_reach_is_taken_again() {
    let stage = OnHub::default();
    let (a, b) = (contract::node(&stage).await, contract::node(&stage).await);
    a.bus.seat(contract::user("al"), vec![contract::device("d")]);
    stage.hub.end_lease(a.bus.node());
    assert_eq!(b.log.count(&Note::Left(a.bus.node())), 1);
    assert_eq!(a.log.count(&Note::Forgotten), 1);
    assert_eq!((a.bus.stats().nodes, b.bus.stats().nodes), (1, 1));
    contract::found(&*b.bus, &["al"], &[vec![]]).await;
}

#[tokio::test]
async fn an_ear_may_answer_at_once() {
    struct Answering(std::sync::Weak<dyn Bus>);

    impl parlor_chat::bus::Ear for Answering {
        fn heard(&self, _from: NodeId, message: &[u8]) {
            if let Some(bus) = self.0.upgrade()
                && message == b"question"
            {
                bus.publish(Topic::Log, b"answer".to_vec());
            }
        }
    }

    let hub = Hub::new();
    let a: Arc<dyn Bus> = hub.join(LOG).expect("it joins");
    let b: Arc<dyn Bus> = hub.join(LOG).expect("it joins");
    a.listen(Topic::Log, Arc::new(Answering(Arc::downgrade(&a))));
    let notes = Arc::<contract::Notes>::default();
    b.listen(Topic::Log, notes.clone());
    b.publish(Topic::Log, b"question".to_vec());
    assert_eq!(notes.messages(), [(a.node(), b"answer".to_vec())]);
}
