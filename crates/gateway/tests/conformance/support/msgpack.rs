//! As much msgpack as a client of the msgpack parser needs. Bytes are written and read as the
//! JSON object `{"$bytes":[…]}`.

use serde_json::{Value, json};

/// Encodes a value.
pub fn encode(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    write(value, &mut out);
    out
}

fn write(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.push(0xc0),
        Value::Bool(false) => out.push(0xc2),
        Value::Bool(true) => out.push(0xc3),
        Value::Number(number) => match number.as_u64() {
            Some(small @ 0..=127) => out.push(small as u8),
            Some(big) => {
                out.push(0xcf);
                out.extend_from_slice(&big.to_be_bytes());
            }
            None => {
                out.push(0xcb);
                out.extend_from_slice(&number.as_f64().unwrap().to_be_bytes());
            }
        },
        Value::String(text) => {
            head(out, text.len(), 0xa0, 31, [0xd9, 0xda]);
            out.extend_from_slice(text.as_bytes());
        }
        Value::Array(items) => {
            assert!(items.len() < 16);
            out.push(0x90 | items.len() as u8);
            items.iter().for_each(|item| write(item, out));
        }
        Value::Object(fields) => {
            if let Some(bytes) = fields.get("$bytes") {
                let bytes: Vec<u8> = serde_json::from_value(bytes.clone()).unwrap();
                out.extend_from_slice(&[0xc4, bytes.len() as u8]);
                return out.extend_from_slice(&bytes);
            }
            assert!(fields.len() < 16);
            out.push(0x80 | fields.len() as u8);
            for (name, value) in fields {
                write(&Value::String(name.clone()), out);
                write(value, out);
            }
        }
    }
}

fn head(out: &mut Vec<u8>, length: usize, fixed: u8, fixed_max: usize, longer: [u8; 2]) {
    if length <= fixed_max {
        out.push(fixed | length as u8);
    } else if length < 256 {
        out.extend_from_slice(&[longer[0], length as u8]);
    } else {
        out.push(longer[1]);
        out.extend_from_slice(&(length as u16).to_be_bytes());
    }
}

/// Decodes a value that fills the bytes.
pub fn decode(bytes: &[u8]) -> Value {
    let mut rest = bytes;
    let value = read(&mut rest);
    assert!(rest.is_empty(), "bytes after the value");
    value
}

fn take<'a>(rest: &mut &'a [u8], count: usize) -> &'a [u8] {
    let (taken, left) = rest.split_at(count);
    *rest = left;
    taken
}

fn number(rest: &mut &[u8], width: usize) -> u64 {
    take(rest, width).iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

fn read(rest: &mut &[u8]) -> Value {
    let first = take(rest, 1)[0];
    match first {
        0..=0x7f => json!(first),
        0xe0.. => json!(first as i8),
        0x80..=0x8f => map(rest, usize::from(first & 15)),
        0x90..=0x9f => array(rest, usize::from(first & 15)),
        0xa0..=0xbf => text(rest, usize::from(first & 31)),
        0xc0 => Value::Null,
        0xc2 => json!(false),
        0xc3 => json!(true),
        0xc4..=0xc6 => {
            let length = number(rest, 1 << (first - 0xc4));
            json!({ "$bytes": take(rest, length as usize) })
        }
        0xca => json!(f32::from_bits(number(rest, 4) as u32)),
        0xcb => json!(f64::from_bits(number(rest, 8))),
        0xcc..=0xcf => json!(number(rest, 1 << (first - 0xcc))),
        0xd0 => json!(number(rest, 1) as i8),
        0xd1 => json!(number(rest, 2) as i16),
        0xd2 => json!(number(rest, 4) as i32),
        0xd3 => json!(number(rest, 8) as i64),
        0xd9..=0xdb => {
            let length = number(rest, 1 << (first - 0xd9));
            text(rest, length as usize)
        }
        0xdc => {
            let length = number(rest, 2);
            array(rest, length as usize)
        }
        0xde => {
            let length = number(rest, 2);
            map(rest, length as usize)
        }
        other => panic!("msgpack type {other:#x}"),
    }
}

fn text(rest: &mut &[u8], length: usize) -> Value {
    json!(std::str::from_utf8(take(rest, length)).unwrap())
}

fn array(rest: &mut &[u8], length: usize) -> Value {
    (0..length).map(|_| read(rest)).collect()
}

fn map(rest: &mut &[u8], length: usize) -> Value {
    let mut fields = serde_json::Map::new();
    for _ in 0..length {
        let name = read(rest);
        fields.insert(name.as_str().unwrap().to_owned(), read(rest));
    }
    Value::Object(fields)
}
