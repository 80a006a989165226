//! Messages between servers of a Socket.IO cluster: the event of one is JSON within the limits.
#![no_main]

use libfuzzer_sys::fuzz_target;
use parlor_wire::adapter::{Call, Dialect, ROOMS_MAX, emitted, refused, requested, told};
use parlor_wire::packet::Limits;

const LIMITS: Limits = Limits { attachments_max: 4, attachment_bytes_max: 256, depth_max: 32 };

fuzz_target!(|input: &[u8]| {
    for read in [emitted(input, &LIMITS), requested(input, "/", &LIMITS), told(input, &LIMITS)] {
        let Ok(message) = read else { continue };
        if let Call::Emit { sockets, event, .. } = message.call {
            assert!(serde_json::from_str::<Vec<serde::de::IgnoredAny>>(&event.args).is_ok());
            assert!(event.attachments.len() <= LIMITS.attachments_max);
            assert!(sockets.rooms.len() <= ROOMS_MAX);
        }
    }
    for dialect in [Dialect::Classic, Dialect::Sharded] {
        let _ = refused(input, dialect);
    }
});
