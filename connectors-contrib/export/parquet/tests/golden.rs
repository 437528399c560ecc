//! What is written is read back by another reader: that of the Parquet crate.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs::File;

use accordant::testing::Story;
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
        .at("2026-03-01 09:00")
        .says("crm", "1", json!({"email": "ana@example.com", "city": "Città di Castello"}))
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

    let mut read = rows(file);
    let ids = block_on(tenant.entities("customer", None, 9)).unwrap();
    let stored: Vec<String> = read.iter().map(|row| row[0].clone().unwrap()).collect();
    assert_eq!(stored, ids.iter().map(ToString::to_string).collect::<Vec<_>>());
    read.sort_by(|one, other| one[3].cmp(&other[3]));
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(read[0][3], text("ana@example.com"));
    let city = block_on(tenant.inspect_erased(ids[0])).unwrap().units[1].golden.clone();
    assert!(matches!(city, accordant::value::Field::Value(city) if read[0][4].as_deref() == Some(city.as_str())));
    assert_eq!(read[1][1..], [text("Live"), text("0"), text("bo@example.com"), None]);
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
