//! What only real servers do: they stop where they are, and masters die.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use parlor_bus::contract::{Note, device, found, node, run_all, seated, until, user};
use parlor_chat::bus::Topic;

use super::server::Cluster;
use super::stage::OnRedis;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_cluster_keeps_the_contract() {
    let cluster = Arc::new(Mutex::new(Cluster::start()));
    run_all(async || OnRedis::cluster(&cluster)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_stands_still_holds_nobody_up_and_others_are_told_of_what_was_dropped() {
    const MESSAGES_MAX: usize = 100;
    let stage = OnRedis::server().with(|config| config.queue_messages_max = MESSAGES_MAX);
    let (a, b) = (node(&stage).await, node(&stage).await);
    a.bus.publish(Topic::Log, b"before".to_vec());
    b.log.heard(&*a.bus, b"before").await;
    stage.servers(|server| server.pause());
    let began = Instant::now();
    for at in 0..10_000 {
        a.bus.publish(Topic::Log, format!("message {at}").into_bytes());
        a.bus.seat(user(&format!("user {at}")), vec![device("d")]);
    }
    // Whoever waited for the server would wait for ever.
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    let stats = a.bus.stats();
    assert!(stats.queued <= MESSAGES_MAX as u64, "{stats:?}");
    assert!(stats.dropped >= 10_000 - 2 * MESSAGES_MAX as u64, "{stats:?}");
    let began = Instant::now();
    assert!(a.bus.elsewhere(vec![user("al")]).await.is_err());
    assert!(began.elapsed() < Duration::from_millis(1_900), "{:?}", began.elapsed());
    until("it is out of reach", || !a.bus.stats().is_up && !b.bus.stats().is_up).await;
    stage.servers(|server| server.resume());
    // What was dropped is told of though nothing follows, and so is what was kept and said before the other
    // heard again; what is heard of it comes in order.
    b.log.until("something was missed", |notes| notes.contains(&Note::Missed)).await;
    until("it is in reach", || a.bus.stats().is_up && b.bus.stats().is_up).await;
    until("all that was kept is said", || a.bus.stats().queued == 0).await;
    a.bus.publish(Topic::Log, b"after".to_vec());
    b.log.heard(&*a.bus, b"after").await;
    let heard: Vec<Vec<u8>> = b.log.messages().into_iter().map(|(_, message)| message).collect();
    // Which were kept depends on how much the server had taken before it stood still.
    let said = (0..10_000).map(|at| format!("message {at}").into_bytes());
    let mut said = [b"before".to_vec()].into_iter().chain(said).chain([b"after".to_vec()]);
    assert!(heard.iter().all(|message| said.any(|it| it == *message)), "{}", heard.len());
    seated(&*a.bus).await;
    found(&*b.bus, &["user 9999"], &[vec![(a.bus.node(), vec![device("d")])]]).await;
    assert_eq!(a.bus.stats().queued, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_seats_found_no_room_all_are_asked_for() {
    let stage = OnRedis::server().with(|config| config.seats_max = 10);
    let a = node(&stage).await;
    stage.servers(|server| server.pause());
    for at in 0..600 {
        a.bus.seat(user(&format!("user {at}")), vec![device("d")]);
    }
    stage.servers(|server| server.resume());
    let asked = |notes: &[Note]| notes.contains(&Note::Forgotten);
    a.talk.until("seats are asked for", asked).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_whose_masters_die_works_again_in_bounded_time() {
    let cluster = Arc::new(Mutex::new(Cluster::start()));
    let stage = OnRedis::cluster(&cluster);
    let (a, b) = (node(&stage).await, node(&stage).await);
    let name = "stage-0";
    for (topic, ear) in [(Topic::Log, &b.log), (Topic::Talk, &b.talk)] {
        let missed = ear.count(&Note::Missed);
        let channel = format!("parlor:{name}:{}", topic.as_str());
        let master = cluster.lock().master_of(&channel);
        let began = Instant::now();
        cluster.lock().servers[master].kill();
        ear.until("something was missed", |notes| {
            notes.iter().filter(|note| **note == Note::Missed).count() > missed
        })
        .await;
        until("it is in reach", || a.bus.stats().is_up && b.bus.stats().is_up).await;
        let message = format!("after {}", topic.as_str()).into_bytes();
        a.bus.publish(topic, message.clone());
        ear.heard(&*a.bus, &message).await;
        println!("{channel}: {:.1} s", began.elapsed().as_secs_f64());
        cluster.lock().servers[master].run();
        cluster.lock().settle();
    }
    a.bus.seat(user("al"), vec![device("d")]);
    seated(&*a.bus).await;
    found(&*b.bus, &["al"], &[vec![(a.bus.node(), vec![device("d")])]]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_is_heard_where_its_slot_has_moved() {
    let cluster = Arc::new(Mutex::new(Cluster::start()));
    let stage = OnRedis::cluster(&cluster);
    let (a, b) = (node(&stage).await, node(&stage).await);
    cluster.lock().move_slot_of("parlor:stage-0:log");
    let told = |notes: &[Note]| notes.contains(&Note::Missed);
    a.log.until("the topic moved", told).await;
    b.log.until("the topic moved", told).await;
    a.bus.publish(Topic::Log, b"after".to_vec());
    b.log.heard(&*a.bus, b"after").await;
    b.bus.publish(Topic::Log, b"too".to_vec());
    a.log.heard(&*b.bus, b"too").await;
}
