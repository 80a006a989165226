//! Who of a group is online: what is counted, and what it costs.

mod support;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parlor_chat::ids::UserId;
use parlor_chat::limits::Limits;
use parlor_service::{Members, Online, Settings};
use support::client::PATIENCE;
use support::{House, Plan};

/// A group that counts how often it is asked.
struct Group {
    members: Vec<UserId>,
    asked: AtomicUsize,
}

impl Group {
    fn new(names: impl IntoIterator<Item = String>) -> Self {
        let user = |name: String| UserId::parse(&name).expect("an id in a test");
        let mut members: Vec<_> = names.into_iter().map(user).collect();
        members.sort();
        Self { members, asked: Default::default() }
    }

    fn ask(&self) {
        self.asked.fetch_add(1, Ordering::Relaxed);
    }
}

impl Members for Group {
    fn count(&self) -> usize {
        self.members.len()
    }

    fn contains(&self, user: &UserId) -> bool {
        self.ask();
        self.members.binary_search(user).is_ok()
    }

    fn each(&self, visit: &mut dyn FnMut(&UserId)) {
        self.members.iter().for_each(|user| {
            self.ask();
            visit(user);
        });
    }
}

#[tokio::test]
async fn who_of_a_group_is_online_costs_what_the_smaller_side_costs() {
    let limits = Limits { presence_grace_ms: 3_600_000, ..Limits::default() };
    let settings = Settings { limits, ..Settings::default() };
    let house = House::new(Plan { settings, ..Plan::default() }).await;
    drop(house.device("m1", "d").await);
    let left = async {
        while house.service.stats().sessions > 0 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(PATIENCE, left).await.expect("within its grace");
    let mut clients = Vec::new();
    for name in ["m2", "m3", "m3", "x1", "m4"] {
        clients.push(house.device(name, "d").await);
    }
    let names =
        |online: &Online| online.users.iter().map(UserId::to_string).collect::<Vec<_>>().join(" ");
    let large = Group::new((0..100_000).map(|n| format!("m{n}")));
    let page = house.service.online_among(&large, None, 3);
    assert_eq!((page.count, names(&page).as_str(), page.more), (4, "m1 m2 m3", true));
    let rest = house.service.online_among(&large, page.users.last(), 3);
    assert_eq!((rest.count, names(&rest).as_str(), rest.more), (4, "m4", false));
    let asked = large.asked.load(Ordering::Relaxed);
    assert!(asked <= 2 * 5, "asked {asked} times for a hundred thousand members");
    let small = Group::new(["m1", "m3", "m9"].map(str::to_owned));
    let page = house.service.online_among(&small, None, 10);
    assert_eq!((page.count, names(&page).as_str(), page.more), (2, "m1 m3", false));
    assert_eq!(small.asked.load(Ordering::Relaxed), 3);
    house.end().await;
}
