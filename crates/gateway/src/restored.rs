//! Sockets whose public id is not made from their key, since they had it in an earlier life. Each
//! shard keeps its own, to find the sockets of a room that is named by an id; all together are
//! shared, to tell keys and ids apart from anywhere. What is kept is as many as there are such
//! sockets.

use std::collections::HashMap;

use smallvec::SmallVec;

use crate::ids::{SocketId, SocketKey};

/// Ids by key, and keys by id: an id may have several sockets until the older ones are closed.
#[derive(Debug, Default)]
pub(crate) struct Restored {
    ids: HashMap<SocketKey, SocketId>,
    keys: HashMap<SocketId, SmallVec<[SocketKey; 1]>>,
}

impl Restored {
    pub(crate) fn insert(&mut self, key: SocketKey, id: SocketId) {
        self.ids.insert(key, id);
        self.keys.entry(id).or_default().push(key);
    }

    pub(crate) fn remove(&mut self, key: SocketKey) {
        let Some(id) = self.ids.remove(&key) else { return };
        if let Some(keys) = self.keys.get_mut(&id) {
            keys.retain(|it| *it != key);
            if keys.is_empty() {
                self.keys.remove(&id);
            }
        }
    }

    pub(crate) fn id_of(&self, key: SocketKey) -> Option<SocketId> {
        self.ids.get(&key).copied()
    }

    /// The sockets of an id, in the order in which they came.
    pub(crate) fn keys_of(&self, id: &str) -> &[SocketKey] {
        if self.keys.is_empty() {
            return &[];
        }
        SocketId::parse(id).and_then(|id| self.keys.get(&id)).map_or(&[], SmallVec::as_slice)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Seal;

    #[test]
    fn an_id_has_its_sockets_in_order_until_each_is_gone() {
        let (seal, mut restored) = (Seal::default(), Restored::default());
        let [old, new] = [1, 2].map(|slot| SocketKey::new(0, slot, 1));
        let id = seal.socket_id(SocketKey::new(9, 9, 9));
        restored.insert(old, id);
        restored.insert(new, id);
        assert_eq!(restored.keys_of(&id), [old, new]);
        restored.remove(old);
        assert_eq!(restored.keys_of(&id), [new]);
        assert_eq!((restored.id_of(old), restored.id_of(new)), (None, Some(id)));
        restored.remove(new);
        restored.remove(new);
        assert!(restored.ids.is_empty() && restored.keys.is_empty());
    }
}
