//! Stored state that is not what was written: a row with other bytes, under another name, or with another row's content.
//!
//! The first byte picks the row, the second what becomes of it and what is done then; the rest is the bytes.

use accordant::store::{Row, RowKey};
use accordant::text::Text;

use super::world::{Given, HISTORY, World, exercise, nth_key, spliced};

/// Every question and every verb answers, or fails with an error.
pub fn run(data: &[u8]) {
    let [pick, how, rest @ ..] = data else { return };
    let mut held = HISTORY.clone();
    let Some((key, name)) = nth_key(&held, usize::from(*pick)) else { return };
    let row = held.rows.get(&key).cloned().expect("it was picked");
    match how % 4 {
        0 | 1 => {
            let value = spliced(&row.value, rest);
            held.rows.insert(key, Row { value, ..row });
        }
        2 => {
            let Ok(name) = String::from_utf8(spliced(name.as_bytes(), rest)) else { return };
            held.rows.remove(&key);
            let name = Text::from(name);
            held.rows.insert(RowKey::new(key.table, name.clone()), Row { key: name, ..row });
        }
        _ => {
            let other = rest.first().copied().map_or(0, usize::from);
            let Some(value) = held.rows.values().nth(other % held.rows.len()).map(|row| row.value.clone()) else {
                return;
            };
            held.rows.insert(key, Row { value, ..row });
        }
    }
    exercise(&World::on(Given::new(held), "2026-01-06T08:00:00Z"), how >> 2);
}
