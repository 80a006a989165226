//! Clients whose bytes arrive changed. They talk to each other alone, and nothing of what they say
//! is in the history: a changed message can be a good one that nobody meant. What counts is that
//! the server throws them out or answers, never ends, and that nobody else feels anything.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Result;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::json;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::client::{Connection, Hello};
use super::shared::Phase;

/// How long one of their connections is kept up.
const LIFE: Duration = Duration::from_secs(4);

/// Connects and talks until the run stops sending.
pub(super) async fn run(addr: SocketAddr, number: usize, seed: u64, phase: watch::Receiver<Phase>) {
    let mut rng = StdRng::seed_from_u64(seed);
    while *phase.borrow() <= Phase::Send {
        // However it ends, it is what was wanted.
        let _ = timeout(LIFE, talk(addr, number, &mut rng)).await;
        sleep(Duration::from_millis(rng.random_range(10..100))).await;
    }
}

async fn talk(addr: SocketAddr, number: usize, rng: &mut StdRng) -> Result<()> {
    let user = format!("hostile{number}");
    let mut connection = Connection::open(addr, &Hello::new(&user, "device")).await?;
    loop {
        let to = format!("hostile{}", rng.random_range(0..10));
        let (event, payload) = match rng.random_range(0..7) {
            0 => ("delivered", json!({ "conversationId": format!("dm:{user}:{to}"), "seq": 3 })),
            1 => ("conversations", json!({ "limit": 10 })),
            2 => ("typing", json!({ "toUserId": to })),
            3 => ("presence_subscribe", json!({ "userIds": [to] })),
            _ => {
                let content = "x".repeat(rng.random_range(0..2000));
                ("private_message", json!({ "toUserId": to, "content": content }))
            }
        };
        connection.emit_with_ack(event, &payload).await?;
        // Reads what comes, for a while.
        let pause = Duration::from_millis(rng.random_range(5..100));
        if let Ok(incoming) = timeout(pause, connection.next()).await {
            incoming?;
        }
    }
}
