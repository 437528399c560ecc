//! The vocabulary of comparison: at which level two records agree in one respect.
//!
//! A comparison looks at one field, or at several that say one thing together: a name, an address, a mailbox with its domain.
//! Its levels are ordered only for the reader; what each is worth is learned. A level that says that nothing can be compared
//! carries no weight.

mod address;
pub(crate) mod ahead;
pub(crate) mod declared;
mod fields;
mod mailbox;
mod name;
mod organisation;
mod words;

use smallvec::SmallVec;

use crate::layout::{Layout, Role};
use crate::lexicon::Lexicon;
use crate::table::{Row, Table};

use ahead::{Ahead, Said};
pub use declared::{DeclarationError, Declared};
pub use fields::Single;

/// How two values of one role compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Agreement {
    /// The same.
    Exact,
    /// Alike: a slip of the pen, a short form.
    Near,
    /// Not the same.
    Differ,
}

/// What a level says of one role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// The role.
    pub role: Role,
    /// How its values compare.
    pub agreement: Agreement,
    /// Which component of the comparison says so, and at which of its levels: chance is known by component.
    pub component: (u8, u8),
    /// The field that both records hold the same value in, if they do: its frequency counts.
    pub same: Option<u8>,
}

/// One of the answers of a comparison.
#[derive(Debug, Clone, PartialEq)]
pub struct Level {
    /// What it says, for people.
    pub name: String,
    /// Levels of one group are compared with each other: those where the same values are there on both sides.
    pub group: u8,
    /// What it says of each role; nothing where nothing can be compared.
    pub parts: SmallVec<[Part; 3]>,
}

/// What a comparison looks at.
#[derive(Debug, Clone, PartialEq)]
enum Form {
    Name(name::Name),
    Address(address::Address),
    Mailbox(mailbox::Mailbox),
    Company(organisation::Organisation),
    Words(words::Words),
    Persons(words::Persons),
    Single(Single),
    System,
}

/// A comparison of two records in one respect.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// What it compares.
    pub name: String,
    /// Its levels; the first says that nothing can be compared.
    pub levels: Vec<Level>,
    form: Form,
}

/// What every comparison of a table needs at hand.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    table: &'a Table,
    aliases: &'a Aliases,
    ahead: Option<&'a Ahead>,
}

/// The given names that each name is short for, by code.
#[derive(Debug, Clone, Default)]
pub struct Aliases {
    of: Vec<[u16; 4]>,
}

impl Aliases {
    /// Notes the names of a table that are not noted yet.
    pub fn extend(&mut self, table: &Table) {
        if let Some(field) = table.layout().field(Role::GivenName) {
            let dictionary = table.dictionary(field);
            for code in self.of.len()..dictionary.codes() {
                self.of.push(name::given_names_of(dictionary.bytes(code as u32)));
            }
        }
    }

    fn share(&self, a: u32, b: u32) -> bool {
        let (Some(a), Some(b)) = (self.of.get(a as usize), self.of.get(b as usize)) else { return false };
        a.iter().any(|number| *number != 0 && b.contains(number))
    }
}

impl<'a> View<'a> {
    /// A view of a table.
    #[must_use]
    pub const fn new(table: &'a Table, aliases: &'a Aliases) -> Self {
        Self { table, aliases, ahead: None }
    }

    /// The same view, of rows of which what is looked at first stands together.
    pub(crate) const fn with(self, ahead: &'a Ahead) -> Self {
        Self { ahead: Some(ahead), ..self }
    }

    /// The table.
    #[must_use]
    pub const fn table(&self) -> &'a Table {
        self.table
    }

    fn bytes(&self, field: usize, code: u32) -> &'a [u8] {
        self.table.dictionary(field).bytes(code)
    }

    fn lexicon(&self, field: usize) -> &'a Lexicon {
        self.table.lexicon(field)
    }
}

impl Comparison {
    /// The sensible set for a table's fields: what says one thing together is compared together, and what stands alone as its kind or its
    /// schema says ([`Schema::comparing`](crate::attribute::Schema::comparing)).
    #[must_use]
    pub fn standard(layout: &Layout, systems: bool) -> Vec<Self> {
        let mut made = Vec::new();
        if let Some(name) = name::Name::of(layout) {
            made.push(Self { name: "name".into(), levels: name.levels(), form: Form::Name(name) });
        }
        if let Some(mailbox) = mailbox::Mailbox::of(layout) {
            made.push(Self { name: "mailbox".into(), levels: mailbox.levels(), form: Form::Mailbox(mailbox) });
        }
        if let Some(address) = address::Address::of(layout) {
            made.push(Self { name: "address".into(), levels: address.levels(), form: Form::Address(address) });
        }
        if let Some(company) = organisation::Organisation::of(layout) {
            made.push(Self { name: "company".into(), levels: company.levels(), form: Form::Company(company) });
        }
        if let Some(words) = words::Words::of(layout) {
            made.push(Self { name: "title".into(), levels: words.levels(), form: Form::Words(words) });
        }
        if let Some(names) = words::Persons::of(layout) {
            made.push(Self { name: "names".into(), levels: names.levels(), form: Form::Persons(names) });
        }
        // Whatever is left is compared on its own; of a role looked at together, the second field too.
        let mut seen: Vec<Role> = Vec::new();
        for (place, of) in layout.fields.iter().enumerate() {
            // Without mailboxes no site is known that a website would be looked at with.
            let first = !seen.contains(&of.role) && (of.role != Role::Website || layout.site.is_some());
            seen.push(of.role);
            if let Some(single) = Single::of(place, of.role, first) {
                let single = single.declared(layout.schema.declared(&of.name));
                made.push(Self { name: of.name.clone(), levels: single.levels(), form: Form::Single(single) });
            }
        }
        if systems {
            made.push(Self { name: "system".into(), levels: fields::system_levels(), form: Form::System });
        }
        made
    }

    /// The level at which two records agree.
    #[must_use]
    pub fn level(&self, view: View<'_>, a: Row, b: Row) -> u8 {
        let (left, right) = (view.said(a), view.said(b));
        match &self.form {
            Form::Name(name) => name.level(view, left, right),
            Form::Address(address) => address.level(view, left, right),
            Form::Mailbox(mailbox) => mailbox.level(view, left, right),
            Form::Company(company) => company.level(view, left, right),
            Form::Words(words) => words.level(view, left, right),
            Form::Persons(names) => names.level(view, left, right),
            Form::Single(single) => single.level(view, left, right),
            Form::System => 1 + u8::from(view.system_of(left) != view.system_of(right)),
        }
    }

    /// Whether it looks at one field only, of this name.
    fn is_of_one_field(&self, layout: &Layout, name: &str) -> bool {
        matches!(&self.form, Form::Single(single) if layout.fields[single.field].name == name)
    }

    /// How many components it has, and how many levels each: chance is estimated for each on its own.
    #[must_use]
    pub fn components(&self) -> SmallVec<[usize; 3]> {
        let mut levels: SmallVec<[usize; 3]> = SmallVec::new();
        for part in self.levels.iter().flat_map(|level| &level.parts) {
            let (component, level) = (usize::from(part.component.0), usize::from(part.component.1));
            if levels.len() <= component {
                levels.resize(component + 1, 1);
            }
            levels[component] = levels[component].max(level + 1);
        }
        levels
    }
}

/// The null level, which every comparison has first.
fn nothing() -> Level {
    Level { name: "nothing to compare".into(), group: 0, parts: SmallVec::new() }
}
