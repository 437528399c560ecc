//! Our own writing is no witness: what a policy weighs are words that somebody stands behind.

use accordant::settle::Choice;
use accordant::testing::Story;
use accordant::value::Field;
use accordant::{Canonical, Lifetime};
use futures::executor::block_on;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::json;

#[derive(Canonical)]
#[canonical(entity = "article", system(erp, object = "items"))]
#[canonical(system(shop, object = "products"), system(crm, object = "goods"))]
struct Article {
    #[canonical(identity, at(erp = "sku", shop = "sku", crm = "sku"))]
    sku: String,
    #[canonical(resolve(maximum), at(erp = "stock", shop = "stock", crm = "stock"))]
    stock: Option<i64>,
    #[canonical(resolve(minimum), at(erp = "price", shop = "price", crm = "price"))]
    price: Option<i64>,
    #[canonical(resolve(longest), at(erp = "text", shop = "text", crm = "text"))]
    text: Option<String>,
    #[canonical(resolve(trust(erp = 9, shop = 5, crm = 1)), at(erp = "unit", shop = "unit", crm = "unit"))]
    unit: Option<String>,
    #[canonical(resolve(consensus), at(erp = "brand", shop = "brand", crm = "brand"))]
    brand: Option<String>,
}

/// The ERP says it all; the shop and the CRM are written it.
fn written() -> Story {
    let sku = json!({ "sku": "A" });
    Story::of::<Article>()
        .says(
            "erp",
            "1",
            json!({ "sku": "A", "stock": 5, "price": 5, "text": "a long text", "unit": "kg", "brand": "X" }),
        )
        .says("shop", "2", sku.clone())
        .says("crm", "3", sku)
        .bootstrap()
        .apply()
        .expect_in("shop", "2", "stock", json!(5))
        .expect_in("crm", "3", "text", json!("a long text"))
        .expect_quiet()
}

#[test]
fn a_sale_is_not_undone_by_our_copy_of_the_stock_before_it() {
    written()
        .says("erp", "1", json!({ "stock": 3 }))
        .expect(Article::STOCK, "3")
        .apply()
        .expect_in("shop", "2", "stock", json!(3))
        .expect_in("crm", "3", "stock", json!(3))
        .says("erp", "1", json!({ "stock": 2 }))
        .expect(Article::STOCK, "2")
        .apply()
        .expect_in("erp", "1", "stock", json!(2))
        .expect_no_discrepancy()
        .expect_quiet();
}

#[test]
fn no_policy_takes_our_copy_for_a_word() {
    written()
        .says("erp", "1", json!({ "price": 8, "text": "short", "unit": "g", "brand": "Y" }))
        .expect(Article::PRICE, "8")
        .expect(Article::TEXT, "short")
        .expect(Article::UNIT, "g")
        .expect(Article::BRAND, "Y")
        .apply()
        .expect_in("shop", "2", "text", json!("short"))
        .expect_no_discrepancy()
        .expect_quiet();
}

#[test]
fn whoever_says_something_of_its_own_is_heard_beside_the_author() {
    // The shop counted four itself: it is a word, and outvotes the three of the ERP. Our copy in the CRM does not.
    written()
        .says("shop", "2", json!({ "stock": 4 }))
        .expect(Article::STOCK, "5")
        .apply()
        .expect_in("shop", "2", "stock", json!(5))
        .says("shop", "2", json!({ "stock": 7 }))
        .expect(Article::STOCK, "7")
        .says("erp", "1", json!({ "stock": 3 }))
        .expect(Article::STOCK, "7")
        .apply()
        .expect_in("erp", "1", "stock", json!(7))
        // What the ERP said was overwritten: what it holds now is our copy of the shop's seven.
        .says("shop", "2", json!({ "stock": 6 }))
        .expect(Article::STOCK, "6")
        .apply()
        .expect_in("erp", "1", "stock", json!(6))
        .expect_no_discrepancy()
        .expect_quiet();
}

#[test]
fn a_copy_of_what_a_person_chose_once_is_nobodys_word() {
    written()
        .decides_for("ana", Article::STOCK, Choice::Value(Field::value("9")), Lifetime::Once)
        .apply()
        .expect_in("erp", "1", "stock", json!(9))
        .says("erp", "1", json!({ "stock": 8 }))
        .expect(Article::STOCK, "8")
        .apply()
        .expect_in("shop", "2", "stock", json!(8))
        .expect_no_discrepancy()
        .expect_quiet();
}

#[test]
fn an_author_that_cannot_be_seen_withdraws_nothing() {
    written()
        .says("shop", "2", json!({ "stock": 5, "text": "another text" }))
        .deletes("erp", "1")
        .says("crm", "3", json!({ "stock": 4 }))
        .expect(Article::STOCK, "5");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    /// One system says it, the others only ever show what we wrote there: golden is what it says, and nothing is written back.
    #[test]
    fn what_one_system_says_stands_whatever_we_copied(stocks in vec((0_i64..50, any::<bool>()), 1..12)) {
        let mut story = written();
        for (stock, apply) in stocks {
            story = story.says("erp", "1", json!({ "stock": stock, "price": stock })).expect(Article::STOCK, &stock.to_string());
            story = story.expect(Article::PRICE, &stock.to_string());
            if apply {
                story = story.apply().expect_in("shop", "2", "stock", json!(stock)).expect_quiet();
            }
        }
        let mut story = story.expect_writes("erp", 0);
        let verified = block_on(story.tenant().verify()).expect("it verifies");
        prop_assert!(verified.is_clean(), "{}", verified);
    }
}
