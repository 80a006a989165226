//! Rooms of one namespace: dense lists of sockets. A name is looked up once per operation; each
//! seat in a room and each membership of a socket know the other's place, so that joining and
//! leaving cost the same in rooms of any size. A room exists as long as someone is in it.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use hashbrown::HashTable;
use smallvec::SmallVec;

use crate::namespace::{RoomChange, RoomWatch};

/// A socket's place in a room, kept by the socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Membership {
    room: u32,
    seat: u32,
}

/// The rooms of one socket, in the order in which they were joined (until one is left).
pub(crate) type Memberships = SmallVec<[Membership; 2]>;

/// Where the sockets keep their memberships.
pub(crate) trait Members {
    /// The memberships of a socket that is in a room.
    fn memberships(&mut self, socket: u32) -> &mut Memberships;
}

#[derive(Clone, Copy, Debug)]
struct Seat {
    socket: u32,
    /// The index of this room among the socket's memberships.
    index: u32,
}

#[derive(Debug)]
struct Room {
    name: Arc<str>,
    seats: SmallVec<[Seat; 1]>,
}

/// All rooms of a namespace on one shard.
#[derive(Debug, Default)]
pub(crate) struct Rooms {
    /// The numbers of the rooms, found by their names, which only the rooms hold: most have one
    /// socket, so that a room's place in here is part of what a connection costs.
    numbers: HashTable<u32>,
    hasher: RandomState,
    rooms: Vec<Option<Room>>,
    free: Vec<u32>,
    watch: Option<RoomWatch>,
}

impl Rooms {
    /// None yet; who is given hears of each that begins and ends.
    pub(crate) fn new(watch: Option<RoomWatch>) -> Self {
        Self { watch, ..Self::default() }
    }

    /// The number of a room that someone is in.
    pub(crate) fn find(&self, name: &str) -> Option<u32> {
        let hash = self.hasher.hash_one(name);
        self.numbers.find(hash, |&room| name_of(&self.rooms, room) == name).copied()
    }

    /// Whether these memberships are of a socket in the room of this name.
    pub(crate) fn holds(&self, name: &str, memberships: &Memberships) -> bool {
        self.find(name).is_some_and(|room| memberships.iter().any(|it| it.room == room))
    }

    /// How many sockets a room has.
    pub(crate) fn size(&self, room: u32) -> usize {
        let room = self.rooms.get(room as usize).and_then(Option::as_ref);
        room.map_or(0, |room| room.seats.len())
    }

    /// The sockets of a room.
    pub(crate) fn sockets(&self, room: u32) -> impl Iterator<Item = u32> + '_ {
        let room = self.rooms.get(room as usize).and_then(Option::as_ref);
        room.into_iter().flat_map(|room| room.seats.iter().map(|seat| seat.socket))
    }

    /// The names of the rooms that these memberships are of.
    pub(crate) fn names(&self, memberships: &Memberships) -> impl Iterator<Item = &Arc<str>> {
        memberships.iter().filter_map(|it| {
            self.rooms.get(it.room as usize).and_then(Option::as_ref).map(|room| &room.name)
        })
    }

    /// Seats a socket in a room; `false` if it sat there already.
    pub(crate) fn join(&mut self, name: &Arc<str>, socket: u32, all: &mut impl Members) -> bool {
        let memberships = all.memberships(socket);
        if self.holds(name, memberships) {
            return false;
        }
        let number = self.find(name).unwrap_or_else(|| self.open(name));
        let room = self.rooms[number as usize].as_mut().expect("a named room exists");
        memberships.push(Membership { room: number, seat: room.seats.len() as u32 });
        room.seats.push(Seat { socket, index: memberships.len() as u32 - 1 });
        true
    }

    /// Takes a socket out of a room; `false` if it was not there.
    pub(crate) fn leave(&mut self, name: &str, socket: u32, all: &mut impl Members) -> bool {
        let Some(room) = self.find(name) else { return false };
        let index = all.memberships(socket).iter().position(|it| it.room == room);
        if let Some(index) = index {
            self.unseat(index, socket, all);
        }
        index.is_some()
    }

    /// Takes a socket out of all its rooms.
    pub(crate) fn leave_all(&mut self, socket: u32, all: &mut impl Members) {
        while !all.memberships(socket).is_empty() {
            let last = all.memberships(socket).len() - 1;
            self.unseat(last, socket, all);
        }
    }

    fn open(&mut self, name: &Arc<str>) -> u32 {
        let room = Some(Room { name: Arc::clone(name), seats: SmallVec::new() });
        let number = match self.free.pop() {
            Some(number) => {
                self.rooms[number as usize] = room;
                number
            }
            None => {
                self.rooms.push(room);
                self.rooms.len() as u32 - 1
            }
        };
        let Self { numbers, rooms, hasher, .. } = self;
        let hash_of = |&room: &u32| hasher.hash_one(name_of(rooms, room));
        numbers.insert_unique(hasher.hash_one(&**name), number, hash_of);
        self.tell(name, true);
        number
    }

    fn unseat(&mut self, index: usize, socket: u32, all: &mut impl Members) {
        let memberships = all.memberships(socket);
        let left = memberships.swap_remove(index);
        let moved = memberships.get(index).copied();
        if let Some(moved) = moved {
            let room = self.rooms[moved.room as usize].as_mut().expect("a room with a seat exists");
            room.seats[moved.seat as usize].index = index as u32;
        }
        let room = self.rooms[left.room as usize].as_mut().expect("a room with a seat exists");
        room.seats.swap_remove(left.seat as usize);
        if let Some(seat) = room.seats.get(left.seat as usize) {
            all.memberships(seat.socket)[seat.index as usize].seat = left.seat;
        } else if room.seats.is_empty() {
            let hash = self.hasher.hash_one(&*room.name);
            if let Ok(number) = self.numbers.find_entry(hash, |&number| number == left.room) {
                number.remove();
            }
            let ended = self.rooms[left.room as usize].take();
            self.free.push(left.room);
            if let Some(room) = ended {
                self.tell(&room.name, false);
            }
        }
    }

    fn tell(&self, room: &str, is_there: bool) {
        if let Some(watch) = &self.watch {
            watch.tell(RoomChange { room, is_own: false, is_there });
        }
    }
}

