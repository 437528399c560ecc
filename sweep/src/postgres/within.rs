//! Two tables of one database, compared there by one statement: only what differs is sent.
//!
//! What the database finds to differ by the bytes of its texts is compared here by the equivalences, as everything else is. So the
//! differences are those of the merge, to the letter.

use super::copy::{LineBlocks, cells, lines};
use super::database::Database;
use super::quoted;
use super::table::Table;
use crate::compare::{Attribute, NotText, changed, ids};
use crate::difference::{Counts, Difference};
use crate::error::{SnapshotError, SweepError};
use crate::order::Order;
use crate::snapshot::{Cell, Wanted};

/// One of the two tables, as a sweep would look at it.
#[derive(Debug)]
pub struct Within {
    pub(crate) system: String,
    pub(crate) table: Table,
    pub(crate) wanted: Wanted,
}

/// Types whose values are the same where their texts are. Texts are not among them: a collation may say that two are the same.
const PLAIN: [&str; 9] = [
    "smallint",
    "integer",
    "bigint",
    "boolean",
    "date",
    "timestamp without time zone",
    "timestamp with time zone",
    "uuid",
    "bytea",
];

/// Shows every difference between two tables of one database, in the order of keys, and counts. Nothing if that cannot be done by one
/// statement: a join knows no rows that are repeated, so an index has to say that there are none. Let them be streamed then.
///
/// Rows are counted by a statement of its own, before: of tables that are written to meanwhile, counts of rows and of keys are as old as
/// that, and differences as the other.
///
/// # Errors
///
/// [`SweepError::Snapshot`] if the database does not answer, a table has not got a column, or a row has no key.
pub fn sweep_within(
    database: &Database,
    attributes: &[Attribute],
    order: Order,
    mut tables: [Within; 2],
    mut show: impl FnMut(&Difference),
) -> Result<Option<Counts>, SweepError> {
    for within in &mut tables {
        within.wanted.order = order;
        let found = within.table.find(&within.wanted);
        let unique = found.and_then(|()| within.table.is_unique());
        if !unique.map_err(crate::cursor::of(&within.system))? {
            return Ok(None);
        }
    }
    let of = |side: usize| crate::cursor::of(&tables[side].system);
    let counted = database.ask(count(&tables)).map_err(of(0))?;
    let counted = |side: usize| -> u64 {
        let text = counted.first().and_then(|row| row.get(side)?.as_deref());
        text.and_then(|text| text.parse().ok()).unwrap_or_default()
    };
    let mut counts = Counts { rows: vec![counted(0), counted(1)], ..Counts::of(2) };
    let wanted = [tables[0].wanted.clone(), tables[1].wanted.clone()];
    let mut blocks = LineBlocks::of(database.copy(statement(&tables, attributes, order)));
    let mut row = 0;
    while let Some(bytes) = blocks.next(row).map_err(of(0))? {
        for line in lines(&bytes) {
            let told = Line::of(line, &wanted).difference(attributes, &wanted, &mut counts);
            let told = told.map_err(|(side, column)| match column {
                Some(column) => of(side)(SnapshotError::NotText { row, column }),
                None => of(side)(SnapshotError::NoKey { row, column: wanted[side].key.clone() }),
            })?;
            if let Some(difference) = told {
                show(&difference);
            }
            row += 1;
        }
    }
    // Each has all keys but those that only the other has.
    counts.keys = counts.rows[0].saturating_add(counts.missing[0]);
    Ok(Some(counts))
}

impl Within {
    /// The table of a system, whose keys and attributes are in these columns; of an attribute that it does not hold, in none.
    #[must_use]
    pub fn new(system: &str, table: Table, key: &str, columns: Vec<Option<String>>) -> Self {
        // Native ids are the keys.
        let columns = columns.into_iter().chain([None]).collect();
        Self { system: system.to_owned(), table, wanted: Wanted { key: key.to_owned(), columns, order: Order::Bytes } }
    }
}

fn count(tables: &[Within; 2]) -> String {
    let of = |within: &Within| format!("(SELECT count(*) FROM {})", within.table.name());
    format!("SELECT {}, {}", of(&tables[0]), of(&tables[1]))
}

