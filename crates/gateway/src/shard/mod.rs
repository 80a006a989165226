//! One shard: the connections of one thread, and the loop that serves them.

pub(crate) mod ops;

use std::io;
use std::sync::Arc;

use crate::shared::Shared;

/// The connections of one thread.
pub(crate) struct Shard {
    shared: Arc<Shared>,
    index: u8,
}

impl Shard {
    pub(crate) fn new(shared: Arc<Shared>, index: u8) -> io::Result<Self> {
        Ok(Self { shared, index })
    }

    /// Serves until the shutdown is complete.
    pub(crate) async fn run(self) {
        let _ = (self.shared, self.index);
    }
}
