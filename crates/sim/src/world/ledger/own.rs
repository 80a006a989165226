//! Users' own records, profiles, and how users stand to each other, as plainly as they can be written.

use std::collections::{BTreeMap, BTreeSet};

use parlor_chat::entry::{Entry, Millis, Position};
use parlor_chat::ids::{ConversationId, UserId};
use parlor_chat::own::{
    OWN_MOVED_MAX, OWN_REMOVED_MAX, OwnChange, OwnChanged, OwnCommitted, OwnCursor, OwnKey,
    OwnKind, OwnMoved, OwnPage, OwnQuery, OwnRecord, OwnWish,
};
use parlor_chat::people::{
    Profile, ProfileChange, ProfileChanged, UsersCursor, UsersPage, UsersQuery, words_of,
};
use parlor_chat::privacy::{Privacy, Regard};
use parlor_chat::store::{Mark, MarkKind, Origin, StoreError};

use super::{Ledger, PAGE_BYTES_MAX};

/// What a record is counted as beside its value.
const RECORD_BYTES: usize = 256;

/// What one user keeps.
#[derive(Debug, Clone, Default)]
pub(super) struct Own {
    records: BTreeMap<(OwnKind, OwnKey), Row>,
    /// Time and position of the newest removed record that is not remembered any more.
    forgotten: BTreeMap<OwnKind, (Millis, Position)>,
}

#[derive(Debug, Clone)]
struct Row {
    record: OwnRecord,
    moved: Position,
}

/// Who a user is.
#[derive(Debug, Clone)]
pub(super) struct Person {
    profile: Profile,
    given: Option<std::sync::Arc<str>>,
    token: Option<std::sync::Arc<str>>,
}

impl Own {
    fn of_kind(&self, kind: OwnKind) -> impl Iterator<Item = &Row> {
        self.records.values().filter(move |row| row.record.kind == kind)
    }

    /// When a record last changed.
    pub(super) fn at(&self, kind: OwnKind, key: &OwnKey) -> Option<Millis> {
        self.records.get(&(kind, key.clone())).map(|row| row.record.at)
    }

    pub(super) fn put(&mut self, record: OwnRecord, moved: Position) {
        let kind = record.kind;
        self.records.insert((kind, record.key.clone()), Row { record, moved });
        let removed = || self.of_kind(kind).filter(|row| row.record.value.is_none());
        if removed().count() <= OWN_REMOVED_MAX {
            return;
        }
        let oldest = removed().min_by_key(|row| row.record.at).expect("there are some").clone();
        self.records.remove(&(kind, oldest.record.key));
        let (at, moved) = self.forgotten.get(&kind).copied().unwrap_or_default();
        let newest = (at.max(oldest.record.at), moved.max(oldest.moved));
        self.forgotten.insert(kind, newest);
    }
}

/// As many as there is room for, and whether there were more.
fn page<'a>(rows: impl Iterator<Item = &'a Row>) -> (Vec<OwnRecord>, bool) {
    let (mut records, mut taken) = (Vec::new(), 0);
    for row in rows {
        if taken >= PAGE_BYTES_MAX {
            return (records, true);
        }
        taken += RECORD_BYTES + row.record.value.as_ref().map_or(0, |value| value.0.len());
        records.push(row.record.clone());
    }
    (records, false)
}

