//! What a group costs by its size: a page of its members, coming and going, a message; each one
//! alone on a server that has nothing else to do. Beside it a direct message, to be compared with.

use anyhow::{Context, bail};

use crate::crew::Crew;
use crate::groups;
use crate::latency::Latency;
use crate::load::user_name;
use crate::protocol::{Ask, Command, Reply};
use crate::results::Results;
use crate::scenario::{Run, Scenario};
use crate::server::{Kind, Limits, Server};
use crate::table::Metric;

pub(crate) const METRICS: [Metric; 8] = [
    Metric::told("first page of members p50 ms", 2),
    Metric::told("page from the middle p50 ms", 2),
    Metric::told("leave p50 ms", 2),
    Metric::told("join p50 ms", 2),
    Metric::told("message ack p50 ms", 2),
    Metric::told("message ack p99 ms", 2),
    Metric::told("direct ack p50 ms", 2),
    Metric::told("direct ack p99 ms", 2),
];

/// Who is connected: the owner, and one who goes and comes.
const CONNECTED: u32 = 2;
/// Members of a page.
const PAGE: u32 = 100;

/// What can be chosen.
#[derive(Clone, Debug, Default, clap::Args)]
#[group(skip)]
pub(crate) struct Options {
    /// Members of each group
    #[arg(long, value_delimiter = ',', value_parser = clap::value_parser!(u32).range(2..))]
    members: Vec<u32>,
    /// How often each command is sent
    #[arg(long)]
    times: Option<u32>,
}

impl Options {
    pub(crate) fn scenario(&self, quick: bool) -> Scenario {
        let default: &[u32] = if quick { &[10, 300] } else { &[100, 1_000, 10_000, 100_000] };
        let members = if self.members.is_empty() { default.to_vec() } else { self.members.clone() };
        let sizes = Sizes { members, rounds: self.times.unwrap_or(if quick { 5 } else { 500 }) };
        let settings = sizes.describe();
        let kinds = [Kind::Parlor];
        Scenario::new(
            "membership",
            "A group by its size",
            settings,
            &kinds,
            move |run, kind, results| round(run, kind, &sizes, results),
        )
        .with_estimate(if quick { 3.0 } else { 60.0 })
    }
}

/// Groups and what is asked of them.
#[derive(Clone, Debug)]
pub(crate) struct Sizes {
    pub(crate) members: Vec<u32>,
    pub(crate) rounds: u32,
}

impl Sizes {
    pub(crate) fn describe(&self) -> String {
        let Self { members, rounds } = self;
        format!(
            "groups of {members:?} members, {CONNECTED} of them connected; pages of {PAGE}; each \
             command {rounds} times, alone, after a tenth to warm up; fsync before each ack but \
             those of pages"
        )
    }
}

/// One round of each size.
pub(crate) fn round(
    run: &Run,
    kind: Kind,
    sizes: &Sizes,
    results: &mut Results,
) -> anyhow::Result<()> {
    for &members in &sizes.members {
        let server = Server::start(kind, &run.place, Limits::HIGH_RATES)?;
        let (core, address) = (run.place.load_core, server.address());
        let mut crew = Crew::start(CONNECTED, core, address, kind.auth(), run.at_once)?;
        crew.connect(CONNECTED)?;
        let group = groups::gather(&mut crew, 0, members)?;
        let commands = commands(&group, members);
        ask(&mut crew, &commands, sizes.rounds.div_ceil(10))?;
        let [first, middle, leave, join, message, direct] =
            ask(&mut crew, &commands, sizes.rounds)?
                .try_into()
                .ok()
                .context("each command has its latencies")?;
        let half = |latency: &Latency| latency.quantile_ms(0.5);
        results.table("membership", &METRICS).add(
            &format!("{members} members"),
            vec![
                half(&first),
                half(&middle),
                half(&leave),
                half(&join),
                half(&message),
                message.quantile_ms(0.99),
                half(&direct),
                direct.quantile_ms(0.99),
            ],
        );
    }
    Ok(())
}

fn commands(group: &str, members: u32) -> Vec<(usize, String)> {
    let (owner, guest) = (0, 1);
    // Cursors count members as the store came to know them: on a new one, by their number.
    let (middle, text) = (members / 2, "x".repeat(80));
    let members = format!(r#"["group_members",{{"groupId":"{group}","limit":{PAGE}"#);
    let to = user_name(1);
    vec![
        (owner, format!("{members}}}]")),
        (owner, format!(r#"{members},"cursor":"{middle}"}}]"#)),
        (guest, format!(r#"["group_leave",{{"groupId":"{group}"}}]"#)),
        (guest, format!(r#"["group_join",{{"groupId":"{group}"}}]"#)),
        (owner, format!(r#"["group_message",{{"groupId":"{group}","content":"{text}"}}]"#)),
        (owner, format!(r#"["private_message",{{"toUserId":"{to}","content":"{text}"}}]"#)),
    ]
}

fn ask(crew: &mut Crew, commands: &[(usize, String)], rounds: u32) -> anyhow::Result<Vec<Latency>> {
    let ask = Ask { commands: commands.to_vec(), rounds };
    match crew.command(|_| Command::Ask(ask.clone()))?.into_iter().next() {
        Some(Reply::Asked { latencies }) => Ok(latencies),
        reply => bail!("unexpected {reply:?}"),
    }
}
