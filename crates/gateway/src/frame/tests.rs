//! What the forms of a frame hold, and when they are made.

use super::*;

#[test]
fn tuple_is_the_arguments_and_a_value_the_only_one() {
    assert_eq!(arguments(&(1, "a")).expect("serializable"), r#"[1,"a"]"#);
    assert_eq!(arguments("a").expect("serializable"), r#"["a"]"#);
    assert_eq!(arguments(&()).expect("serializable"), "[]");
}

#[test]
fn websocket_bytes_hold_header_and_text() {
    let frame = Frame::event("/", "hello", &("you",)).expect("serializable");
    assert_eq!(frame.websocket()[..2], [0x81, 17]);
    assert_eq!(&frame.websocket()[2..], br#"42["hello","you"]"#);
    assert_eq!(frame.text().expect("a text"), &frame.websocket()[2..]);
}

#[test]
fn attachments_follow_as_binary_frames() {
    let args = r#"[{"_placeholder":true,"num":0}]"#;
    let frame = Frame::event_with("/a", "b", args, vec![Bytes::from_static(&[1, 2, 3])]);
    assert!(frame.websocket().ends_with(&[0x82, 3, 1, 2, 3]));
    assert!(frame.text().expect("a text").starts_with(b"451-/a,"));
}

#[test]
fn joined_packets_follow_each_other_and_can_be_told_apart() {
    let one = Frame::event_raw("/", "a", "[1]");
    let two = Frame::event_raw("/", "b", "[2]");
    let both = Frame::joined(vec![one.clone(), two.clone()]);
    assert_eq!(both.websocket()[..], [one.websocket().as_ref(), two.websocket()].concat());
    let msgpack = [one.msgpack_websocket().as_ref(), two.msgpack_websocket()].concat();
    assert_eq!(both.msgpack_websocket()[..], msgpack);
    let texts: Vec<_> = both.parts().iter().filter_map(Frame::text).collect();
    assert_eq!(texts, [one.text().expect("a text"), two.text().expect("a text")]);
}

#[test]
fn the_offset_is_the_last_argument_of_the_second_form_alone() {
    let frame = Frame::event_raw("/a", "e", "[1] ").with_offset("x\"1");
    assert_eq!(frame.text().expect("a text"), r#"42/a,["e",1]"#);
    assert_eq!(frame.recoverable().text().expect("a text"), r#"42/a,["e",1,"x\"1"]"#);
    assert!(!frame.recoverable().has_offset());
    let none = Frame::event_raw("/", "e", "[]").with_offset("");
    assert_eq!(none.recoverable().text().expect("a text"), r#"42["e",""]"#);
}

#[test]
fn the_second_form_is_made_once_and_only_where_it_is_asked_for() {
    let one = Frame::event_raw("/", "a", "[]").with_offset("1");
    let two = Frame::event_raw("/", "b", "[]");
    let both = Frame::joined(vec![one.clone(), two.clone()]);
    assert!(one.0.recoverable.as_ref().expect("it has one").frame.get().is_none());
    let first = both.recoverable().websocket().as_ptr();
    assert_eq!(first, both.clone().recoverable().websocket().as_ptr());
    let texts: Vec<_> = both.recoverable().parts().iter().filter_map(Frame::text).collect();
    assert_eq!(texts, [r#"42["a","1"]"#, r#"42["b"]"#]);
    assert!(!Frame::joined(vec![two.clone(), two]).has_offset());
}

#[test]
fn attachments_go_with_both_forms() {
    let args = r#"[{"_placeholder":true,"num":0}]"#;
    let bytes = vec![Bytes::from_static(&[1, 2, 3])];
    let frame = Frame::event_with("/", "b", args, bytes).with_offset("o");
    let second = frame.recoverable();
    let text = r#"451-["b",{"_placeholder":true,"num":0},"o"]"#;
    assert_eq!(second.text().expect("a text"), text);
    assert!(second.websocket().ends_with(&[0x82, 3, 1, 2, 3]));
}

#[test]
fn an_event_knows_its_namespace() {
    let bytes = vec![Bytes::new()];
    let args = r#"[{"_placeholder":true,"num":0}]"#;
    assert_eq!(Frame::event_raw("/", "/a", "[]").namespace(), Some("/"));
    assert_eq!(Frame::event_raw("/a-1", "e", "[]").namespace(), Some("/a-1"));
    assert_eq!(Frame::event_with("/a", "e", args, bytes.clone()).namespace(), Some("/a"));
    assert_eq!(Frame::event_with("/", "e", args, bytes).namespace(), Some("/"));
    assert_eq!(Frame::engine_binary(Bytes::new()).namespace(), None);
    assert_eq!(Frame::ack("/", 1, "[]", Vec::new()).namespace(), None);
}

#[test]
fn long_text_has_a_long_header() {
    let long = "x".repeat(70_000);
    let frame = Frame::event("/", "e", &(long,)).expect("serializable");
    assert_eq!(frame.websocket()[..2], [0x81, 127]);
    assert_eq!(frame.websocket().len(), frame.text().expect("a text").len() + 10);
}
