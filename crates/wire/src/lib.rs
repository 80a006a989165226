//! Bytes in, values out: every format that Parlor speaks on a socket.
//!
//! An HTTP upgrade turns a connection into WebSocket frames ([`websocket`], compressed by
//! [`deflate`] where negotiated); a frame, or one part of a long-polling body, is an Engine.IO
//! packet ([`engine`]); an Engine.IO message is a Socket.IO packet ([`packet`]), or, for clients
//! that choose that parser, a [`msgpack`] packet. What callers see of both is the same: a kind, a
//! namespace, an acknowledgement id, the arguments as JSON text and the binary attachments. [`json`]
//! checks that text and cuts it in pieces, without building a value of it. [`adapter`] is what servers of a
//! Socket.IO cluster say to each other.
//!
//! Nothing here does I/O, reads a clock or needs a runtime. No input makes it panic, every size,
//! count and depth is bounded by a limit that the caller passes, and a text frame that arrives
//! whole is decoded without an allocation.

pub mod adapter;
pub mod deflate;
pub mod engine;
pub mod json;
pub mod msgpack;
pub mod packet;
pub mod websocket;
