//! A client for tests, written from the specifications and sharing no code with the server.

pub mod http;
pub mod msgpack;
pub mod polling;
pub mod server;
pub mod sio;
pub mod stream;
pub mod ws;
