//! An outbox that ends with the program.

use super::{Change, OutboxItem, OutboxStore, StoreError};

/// Keeps messages over reconnects, and not over restarts of the program.
#[derive(Debug, Default)]
pub struct MemoryOutbox {
    items: Vec<(String, OutboxItem)>,
}

impl OutboxStore for MemoryOutbox {
    fn items(&mut self, owner: &str) -> Result<Vec<OutboxItem>, StoreError> {
        let of_owner = self.items.iter().filter(|(other, _)| other == owner);
        Ok(of_owner.map(|(_, item)| item.clone()).collect())
    }

    fn apply(&mut self, owner: &str, changes: &[Change]) -> Result<(), StoreError> {
        for change in changes {
            let client_id = match change {
                Change::Put(item) => &item.client_id,
                Change::Remove(client_id) => client_id,
            };
            self.items.retain(|(other, item)| other != owner || item.client_id != *client_id);
            if let Change::Put(item) = change {
                self.items.push((owner.to_owned(), item.clone()));
            }
        }
        Ok(())
    }
}
