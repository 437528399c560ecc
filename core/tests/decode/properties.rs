//! Properties: nothing panics, `serde_json` is agreed with, what was put in comes out.

use accordant::decode::{Batch, DecodeErrorKind, DecodeTable, DecodedRecord, FieldRef};
use proptest::prelude::*;
use serde::de::IgnoredAny;
use serde_json::{Map, Value as Json};

use crate::support::*;

/// Text near JSON: tokens in any order, so that both grammars are asked about their edges.
fn near_json() -> impl Strategy<Value = String> {
    let token = prop::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        "\"",
        "\\",
        "\"a\"",
        "\"id\"",
        "\"email\"",
        "\"id\":\"1\"",
        "null",
        "true",
        "false",
        "nul",
        "0",
        "-",
        "-1",
        "01",
        "1.",
        "1.5",
        "1e",
        "1e+5",
        "E",
        ".",
        " ",
        "\n",
        "\t",
        "\u{1}",
        "\u{b}",
        "\\u",
        "\\ud83d",
        "\\ude00",
        "\"\\u00e9\"",
        "\"\\n\"",
        "\\x",
        "é",
        "aaaaaaaaaaaaaaaa",
        "\u{0}",
    ]);
    prop::collection::vec(token, 0..24).prop_map(|tokens| tokens.concat())
}

/// JSON of any shape over keys that are mapped and keys that are not.
fn json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        ".{0,12}".prop_map(Json::from),
    ];
    leaf.prop_recursive(4, 48, 6, |inner| {
        let key =
            prop::sample::select(vec!["id", "email", "first_name", "default_address", "company", "city", "x\"y", "é"]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
            prop::collection::vec((key, inner), 0..6)
                .prop_map(|pairs| Json::from(pairs.into_iter().map(|(k, v)| (k.to_owned(), v)).collect::<Map<_, _>>())),
        ]
    })
}

/// What the decoder should say of a full record, by `serde_json::Value` and paths.
fn expected(record: &Json, path: &[&str]) -> Option<Result<String, ()>> {
    let mut place = record;
    for (depth, key) in path.iter().enumerate() {
        match place {
            Json::Object(object) => match object.get(*key) {
                Some(below) => place = below,
                None => return None,
            },
            Json::Null if depth > 0 => return None,
            _ => return Some(Err(())),
        }
    }
    Some(match place {
        Json::Null => return None,
        Json::String(text) if text.trim().is_empty() => Ok(String::new()),
        Json::String(text) => Ok(text.clone()),
        Json::Number(number) => Ok(number.to_string()),
        Json::Bool(_) | Json::Array(_) | Json::Object(_) => Err(()),
    })
}

const REST: [&[&str]; 8] = [
    &["email"],
    &["first_name"],
    &["last_name"],
    &["phone"],
    &["default_address", "company"],
    &["default_address", "city"],
    &["state"],
    &["total_spent"],
];

/// What the decoder said, in the terms of [`expected`].
fn found(record: &DecodedRecord<'_>) -> [Option<Result<String, ()>>; 8] {
    let mut found = [const { None }; 8];
    for (slot, _, field) in record.cells() {
        found[usize::from(slot)] = match field {
            FieldRef::Null => None,
            FieldRef::Empty => Some(Ok(String::new())),
            FieldRef::Value(text) => Some(Ok(text.to_owned())),
        };
    }
    for slot in record.uncovered() {
        found[usize::from(slot)] = Some(Err(()));
    }
    found
}

fn graphql() -> DecodeTable {
    table(&model(), 1, &shopify_graphql())
}

