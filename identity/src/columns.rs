//! Which columns of two files are one: those of one name, however it is written, then those that hold the same kind of thing.

use crate::attribute::{Attribute, Kind};
use crate::sniff;

/// Columns that are compared with each other, as the places that each file has them in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paired {
    /// By file, the place of the column.
    pub places: Vec<usize>,
    /// What both hold, where only that made them one; else it is read off the values of both.
    pub kind: Option<Kind>,
}

/// The columns that all files have, in the order of the first file's.
///
/// A column is paired with one of the very same name, or else with one of the same [plain](sniff::plain) name. What is left of both is
/// paired by kind, in order: the first mailbox of the one with the first mailbox of the other. Only kinds count that say what a value is
/// about; two numbers, dates, codes or texts under different names are two things.
#[must_use]
pub fn pair(files: &[Vec<Attribute>]) -> Vec<Paired> {
    let Some((first, others)) = files.split_first() else { return Vec::new() };
    let paired: Vec<Vec<Option<(usize, bool)>>> = others.iter().map(|other| partners(first, other)).collect();
    let of = |(place, attribute): (usize, &Attribute)| {
        let mut places = vec![place];
        let mut by_kind = false;
        for partners in &paired {
            let (partner, kind) = partners[place]?;
            places.push(partner);
            by_kind |= kind;
        }
        Some(Paired { places, kind: by_kind.then_some(attribute.kind) })
    };
    first.iter().enumerate().filter_map(of).collect()
}

/// Whether two columns are one.
type Same<'a> = dyn Fn(&Attribute, &Attribute) -> bool + 'a;

/// By column of the one file, its partner in the other, and whether only its kind made it that.
fn partners(one: &[Attribute], other: &[Attribute]) -> Vec<Option<(usize, bool)>> {
    let mut found: Vec<Option<(usize, bool)>> = vec![None; one.len()];
    let mut taken = vec![false; other.len()];
    let same_name = |a: &Attribute, b: &Attribute| a.name == b.name;
    let plain = |attribute: &Attribute| sniff::plain(&attribute.name);
    let same_plain_name = |a: &Attribute, b: &Attribute| !plain(a).is_empty() && plain(a) == plain(b);
    let same_kind = |a: &Attribute, b: &Attribute| a.kind == b.kind && tells_what(a.kind);
    let ways: [(&Same<'_>, bool); 3] = [(&same_name, false), (&same_plain_name, false), (&same_kind, true)];
    for (same, by_kind) in ways {
        for (place, attribute) in one.iter().enumerate() {
            if found[place].is_some() {
                continue;
            }
            let partner = (0..other.len()).find(|partner| !taken[*partner] && same(attribute, &other[*partner]));
            if let Some(partner) = partner {
                taken[partner] = true;
                found[place] = Some((partner, by_kind));
            }
        }
    }
    found
}

/// Whether a kind says what a value is about, so that two columns of it are one under whatever names.
const fn tells_what(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::GivenName
            | Kind::Surname
            | Kind::FullName
            | Kind::Company
            | Kind::Mailbox
            | Kind::Website
            | Kind::Phone
            | Kind::Street
            | Kind::HouseNumber
            | Kind::Postcode
            | Kind::City
            | Kind::Country
            | Kind::Title
            | Kind::Names
            | Kind::Description
            | Kind::System
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(columns: &[(&str, Kind)]) -> Vec<Attribute> {
        columns.iter().map(|(name, kind)| Attribute::new(*name, *kind)).collect()
    }

    #[test]
    fn columns_pair_by_name_however_written_and_then_by_kind() {
        use Kind::{City, Date, Identifier, Ignored, Mailbox, Phone, Text};
        type Columns<'a> = &'a [(&'a str, Kind)];
        type Places<'a> = &'a [(usize, usize, Option<Kind>)];
        let table: [(Columns<'_>, Columns<'_>, Places<'_>); 10] = [
            (&[("email", Mailbox)], &[("email", Mailbox)], &[(0, 0, None)]),
            (&[("Email", Mailbox)], &[("city", City), ("E-MAIL", Mailbox)], &[(0, 1, None)]),
            // The very same name goes before one that is only written alike.
            (
                &[("mail", Mailbox), ("Mail", Mailbox)],
                &[("Mail", Mailbox), ("MAIL", Mailbox)],
                &[(0, 1, None), (1, 0, None)],
            ),
            (&[("phone", Phone)], &[("telephone", Phone)], &[(0, 0, Some(Phone))]),
            // By kind in order, and a name goes before a kind.
            (
                &[("phone", Phone), ("mobile", Phone)],
                &[("cell", Phone), ("Phone", Phone), ("fax", Phone)],
                &[(0, 1, None), (1, 0, Some(Phone))],
            ),
            (&[("note", Text)], &[("remark", Text)], &[]),
            (&[("born", Date)], &[("joined", Date)], &[]),
            (&[("ssn", Identifier)], &[("vat", Identifier)], &[]),
            (&[("a", Ignored)], &[("b", Ignored)], &[]),
            // Names in other scripts are names, and none of signs only are alike.
            (&[("город", City), ("--", Text)], &[("##", Text), ("ГОРОД", City)], &[(0, 1, None)]),
        ];
        for (left, right, expected) in table {
            let found = pair(&[columns(left), columns(right)]);
            let found: Vec<_> = found.iter().map(|paired| (paired.places[0], paired.places[1], paired.kind)).collect();
            assert_eq!(found, expected, "{left:?} {right:?}");
        }
    }

    #[test]
    fn one_file_has_all_its_columns() {
        let one = columns(&[("a", Kind::Text), ("A", Kind::Text)]);
        let places: Vec<Vec<usize>> = pair(&[one]).into_iter().map(|paired| paired.places).collect();
        assert_eq!(places, [[0], [1]]);
        assert!(pair(&[]).is_empty());
    }
}