impl Ledger {
    /// Changes records, all or none.
    pub(crate) fn change_own(
        &mut self,
        change: &OwnChange,
    ) -> Result<(OwnChanged, OwnCommitted), StoreError> {
        if let Some(place) = &change.about
            && self.entries_at(&change.user, std::slice::from_ref(place))[0].is_none()
        {
            return Err(StoreError::NotFound);
        }
        let mut own = self.own.get(&change.user).cloned().unwrap_or_default();
        let mut done = OwnChanged { records: Vec::new() };
        let mut told =
            OwnCommitted { user: change.user.clone(), origin: change.origin, records: Vec::new() };
        let old = |wish: &OwnWish| {
            let row = own.records.get(&(wish.kind, wish.key.clone()));
            row.map_or((None, 0), |row| (row.record.value.clone(), row.record.at.0))
        };
        let least = |wish: &OwnWish| old(wish).1 + u64::from(old(wish).0 != wish.value);
        let now = change.wishes.iter().map(least).max().unwrap_or(0).max(change.now.0);
        for wish in &change.wishes {
            let before = own.records.get(&(wish.kind, wish.key.clone())).map(|row| &row.record);
            let (value, at) = before.map_or((None, Millis(0)), |it| (it.value.clone(), it.at));
            let mut record =
                OwnRecord { kind: wish.kind, key: wish.key.clone(), value: wish.value.clone(), at };
            if value.is_none() && wish.value.is_some() && wish.kind == OwnKind::Request {
                return Err(StoreError::NotFound);
            }
            if value != wish.value {
                record.at = Millis(now);
                own.put(record.clone(), self.position);
                told.records.push(record.clone());
            }
            let live = own.of_kind(wish.kind).filter(|row| row.record.value.is_some()).count();
            if value.is_none() && wish.value.is_some() && live > change.records_max {
                return Err(StoreError::TooManyRecords);
            }
            done.records.push(record);
        }
        self.own.insert(change.user.clone(), own);
        for record in told.records.iter().filter(|record| record.kind == OwnKind::Request) {
            if let Ok(conversation) = ConversationId::parse(record.key.as_str()) {
                self.request_moved(&change.user, &conversation);
            }
        }
        Ok((done, told))
    }

    /// How many records of a kind a user has.
    pub(super) fn own_live(&self, user: &UserId, kind: OwnKind) -> usize {
        let own = self.own.get(user);
        let rows = own.into_iter().flat_map(|own| own.of_kind(kind));
        rows.filter(|row| row.record.value.is_some()).count()
    }

    /// Removes what a read mark ends.
    pub(crate) fn end_unread(&mut self, mark: &Mark) -> Option<OwnCommitted> {
        if !matches!(mark.kind, MarkKind::Read(_)) || mark.seq.0 == 0 {
            return None;
        }
        let position = self.position;
        let own = self.own.get_mut(&mark.user)?;
        let key = OwnKey::conversation(&mark.conversation);
        let before = &own.records.get(&(OwnKind::Unread, key.clone()))?.record;
        before.value.as_ref()?;
        let at = Millis(mark.now.0.max(before.at.0 + 1));
        let record = OwnRecord { kind: OwnKind::Unread, key, value: None, at };
        own.put(record.clone(), position);
        Some(OwnCommitted { user: mark.user.clone(), origin: Origin::of(0), records: vec![record] })
    }

    /// A page of one kind.
    pub(crate) fn own(&self, query: &OwnQuery) -> OwnPage {
        let own = self.own.get(&query.user);
        let place = |row: &&Row| (row.record.at, row.record.key.clone());
        let mut rows: Vec<_> = own
            .into_iter()
            .flat_map(|own| own.of_kind(query.kind))
            .filter(|row| row.record.value.is_some())
            .filter(|row| {
                let after = query.after.as_ref();
                after.is_none_or(|after| place(row) < (after.at, after.key.clone()))
            })
            .collect();
        rows.sort_by_key(|row| std::cmp::Reverse(place(row)));
        let (mut records, full) = page(rows.into_iter());
        let more = full || records.len() > query.limit;
        records.truncate(query.limit);
        let last = records.last().filter(|_| more);
        let next = last.map(|last| OwnCursor { at: last.at, key: last.key.clone() });
        OwnPage { records, next }
    }

    /// Records at some places.
    pub(crate) fn own_at(&self, user: &UserId, places: &[(OwnKind, OwnKey)]) -> Vec<OwnRecord> {
        let Some(own) = self.own.get(user) else { return Vec::new() };
        let found = places.iter().filter_map(|place| own.records.get(place));
        found.map(|row| row.record.clone()).filter(|record| record.value.is_some()).collect()
    }

    /// Whether a user hides an entry.
    pub(super) fn is_hidden(&self, user: &UserId, entry: &Entry) -> bool {
        !self.own_at(user, &[(OwnKind::Hidden, OwnKey::message(&entry.id()))]).is_empty()
    }

