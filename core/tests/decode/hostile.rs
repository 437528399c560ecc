//! Payloads made to hurt: deep, long, wide.

use accordant::decode::{Batch, DecodeErrorKind};

use crate::support::*;

#[test]
fn deep_nesting_costs_no_stack() {
    let table = table(&model(), 1, &shopify_rest());
    let mut batch = Batch::new();
    for depth in [100, 10_000, 1_000_000] {
        for key in ["skipped", "email", "default_address"] {
            for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
                let mut body = format!(r#"{{"id":1,"{key}":"#);
                body.push_str(&open.repeat(depth));
                let truncated = table.decode(body.as_bytes(), true, &mut batch).unwrap_err();
                assert_eq!(truncated.kind, DecodeErrorKind::Truncated);
                body.push('1');
                body.push_str(&close.repeat(depth));
                body.push('}');
                table.decode(body.as_bytes(), true, &mut batch).unwrap();
            }
        }
    }
}

#[test]
fn a_body_beyond_the_limit_is_refused_unread() {
    let table = table(&model(), 2, &suiteql());
    let mut batch = Batch::new();
    let huge = vec![b'['; 100 << 20];
    let error = table.decode(&huge, true, &mut batch).unwrap_err();
    assert_eq!(error.kind, DecodeErrorKind::TooLarge(16 << 20));
    assert_eq!(error.to_string(), "the body is longer than 16777216 bytes");
    let raised = table.with_max_bytes(200 << 20);
    assert_eq!(raised.decode(&huge, true, &mut batch).unwrap_err().kind, DecodeErrorKind::Truncated);
}

#[test]
fn a_long_value_is_read_whole() {
    let table = table(&model(), 2, &suiteql());
    let mut batch = Batch::new();
    let long = "é\\n".repeat(1 << 20);
    table.decode(format!(r#"{{"id":"1","email":"{long}"}}"#).as_bytes(), false, &mut batch).unwrap();
    let cell = batch.records().next().unwrap().cells().next().unwrap();
    assert_eq!(cell.2.to_field().as_value().map(str::len), Some(3 << 20));
    // The next record is decoded as if nothing had happened.
    table.decode(suiteql_body(1).as_bytes(), true, &mut batch).unwrap();
    assert_eq!(batch.records().last().unwrap().cells().len(), 8);
}

#[test]
fn every_byte_at_every_place_of_a_string_is_judged_as_by_serde_json() {
    let table = table(&model(), 2, &suiteql());
    let mut batch = Batch::new();
    for place in 0..20 {
        for byte in 0..=255u8 {
            for key in ["skipped", "email"] {
                let mut body = format!(r#"{{"id":"1","{key}":"{}"}}"#, "a".repeat(20)).into_bytes();
                let start = body.len() - 22;
                body[start + place] = byte;
                let theirs = serde_json::from_slice::<serde::de::IgnoredAny>(&body).is_ok() && byte.is_ascii();
                let ours = table.decode(&body, false, &mut batch);
                assert_eq!(ours.is_ok(), theirs, "byte {byte} at {place}");
            }
        }
    }
}

#[test]
fn brackets_of_another_kind_do_not_close() {
    let table = table(&model(), 2, &suiteql());
    for wrong in ["[{]}", "{\"a\":[}]", "[1}", "{\"a\":1]", "[[]", "{\"a\"}", "[\"a\":1]", "{,}"] {
        let body = format!(r#"{{"id":"1","skipped":{wrong}}}"#);
        assert!(table.decode(body.as_bytes(), false, &mut Batch::new()).is_err(), "{wrong}");
    }
}
