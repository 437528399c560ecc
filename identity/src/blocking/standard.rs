//! The rules that a table's fields suggest, and which of those and of declared ones make pairs.

use super::blocks::{Blocks, Dropped, Skew};
use super::declared::{RuleError, Rules};
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

/// The rules that a table's fields suggest, each made selective enough for what the table holds; one that cannot be made so is dropped.
#[must_use]
pub fn standard(table: &Table, scope: Scope, limits: Limits) -> Blocking {
    trial(table, limits).standard(scope)
}

/// The rules by which a table's records are compared, as it is said which: those that its fields suggest, declared ones, or both.
///
/// # Errors
///
/// [`RuleError`] for a declared rule that does not fit the table, and where declared ones are to stand alone and there is none.
pub fn chosen(table: &Table, scope: Scope, limits: Limits, rules: &Rules) -> Result<Blocking, RuleError> {
    let mut trial = trial(table, limits);
    let (declared, alone) = match rules {
        Rules::Chosen => return Ok(trial.standard(scope)),
        Rules::Beside(declared) => (declared, false),
        Rules::Only(declared) if declared.is_empty() => return Err(RuleError::Empty),
        Rules::Only(declared) => (declared, true),
    };
    let made: Result<Vec<Rule>, RuleError> = declared.iter().map(|rule| rule.over(table.layout())).collect();
    let kept = trial.as_declared(made?);
    let mut blocking = if alone { trial.blocking(Vec::new(), scope) } else { trial.standard(scope) };
    blocking.rules.retain(|rule| kept.iter().all(|declared| declared.parts != rule.parts));
    blocking.rules.splice(..0, kept);
    Ok(blocking)
}

fn trial(table: &Table, limits: Limits) -> Trial<'_> {
    let part = |(role, form): (Role, KeyForm)| table.layout().field(role).map(|field| KeyPart { field, form });
    let refinements: Vec<KeyPart> = REFINEMENTS.iter().filter_map(|refinement| part(*refinement)).collect();
    // A sample is enough: pairs grow with the square of the records.
    let every = table.rows().div_ceil(SAMPLE).max(1);
    let (keys, keyed) = (Keys::new(table, every), Keyed::default());
    Trial { table, refinements, limits, every, keys, keyed, dropped: Vec::new() }
}

/// The rules that a table's fields suggest.
fn suggested(table: &Table) -> Vec<Vec<KeyPart>> {
    let layout = table.layout();
    let fields = |role: Role| (0..layout.fields.len()).filter(move |field| layout.fields[*field].role == role);
    let mut found = Vec::new();
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
        found.extend(made.into_iter().filter(|parts| !parts.is_empty()));
    }
    found
}

/// How many records are looked at to see how selective a rule is.
const SAMPLE: usize = 25_000;

/// What it takes to see how selective a rule is.
struct Trial<'a> {
    table: &'a Table,
    refinements: Vec<KeyPart>,
    limits: Limits,
    every: usize,
    keys: Keys<'a>,
    keyed: Keyed,
    /// What was dropped.
    dropped: Vec<Skew>,
}

impl Trial<'_> {
    /// The rules that the table's fields suggest.
    fn standard(mut self, scope: Scope) -> Blocking {
        let mut rules: Vec<Rule> = Vec::new();
        for parts in suggested(self.table) {
            rules.extend(self.selective(parts));
        }
        if rules.is_empty() {
            // Nothing is known to be telling: every field on its own is tried.
            for field in 0..self.table.layout().fields.len() {
                rules.extend(self.selective(vec![KeyPart { field, form: Whole }]));
            }
        }
        self.blocking(rules, scope)
    }

    fn blocking(self, mut rules: Vec<Rule>, scope: Scope) -> Blocking {
        let mut seen: Vec<Vec<KeyPart>> = Vec::new();
        rules.retain(|rule| {
            let new = !seen.contains(&rule.parts);
            seen.push(rule.parts.clone());
            new
        });
        let Self { refinements, limits, dropped, .. } = self;
        Blocking { rules, refinements, limits, scope, dropped }
    }

    /// Declared rules as they are, those left out that are not selective.
    fn as_declared(&mut self, rules: Vec<Rule>) -> Vec<Rule> {
        rules
            .into_iter()
            .filter(|rule| {
                if rule.words().is_some() {
                    return true;
                }
                let skew = self.skew(rule);
                // Whom a sample leaves out may have a key.
                let nobody = self.every == 1 && skew.records < 2;
                match skew.dropped.or(nobody.then_some(Dropped::NobodyHasAKey)) {
                    Some(why) => self.dropped.push(Skew { dropped: Some(why), blocks: 0, pairs: 0, ..skew }),
                    None => return true,
                }
                false
            })
            .collect()
    }

    /// A rule with as many parts as it takes to make few enough pairs; none where that does not help.
    fn selective(&mut self, mut parts: Vec<KeyPart>) -> Option<Rule> {
        let refinements = self.refinements.clone();
        let mut more = refinements.iter();
        let mut first: Option<Skew> = None;
        loop {
            let rule = Rule::of(self.table.layout(), parts.clone());
            if rule.words().is_some() {
                return Some(rule);
            }
            let skew = self.skew(&rule);
            if skew.dropped.is_none() {
                return (skew.records > 1).then_some(rule);
            }
            let first = first.get_or_insert(skew);
            let Some(next) = more.find(|part| !parts.iter().any(|known| known.field == part.field)) else {
                self.dropped.push(Skew { blocks: 0, pairs: 0, ..first.clone() });
                return None;
            };
            parts.push(*next);
        }
    }

    /// How the blocks of a rule turn out in a sample, and whether it makes too many pairs. Blocks too large for any rule do not count
    /// there: they are refined on their own, and one value that thousands share must not take the rule from all others.
    fn skew(&mut self, rule: &Rule) -> Skew {
        self.keys.of(rule, &mut self.keyed);
        let blocks = Blocks { table: self.table, refinements: &[], most: self.limits.block };
        let mut skew = blocks.of(rule, &mut self.keyed, &mut |_| {});
        let whole = |sampled: u64| sampled.saturating_mul((self.every as u64).saturating_pow(2));
        let most = u64::from(self.limits.pairs_per_record) * self.table.rows() as u64;
        let pairs = whole(skew.pairs);
        if pairs > most {
            let mut in_all = 0;
            self.keyed.groups(|group| in_all += group.len() as u64 * (group.len() as u64 - 1) / 2);
            skew.records *= self.every as u64;
            skew.dropped = Some(Dropped::TooManyPairs { pairs, in_all: whole(in_all), most });
        }
        skew
    }
}