fn name_of(rooms: &[Option<Room>], room: u32) -> &str {
    &rooms[room as usize].as_ref().expect("a numbered room exists").name
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use parking_lot::Mutex;

    use super::*;

    #[derive(Default)]
    struct World(Vec<Memberships>);

    impl Members for World {
        fn memberships(&mut self, socket: u32) -> &mut Memberships {
            &mut self.0[socket as usize]
        }
    }

    fn sockets(rooms: &Rooms, name: &str) -> BTreeSet<u32> {
        rooms.find(name).into_iter().flat_map(|room| rooms.sockets(room)).collect()
    }

    #[test]
    fn joining_twice_seats_once() {
        let (mut rooms, mut world) = (Rooms::default(), World(vec![Memberships::new()]));
        assert!(rooms.join(&"a".into(), 0, &mut world));
        assert!(!rooms.join(&"a".into(), 0, &mut world));
        assert_eq!(sockets(&rooms, "a"), [0].into());
    }

    #[test]
    fn empty_room_is_gone_and_its_number_reused() {
        let (mut rooms, mut world) = (Rooms::default(), World(vec![Memberships::new()]));
        rooms.join(&"a".into(), 0, &mut world);
        assert!(rooms.leave("a", 0, &mut world));
        assert!(!rooms.leave("a", 0, &mut world));
        assert_eq!(rooms.find("a"), None);
        rooms.join(&"b".into(), 0, &mut world);
        assert_eq!(rooms.rooms.len(), 1);
    }

    #[test]
    fn any_order_of_joins_and_leaves_agrees_with_sets() {
        const SOCKETS: u32 = 20;
        let names: Vec<Arc<str>> = (0..7).map(|it| format!("room{it}").into()).collect();
        let mut model = vec![BTreeSet::new(); names.len()];
        let mut world = World((0..SOCKETS).map(|_| Memberships::new()).collect());
        let (told, mut there) = (Arc::new(Mutex::new(Vec::new())), BTreeSet::new());
        let watch = Arc::clone(&told);
        let mut rooms = Rooms::new(Some(RoomWatch::new(move |change| {
            watch.lock().push((change.room.to_owned(), change.is_there));
        })));
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        for step in 0..20_000 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let (socket, room) = ((state >> 8) as u32 % SOCKETS, (state >> 32) as usize % 7);
            match state % 16 {
                0 => {
                    rooms.leave_all(socket, &mut world);
                    model.iter_mut().for_each(|set| {
                        set.remove(&socket);
                    });
                }
                1..9 => {
                    let joined = rooms.join(&names[room], socket, &mut world);
                    assert_eq!(joined, model[room].insert(socket), "step {step}");
                }
                _ => {
                    let left = rooms.leave(&names[room], socket, &mut world);
                    assert_eq!(left, model[room].remove(&socket), "step {step}");
                }
            }
            let name = &names[step % 7];
            assert_eq!(sockets(&rooms, name), model[step % 7], "step {step}");
            for (room, is_there) in told.lock().drain(..) {
                let is_new = if is_there { there.insert(room) } else { there.remove(&room) };
                assert!(is_new, "step {step}: told twice");
            }
            let full = names.iter().zip(&model).filter(|(_, sockets)| !sockets.is_empty());
            assert!(full.map(|(name, _)| &**name).eq(there.iter()), "step {step}: {there:?}");
        }
    }
}
