//! The keys of all rows of a table: what is made of a value is made once for each value, not once for each row.

use smallvec::SmallVec;

use super::keyed::Keyed;
use super::rule::{KeyForm, KeyPart, Rule};
use crate::dictionary::NONE;
use crate::table::{Row, Table};

/// Keys that mean something within one table only: of whole values they take the codes, which are at hand.
#[derive(Debug)]
pub(super) struct Keys<'a> {
    table: &'a Table,
    /// By part, what it makes of each code.
    made: Vec<(KeyPart, Vec<u64>)>,
}

/// How a part of a key is come by.
enum Part<'a> {
    /// It is the code of a field.
    Code(usize),
    /// It is made of the code of a field, or else of that of the site.
    Made(Made<'a>, Option<Made<'a>>),
}

/// What is made of the codes of a field.
struct Made<'a> {
    field: usize,
    of: &'a [u64],
}

impl<'a> Keys<'a> {
    pub(super) const fn new(table: &'a Table) -> Self {
        Self { table, made: Vec::new() }
    }

    /// Puts every so many rows that have a key under a rule in `keyed`, in place of what is there.
    pub(super) fn of(&mut self, rule: &Rule, every: usize, keyed: &mut Keyed) {
        keyed.clear();
        let table = self.table;
        let rows = (0..table.rows() as Row).step_by(every);
        if rule.words().is_some() {
            for row in rows {
                rule.keys(table, row).into_iter().for_each(|key| keyed.push(key, row));
            }
            return;
        }
        let fields = &table.layout().fields;
        let dictionary = |part: &KeyPart| fields[part.field].dictionary;
        // In any order, a value must be the same in whichever field it stands: its code is, where the fields share a dictionary.
        let shared = rule.parts.windows(2).all(|parts| dictionary(&parts[0]) == dictionary(&parts[1]));
        let is_code = |part: &KeyPart| part.form == KeyForm::Whole && (!rule.unordered || shared);
        let made = rule.parts.iter().filter(|part| !is_code(part));
        made.flat_map(|part| [Some(*part), part.or_else(table)]).flatten().for_each(|part| self.make(part));
        let parts = rule.parts.iter().map(|part| {
            if is_code(part) { Part::Code(part.field) } else { Part::Made(self.made(*part), part.or_else(table).map(|part| self.made(part))) }
        });
        let parts: SmallVec<[Part<'_>; 4]> = parts.collect();
        for row in rows {
            let codes = table.codes(row);
            let key = rule.key_of(parts.iter().map(|part| part.of(codes)));
            if key != 0 {
                keyed.push(key, row);
            }
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
        Made { field: part.field, of: made.map_or(&[], |(_, of)| of) }
    }
}

impl Part<'_> {
    /// What a row's codes make of it; 0 where they make nothing.
    fn of(&self, codes: &[u32]) -> u64 {
        match self {
            Self::Code(field) => u64::from(codes[*field]),
            Self::Made(made, or_else) => match (codes[made.field], or_else) {
                (NONE, Some(site)) => site.of(codes),
                _ => made.of(codes),
            },
        }
    }
}

impl Made<'_> {
    fn of(&self, codes: &[u32]) -> u64 {
        self.of.get(codes[self.field] as usize).copied().unwrap_or_default()
    }
}