    /// What changed at or after a position, or since a time.
    pub(super) fn own_moved(&self, user: &UserId, after: Position, told: Millis) -> OwnMoved {
        let mut moved = OwnMoved::default();
        let Some(own) = self.own.get(user) else { return moved };
        for kind in OwnKind::ALL {
            let news = |at: Millis, moved: Position| moved >= after || at >= told;
            let forgotten = own.forgotten.get(&kind);
            if forgotten.is_some_and(|(at, moved)| news(*at, *moved)) {
                moved.reread.push(kind);
                continue;
            }
            let mut rows: Vec<_> =
                own.of_kind(kind).filter(|row| news(row.record.at, row.moved)).collect();
            rows.sort_by_key(|row| (row.record.at, row.record.key.clone()));
            let (mut records, full) = page(rows.into_iter());
            if full || records.len() > OWN_MOVED_MAX {
                moved.reread.push(kind);
            } else {
                moved.records.append(&mut records);
            }
        }
        moved
    }

    /// How a user stands to another.
    pub(crate) fn regard(&self, user: &UserId, other: &UserId) -> Regard {
        let own = self.own.get(user);
        let records: Vec<_> = own
            .into_iter()
            .flat_map(|own| own.of_kind(OwnKind::Privacy))
            .map(|row| row.record.clone())
            .collect();
        let contact = (OwnKind::Contact, OwnKey::user(other));
        let is_contact = !self.own_at(user, &[contact]).is_empty();
        let privacy = Privacy::of(&records);
        Regard { privacy, is_contact, keeps_out: self.is_blocked(user, other) }
    }

    /// Changes a profile.
    pub(crate) fn change_profile(&mut self, change: &ProfileChange) -> ProfileChanged {
        let known = self.people.get(&change.user).cloned();
        let mut person = known.unwrap_or_else(|| Person {
            profile: Profile::blank(change.user.clone()),
            given: None,
            token: None,
        });
        let before = person.profile.clone();
        let wishes = [
            (&mut person.given, &change.name),
            (&mut person.token, &change.token_name),
            (&mut person.profile.avatar, &change.avatar),
            (&mut person.profile.about, &change.about),
        ];
        let mut any = false;
        for (field, wish) in wishes {
            if let Some(wish) = wish
                && field != wish
            {
                (*field, any) = (wish.clone(), true);
            }
        }
        person.profile.name = person.given.clone().or_else(|| person.token.clone());
        let profile = person.profile.clone();
        if any {
            self.people.insert(change.user.clone(), person);
        }
        ProfileChanged { changed: profile != before, profile }
    }

    /// A user's profile.
    pub(crate) fn profile(&self, user: &UserId) -> Profile {
        let person = self.people.get(user);
        person.map_or_else(|| Profile::blank(user.clone()), |person| person.profile.clone())
    }

    /// People by the beginnings of words.
    pub(crate) fn users(&self, query: &UsersQuery) -> UsersPage {
        let Some(first) = query.words.iter().max_by_key(|word| word.len()) else {
            return UsersPage { users: Vec::new(), next: None };
        };
        let mut found = BTreeSet::new();
        for (user, person) in &self.people {
            let words = words_of(user, person.profile.name.as_deref());
            let has = |prefix: &String| words.iter().any(|word| word.starts_with(prefix));
            let is_hidden =
                self.is_blocked(user, &query.asker) || self.is_blocked(&query.asker, user);
            if query.words.iter().all(has) && !is_hidden {
                let least = words.iter().filter(|word| word.starts_with(first)).min();
                found.extend(least.map(|word| (word.clone(), user.clone())));
            }
        }
        let after = query.after.as_ref();
        let later = |place: &&(String, UserId)| {
            after.is_none_or(|after| (&place.0, &place.1) > (&after.word, &after.user))
        };
        let mut places: Vec<_> = found.iter().filter(later).take(query.limit + 1).collect();
        let more = places.len() > query.limit;
        places.truncate(query.limit);
        let last = places.last().filter(|_| more);
        let next = last.map(|(word, user)| UsersCursor { word: word.clone(), user: user.clone() });
        UsersPage { users: places.iter().map(|(_, user)| self.profile(user)).collect(), next }
    }
}
