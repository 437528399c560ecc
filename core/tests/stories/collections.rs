//! Sets and keyed lines: each element is a unit of its own.

use serde_json::json;

use crate::model::{Customer, ana};

#[test]
fn an_element_added_in_one_system_is_added_in_all() {
    ana()
        .says("crm", "101", json!({ "tags": "a;b" }))
        .expect_elements(Customer::TAGS, &["a", "b"])
        .expect_plan(
            r#"
            netsuite/customer/7 tags[b]: (none) -> "b" (propagates the golden value)
            shop/customers/9 tags[b]: (none) -> "b" (propagates the golden value)
            "#,
        )
        .apply()
        .expect_in("shop", "9", "tags", json!(["a", "b"]))
        .expect_no_discrepancy()
        .expect_quiet();
}

#[test]
fn an_element_removed_where_it_came_from_leaves_everywhere() {
    ana()
        .says("crm", "101", json!({ "tags": "a;b" }))
        .apply()
        .says("crm", "101", json!({ "tags": "a" }))
        .expect_elements(Customer::TAGS, &["a"])
        .expect_plan(
            r#"
            netsuite/customer/7 tags[b]: "b" -> (none) (propagates the golden value)
            shop/customers/9 tags[b]: "b" -> (none) (propagates the golden value)
            "#,
        )
        .apply()
        .expect_in("netsuite", "7", "tags", json!(["a"]))
        .expect_no_discrepancy()
        .expect_quiet();
}

#[test]
fn elements_added_in_two_systems_at_once_are_both_kept() {
    ana()
        .says("crm", "101", json!({ "tags": "a;b" }))
        .says("shop", "9", json!({ "tags": ["c", "a"] }))
        .expect_elements(Customer::TAGS, &["a", "b", "c"])
        .apply()
        .expect_in("crm", "101", "tags", json!("a;b;c"))
        .expect_in("shop", "9", "tags", json!(["a", "b", "c"]))
        .expect_in("netsuite", "7", "tags", json!(["a", "b", "c"]))
        .expect_no_discrepancy()
        .expect_quiet();
}

#[test]
fn the_order_of_a_set_is_no_difference() {
    ana()
        .says("crm", "101", json!({ "tags": "b;a" }))
        .apply()
        .says("shop", "9", json!({ "tags": ["b", "a"] }))
        .expect_elements(Customer::TAGS, &["a", "b"])
        .expect_no_discrepancy()
        .expect_quiet();
}

#[test]
fn lines_are_told_apart_by_their_key() {
    ana()
        .says("shop", "9", json!({ "lines": [{ "sku": "S1", "quantity": "1" }, { "sku": "S2", "quantity": "5" }] }))
        .expect_elements(Customer::LINES, &["S1", "S2"])
        .apply()
        .expect_in("netsuite", "7", "lines", json!([{ "item": "S1", "qty": "1" }, { "item": "S2", "qty": "5" }]))
        .expect_no_discrepancy()
        .says("netsuite", "7", json!({ "lines": [{ "item": "S2", "qty": "6" }, { "item": "S1", "qty": "1" }] }))
        .expect_unit::<Customer>("lines[S2]", r#"["S2","6"]"#)
        .expect_plan(
            r#"
            crm/contacts/101 lines[S2]: ["S2","5"] -> ["S2","6"] (propagates the golden value)
            shop/customers/9 lines[S2]: ["S2","5"] -> ["S2","6"] (propagates the golden value)
            "#,
        )
        .apply()
        .expect_in("shop", "9", "lines", json!([{ "sku": "S1", "quantity": "1" }, { "sku": "S2", "quantity": "6" }]))
        .expect_no_discrepancy()
        .expect_quiet();
}

/// Lines with what no mapping names: a price, a note, a second currency.
fn lines_with_more() -> accordant::testing::Story {
    let lines = json!([
        { "sku": "S2", "quantity": "5", "price": "9.90", "note": "gift" },
        { "sku": "S1", "quantity": "1", "price": "100.00" }
    ]);
    ana()
        .says("shop", "9", json!({ "lines": lines }))
        .apply()
        .expect_in("crm", "101", "lines", json!([{ "sku": "S1", "quantity": "1" }, { "sku": "S2", "quantity": "5" }]))
        .expect_quiet()
}

#[test]
fn what_no_mapping_names_of_an_element_stays() {
    lines_with_more()
        .says("crm", "101", json!({ "lines": [{ "sku": "S1", "quantity": "1" }, { "sku": "S2", "quantity": "6" }] }))
        .apply()
        .expect_in(
            "shop",
            "9",
            "lines",
            json!([
                { "sku": "S2", "quantity": "6", "price": "9.90", "note": "gift" },
                { "sku": "S1", "quantity": "1", "price": "100.00" }
            ]),
        )
        .expect_no_discrepancy()
        .expect_quiet();
}

#[test]
fn an_element_is_added_and_removed_and_the_rest_stays() {
    let gift = json!({ "sku": "S2", "quantity": "5", "price": "9.90", "note": "gift" });
    let other = json!({ "sku": "S1", "quantity": "1", "price": "100.00" });
    let in_the_crm = |more: &[serde_json::Value]| {
        let both = [json!({ "sku": "S1", "quantity": "1" }), json!({ "sku": "S2", "quantity": "5" })];
        json!({ "lines": (both.iter().chain(more).collect::<Vec<_>>()) })
    };
    lines_with_more()
        .says("crm", "101", in_the_crm(&[json!({ "sku": "S3", "quantity": "7" })]))
        .apply()
        .expect_in("shop", "9", "lines", json!([gift, other, { "sku": "S3", "quantity": "7" }]))
        .expect_quiet()
        .says("crm", "101", in_the_crm(&[]))
        .apply()
        .expect_in("shop", "9", "lines", json!([gift, other]))
        .expect_in("netsuite", "7", "lines", json!([{ "item": "S1", "qty": "1" }, { "item": "S2", "qty": "5" }]))
        .expect_no_discrepancy()
        .expect_quiet();
}

#[test]
fn an_element_that_somebody_adds_meanwhile_stays_and_stops_no_write() {
    let more = json!([
        { "sku": "S1", "quantity": "1", "price": "100.00" },
        { "sku": "S2", "quantity": "5", "price": "9.90", "note": "gift" },
        { "sku": "S9", "quantity": "9", "price": "9.99" }
    ]);
    lines_with_more()
        .says("crm", "101", json!({ "lines": [{ "sku": "S1", "quantity": "2" }, { "sku": "S2", "quantity": "5" }] }))
        .apply_after(|systems| systems.of("shop").edit("customers", "9", &json!({ "lines": more })))
        .expect_in(
            "shop",
            "9",
            "lines",
            json!([
                { "sku": "S1", "quantity": "2", "price": "100.00" },
                { "sku": "S2", "quantity": "5", "price": "9.90", "note": "gift" },
                { "sku": "S9", "quantity": "9", "price": "9.99" }
            ]),
        )
        .expect_elements(Customer::LINES, &["S1", "S2", "S9"]);
}

#[test]
fn an_element_that_somebody_changed_meanwhile_is_not_overwritten() {
    let other = json!([
        { "sku": "S2", "quantity": "5", "price": "9.90", "note": "gift" },
        { "sku": "S1", "quantity": "3", "price": "100.00" }
    ]);
    lines_with_more()
        .says("crm", "101", json!({ "lines": [{ "sku": "S1", "quantity": "2" }, { "sku": "S2", "quantity": "5" }] }))
        .apply_after(|systems| systems.of("shop").edit("customers", "9", &json!({ "lines": other })))
        .expect_in("shop", "9", "lines", other.clone());
}