/// The key, whether each table has it, and the cells of both, of all rows that are not the same to the letter.
fn statement(tables: &[Within; 2], attributes: &[Attribute], order: Order) -> String {
    let [one, other] = tables;
    let column = |within: &Within, place: usize| within.wanted.columns.get(place).cloned().flatten();
    let kind = |within: &Within, column: &str| within.table.kind(column).unwrap_or_default().to_owned();
    let as_text = |side: &str, column: &str| format!("{side}.{}::text", quoted::name(column));
    let c = |text: String| format!("{text} COLLATE \"C\"");
    let keys = (as_text("a", &one.wanted.key), as_text("b", &other.wanted.key));
    let plain = |one: &str, other: &str| one == other && PLAIN.contains(&one);
    let mut unlike = vec![format!("{} IS NULL", keys.0), format!("{} IS NULL", keys.1)];
    let mut shown = Vec::new();
    for place in 0..attributes.len() {
        let (in_one, in_other) = (column(one, place), column(other, place));
        if let (Some(in_one), Some(in_other)) = (&in_one, &in_other) {
            unlike.push(if plain(&kind(one, in_one), &kind(other, in_other)) {
                format!("a.{} IS DISTINCT FROM b.{}", quoted::name(in_one), quoted::name(in_other))
            } else {
                format!("{} IS DISTINCT FROM {}", c(as_text("a", in_one)), c(as_text("b", in_other)))
            });
        }
        shown.extend([("a", in_one), ("b", in_other)].map(|(side, column)| match column {
            Some(column) => as_text(side, &column),
            None => "NULL".to_owned(),
        }));
    }
    let joined = if plain(&kind(one, &one.wanted.key), &kind(other, &other.wanted.key)) {
        format!("a.{} = b.{}", quoted::name(&one.wanted.key), quoted::name(&other.wanted.key))
    } else {
        format!("{} = {}", c(keys.0.clone()), c(keys.1.clone()))
    };
    let key = c(format!("coalesce({}, {})", keys.0, keys.1));
    let order = match order {
        Order::Bytes => key.clone(),
        Order::Number => format!("octet_length({key}), {key}"),
    };
    let shown: String = shown.into_iter().map(|shown| format!(", {shown}")).collect();
    format!(
        "COPY (SELECT {key}, {} IS NOT NULL, {} IS NOT NULL{shown} FROM {} a FULL OUTER JOIN {} b ON {joined} WHERE {} \
         ORDER BY {order}) TO STDOUT",
        keys.0,
        keys.1,
        one.table.name(),
        other.table.name(),
        unlike.join(" OR "),
    )
}

/// A line of the answer.
struct Line<'r> {
    key: Cell<'r>,
    /// Of each side; none of one that does not have the key.
    cells: [Vec<Cell<'r>>; 2],
}

impl<'r> Line<'r> {
    fn of(line: &'r [u8], wanted: &[Wanted; 2]) -> Self {
        let mut from = cells(line);
        let key = from.next().flatten();
        let has = [(); 2].map(|()| from.next().flatten().as_deref() == Some(b"t".as_slice()));
        let mut cells = [Vec::new(), Vec::new()];
        for (place, cell) in from.enumerate() {
            cells[place % 2].push(cell);
        }
        for ((cells, has), wanted) in cells.iter_mut().zip(has).zip(wanted) {
            // The id stands behind the attributes, and is the key.
            cells.resize(wanted.columns.len(), None);
            if !has {
                cells.clear();
            }
        }
        Self { key, cells }
    }

    /// What differs, if anything does by the equivalences. An error names the side, and the column that is no text; without one, no side
    /// has a key.
    fn difference(
        &self,
        attributes: &[Attribute],
        wanted: &[Wanted; 2],
        counts: &mut Counts,
    ) -> Result<Option<Difference>, (usize, Option<String>)> {
        let not_text = |cell: NotText| (cell.side, wanted[cell.side].columns[cell.place].clone());
        let key = self.key.as_deref().filter(|key| !key.is_empty()).ok_or((0, None))?;
        let key = std::str::from_utf8(key).map_err(|_| (0, Some(wanted[0].key.clone())))?;
        let (changed, values) = changed(attributes, wanted, &self.cells).map_err(not_text)?;
        let rows: Vec<u64> = self.cells.iter().map(|cells| u64::from(!cells.is_empty())).collect();
        if changed.is_empty() && rows == [1, 1] {
            return Ok(None);
        }
        let ids = ids(key, attributes.len(), wanted, &self.cells).map_err(not_text)?;
        let difference = Difference { key: key.to_owned(), rows, ids, changed };
        counts.note(&difference, values);
        Ok(Some(difference))
    }
}
