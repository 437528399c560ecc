//! Memory is waited for once, not value by value: what comparing some pairs looks at first is read of all of them before.

use std::hint::black_box;

use super::View;
use crate::layout::{Layout, Role};
use crate::table::Row;

/// The fields whose values are compared by their letters.
pub(crate) fn fields(layout: &Layout) -> Vec<usize> {
    let by_letters = |field: &usize| match layout.fields[*field].role {
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
    };
    (0..layout.fields.len()).filter(by_letters).collect()
}

/// Reads what comparing the values of some fields looks at first. Values that are the same are not looked at.
pub(crate) fn read(view: View<'_>, fields: &[usize], pairs: &[(Row, Row)]) {
    let table = view.table;
    // No result is waited for by what is read next.
    let rows = pairs.iter().map(|(_, b)| {
        let codes = table.codes(*b);
        codes.first().copied().unwrap_or_default()
            ^ codes.last().copied().unwrap_or_default()
            ^ table.system_of(*b) as u32
    });
    black_box(rows.fold(0, |read, row| read ^ row));
    for field in fields {
        let (dictionary, lexicon) = (table.dictionary(*field), view.lexicon(*field));
        let others = pairs.iter().map(|(a, b)| {
            let (a, b) = (table.code(*a, *field), table.code(*b, *field));
            // As a number, not as a choice, which would have to be guessed.
            let differ = u32::from(a != b);
            (a * differ, b * differ)
        });
        let signatures = others.clone().map(|(a, b)| dictionary.signature(a).bits() ^ dictionary.signature(b).bits());
        black_box(signatures.fold(0, |read, signature| read ^ signature));
        if table.layout().fields[*field].role.has_words() {
            let first = |code: u32| lexicon.words_of(code).first().copied().unwrap_or_default();
            black_box(others.fold(0, |read, (a, b)| read ^ first(a) ^ first(b)));
        }
    }
}
