//! Long-polling bodies: packets that were read are written to what reads the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use parlor_wire::engine::{Handshake, Packet, decode_payload, push_payload};

fuzz_target!(|body: &str| {
    let packets: Vec<_> = decode_payload(body).map_while(Result::ok).collect();
    let mut written = Vec::new();
    for packet in &packets {
        let before = written.len();
        push_payload(packet, &mut written);
        let separator = usize::from(before > 0);
        assert_eq!(written.len(), before + separator + packet.encoded_bytes());
        if let Packet::Open(json) = packet {
            let _ = serde_json::from_str::<Handshake<'_>>(json);
        }
    }
    if packets.is_empty() {
        return;
    }
    let written = str::from_utf8(&written).expect("packets are text");
    let again: Result<Vec<_>, _> = decode_payload(written).collect();
    assert_eq!(again, Ok(packets));
});
