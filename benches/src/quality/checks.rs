//! The twelve checks.

use std::error::Error;
use std::sync::Arc;

use accordant_quality::check::{Bound, Check, Pattern, Reference, Relation, Rule};

/// Noon on a day in summer, in microseconds.
pub(super) const NOW: i64 = 1_785_499_200_000_000;

/// In microseconds.
pub(super) const DAY: i64 = 86_400_000_000;

/// How old a row may be.
pub(super) const FRESH: i64 = 30 * DAY;

/// Customers are numbered from 1 on.
pub(super) const CUSTOMERS: u64 = 50_000;

pub(super) const COUNTRIES: [&str; 20] = [
    "AT", "BE", "CA", "CH", "CZ", "DE", "DK", "ES", "FI", "FR", "GB", "IE", "IT", "JP", "NL", "NO", "PL", "PT", "SE",
    "US",
];

pub(super) const EMAIL: &str = r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+";
pub(super) const PHONE: &str = r"\+[1-9][0-9]{7,14}";

/// The checks, of a table of so many rows.
pub(super) fn checks(rows: u64) -> Result<Vec<Check>, Box<dyn Error>> {
    let named = |column: &str| column.to_owned();
    let pattern = |text: &str| Pattern::new(text).map(Arc::new).ok_or("no pattern");
    let customers = Reference::wholes(1..=i64::try_from(CUSTOMERS)?);
    let between =
        |column: &str, least, most| Rule::Between { column: named(column), least: Some(least), most: Some(most) };
    let rules = [
        ("order_id is there", 1.0, Rule::Present { column: named("order_id") }),
        ("email is mostly there", 0.95, Rule::Present { column: named("email") }),
        ("order_id is unique", 1.0, Rule::Unique { columns: vec![named("order_id")] }),
        ("email is an address", 1.0, Rule::Matches { column: named("email"), pattern: pattern(EMAIL)? }),
        ("phone is a number", 1.0, Rule::Matches { column: named("phone"), pattern: pattern(PHONE)? }),
        (
            "country is one of ours",
            1.0,
            Rule::OneOf { column: named("country"), values: COUNTRIES.into_iter().map(named).collect() },
        ),
        ("quantity is in range", 1.0, between("quantity", Bound::Whole(1), Bound::Whole(100))),
        ("price is in range", 1.0, between("price", Bound::Real(0.01), Bound::Real(10_000.0))),
        ("updated lately", 0.95, Rule::Fresh { column: named("updated_at"), now: NOW, within: FRESH }),
        (
            "shipped after it was ordered",
            1.0,
            Rule::Related { left: named("ordered_at"), relation: Relation::AtMost, right: named("shipped_at") },
        ),
        ("customer is known", 1.0, Rule::Refers { column: named("customer_id"), to: Arc::new(customers) }),
        ("as many rows as there are", 1.0, Rule::Rows { least: rows, most: Some(rows) }),
    ];
    Ok(rules.map(|(name, at_least, rule)| Check { name: named(name), rule, at_least }).into())
}
