//! A network of the run's own: each host a namespace with one cable to a hub that forwards between them,
//! and this program a host too. What is cut at the hub is lost on the way, as on a real network: nobody is
//! told, and TCP goes on trying.

use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr};
use std::process::Command;

use anyhow::{Context, Result, bail};
use rand::Rng;

/// Who is on the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Host {
    /// One of the nodes, from 0.
    Node(usize),
    /// One of the two database servers.
    Database(usize),
    /// Redis.
    Redis,
}

/// What nodes reach on this program, which carries it on: one address each, so that each can be cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Door {
    /// Whichever database server is the primary.
    Database,
    /// Redis.
    Redis,
    /// Where clients come from.
    Clients,
}

/// Which way packets are lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    /// What the node says.
    FromNode,
    /// What the node is told.
    ToNode,
    /// Both.
    Both,
}

impl Direction {
    /// All of them.
    pub(super) const ALL: [Self; 3] = [Self::FromNode, Self::ToNode, Self::Both];
}

/// The network; gone when dropped, with what is left running in it.
pub(super) struct Network {
    /// The first part of every namespace's name.
    name: String,
    /// The second byte of every address.
    net: u8,
    hosts: Vec<Host>,
}

impl Network {
    /// Makes it, with these hosts.
    ///
    /// # Errors
    /// When it may not be made: that takes root, and `ip` (Debian: iproute2).
    pub(super) fn make(hosts: &[Host]) -> Result<Self> {
        let id = std::process::id();
        let net = rand::rng().random_range(64..128);
        let network = Self { name: format!("parlor{id}"), net, hosts: hosts.to_vec() };
        network.lay().context("making a network takes root, and `ip` (Debian: iproute2)")?;
        Ok(network)
    }

    fn lay(&self) -> Result<()> {
        let hub = self.hub();
        ip(&["netns", "add", &hub])?;
        ip(&["-n", &hub, "link", "set", "lo", "up"])?;
        let (here, there) = (format!("p{}h", self.net), "here");
        ip(&["link", "add", &here, "type", "veth", "peer", "name", there, "netns", &hub])?;
        let doors = [Door::Clients, Door::Database, Door::Redis].map(|door| self.door(door));
        for door in doors {
            ip(&["addr", "add", &format!("{door}/24"), "dev", &here])?;
        }
        ip(&["link", "set", &here, "up"])?;
        self.plug_into_hub(there, 0)?;
        let (all, gateway) = (format!("10.{}.0.0/16", self.net), self.gateway(0).to_string());
        // What this program says to a host comes from where clients are.
        let from = self.door(Door::Clients).to_string();
        ip(&["route", "add", &all, "via", &gateway, "src", &from])?;
        for host in &self.hosts {
            let (space, cable) = (self.space(*host), format!("h{}", number(*host)));
            ip(&["netns", "add", &space])?;
            ip(&["-n", &space, "link", "set", "lo", "up"])?;
            let peer = ["peer", "name", &cable, "netns", &hub];
            ip(&[&["-n", &space, "link", "add", "eth0", "type", "veth"][..], &peer].concat())?;
            ip(&["-n", &space, "addr", "add", &format!("{}/24", self.addr(*host)), "dev", "eth0"])?;
            ip(&["-n", &space, "link", "set", "eth0", "up"])?;
            self.plug_into_hub(&cable, number(*host))?;
            let gateway = self.gateway(number(*host)).to_string();
            ip(&["-n", &space, "route", "add", "default", "via", &gateway])?;
        }
        ip(&["netns", "exec", &hub, "sysctl", "-qw", "net.ipv4.ip_forward=1"])
    }

    fn plug_into_hub(&self, cable: &str, number: u8) -> Result<()> {
        let (hub, gateway) = (self.hub(), self.gateway(number));
        ip(&["-n", &hub, "addr", "add", &format!("{gateway}/24"), "dev", cable])?;
        ip(&["-n", &hub, "link", "set", cable, "up"])
    }

    fn hub(&self) -> String {
        format!("{}-hub", self.name)
    }

    fn space(&self, host: Host) -> String {
        format!("{}-{}", self.name, number(host))
    }

    fn gateway(&self, number: u8) -> Ipv4Addr {
        Ipv4Addr::new(10, self.net, number, 1)
    }

    /// Where a host is.
    pub(super) fn addr(&self, host: Host) -> IpAddr {
        Ipv4Addr::new(10, self.net, number(host), 2).into()
    }

    /// Where a door is.
    pub(super) fn door(&self, door: Door) -> IpAddr {
        let last = match door {
            Door::Clients => 2,
            Door::Database => 3,
            Door::Redis => 4,
        };
        Ipv4Addr::new(10, self.net, 0, last).into()
    }

    /// What a command begins with that is to run on a host.
    pub(super) fn on(&self, host: Host) -> Vec<OsString> {
        let space = self.space(host);
        ["ip", "netns", "exec", &space].map(OsString::from).into()
    }

    /// Loses what a node and a door say to each other from now on.
    ///
    /// # Errors
    /// When the hub cannot be told.
    pub(super) fn cut(&self, node: usize, door: Door, direction: Direction) -> Result<()> {
        let (node, door) = (self.addr(Host::Node(node)), self.door(door));
        if direction != Direction::ToNode {
            self.lose(node, door)?;
        }
        if direction != Direction::FromNode {
            self.lose(door, node)?;
        }
        Ok(())
    }

    /// Loses what two hosts say to each other from now on.
    ///
    /// # Errors
    /// When the hub cannot be told.
    pub(super) fn part(&self, one: Host, other: Host) -> Result<()> {
        let (one, other) = (self.addr(one), self.addr(other));
        self.lose(one, other)?;
        self.lose(other, one)
    }

    fn lose(&self, from: IpAddr, to: IpAddr) -> Result<()> {
        let (hub, from, to) = (self.hub(), from.to_string(), to.to_string());
        ip(&["-n", &hub, "rule", "add", "from", &from, "to", &to, "blackhole"])
    }

    /// Carries everything again.
    ///
    /// # Errors
    /// When the hub cannot be told.
    pub(super) fn heal(&self) -> Result<()> {
        let hub = self.hub();
        while ip(&["-n", &hub, "rule", "del", "blackhole"]).is_ok() {}
        Ok(())
    }

    /// Sends a signal to whatever runs on a host.
    ///
    /// # Errors
    /// When it cannot be asked what runs there.
    pub(super) fn signal_all(&self, host: Host, signal: &str) -> Result<()> {
        let mut ask = Command::new("ip");
        let running = ask.args(["netns", "pids", &self.space(host)]).output()?;
        let running = String::from_utf8_lossy(&running.stdout).into_owned();
        let pids: Vec<&str> = running.split_whitespace().collect();
        if !pids.is_empty() {
            // One that has ended meanwhile is no failure.
            let _ = Command::new("kill").arg(format!("-{signal}")).args(pids).output()?;
        }
        Ok(())
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        for host in &self.hosts {
            let _ = self.signal_all(*host, "KILL");
            let _ = ip(&["netns", "del", &self.space(*host)]);
        }
        let _ = ip(&["netns", "del", &self.hub()]);
    }
}

/// The third byte of its address.
fn number(host: Host) -> u8 {
    match host {
        Host::Redis => 1,
        Host::Database(which) => 2 + which as u8,
        Host::Node(which) => 10 + which as u8,
    }
}

fn ip(arguments: &[&str]) -> Result<()> {
    let output = Command::new("ip").args(arguments).output().context("`ip` is missing")?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("ip {}: {}", arguments.join(" "), said.trim());
    }
    Ok(())
}
