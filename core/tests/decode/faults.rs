//! What is wrong in a payload: with one attribute, or with all of it.

use accordant::decode::{Batch, DecodeErrorKind, DecodeTable, FaultKind, FieldRef};
use accordant::surface::TokenFormat;

use crate::support::*;

fn suite() -> DecodeTable {
    table(&model(), 2, &suiteql())
}

/// Slot, kind and reason.
type Fault = (u16, FaultKind, &'static str);

/// Cells and faults of one partial row.
fn row(tail: &str) -> (Vec<(u16, String)>, Vec<Fault>) {
    let mut batch = Batch::new();
    suite().decode(format!(r#"{{"id":"1",{tail}}}"#).as_bytes(), false, &mut batch).unwrap();
    let record = batch.records().next().unwrap();
    let cells = record.cells().map(|(slot, _, field)| {
        let text = match field {
            FieldRef::Value(text) => text.to_owned(),
            other => format!("{other:?}"),
        };
        (slot, text)
    });
    (cells.collect(), record.faults().map(|fault| (fault.slot, fault.kind, fault.reason)).collect())
}

fn error(body: &str) -> DecodeErrorKind {
    let mut batch = Batch::new();
    suite().decode(body.as_bytes(), true, &mut batch).unwrap_err().kind
}

#[test]
fn numbers_keep_their_text() {
    for number in ["10.10", "788032119674292922", "1e400", "-0", "0.1000000000000000000000000001", "1E+2"] {
        assert_eq!(row(&format!(r#""balance":{number}"#)).0, [(7, number.to_owned())]);
    }
}

#[test]
fn an_id_keeps_its_text() {
    for (written, id) in [("788032119674292922", "788032119674292922"), ("\"a\\u0062\"", "ab"), ("007.50e1", "")] {
        let mut batch = Batch::new();
        let decoded = suite().decode(format!(r#"{{"id":{written}}}"#).as_bytes(), false, &mut batch);
        assert_eq!(decoded.is_ok(), !id.is_empty(), "{written}");
        if decoded.is_ok() {
            assert_eq!(batch.records().next().unwrap().id(), id);
        }
    }
}

#[test]
fn escapes_are_undone() {
    let (cells, faults) = row(r#""email":"a\"\\\/\b\f\n\r\té\ud83d\ude00z","\u0063ompanyname":"\u0041cme""#);
    assert_eq!(cells, [(0, "a\"\\/\u{8}\u{c}\n\r\té😀z".to_owned()), (4, "Acme".to_owned())]);
    assert_eq!(faults, []);
}

#[test]
fn half_a_surrogate_pair_is_a_fault_of_its_attribute_alone() {
    for broken in [r"\ud83d", r"\ude00", r"\ud83dx", r"\ud83d\n", r"\ud83d\ud83d", r"\ud83d\u0041"] {
        let (cells, faults) = row(&format!(r#""email":"{broken}","phone":"1","{broken}":2"#));
        assert_eq!(cells, [(3, "1".to_owned())], "{broken}");
        assert_eq!(faults, [(0, FaultKind::Shape, "expected text, found half a surrogate pair")], "{broken}");
    }
}

#[test]
fn a_value_of_the_wrong_kind_is_a_fault_of_its_attribute_alone() {
    let (cells, faults) = row(r#""email":{"x":1},"firstname":["a"],"lastname":true,"phone":"1""#);
    assert_eq!(cells, [(3, "1".to_owned())]);
    assert_eq!(
        faults,
        [
            (0, FaultKind::Shape, "expected a value, found an object"),
            (1, FaultKind::Shape, "expected a value, found an array"),
            (2, FaultKind::Malformed, "not text"),
        ]
    );
}

#[test]
fn a_value_where_an_object_leads_on_is_a_fault() {
    let table = table(&model(), 1, &shopify_rest());
    for wrong in ["1", "\"x\"", "[{\"city\":\"x\"}]", "true"] {
        let mut batch = Batch::new();
        table.decode(format!(r#"{{"id":1,"default_address":{wrong}}}"#).as_bytes(), true, &mut batch).unwrap();
        let record = batch.records().next().unwrap();
        assert_eq!(record.uncovered().collect::<Vec<_>>(), [4, 5], "{wrong}");
        assert_eq!(record.cells().len(), 6);
    }
}

#[test]
fn of_a_key_given_twice_the_last_counts_with_all_below_it() {
    assert_eq!(row(r#""phone":"1","phone":"2""#).0, [(3, "2".to_owned())]);
    assert_eq!(row(r#""phone":{},"phone":"2""#), (vec![(3, "2".to_owned())], vec![]));
    let table = table(&model(), 1, &shopify_rest());
    let mut batch = Batch::new();
    let body = r#"{"id":1,"default_address":{"company":"A","city":"B"},"default_address":{"city":"C"}}"#;
    table.decode(body.as_bytes(), false, &mut batch).unwrap();
    let cells: Vec<_> = batch.records().next().unwrap().cells().collect();
    assert_eq!(cells, [(5, None, FieldRef::Value("C"))]);
}

#[test]
fn bodies_that_are_no_record_are_refused_by_kind() {
    use DecodeErrorKind as Kind;
    for (body, kind) in [
        ("", Kind::Truncated),
        ("{", Kind::Truncated),
        (r#"{"id":"1"#, Kind::Truncated),
        (r#"{"id":"1","x":[1,{"y":tru"#, Kind::Truncated),
        (r#"{"id":"1"}}"#, Kind::Syntax),
        (r#"{"id":"1",}"#, Kind::Syntax),
        (r#"{"id":01}"#, Kind::Syntax),
        (r#"{"id":"1","x":[1,]}"#, Kind::Syntax),
        ("{\"id\":\"1\",\"x\":\"\n\"}", Kind::Syntax),
        (r#"{'id':1}"#, Kind::Syntax),
        ("\u{feff}{}", Kind::Syntax),
        ("[]", Kind::NoRecord),
        ("null", Kind::NoRecord),
        ("1", Kind::NoRecord),
        ("{}", Kind::MissingId),
        (r#"{"id":null}"#, Kind::MissingId),
        (r#"{"id":""}"#, Kind::MissingId),
        (r#"{"id":true}"#, Kind::UnreadableId),
        (r#"{"id":{}}"#, Kind::UnreadableId),
        (r#"{"id":"\ud800"}"#, Kind::UnreadableId),
    ] {
        assert_eq!(error(body), kind, "{body}");
    }
    let token = error(r#"{"id":"1","lastmodifieddate":"yesterday"}"#);
    assert_eq!(token, Kind::UnreadableToken("a local time of the format and zone given"));
    let mut batch = Batch::new();
    let not_text = suite().decode(b"{\"id\":\"\xff\"}", true, &mut batch).unwrap_err();
    assert_eq!(not_text.to_string(), "invalid UTF-8 at byte 7");
}

#[test]
fn errors_say_where_and_never_what() {
    let mut batch = Batch::new();
    let mut fail = |body: &str| suite().decode(body.as_bytes(), true, &mut batch).unwrap_err().to_string();
    assert_eq!(fail(r#"{"secret":nil}"#), "not JSON at byte 10");
    assert_eq!(fail(r#"{"secret":1}"#), "no id at `id`");
    assert_eq!(fail(r#"["secret"]"#), "no record at the root of the body");
    let graphql = table(&model(), 1, &shopify_graphql());
    let gone = graphql.decode(br#"{"data":{"customer":null}}"#, true, &mut batch).unwrap_err();
    assert_eq!(gone.to_string(), "no record at `data.customer`");
}

#[test]
fn a_refused_body_leaves_the_batch_as_it_was() {
    let mut batch = Batch::new();
    suite().decode(suiteql_body(1).as_bytes(), true, &mut batch).unwrap();
    for bad in ["{", "{}", r#"{"id":"2","email":"x","lastmodifieddate":"?"}"#] {
        suite().decode(bad.as_bytes(), true, &mut batch).unwrap_err();
    }
    assert_eq!(batch.len(), 1);
    let record = batch.records().next().unwrap();
    assert_eq!((record.id(), record.cells().len()), ("501", 8));
}

#[test]
fn tokens_at_the_ends_of_time_are_read_or_refused() {
    for format in [TokenFormat::Millis, TokenFormat::Rfc3339, TokenFormat::Integer] {
        let mut shape = suiteql();
        shape.token_format = format.clone();
        let table = table(&model(), 2, &shape);
        for token in [
            "9223372036854775807",
            "-9223372036854775808",
            "99999999999999999999",
            "\"0000-01-01T00:00:00+23:59\"",
            "\"9999-12-31T23:59:59.999-23:59\"",
            "\"+262143-12-31T23:59:59Z\"",
            "1e400",
        ] {
            let body = format!(r#"{{"id":"1","lastmodifieddate":{token}}}"#);
            let read = table.token(body.as_bytes());
            if token == "9223372036854775807" && format != TokenFormat::Rfc3339 {
                assert_eq!(read, Ok(Some(i64::MAX)));
            }
        }
    }
}
