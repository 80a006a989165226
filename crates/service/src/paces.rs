//! How fast messages may come in a group, whoever sends them, and how often one user may do what costs
//! others much: make and join groups, react, report. All of it besides the rates of users and connections.
//!
//! A message that is not kept gives back what it took of its group's bucket, so nobody can use up what a
//! group may have without the right to write there. A bucket is remembered for each group and for each user
//! and action, within a bound. A full one is as good as none, so those are forgotten first; if there are
//! still too many, all are.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use parlor_chat::entry::Millis;
use parlor_chat::ids::{GroupId, UserId};
use parlor_chat::limits::Limits;
use parlor_chat::rate::{Bucket, Rate};
use parlor_chat::refusal::Refusal;

const HOUR_MS: u64 = 60 * 60 * 1_000;
const MINUTE_MS: u64 = 60 * 1_000;

/// What costs others much.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Action {
    MakeGroup,
    JoinGroup,
    React,
    Report,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Paced {
    Group(GroupId),
    Of(UserId, Action),
}

/// The buckets.
#[derive(Debug)]
pub(crate) struct Paces {
    buckets: Mutex<HashMap<Paced, Bucket>>,
    remembered_max: usize,
    /// `None` for any rate.
    group: Option<Rate>,
    actions: Option<Rates>,
}

#[derive(Debug)]
struct Rates {
    makes: Rate,
    joins: Rate,
    reactions: Rate,
    reports: Rate,
}

impl Paces {
    /// Those of the limits; none of an action while one develops.
    pub(crate) fn new(limits: &Limits, is_lifted: bool) -> Self {
        let group = (limits.group_rate_per_second > 0 && !is_lifted)
            .then(|| Rate::new(limits.group_rate_burst, limits.group_rate_per_second));
        let actions = (!is_lifted).then(|| Rates {
            makes: Rate::over(limits.group_creates_per_hour, HOUR_MS),
            joins: Rate::over(limits.group_joins_per_hour, HOUR_MS),
            reactions: Rate::over(limits.reactions_per_minute, MINUTE_MS),
            reports: Rate::over(limits.reports_per_hour, HOUR_MS),
        });
        let remembered_max = limits.paces_remembered_max;
        Self { buckets: Mutex::default(), remembered_max, group, actions }
    }

    /// Takes a message out of what a group may have, if that is bounded.
    ///
    /// # Errors
    /// [`Refusal::RateLimited`].
    pub(crate) fn message(
        self: &Arc<Self>,
        group: &GroupId,
        now: Millis,
    ) -> Result<Option<Taken>, Refusal> {
        let Some(rate) = &self.group else { return Ok(None) };
        let group = Paced::Group(group.clone());
        self.take(group.clone(), rate, now)?;
        Ok(Some(Taken { paces: Arc::clone(self), group, is_kept: false }))
    }

    /// Takes one of these actions out of what a user may do.
    ///
    /// # Errors
    /// [`Refusal::RateLimited`].
    pub(crate) fn act(&self, user: &UserId, action: Action, now: Millis) -> Result<(), Refusal> {
        let Some(rates) = &self.actions else { return Ok(()) };
        let rate = match action {
            Action::MakeGroup => &rates.makes,
            Action::JoinGroup => &rates.joins,
            Action::React => &rates.reactions,
            Action::Report => &rates.reports,
        };
        self.take(Paced::Of(user.clone(), action), rate, now)
    }

    fn take(&self, of: Paced, rate: &Rate, now: Millis) -> Result<(), Refusal> {
        let mut buckets = self.buckets.lock();
        if buckets.len() >= self.remembered_max && !buckets.contains_key(&of) {
            buckets.retain(|_, bucket| !bucket.is_full(now));
            if buckets.len() >= self.remembered_max {
                buckets.clear();
            }
        }
        let taken = buckets.entry(of).or_default().take(rate, now);
        taken.map_err(|fast| Refusal::RateLimited { retry_after_ms: fast.retry_after_ms })
    }
}

/// What a message took of its group's bucket: given back when this is dropped, unless it was kept.
#[derive(Debug)]
#[must_use = "what is dropped is given back"]
pub(crate) struct Taken {
    paces: Arc<Paces>,
    group: Paced,
    is_kept: bool,
}

impl Taken {
    /// The message was kept.
    pub(crate) fn keep(mut self) {
        self.is_kept = true;
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        if self.is_kept {
            return;
        }
        if let Some(rate) = &self.paces.group
            && let Some(bucket) = self.paces.buckets.lock().get_mut(&self.group)
        {
            bucket.give_back(rate);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(name: &str) -> UserId {
        UserId::parse(name).expect("an id in a test")
    }

    #[test]
    fn each_user_has_a_pace_of_each_action() {
        let limits = Limits { reports_per_hour: 2, ..Limits::default() };
        let paces = Paces::new(&limits, false);
        let reports = |name: &str, now| paces.act(&user(name), Action::Report, Millis(now));
        assert_eq!([reports("a", 0), reports("a", 0)], [Ok(()), Ok(())]);
        let late = Refusal::RateLimited { retry_after_ms: HOUR_MS / 2 };
        assert_eq!(reports("a", 0), Err(late));
        assert_eq!((reports("b", 0), reports("a", HOUR_MS / 2)), (Ok(()), Ok(())));
        assert_eq!(paces.act(&user("a"), Action::React, Millis(0)), Ok(()));
        let lifted = Paces::new(&limits, true);
        assert!((0..9).all(|_| lifted.act(&user("a"), Action::Report, Millis(0)).is_ok()));
    }

    #[test]
    fn a_group_has_no_pace_unless_one_is_set() {
        let group = GroupId::parse("g").expect("an id in a test");
        let free = Arc::new(Paces::new(&Limits::default(), false));
        assert!((0..10_000).all(|_| free.message(&group, Millis(0)).is_ok_and(|it| it.is_none())));
        let limits = Limits { group_rate_per_second: 1, group_rate_burst: 2, ..Limits::default() };
        let paces = Arc::new(Paces::new(&limits, false));
        let taken = || paces.message(&group, Millis(0)).map(|taken| taken.expect("it is bounded"));
        taken().expect("the first").keep();
        drop(taken().expect("the second, which is not kept"));
        taken().expect("another second").keep();
        let late = Refusal::RateLimited { retry_after_ms: 1_000 };
        assert_eq!(taken().map(Taken::keep), Err(late));
    }

    #[test]
    fn what_is_remembered_stays_within_its_bound() {
        let limits = Limits { paces_remembered_max: 3, ..Limits::default() };
        let paces = Paces::new(&limits, false);
        for n in 0..10 {
            paces.act(&user(&n.to_string()), Action::React, Millis(n)).expect("the first passes");
            assert!(paces.buckets.lock().len() <= 3);
        }
    }
}
