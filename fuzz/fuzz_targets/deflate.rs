//! Compressed payloads: what inflates is within the limit; what is compressed inflates again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use parlor_wire::deflate;

const MAX_BYTES: usize = 10_000;

fuzz_target!(|input: &[u8]| {
    if let Ok(text) = str::from_utf8(input) {
        let _ = deflate::negotiate(text);
    }
    if let Ok(message) = deflate::inflate(input, MAX_BYTES) {
        assert!(message.len() <= MAX_BYTES);
        assert_eq!(deflate::inflate(input, message.len()).as_ref(), Ok(&message));
    }
    let mut payload = Vec::new();
    deflate::compress(input, &mut payload);
    assert_eq!(deflate::inflate(&payload, input.len()).as_deref(), Ok(input));
});
