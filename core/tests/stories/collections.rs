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
