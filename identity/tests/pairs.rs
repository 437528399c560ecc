//! Which pairs are looked at: each once, all that share a key, and none of a block that no refinement makes small.

use std::collections::{BTreeMap, BTreeSet};

use accordant_identity::attribute::{Kind, Schema};
use accordant_identity::blocking::{Blocking, Equal, KeyForm, KeyPart, Limits, Rule, Scope};
use accordant_identity::table::{Row, Table};
use proptest::prelude::*;

const KINDS: [(&str, Kind); 4] =
    [("text", Kind::Text), ("city", Kind::City), ("title", Kind::Title), ("system", Kind::System)];

/// A table of values that often agree.
fn table(records: &[[u8; 4]]) -> Table {
    let mut table = Table::new(Schema::new(&KINDS));
    let value = |name: &str, n: u8| if n == 0 { String::new() } else { format!("{name}{n}") };
    for (id, [text, city, title, system]) in records.iter().enumerate() {
        let title = [value("word", *title), value("other", title / 2), value("third", title / 3)].join(" ");
        table.push(&id.to_string(), "", &[value("text", *text), value("city", *city), title, value("s", *system + 1)]);
    }
    table
}

fn rules() -> Vec<Rule> {
    let part = |field, form| KeyPart { field, form };
    let rule = |name: &str, parts: &[KeyPart]| Rule { name: name.into(), parts: parts.to_vec(), unordered: false };
    vec![
        rule("text", &[part(0, KeyForm::Whole)]),
        rule("text + city", &[part(0, KeyForm::Prefix(4)), part(1, KeyForm::Whole)]),
        Rule { unordered: true, ..rule("either", &[part(0, KeyForm::Whole), part(1, KeyForm::Whole)]) },
        rule("words", &[part(2, KeyForm::Words(3))]),
    ]
}

fn blocking(block: u32, scope: Scope) -> Blocking {
    let limits = Limits { block, ..Limits::default() };
    Blocking {
        rules: rules(),
        refinements: vec![KeyPart { field: 1, form: KeyForm::Whole }],
        limits,
        scope,
        dropped: Vec::new(),
    }
}

type Pairs = BTreeMap<(Row, Row), usize>;

/// By pair, how often it was made. None is paired for saying the same.
fn pairs(blocking: &Blocking, table: &Table) -> (Pairs, u64) {
    let mut made = Pairs::new();
    let (pairs, skew) = blocking.pairs(table, &Equal::default(), &mut |_| {});
    pairs.iter().for_each(|(a, b)| *made.entry((a.min(b), a.max(b))).or_default() += 1);
    (made, skew.iter().map(|skew| skew.left_out).sum())
}

/// Whether two records share a key.
fn shared(table: &Table, a: Row, b: Row) -> bool {
    rules().iter().any(|rule| {
        let of_b: BTreeSet<u64> = rule.keys(table, b).into_iter().collect();
        rule.keys(table, a).iter().any(|key| of_b.contains(key))
    })
}

proptest! {
    #[test]
    fn each_pair_that_shares_a_key_is_looked_at_once(
        records in prop::collection::vec([0_u8..5, 0_u8..4, 0_u8..9, 0_u8..3], 0..24),
        across in prop::bool::ANY,
        block in 2_u32..6,
    ) {
        let table = table(&records);
        let scope = if across { Scope::Across } else { Scope::Within };
        // Where no block is too large, those that share a key are looked at, and no others.
        let (all, left_out) = pairs(&blocking(1_000, scope), &table);
        prop_assert_eq!(left_out, 0);
        let rows = u32::try_from(records.len()).expect("few rows");
        for a in 0..rows {
            for b in a + 1..rows {
                let expected = usize::from(shared(&table, a, b) && scope.pairs(&table, a, b));
                let found = all.get(&(a, b)).copied().unwrap_or_default();
                prop_assert_eq!(found, expected, "{} and {}", a, b);
            }
        }
        // Where blocks are too large, fewer are, each once still; what is left out is told.
        let (refined, left_out) = pairs(&blocking(block, scope), &table);
        prop_assert!(refined.iter().all(|(pair, made)| *made == 1 && all.contains_key(pair)));
        prop_assert!(left_out > 0 || refined.len() == all.len() || crowded(&table, block), "what is missing is told");
        let rows = records.len() as u64;
        prop_assert!(refined.len() as u64 <= rows * u64::from(block) * 5, "and bounded");
    }
}

/// Whether any key is shared by more records than a block may have, so that a refinement parted them.
fn crowded(table: &Table, block: u32) -> bool {
    let mut held: BTreeMap<(usize, u64), u32> = BTreeMap::new();
    for row in 0..u32::try_from(table.rows()).expect("few rows") {
        for (place, rule) in rules().iter().enumerate() {
            rule.keys(table, row).into_iter().for_each(|key| *held.entry((place, key)).or_default() += 1);
        }
    }
    held.values().any(|many| *many > block)
}
