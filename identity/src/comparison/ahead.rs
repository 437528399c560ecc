//! What comparing looks at first, together row by row: most pairs are told apart by it, and memory is waited for once, not value by value.

use std::cmp::Reverse;
use std::hint::black_box;
use std::ops::Index;

use smallvec::SmallVec;

use super::View;
use crate::hash;
use crate::layout::Role;
use crate::lexicon::Lexicon;
use crate::signature::Signature;
use crate::table::{Row, Table};

/// The processor reads so many words at once.
const LINE: usize = 16;
/// So many signatures stand in a row: of the fields that have the most values. Those of few values are at hand anyway.
const SIGNED: usize = 5;
/// So many rows are in one piece: memory that was freed before is used again for pieces, and not for one that is larger than all of it.
const IN_A_PIECE: usize = 1 << 12;

/// Of every row of a table its codes, its system, and what is known of its values without reading them: signatures of those that are
/// compared by their letters, and which words the name of its company may have.
#[derive(Debug)]
pub(crate) struct Ahead {
    pieces: Vec<Piece>,
    /// How many words a row takes: whole lines, or lines and a half.
    width: usize,
    system_at: usize,
    /// By field, where its signature stands in a row.
    signature_at: Vec<Option<usize>>,
    /// The field that is looked at word by word, and where [what is known of its words](word_bits) stands.
    words_at: Option<(usize, usize)>,
}

/// Some rows.
#[derive(Debug)]
struct Piece {
    words: Vec<u32>,
    /// Where the first row begins.
    first: usize,
}

/// What a row says: its codes by field; behind them, where that stands together, the rest of what is looked at first.
#[derive(Debug, Clone, Copy)]
pub(super) struct Said<'a> {
    row: Row,
    words: &'a [u32],
}

impl Index<usize> for Said<'_> {
    type Output = u32;

    fn index(&self, field: usize) -> &u32 {
        &self.words[field]
    }
}

impl Said<'_> {
    fn number(self, at: usize) -> u64 {
        u64::from(self.words[at]) << 32 | u64::from(self.words[at + 1])
    }
}

/// Whether values of a role are told apart by their letters.
const fn by_letters(role: Role) -> bool {
    match role {
        Role::GivenName
        | Role::Surname
        | Role::Company
        | Role::Mailbox
        | Role::Phone
        | Role::Street
        | Role::Postcode
        | Role::City
        | Role::Identifier
        | Role::Text => true,
        Role::MailDomain
        | Role::Website
        | Role::Site
        | Role::Country
        | Role::Date
        | Role::Category
        | Role::Number
        | Role::Title
        | Role::Names
        | Role::Description => false,
    }
}

impl Ahead {
    /// Puts together what the rows of a table say.
    pub(crate) fn of(table: &Table) -> Self {
        let layout = table.layout();
        let system_at = layout.fields.len();
        let words_at = layout.field(Role::Company).map(|field| (field, system_at + 1));
        let first_signature = system_at + 1 + usize::from(words_at.is_some());
        let mut signed: Vec<usize> =
            (0..layout.fields.len()).filter(|field| by_letters(layout.fields[*field].role)).collect();
        signed.sort_by_key(|field| Reverse(table.dictionary(*field).codes()));
        signed.truncate(SIGNED);
        let place = |field| Some(first_signature + 2 * signed.iter().position(|signed| *signed == field)?);
        let signature_at: Vec<Option<usize>> = (0..layout.fields.len()).map(place).collect();
        let width = (first_signature + 2 * signed.len()).next_multiple_of(LINE / 2);
        let word_bits: Vec<u32> = words_at.map_or_else(Vec::new, |(field, _)| {
            let codes = 0..table.dictionary(field).codes() as u32;
            codes.map(|code| word_bits(table.lexicon(field), code)).collect()
        });
        let signed = signature_at.iter().enumerate().filter_map(|(field, at)| Some((field, (*at)?)));
        let signed: SmallVec<[_; 16]> = signed.map(|(field, at)| (field, at, table.dictionary(field))).collect();
        let piece = |start: usize| {
            let rows = start as Row..table.rows().min(start + IN_A_PIECE) as Row;
            let mut words = vec![0; rows.len() * width + LINE];
            let first = words.as_ptr().align_offset(LINE * size_of::<u32>()).min(LINE);
            for (row, said) in rows.zip(words[first..].chunks_exact_mut(width)) {
                let codes = table.codes(row);
                said[..system_at].copy_from_slice(codes);
                said[system_at] = table.system_of(row) as u32;
                for (field, at, dictionary) in &signed {
                    put(said, *at, dictionary.signature(codes[*field]).bits());
                }
                if let Some((field, at)) = words_at {
                    said[at] = word_bits[codes[field] as usize];
                }
            }
            Piece { words, first }
        };
        let pieces = (0..table.rows()).step_by(IN_A_PIECE).map(piece).collect();
        Self { pieces, width, system_at, signature_at, words_at }
    }

