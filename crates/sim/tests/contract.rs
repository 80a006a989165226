//! The simulated store keeps the port's contract, so that what is shown on it holds for a real one.

use std::sync::Arc;

use parlor_sim::world::port::MemoryStore;
use parlor_store::contract::{Made, run_all};

#[tokio::test]
async fn the_simulated_store_keeps_the_contract() {
    run_all(|sink| Made { store: Arc::new(MemoryStore::new(sink)), guard: () }).await;
}
