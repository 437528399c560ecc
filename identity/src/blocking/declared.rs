//! Rules of blocking that a user declares, in place of those that are chosen or beside them.

use super::rule::{KeyForm, KeyPart, Rule};
use crate::layout::{Layout, Role};

/// Which rules make pairs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Rules {
    /// Those that are chosen for what a table holds ([`super::standard`]).
    #[default]
    Chosen,
    /// Declared ones, and those that are chosen behind them.
    Beside(Vec<DeclaredRule>),
    /// Declared ones only.
    Only(Vec<DeclaredRule>),
}

/// A rule as it is declared: records that agree in all its parts are compared.
///
/// It is taken as it is: where it would make more pairs than [`Limits::pairs_per_record`](super::Limits::pairs_per_record) allows, no
/// part is added to it, as one is to a rule that is chosen; it is dropped, and told with what it would have made
/// ([`Skew::dropped`](super::Skew::dropped)). A block of it that is too large is refined as any other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclaredRule {
    /// The attributes, and how much of each value.
    pub parts: Vec<(String, KeyForm)>,
}

/// What is wrong with a declared rule. It names the attribute.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RuleError {
    /// A rule has no parts, or none is declared at all.
    #[error("a rule of blocking of no attributes")]
    Empty,
    /// No field is of this name.
    #[error("a rule of blocking looks at `{attribute}`, where fields are {known}")]
    Unknown {
        /// The attribute.
        attribute: String,
        /// The names of the fields that there are.
        known: String,
    },
    /// An attribute stands in a rule twice.
    #[error("a rule of blocking looks at `{attribute}` twice")]
    Twice {
        /// The attribute.
        attribute: String,
    },
    /// What is taken of a value does not fit what the attribute holds, or is nothing.
    #[error("a rule of blocking takes {form:?} of `{attribute}`: {why}")]
    Form {
        /// The attribute.
        attribute: String,
        /// What is taken.
        form: KeyForm,
        /// What is wrong with that.
        why: &'static str,
    },
}

impl DeclaredRule {
    /// A rule of attributes by name, and how much of each value. An attribute that makes several fields, as a whole name does, is looked
    /// at by the name of a field: `name.given`, `name.surname`, `email.domain`; what mailbox and website say together is `site`.
    #[must_use]
    pub fn of(parts: &[(&str, KeyForm)]) -> Self {
        Self { parts: parts.iter().map(|(attribute, form)| ((*attribute).to_owned(), *form)).collect() }
    }

    /// The rule over the fields of a layout.
    pub(super) fn over(&self, layout: &Layout) -> Result<Rule, RuleError> {
        let mut parts: Vec<KeyPart> = Vec::new();
        for (attribute, form) in &self.parts {
            let Some(field) = layout.fields.iter().position(|field| field.name == *attribute) else {
                let known: Vec<&str> = layout.fields.iter().map(|field| field.name.as_str()).collect();
                return Err(RuleError::Unknown { attribute: attribute.clone(), known: known.join(", ") });
            };
            if parts.iter().any(|part| part.field == field) {
                return Err(RuleError::Twice { attribute: attribute.clone() });
            }
            if let Some(why) = misfit(*form, layout.fields[field].role, self.parts.len()) {
                return Err(RuleError::Form { attribute: attribute.clone(), form: *form, why });
            }
            parts.push(KeyPart { field, form: *form });
        }
        if parts.is_empty() {
            return Err(RuleError::Empty);
        }
        let name = self.parts.iter().map(|(attribute, form)| called(attribute, *form)).collect::<Vec<_>>().join(" + ");
        Ok(Rule { name, ..Rule::of(layout, parts) })
    }
}

/// What a part of a rule is called: two rules that take more or less of one attribute are told from each other.
fn called(attribute: &str, form: KeyForm) -> String {
    match form {
        KeyForm::Whole => attribute.to_owned(),
        KeyForm::Prefix(letters) => format!("{letters} letters of {attribute}"),
        KeyForm::Local => format!("local part of {attribute}"),
        KeyForm::FirstWord => format!("first word of {attribute}"),
        KeyForm::Sound => format!("sound of {attribute}"),
        KeyForm::Brand => format!("brand of {attribute}"),
        KeyForm::Words(words) => format!("{words} rarest words of {attribute}"),
    }
}

/// Why so much cannot be taken of what holds this, in a rule of so many parts; none where it can.
fn misfit(form: KeyForm, role: Role, parts: usize) -> Option<&'static str> {
    match form {
        KeyForm::Prefix(0) | KeyForm::Words(0) => Some("that is nothing"),
        KeyForm::Words(_) if parts > 1 => Some("a rule of words has no other part"),
        KeyForm::Words(_) if !role.has_words() => Some("only companies, titles, names and descriptions have words"),
        KeyForm::Local if role != Role::Mailbox => Some("only mailboxes have such a part"),
        KeyForm::Brand if !matches!(role, Role::Company | Role::Site) => {
            Some("only companies and sites go by such a name")
        }
        _ => None,
    }
}