fn rest() -> DecodeTable {
    table(&model(), 1, &shopify_rest())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_never_panic(body in prop::collection::vec(any::<u8>(), 0..200), full: bool) {
        let mut batch = Batch::new();
        drop(rest().decode(&body, full, &mut batch));
        drop(rest().token(&body));
    }

    #[test]
    fn the_grammar_is_that_of_serde_json(body in near_json()) {
        let ours = rest().token(body.as_bytes());
        let theirs = serde_json::from_str::<IgnoredAny>(&body);
        let ours = !matches!(
            ours.map_err(|error| error.kind),
            Err(DecodeErrorKind::Truncated | DecodeErrorKind::Syntax | DecodeErrorKind::TooDeep)
        );
        prop_assert_eq!(ours, theirs.is_ok(), "{}", body);
    }

    #[test]
    fn a_truncated_payload_is_never_a_record(cut in 0usize..1200) {
        let body = rest_body(cut as u64);
        if cut < body.len() {
            let error = rest().decode(&body.as_bytes()[..cut], true, &mut Batch::new()).unwrap_err();
            prop_assert_eq!(error.kind, DecodeErrorKind::Truncated);
        }
    }

    /// Through one batch, so that what it remembers of one payload is tried on the next, and between two tables.
    #[test]
    fn arbitrary_json_reads_as_by_paths_into_values(
        records in prop::collection::vec((json(), any::<bool>(), any::<bool>()), 1..6),
    ) {
        let (tables, mut batch) = ([rest(), rest().with_max_bytes(1 << 20), graphql()], Batch::new());
        for (mut record, pretty, other) in records {
            if let Json::Object(object) = &mut record {
                object.insert("id".to_owned(), Json::from(7));
                object.remove("updated_at");
            }
            let body = if pretty { serde_json::to_string_pretty(&record) } else { serde_json::to_string(&record) };
            let body = body.unwrap();
            if other {
                drop(tables[2].decode(body.as_bytes(), true, &mut batch));
            }
            for table in &tables[..2] {
                batch.clear();
                let decoded = table.decode(body.as_bytes(), true, &mut batch);
                prop_assert_eq!(decoded.is_ok(), record.is_object());
                for decoded in batch.records() {
                    for (found, path) in found(&decoded).into_iter().zip(REST) {
                        prop_assert_eq!(found, expected(&record, path), "{:?} in {}", path, body);
                    }
                }
            }
        }
    }

    #[test]
    fn a_payload_reads_the_same_however_often(bodies in prop::collection::vec(near_json(), 1..5)) {
        let (table, mut warm) = (rest(), Batch::new());
        for body in bodies.iter().chain(&bodies).map(|body| format!("{{\"id\":1,{body}")) {
            let mut cold = Batch::new();
            warm.clear();
            let (once, again) =
                (table.decode(body.as_bytes(), false, &mut cold), table.decode(body.as_bytes(), false, &mut warm));
            prop_assert_eq!(once, again);
            let cells = |batch: &Batch| format!("{:?}", batch.records().map(|r| found(&r)).collect::<Vec<_>>());
            prop_assert_eq!(cells(&cold), cells(&warm));
        }
    }

    #[test]
    fn what_was_put_in_comes_out(texts in prop::array::uniform8("\\PC{0,20}|[ -~]{1,8}|.{0,30}")) {
        let [email, first, last, phone, company, city, state, amount] = &texts;
        let body = serde_json::json!({
            "email": email, "first_name": first, "last_name": last, "phone": phone, "state": state,
            "noise": [{"email": "no"}], "id": 788_032_119_674_292_922_i64, "total_spent": amount,
            "default_address": {"company": company, "zip": "x", "city": city},
        });
        let mut batch = Batch::new();
        rest().decode(body.to_string().as_bytes(), false, &mut batch).unwrap();
        let record = batch.records().next().unwrap();
        prop_assert_eq!(record.id(), "788032119674292922");
        let cells: Vec<_> = record.cells().collect();
        let put: Vec<_> = (0..).zip(&texts).map(|(slot, text)| {
            (slot, None, if text.trim().is_empty() { FieldRef::Empty } else { FieldRef::Value(text.as_str()) })
        }).collect();
        prop_assert_eq!(cells, put);
    }
}
