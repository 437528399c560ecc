//! What is written is read back by another reader: that of the Parquet crate.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs::File;

use accordant::testing::Story;
use accordant::value::Field;
use accordant::{Canonical, Email};
use accordant_parquet::{ParquetExportError, write_golden};
use futures::executor::block_on;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::record::RowAccessor as _;
use serde_json::json;

#[derive(Canonical, Debug)]
#[canonical(entity = "customer", system(crm, object = "contacts"), system(shop, object = "customers"))]
#[expect(dead_code, reason = "a model is declared; the engine reads it")]
struct Customer {
    #[canonical(identity, pii, at(crm = "email", shop = "email"))]
    email: Email,
    #[canonical(resolve(latest), at(crm = "city", shop = "city"))]
    city: Option<String>,
}

/// Ana, who is known to both; Bo, of whom one knows no city.
fn story() -> Story {
    Story::of::<Customer>()
        .says("crm", "1", json!({"email": "ana@example.com", "city": "Città di Castello"}))
        .at("10:00")
        .says("shop", "7", json!({"email": "ana@example.com", "city": "Roma"}))
        .says("crm", "2", json!({"email": "bo@example.com", "city": null}))
}

#[test]
fn golden_records_are_read_back_with_their_nulls() {
    let mut story = story();
    let tenant = story.tenant();
    let file = tempfile::tempfile().unwrap();
    let mut told = Vec::new();
    let out = file.try_clone().unwrap();
    let written =
        block_on(write_golden(&tenant, "customer", &["email", "city"], out, |count| told.push(count))).unwrap();
    assert_eq!((written, told), (2, vec![2]));

    let read = rows(file);
    let ids = block_on(tenant.entities("customer", None, 9)).unwrap();
    assert_eq!((read.len(), ids.len()), (2, 2));
    for (row, id) in read.iter().zip(ids) {
        let view = block_on(tenant.inspect_erased(id)).unwrap();
        let golden = |unit: usize| match &view.units[unit].golden {
            Field::Value(value) => Some(value.to_string()),
            _ => None,
        };
        let open = view.discrepancies.len().to_string();
        assert_eq!(*row, [Some(id.to_string()), Some("Live".to_owned()), Some(open), golden(0), golden(1)]);
    }
    // What was known first stands, in its own letters, and whoever came later contradicts it; of whom nobody said a city, there
    // is none.
    let mut cities: Vec<_> = read.into_iter().map(|mut row| (row.swap_remove(3), row.swap_remove(3))).collect();
    cities.sort();
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(cities, [(text("ana@example.com"), text("Città di Castello")), (text("bo@example.com"), None)]);
}

/// Every column as text; the third is a count.
fn rows(file: File) -> Vec<Vec<Option<String>>> {
    let reader = SerializedFileReader::new(file).unwrap();
    let columns: Vec<_> =
        reader.metadata().file_metadata().schema_descr().columns().iter().map(|one| one.name().to_owned()).collect();
    assert_eq!(columns, ["entity_id", "life", "discrepancies", "email", "city"]);
    let row = |row: parquet::record::Row| {
        let text = |place: usize| row.get_string(place).ok().cloned();
        vec![text(0), text(1), row.get_long(2).ok().map(|count| count.to_string()), text(3), text(4)]
    };
    reader.get_row_iter(None).unwrap().map(|one| row(one.unwrap())).collect()
}

#[test]
fn a_unit_that_is_not_in_the_model_is_refused() {
    let mut story = story();
    let tenant = story.tenant();
    let refused = block_on(write_golden(&tenant, "customer", &["telex"], Vec::new(), |_| {}));
    assert!(matches!(refused, Err(ParquetExportError::UnknownUnit { unit, .. }) if unit == "telex"));
    let refused = block_on(write_golden(&tenant, "order", &[], Vec::new(), |_| {}));
    assert!(matches!(refused, Err(ParquetExportError::Engine(_))));
}
