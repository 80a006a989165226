//! Values in numbered slots. A slot is reused after its value is removed, under another generation,
//! so that what named the old value finds nothing. Slots lie in chunks that never move or grow.

const CHUNK: usize = 256;
const NONE: u32 = u32::MAX;

struct Slot<T> {
    generation: u32,
    next_free: u32,
    value: Option<T>,
}

/// A growing set of numbered values.
pub(crate) struct Slab<T> {
    chunks: Vec<Vec<Slot<T>>>,
    free: u32,
    len: usize,
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self { chunks: Vec::new(), free: NONE, len: 0 }
    }
}

impl<T> Slab<T> {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Puts in what `make` gives for the slot and generation.
    pub(crate) fn insert(&mut self, make: impl FnOnce(u32, u32) -> T) -> (u32, u32) {
        self.len += 1;
        if self.free != NONE {
            let index = self.free;
            let slot = self.slot(index).expect("a free slot exists");
            let generation = slot.generation;
            slot.value = Some(make(index, generation));
            let next = std::mem::replace(&mut slot.next_free, NONE);
            self.free = next;
            return (index, generation);
        }
        if self.chunks.last().is_none_or(|chunk| chunk.len() == CHUNK) {
            self.chunks.push(Vec::with_capacity(CHUNK));
        }
        let before = (self.chunks.len() - 1) * CHUNK;
        let chunk = self.chunks.last_mut().expect("a chunk was just pushed");
        let index = (before + chunk.len()) as u32;
        chunk.push(Slot { generation: 1, next_free: NONE, value: Some(make(index, 1)) });
        (index, 1)
    }

    /// The value of a slot, if it is still of this generation.
    pub(crate) fn get_mut(&mut self, index: u32, generation: u32) -> Option<&mut T> {
        let slot = self.slot(index)?;
        if slot.generation != generation {
            return None;
        }
        slot.value.as_mut()
    }

    /// As `get_mut`, to look at.
    pub(crate) fn get(&self, index: u32, generation: u32) -> Option<&T> {
        let slot = self.chunks.get(index as usize / CHUNK)?.get(index as usize % CHUNK)?;
        if slot.generation != generation {
            return None;
        }
        slot.value.as_ref()
    }

    /// The value of a slot, whatever its generation.
    pub(crate) fn at(&mut self, index: u32) -> Option<&mut T> {
        self.slot(index)?.value.as_mut()
    }

    /// The generation of a slot that holds a value.
    pub(crate) fn generation(&self, index: u32) -> Option<u32> {
        let slot = self.chunks.get(index as usize / CHUNK)?.get(index as usize % CHUNK)?;
        slot.value.is_some().then_some(slot.generation)
    }

    /// Takes a value out; its slot changes generation.
    pub(crate) fn remove(&mut self, index: u32, generation: u32) -> Option<T> {
        let free = self.free;
        let slot = self.slot(index)?;
        if slot.generation != generation {
            return None;
        }
        let value = slot.value.take()?;
        slot.generation = slot.generation.checked_add(1).unwrap_or(1);
        slot.next_free = free;
        self.free = index;
        self.len -= 1;
        Some(value)
    }

    /// The slot and generation of some values that are `wanted`, at most `max`, beginning with the
    /// chunk of the slot `from`.
    pub(crate) fn some(
        &self,
        from: u32,
        max: usize,
        wanted: impl Fn(&T) -> bool,
    ) -> Vec<(u32, u32)> {
        let first = (from as usize / CHUNK).min(self.chunks.len());
        let slots = self.chunks[first..].iter().flatten().zip((first * CHUNK) as u32..);
        let held = slots.filter(|(slot, _)| slot.value.as_ref().is_some_and(&wanted));
        held.map(|(slot, index)| (index, slot.generation)).take(max).collect()
    }

    fn slot(&mut self, index: u32) -> Option<&mut Slot<T>> {
        self.chunks.get_mut(index as usize / CHUNK)?.get_mut(index as usize % CHUNK)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn removed_value_is_not_found_under_its_old_generation() {
        let mut slab = Slab::default();
        let (index, generation) = slab.insert(|_, _| "first");
        assert_eq!(slab.remove(index, generation), Some("first"));
        let (again, newer) = slab.insert(|_, _| "second");
        assert_eq!(again, index);
        assert_ne!(newer, generation);
        assert_eq!(slab.get_mut(index, generation), None);
        assert_eq!(slab.remove(index, generation), None);
        assert_eq!(slab.get(index, newer), Some(&"second"));
    }

    #[test]
    fn what_is_wanted_is_found_a_part_at_a_time() {
        let mut slab = Slab::default();
        for _ in 0..1000_u32 {
            slab.insert(|index, _| index);
        }
        let (mut from, mut found) = (0, Vec::new());
        loop {
            let part = slab.some(from, 100, |value| value % 3 == 0);
            let Some(&(last, _)) = part.last() else { break };
            for (index, generation) in part {
                found.push(slab.remove(index, generation).expect("it is held"));
            }
            from = last;
        }
        assert_eq!(found, (0..1000).filter(|value| value % 3 == 0).collect::<Vec<_>>());
        assert!(slab.some(5000, 1, |_| true).is_empty());
    }

    #[test]
    fn slots_are_dense_across_chunks() {
        let mut slab = Slab::default();
        for expected in 0..1000_u32 {
            assert_eq!(slab.insert(|index, _| index).0, expected);
        }
        assert_eq!(slab.len(), 1000);
        assert_eq!(slab.at(777), Some(&mut 777));
        assert_eq!(slab.at(1000), None);
    }
}
