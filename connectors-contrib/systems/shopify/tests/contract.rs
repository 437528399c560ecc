//! Every document that is sent, against the schema of the Admin interface. Its path (SDL) is in
//! `ACCORDANT_SHOPIFY_SCHEMA`; without it the test says that it was skipped, and why.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use accordant::model::Path;
use apollo_compiler::{ExecutableDocument, Schema};
use support::{GOODS, Stage, connector};

#[tokio::test]
async fn every_document_is_right_by_the_schema() {
    let Some(path) = std::env::var_os("ACCORDANT_SHOPIFY_SCHEMA") else {
        eprintln!("skipped: ACCORDANT_SHOPIFY_SCHEMA names no schema; scripts/shopify-schema writes one");
        return;
    };
    let mut text = std::fs::read_to_string(&path).unwrap();
    // A directive of GraphQL itself, newer than some validators: the vendor uses it and does not define it.
    if !text.contains("directive @oneOf") {
        text.push_str("\ndirective @oneOf on INPUT_OBJECT\n");
    }
    let exported = text.clone();
    let schema = Schema::parse_and_validate(text, "admin.graphql").map_err(|errors| errors.to_string()).unwrap();
    let stage = Stage::of_goods(100).await;
    let mut settings = stage.settings.clone();
    let customers = settings.objects.get_mut("customers").unwrap();
    customers.paths.extend(["metafields.crm.tier", "metafields.my-app.some key", "note", "tags"].map(Path::new));
    let documents = connector(&settings, &stage.clock).documents();
    assert!(documents.len() >= 38, "{documents:?}");
    let wrong: Vec<String> = documents
        .iter()
        .filter_map(|document| {
            let errors = ExecutableDocument::parse_and_validate(&schema, document.as_str(), "document").err()?;
            Some(format!("{document}\n{}", errors.errors))
        })
        .collect();
    for mutation in ["inventorySetQuantities(input: $input) @idempotent(key: $key)", "productUpdate", "orderUpdate"] {
        assert!(documents.iter().any(|document| document.contains(mutation)), "{mutation} is not sent");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    for (name, paths) in GOODS {
        let described = settings.described(name, exported.as_bytes()).unwrap();
        let lacking: Vec<_> = paths.iter().filter(|path| described.find(&Path::new(path)).is_none()).collect();
        assert!(lacking.is_empty(), "{name}: {lacking:?}");
    }
    let odd = "query { customers(first: 1) { nodes { id emial } } }";
    assert!(ExecutableDocument::parse_and_validate(&schema, odd, "odd").is_err(), "the schema refuses something");
}
