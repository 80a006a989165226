//! An Engine.IO session over HTTP long-polling.

use std::net::SocketAddr;
use std::thread::JoinHandle;

use super::http::{self, Response};
use super::stream::Stream;

/// A session.
pub struct Polling {
    pub address: SocketAddr,
    pub path: &'static str,
    pub sid: String,
    /// What the server said in its open packet.
    pub open: serde_json::Value,
}

impl Polling {
    /// Opens a session.
    pub fn open(address: SocketAddr, path: &'static str) -> Polling {
        let response = http::get(address, &format!("{path}?EIO=4&transport=polling"));
        assert_eq!(response.status, 200, "{response:?}");
        let json = response.body.strip_prefix('0').expect("an open packet");
        let open: serde_json::Value = serde_json::from_str(json).expect("JSON");
        let sid = open["sid"].as_str().expect("a sid").to_owned();
        Polling { address, path, sid, open }
    }

    /// The target of the session's requests.
    pub fn target(&self) -> String {
        format!("{}?EIO=4&transport=polling&sid={}", self.path, self.sid)
    }

    /// The target of the session's upgrade.
    pub fn upgrade_target(&self) -> String {
        format!("{}?EIO=4&transport=websocket&sid={}", self.path, self.sid)
    }

    pub fn poll(&self) -> Response {
        http::get(self.address, &self.target())
    }

    pub fn post(&self, body: &str) -> Response {
        http::post(self.address, &self.target(), body)
    }

    /// Posts and expects that the server took it.
    pub fn send(&self, body: &str) {
        let response = self.post(body);
        assert_eq!((response.status, response.body.as_str()), (200, "ok"), "{response:?}");
    }

    /// Polls until a packet other than a ping comes, answering pings; all packets of that payload.
    pub fn receive(&self) -> Vec<String> {
        loop {
            let response = self.poll();
            assert_eq!(response.status, 200, "{response:?}");
            let packets: Vec<String> = response.body.split('\x1e').map(str::to_owned).collect();
            if packets.iter().any(|packet| packet == "2") {
                self.send("3");
            }
            let packets: Vec<String> = packets.into_iter().filter(|packet| packet != "2").collect();
            if !packets.is_empty() {
                return packets;
            }
        }
    }

    /// Sends a poll and leaves it open; the request is on its way when this returns.
    pub fn start_poll(&self) -> Pending {
        let mut stream = Stream::plain(self.address);
        http::send(&mut stream, "GET", &self.target(), &[], b"");
        Pending { stream }
    }

    /// A poll in another thread.
    pub fn poll_aside(&self) -> JoinHandle<Response> {
        let (address, target) = (self.address, self.target());
        std::thread::spawn(move || http::get(address, &target))
    }
}

/// A poll that has not been answered.
pub struct Pending {
    stream: Stream,
}

impl Pending {
    /// Waits for the answer.
    pub fn answer(mut self) -> Response {
        http::receive(&mut self.stream).expect("a response")
    }

    /// Gives up, as a browser does when its page goes away.
    pub fn cancel(self) {
        self.stream.shutdown();
    }
}