    /// Reads what comparing some pairs looks at of their second rows. Pairs come by their first.
    pub(crate) fn read(&self, pairs: &[(Row, Row)]) {
        // No result is waited for by what is read next.
        let lines = pairs.iter().map(|(_, b)| {
            let words = self.said(*b).words;
            words.iter().step_by(LINE).chain(words.last()).fold(0, |read, word| read ^ word)
        });
        black_box(lines.fold(0, |read, row| read ^ row));
    }

    fn said(&self, row: Row) -> Said<'_> {
        let (piece, place) = (&self.pieces[row as usize / IN_A_PIECE], row as usize % IN_A_PIECE);
        Said { row, words: &piece.words[piece.first + place * self.width..][..self.width] }
    }
}

/// Puts a number at a place of a row: its first half, then its second.
fn put(said: &mut [u32], at: usize, number: u64) {
    (said[at], said[at + 1]) = ((number >> 32) as u32, number as u32);
}

/// A bit for each word of a value: two values of which no bit is the same share no word.
fn word_bits(lexicon: &Lexicon, code: u32) -> u32 {
    lexicon.words_of(code).iter().fold(0, |bits, word| bits | 1 << (hash::mix(0, u64::from(*word)) >> 59))
}

impl<'a> View<'a> {
    /// What a row says.
    pub(super) fn said(&self, row: Row) -> Said<'a> {
        self.ahead.map_or_else(|| Said { row, words: self.table.codes(row) }, |ahead| ahead.said(row))
    }

    /// The signatures of the values of two rows in a field.
    pub(super) fn signatures(&self, field: usize, a: Said<'_>, b: Said<'_>) -> (Signature, Signature) {
        if let Some(at) = self.ahead.and_then(|ahead| ahead.signature_at[field]) {
            return (Signature::of_bits(a.number(at)), Signature::of_bits(b.number(at)));
        }
        let dictionary = self.table.dictionary(field);
        (dictionary.signature(a[field]), dictionary.signature(b[field]))
    }

    /// Whether the values of two rows in a field share a word.
    pub(super) fn share_words(&self, field: usize, a: Said<'_>, b: Said<'_>) -> bool {
        if let Some((known, at)) = self.ahead.and_then(|ahead| ahead.words_at)
            && known == field
            && a[at] & b[at] == 0
        {
            return false;
        }
        let of = |said: Said<'_>| self.lexicon(field).words_of(said[field]);
        of(a).iter().any(|word| of(b).contains(word))
    }

    /// The number of a row's system.
    pub(super) fn system_of(&self, said: Said<'_>) -> u32 {
        self.ahead.map_or_else(|| self.table.system_of(said.row) as u32, |ahead| said[ahead.system_at])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribute::{Kind, Schema};
    use crate::comparison::{Aliases, Comparison};

    #[test]
    fn what_stands_together_says_what_the_table_says() {
        use Kind::{City, Company, FullName, Mailbox, Phone, Postcode, Street, System, Website};
        let kinds = [FullName, Company, Mailbox, Website, Phone, Street, Postcode, City, System];
        let mut table = Table::new(Schema::new(&kinds.map(|kind| ("column", kind))));
        // More than one piece, and the last is not full.
        let rows = IN_A_PIECE as u64 + 100;
        for row in 0..rows {
            let drawn = |column: u64, of: u64| hash::mix(column, row) % of;
            let one_of = |column: u64, of: &[&str]| of[drawn(column, of.len() as u64) as usize].to_owned();
            let name = one_of(0, &["Anna de Vries", "Ana de Vries", "Bob Jansen", "Bob Janssen", "Kim Oto", ""]);
            let company = one_of(1, &["Acme Foods", "Acme Food Group", "Bolt Media", "Media Foods Ltd", ""]);
            let site = one_of(2, &["acme.nl", "bolt.com", "gmail.com", ""]);
            let street = format!("{} {}", drawn(3, 30), one_of(4, &["Main Street", "Maine Street", "High Road"]));
            let phone = format!("+3120{}", 100_000 + drawn(6, 300));
            let mailbox = format!("{}{}@{site}", one_of(7, &["anna", "info"]), drawn(8, 50));
            let postcode = format!("{}", 10_000 + drawn(9, 90));
            let city = one_of(10, &["Utrecht", "Utrect", "Delft"]);
            let values = [name, company, mailbox, site, phone, street, postcode, city, one_of(11, &["crm", "erp"])];
            table.push(&row.to_string(), "", &values);
        }
        let mut aliases = Aliases::default();
        aliases.extend(&table);
        let ahead = Ahead::of(&table);
        let plain = View::new(&table, &aliases);
        for comparison in Comparison::standard(table.layout(), true) {
            let mut levels = std::collections::BTreeSet::new();
            for pair in 0..4_000 {
                let of = |side: u64| (hash::mix(side, pair) % rows) as Row;
                let (a, b) = (of(100), of(200));
                let level = comparison.level(plain, a, b);
                assert_eq!(comparison.level(plain.with(&ahead), a, b), level, "{}, rows {a} and {b}", comparison.name);
                levels.insert(level);
            }
            assert!(levels.len() > 1, "{}", comparison.name);
        }
    }
}
