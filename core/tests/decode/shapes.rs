//! The four payload shapes of the workload against one model.

use accordant::decode::{Batch, DecodeErrorKind, DecodeTable, FaultKind, FieldRef};
use accordant::observation::{Coverage, DeathEvidence, Sighting};
use accordant::stamp::Stamp;
use accordant::surface::{Archived, Flag, SurfaceShape};

use crate::support::*;

/// 2026-11-21T08:00:00Z, in milliseconds.
const EIGHT: i64 = 1_795_248_000_000;

fn decode(table: &DecodeTable, body: &str, full: bool) -> Batch {
    let mut batch = Batch::new();
    table.decode(body.as_bytes(), full, &mut batch).unwrap();
    batch
}

fn fields(batch: &Batch) -> Vec<(u16, FieldRef<'_>)> {
    let record = batch.records().next().unwrap();
    assert_eq!(record.faults().count(), 0);
    record.cells().map(|(slot, _, field)| (slot, field)).collect()
}

fn all(values: &[String; 8]) -> Vec<(u16, FieldRef<'_>)> {
    (0..).zip(values).map(|(slot, value)| (slot, FieldRef::Value(value))).collect()
}

#[test]
fn a_hubspot_webhook_carries_one_property_by_name() {
    let table = table(&model(), 0, &hubspot_webhook());
    for n in 0..16 {
        let batch = decode(&table, &hubspot_body(n), false);
        let record = batch.records().next().unwrap();
        assert_eq!(record.id(), (10_000_000_000 + n * 17).to_string());
        assert_eq!(record.token(), Some(1_735_689_600_000 + n as i64 * 1000));
        let slot = (n % 8) as u16;
        assert_eq!(fields(&batch), [(slot, FieldRef::Value(&values(n)[usize::from(slot)]))]);
    }
}

#[test]
fn a_property_that_is_not_mapped_gives_a_record_without_cells() {
    let table = table(&model(), 0, &hubspot_webhook());
    let body = r#"{"objectId":1,"occurredAt":2,"propertyName":"hobby","propertyValue":"chess"}"#;
    // Full is ignored: one property by name is never the whole record.
    for full in [false, true] {
        let batch = decode(&table, body, full);
        assert_eq!(fields(&batch), []);
        assert!(!batch.records().next().unwrap().is_full());
    }
}

