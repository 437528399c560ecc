//! The rules that a table's fields suggest.

use super::blocks::Blocks;
use super::keyed::Keyed;
use super::keys::Keys;
use super::rule::{KeyForm, KeyPart, Rule};
use super::{Blocking, Limits, Scope};
use crate::layout::Role;
use crate::table::Table;

use KeyForm::{Brand, FirstWord, Local, Prefix, Sound, Whole, Words};

/// What identifies on its own or nearly so, the most telling first; then pairs of what does together.
const SUGGESTED: &[&[(Role, KeyForm)]] = &[
    &[(Role::Mailbox, Whole)],
    &[(Role::Identifier, Whole)],
    &[(Role::Phone, Whole)],
    &[(Role::Site, Whole)],
    &[(Role::Website, Whole)],
    &[(Role::Company, Whole), (Role::Country, Whole)],
    &[(Role::Company, Brand)],
    &[(Role::Surname, Whole), (Role::Postcode, Whole)],
    &[(Role::Street, Whole), (Role::Postcode, Whole)],
    &[(Role::GivenName, Whole), (Role::Surname, Whole)],
    &[(Role::Date, Whole)],
    &[(Role::Text, Whole)],
    &[(Role::Title, Whole)],
    &[(Role::Mailbox, Local)],
    &[(Role::Street, Whole), (Role::City, Whole)],
    &[(Role::GivenName, Whole), (Role::Postcode, Whole)],
    &[(Role::Company, Prefix(8)), (Role::City, Whole)],
    &[(Role::Company, FirstWord), (Role::Postcode, Whole)],
    &[(Role::Surname, Sound), (Role::Street, Whole)],
    &[(Role::Company, FirstWord), (Role::Surname, Whole)],
    // Rules of words come last: whether an earlier rule made a pair is seen at once.
    &[(Role::Title, Words(6))],
    &[(Role::Names, Words(6))],
];

/// By what oversize blocks are refined.
const REFINEMENTS: &[(Role, KeyForm)] = &[
    (Role::Postcode, Whole),
    (Role::Surname, Whole),
    (Role::City, Whole),
    (Role::GivenName, Whole),
    (Role::Company, FirstWord),
    (Role::Date, Whole),
    (Role::Title, Words(1)),
    (Role::Names, Words(1)),
    (Role::Category, Whole),
];

/// The rules that a table's fields suggest, each made selective enough for what the table holds.
#[must_use]
pub fn standard(table: &Table, scope: Scope, limits: Limits) -> Blocking {
    let layout = table.layout();
    let fields = |role: Role| (0..layout.fields.len()).filter(move |field| layout.fields[*field].role == role);
    let part = |(role, form): (Role, KeyForm)| layout.field(role).map(|field| KeyPart { field, form });
    let refinements: Vec<KeyPart> = REFINEMENTS.iter().filter_map(|refinement| part(*refinement)).collect();
    // A sample is enough: pairs grow with the square of the records.
    let every = table.rows().div_ceil(SAMPLE).max(1);
    let (keys, keyed) = (Keys::new(table, every), Keyed::default());
    let mut trial = Trial { table, refinements: &refinements, limits, every, keys, keyed };
    let mut rules: Vec<Rule> = Vec::new();
    // Where there are mailboxes, the site stands for the website, too.
    let site = layout.site.is_some();
    for suggested in SUGGESTED.iter().filter(|suggested| !(site && suggested[0].0 == Role::Website)) {
        let mut made = vec![Vec::new()];
        for (role, form) in *suggested {
            // A rule of one value is made for every field of its role: each identifier, each date.
            let all: Vec<usize> =
                if suggested.len() == 1 { fields(*role).collect() } else { layout.field(*role).into_iter().collect() };
            made = made
                .iter()
                .flat_map(|parts: &Vec<KeyPart>| {
                    all.iter()
                        .map(|field| parts.iter().copied().chain([KeyPart { field: *field, form: *form }]).collect())
                })
                .collect();
        }
        for parts in made.into_iter().filter(|parts| !parts.is_empty()) {
            rules.extend(trial.selective(parts));
        }
    }
    if rules.is_empty() {
        // Nothing is known to be telling: every field on its own is tried.
        for field in 0..layout.fields.len() {
            rules.extend(trial.selective(vec![KeyPart { field, form: Whole }]));
        }
    }
    let mut seen: Vec<Vec<KeyPart>> = Vec::new();
    rules.retain(|rule| {
        let new = !seen.contains(&rule.parts);
        seen.push(rule.parts.clone());
        new
    });
    Blocking { rules, refinements, limits, scope }
}

/// How many records are looked at to see how selective a rule is.
const SAMPLE: usize = 25_000;

/// What it takes to see how selective a rule is.
struct Trial<'a> {
    table: &'a Table,
    refinements: &'a [KeyPart],
    limits: Limits,
    every: usize,
    keys: Keys<'a>,
    keyed: Keyed,
}

impl Trial<'_> {
    /// A rule with as many parts as it takes to make few enough pairs; none where that does not help.
    fn selective(&mut self, mut parts: Vec<KeyPart>) -> Option<Rule> {
        let layout = self.table.layout();
        let rows = self.table.rows();
        let mut more = self.refinements.iter();
        loop {
            let both = [Role::GivenName, Role::Surname];
            let unordered = parts.len() == 2 && parts.iter().all(|part| both.contains(&layout.fields[part.field].role));
            let name = parts.iter().map(|part| layout.fields[part.field].name.as_str()).collect::<Vec<_>>().join(" + ");
            let rule = Rule { name, parts: parts.clone(), unordered };
            if rule.words().is_some() {
                return Some(rule);
            }
            // Blocks too large for any rule do not count: they are refined on their own, and one value that thousands share must not
            // take the rule from all others.
            self.keys.of(&rule, &mut self.keyed);
            let blocks = Blocks { table: self.table, refinements: &[], most: self.limits.block };
            let skew = blocks.of(&rule, &mut self.keyed, &mut |_| {});
            let pairs = skew.pairs * (self.every as u64).pow(2);
            if pairs <= u64::from(self.limits.pairs_per_record) * rows as u64 {
                return (skew.records > 1).then_some(rule);
            }
            let next = more.find(|part| !parts.iter().any(|known| known.field == part.field))?;
            parts.push(*next);
        }
    }
}
