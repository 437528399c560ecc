//! The keys of all rows of a table: what is made of a value is made once for each value, not once for each row.

use smallvec::SmallVec;

use super::keyed::{Keyed, Rows};
use super::rule::{KeyForm, KeyPart, Rule};
use crate::dictionary::NONE;
use crate::hash;
use crate::table::{Row, Table};

/// Keys that mean something within one table only: of whole values they take the codes, which are at hand.
#[derive(Debug)]
pub(super) struct Keys<'a> {
    table: &'a Table,
    /// So many rows further is the next that is looked at.
    every: usize,
    /// By field, the codes of the rows: side by side they are read faster than row by row.
    columns: Vec<Vec<u32>>,
    /// By part, what it makes of each code.
    made: Vec<(KeyPart, Vec<u64>)>,
}

/// How a part of a key is come by.
enum Part<'a> {
    /// It is the code of a field.
    Code(&'a [u32]),
    /// It is made of the code of a field, or else of that of the site.
    Made(Made<'a>, Option<Made<'a>>),
}

/// What is made of the codes of a field.
struct Made<'a> {
    codes: &'a [u32],
    of: &'a [u64],
}

impl<'a> Keys<'a> {
    /// The keys of every so many rows of a table.
    pub(super) fn new(table: &'a Table, every: usize) -> Self {
        let rows = table.rows().div_ceil(every);
        let mut columns: Vec<Vec<u32>> = table.layout().fields.iter().map(|_| Vec::with_capacity(rows)).collect();
        for row in (0..table.rows() as Row).step_by(every) {
            columns.iter_mut().zip(table.codes(row)).for_each(|(column, code)| column.push(*code));
        }
        Self { table, every, columns, made: Vec::new() }
    }

    /// Puts the keys of the rows under a rule in `keyed`, in place of what is there.
    pub(super) fn of(&mut self, rule: &Rule, keyed: &mut Keyed) {
        let (table, every) = (self.table, self.every);
        let keys = &mut keyed.keys;
        keys.clear();
        let rows = (0..table.rows() as Row).step_by(every);
        if rule.words().is_some() {
            let mut these = Vec::new();
            for row in rows {
                keys.extend(rule.keys(table, row));
                these.resize(keys.len(), row);
            }
            keyed.rows = Rows::These(these);
            return;
        }
        keyed.rows = Rows::Every(every);
        let fields = &table.layout().fields;
        let dictionary = |part: &KeyPart| fields[part.field].dictionary;
        // In any order, a value must be the same in whichever field it stands: its code is, where the fields share a dictionary.
        let shared = rule.parts.windows(2).all(|parts| dictionary(&parts[0]) == dictionary(&parts[1]));
        let is_code = |part: &KeyPart| part.form == KeyForm::Whole && (!rule.unordered || shared);
        let made = rule.parts.iter().filter(|part| !is_code(part));
        made.flat_map(|part| [Some(*part), part.or_else(table)]).flatten().for_each(|part| self.make(part));
        let parts = rule.parts.iter().map(|part| {
            let or_else = || part.or_else(table).map(|part| self.made(part));
            if is_code(part) { Part::Code(&self.columns[part.field]) } else { Part::Made(self.made(*part), or_else()) }
        });
        let parts: SmallVec<[Part<'_>; 4]> = parts.collect();
        if rule.unordered {
            keys.extend((0..rows.len()).map(|place| rule.key_of(parts.iter().map(|part| part.of(place)))));
        } else {
            // Part by part: nothing is decided on the way, so that memory is not waited for row by row.
            keys.resize(rows.len(), 1);
            parts.iter().for_each(|part| part.mix_into(keys));
        }
    }

    fn make(&mut self, part: KeyPart) {
        if !self.made.iter().any(|(made, _)| *made == part) {
            let codes = 0..self.table.dictionary(part.field).codes() as u32;
            self.made.push((part, codes.map(|code| part.of_code(self.table, code)).collect()));
        }
    }

    fn made(&self, part: KeyPart) -> Made<'_> {
        let made = self.made.iter().find(|(made, _)| *made == part);
        Made { codes: &self.columns[part.field], of: made.map_or(&[], |(_, of)| of) }
    }
}

impl Part<'_> {
    /// What the row at a place makes of it; 0 where it makes nothing.
    fn of(&self, place: usize) -> u64 {
        match self {
            Self::Code(codes) => u64::from(codes[place]),
            Self::Made(made, None) => made.of(place),
            Self::Made(made, Some(site)) => {
                if made.codes[place] == NONE {
                    site.of(place)
                } else {
                    made.of(place)
                }
            }
        }
    }

    /// Mixes it into the keys of all rows.
    fn mix_into(&self, keys: &mut [u64]) {
        match self {
            Self::Code(codes) => mix(keys, codes.iter().map(|code| u64::from(*code))),
            Self::Made(made, None) => mix(keys, made.codes.iter().map(|code| made.of[*code as usize])),
            Self::Made(..) => mix(keys, (0..keys.len()).map(|place| self.of(place))),
        }
    }
}

/// Mixes a part into keys: a row that lacks either has no key.
fn mix(keys: &mut [u64], parts: impl Iterator<Item = u64>) {
    for (key, part) in keys.iter_mut().zip(parts) {
        let mixed = hash::mix(*key, part).max(1);
        *key = if *key == 0 || part == 0 { 0 } else { mixed };
    }
}

impl Made<'_> {
    fn of(&self, place: usize) -> u64 {
        self.of[self.codes[place] as usize]
    }
}