#[test]
fn a_named_property_is_null_empty_or_withheld() {
    let table = table(&model(), 0, &hubspot_webhook());
    let value = |tail: &str| decode(&table, &format!(r#"{{"objectId":1,"propertyName":"city"{tail}}}"#), false);
    assert_eq!(fields(&value(r#","propertyValue":null"#)), [(5, FieldRef::Null)]);
    assert_eq!(fields(&value(r#","propertyValue":"""#)), [(5, FieldRef::Empty)]);
    assert_eq!(fields(&value(r#","propertyValue":10.10"#)), [(5, FieldRef::Value("10.10"))]);
    let withheld = value("");
    let record = withheld.records().next().unwrap();
    assert!(record.incomplete());
    assert_eq!(record.faults().map(|fault| (fault.slot, fault.kind)).collect::<Vec<_>>(), [(5, FaultKind::Incomplete)]);
    assert_eq!(record.cells().len(), 0);
}

#[test]
fn one_model_reads_rest_and_graphql() {
    let model = model();
    let (rest, graphql) = (table(&model, 1, &shopify_rest()), table(&model, 1, &shopify_graphql()));
    for n in 0..12 {
        let (rest, graphql) = (decode(&rest, &rest_body(n), true), decode(&graphql, &graphql_body(n), true));
        assert_eq!(fields(&rest), all(&values(n)));
        assert_eq!(fields(&graphql), all(&values(n)));
        for batch in [&rest, &graphql] {
            let record = batch.records().next().unwrap();
            assert_eq!(record.id(), (7_000_000_000_000 + n * 32_768).to_string());
            assert_eq!(record.token(), Some(EIGHT + n as i64 * 1000));
        }
    }
}

#[test]
fn a_suiteql_row_is_all_strings() {
    let table = table(&model(), 2, &suiteql());
    let batch = decode(&table, &suiteql_body(7), true);
    assert_eq!(fields(&batch), all(&values(7)));
    let record = batch.records().next().unwrap();
    assert_eq!((record.id(), record.token()), ("507", Some(EIGHT + 7000)));
}

#[test]
fn a_full_record_that_lacks_an_attribute_says_null_and_a_partial_one_nothing() {
    let table = table(&model(), 1, &shopify_rest());
    let body = r#"{"id":1,"email":"a@b.c","phone":null,"state":"","default_address":null}"#;
    let full = decode(&table, body, true);
    use FieldRef::{Empty, Null, Value};
    let email = Value("a@b.c");
    let expected = [(0, email), (1, Null), (2, Null), (3, Null), (4, Null), (5, Null), (6, Empty), (7, Null)];
    assert_eq!(fields(&full), expected);
    // The address was carried, as null: so were company and city.
    assert_eq!(fields(&decode(&table, body, false)), [(0, email), (3, Null), (4, Null), (5, Null), (6, Empty)]);
}

#[test]
fn an_attribute_that_the_surface_never_carries_is_not_covered() {
    let mut shape = shopify_rest();
    shape.renames.push(("state".into(), "".into()));
    let table = table(&model(), 1, &shape);
    let batch = decode(&table, &rest_body(1), true);
    let record = batch.records().next().unwrap();
    assert_eq!(record.uncovered().collect::<Vec<_>>(), [6]);
    assert!(record.cells().all(|(slot, ..)| slot != 6));
    assert_eq!(record.faults().count(), 0);
}

#[test]
fn the_longest_documented_prefix_is_renamed() {
    let mut shape = shopify_rest();
    shape.renames = renames(&[("defaultAddress", "a"), ("defaultAddress.city", "b.town")]);
    let table = table(&model(), 1, &shape);
    let batch = decode(&table, r#"{"id":1,"a":{"company":"Acme","city":"no"},"b":{"town":"yes"}}"#, false);
    assert_eq!(fields(&batch), [(4, FieldRef::Value("Acme")), (5, FieldRef::Value("yes"))]);
}

#[test]
fn observations_say_what_batches_say() {
    let mut shape = shopify_rest();
    shape.archived = Some("gone".into());
    let table = table(&model(), 1, &shape);
    let observe = |body: &str, full: bool| {
        let batch = decode(&table, body, full);
        let record = batch.records().next().unwrap();
        record.to_observation(&"shopify-eu".into(), &"customers".into(), Stamp::new(3))
    };
    let full = observe(r#"{"id":1,"email":{},"phone":"x"}"#, true);
    assert_eq!(full.record.to_string(), "shopify-eu/customers/1");
    assert_eq!((full.stamp, full.sighting), (Stamp::new(3), Sighting::Live { full: true }));
    assert_eq!(full.coverage, Coverage::AllBut(vec![0]));
    assert_eq!(full.cells.len(), 7);
    let partial = observe(r#"{"id":1,"phone":"x","gone":"T"}"#, false);
    assert_eq!(partial.sighting, Sighting::Dead(DeathEvidence::Archived));
    assert_eq!((partial.coverage, partial.cells.len()), (Coverage::Carried, 1));
}

/// What says of a record that it is archived, by each of the flags.
#[test]
fn a_flag_is_true_or_something_is_there() {
    let says = |flag: Flag, gone: &str| {
        let shape = SurfaceShape { archived: Some(Archived { at: "gone".into(), flag }), ..shopify_rest() };
        let batch = decode(&table(&model(), 1, &shape), &format!(r#"{{"id":1{gone}}}"#), false);
        batch.records().next().unwrap().archived()
    };
    let cases = [
        ("", false, false),
        (r#","gone":null"#, false, false),
        (r#","gone":false"#, false, false),
        (r#","gone":"""#, false, false),
        (r#","gone":0"#, false, false),
        (r#","gone":"0""#, false, false),
        (r#","gone":"F""#, false, false),
        (r#","gone":"no""#, false, false),
        (r#","gone":true"#, true, true),
        (r#","gone":1"#, true, true),
        (r#","gone":"Yes""#, true, true),
        (r#","gone":"2026-11-21T08:00:00Z""#, false, true),
        (r#","gone":1763712000"#, false, true),
        (r#","gone":{"by":"ana"}"#, false, true),
        (r#","gone":["ana"]"#, false, true),
    ];
    for (gone, is_true, is_set) in cases {
        assert_eq!((says(Flag::True, gone), says(Flag::Set, gone)), (is_true, is_set), "{gone}");
    }
}

#[test]
fn a_deletion_has_a_token_and_needs_no_record() {
    let table = table(&model(), 1, &shopify_graphql());
    let token = |body: &str| table.token(body.as_bytes());
    assert_eq!(token(r#"{"data":{"customer":{"updatedAt":"2026-11-21T08:00:00Z"}}}"#), Ok(Some(EIGHT)));
    assert_eq!(token(r#"{"data":null}"#), Ok(None));
    assert!(matches!(token("[").unwrap_err().kind, DecodeErrorKind::Truncated));
}

#[test]
fn a_batch_keeps_the_order_of_bodies_and_names_what_it_refused() {
    let table = table(&model(), 2, &suiteql());
    let bodies = [suiteql_body(1), "{}".to_owned(), suiteql_body(2)];
    let mut batch = Batch::new();
    let refused = table.decode_batch(bodies.iter().map(String::as_bytes), true, &mut batch);
    assert_eq!(
        refused.iter().map(|(item, error)| (*item, error.kind)).collect::<Vec<_>>(),
        [(1, DecodeErrorKind::MissingId)]
    );
    let records: Vec<_> = batch.records().map(|record| (record.item(), record.id(), record.cells().len())).collect();
    assert_eq!(records, [(0, "501", 8), (2, "502", 8)]);
    batch.clear();
    assert!(batch.is_empty());
    table.decode(suiteql_body(3).as_bytes(), true, &mut batch).unwrap();
    assert_eq!(batch.records().next().map(|record| record.item()), Some(0));
}

#[test]
fn a_shape_without_a_token_gives_none() {
    let shape = SurfaceShape { id: "id".into(), ..SurfaceShape::default() };
    let batch = decode(&table(&model(), 2, &shape), &suiteql_body(1), true);
    assert_eq!(batch.records().next().unwrap().token(), None);
}
