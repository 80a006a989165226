//! The watermarks of some members of a group as the bytes of one row: what a block holds, and how it
//! is written. No bytes make it panic; those that no block makes are none.

use std::collections::BTreeMap;

/// Slots of one block.
pub(crate) const BLOCK_SLOTS: i64 = 128;

/// Devices of a member whose own marks a block holds; of more, they go to the table.
pub(crate) const DEVICES_MAX: usize = 32;

/// How far a member is, on any device and on each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) delivered: i64,
    pub(crate) delivered_at: i64,
    pub(crate) read: i64,
    pub(crate) read_at: i64,
    /// The position of the newest entry when `delivered`, and when `read`, last moved.
    pub(crate) moved: i64,
    pub(crate) read_moved: i64,
    /// By which entry the member came in.
    pub(crate) joined: i64,
    /// Whether what the member reads is told to nobody.
    pub(crate) is_silent: bool,
    /// How far named devices are, beside what the table says; some may be gone.
    pub(crate) devices: Vec<(i64, i64)>,
}

/// The members of one block who have marks, by their place in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Block(pub(crate) BTreeMap<u8, Standing>);

/// The block that a slot is in, and its place there.
pub(crate) fn place(slot: i64) -> (i64, u8) {
    (slot / BLOCK_SLOTS, (slot % BLOCK_SLOTS) as u8)
}

/// The slot of a place in a block.
pub(crate) fn slot_at(block: i64, place: u8) -> i64 {
    block * BLOCK_SLOTS + i64::from(place)
}

impl Block {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(40 * self.0.len());
        for (place, standing) in &self.0 {
            out.push(*place);
            out.push(u8::from(standing.is_silent));
            for number in standing.numbers() {
                push(&mut out, number);
            }
            push(&mut out, standing.devices.len() as i64);
            for (device, seq) in &standing.devices {
                push(&mut out, *device);
                push(&mut out, *seq);
            }
        }
        out
    }

    /// `None` for bytes that no block makes.
    pub(crate) fn decode(mut bytes: &[u8]) -> Option<Self> {
        let mut block = BTreeMap::new();
        let bytes = &mut bytes;
        while let Some((place, rest)) = bytes.split_first() {
            let (silent, rest) = rest.split_first()?;
            *bytes = rest;
            let mut standing = Standing { is_silent: *silent == 1, ..Standing::default() };
            for number in standing.numbers_mut() {
                *number = pull(bytes)?;
            }
            let devices = usize::try_from(pull(bytes)?).ok().filter(|n| *n <= DEVICES_MAX)?;
            for _ in 0..devices {
                standing.devices.push((pull(bytes)?, pull(bytes)?));
            }
            let is_next = block.last_key_value().is_none_or(|(last, _)| last < place);
            if *silent > 1 || i64::from(*place) >= BLOCK_SLOTS || !is_next {
                return None;
            }
            block.insert(*place, standing);
        }
        Some(Self(block))
    }
}

impl Standing {
    pub(crate) fn numbers(&self) -> [i64; 7] {
        let Self { delivered, delivered_at, read, read_at, moved, read_moved, joined, .. } = self;
        [*delivered, *delivered_at, *read, *read_at, *moved, *read_moved, *joined]
    }

    pub(crate) fn numbers_mut(&mut self) -> [&mut i64; 7] {
        let Self { delivered, delivered_at, read, read_at, moved, read_moved, joined, .. } = self;
        [delivered, delivered_at, read, read_at, moved, read_moved, joined]
    }

    /// How far a device is, as far as it is known here.
    pub(crate) fn of_device(&self, device: i64) -> i64 {
        let found = self.devices.iter().find(|(id, _)| *id == device);
        found.map_or(0, |(_, seq)| *seq)
    }
}

/// Appends a number, seven bits a byte, the low ones first.
fn push(out: &mut Vec<u8>, number: i64) {
    let mut left = number.cast_unsigned();
    while left >= 0x80 {
        out.push(left as u8 | 0x80);
        left >>= 7;
    }
    out.push(left as u8);
}

/// Takes a number that is not negative.
fn pull(bytes: &mut &[u8]) -> Option<i64> {
    let mut number = 0u64;
    for shift in (0..63).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return i64::try_from(number).ok();
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Small and repeatable.
    struct Dice(u64);

    impl Dice {
        fn below(&mut self, bound: u64) -> u64 {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            self.0 % bound
        }

        /// A small number, or one of any size.
        fn number(&mut self) -> i64 {
            let bits = [7, 53][self.below(2) as usize];
            self.below(1 << bits).cast_signed()
        }

        fn block(&mut self) -> Block {
            let mut block = Block::default();
            for _ in 0..self.below(20) {
                let mut standing =
                    Standing { is_silent: self.below(2) == 1, ..Standing::default() };
                for number in standing.numbers_mut() {
                    *number = self.number();
                }
                let devices = self.below(4);
                standing.devices = (0..devices).map(|_| (self.number(), self.number())).collect();
                block.0.insert(self.below(BLOCK_SLOTS.unsigned_abs()) as u8, standing);
            }
            block
        }
    }

    #[test]
    fn a_block_is_read_back_as_it_was_and_a_cut_one_is_none_or_less() {
        let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
        for _ in 0..500 {
            let block = dice.block();
            let bytes = block.encode();
            assert_eq!(Block::decode(&bytes).as_ref(), Some(&block));
            if !bytes.is_empty() {
                let cut = dice.below(bytes.len() as u64) as usize;
                let less = Block::decode(&bytes[..cut]);
                assert!(less.is_none_or(|less| less.0.len() < block.0.len()));
            }
        }
    }

    #[test]
    fn no_bytes_break_it() {
        let mut dice = Dice(42);
        for _ in 0..2_000 {
            let mut bytes = dice.block().encode();
            for _ in 0..dice.below(4) {
                let at = dice.below(bytes.len() as u64 + 1) as usize;
                bytes.insert(at, dice.below(256) as u8);
            }
            if let Some(block) = Block::decode(&bytes) {
                assert!(block.0.keys().all(|place| i64::from(*place) < BLOCK_SLOTS));
            }
        }
        assert_eq!(Block::decode(&[0xff; 64]), None);
    }

    #[test]
    fn a_full_block_is_about_a_page() {
        let standing = Standing {
            delivered: 70_000,
            delivered_at: 1_800_000_000_000,
            read: 70_000,
            read_at: 1_800_000_000_000,
            moved: 5_000_000,
            read_moved: 5_000_000,
            joined: 20_000,
            is_silent: false,
            devices: vec![(90_000, 70_000)],
        };
        let block = Block((0..128).map(|place| (place, standing.clone())).collect());
        assert!(block.encode().len() <= 5 << 10, "{}", block.encode().len());
    }

    #[test]
    fn slots_have_their_places() {
        assert_eq!((place(1), place(127), place(128)), ((0, 1), (0, 127), (1, 0)));
        assert_eq!(slot_at(place(300).0, place(300).1), 300);
    }
}
