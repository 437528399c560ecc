//! Models in files: an overlay changes one that the derive made; [`EntityModel::from_toml`] declares one without.
//!
//! ```toml
//! entity = "customer"
//!
//! [system.netsuite]                 # a system's object type; `system = ".."` if the key is another
//! object = "customer"
//! required_when = { tier = "gold" } # or `required = true`, or `required_when = "tier"`
//! create_needs = ["email"]
//!
//! [group.address]
//! owner = ["netsuite"]
//!
//! [attribute.balance]
//! kind = "money"
//! owner = ["netsuite"]
//! resolve = ["owner", { policy = "trust", systems = { netsuite = 90, hubspot = 70 }, half_life_days = 30 }]
//! at.netsuite = { path = "balance", currency_path = "currency.id", read_only = true }
//! at.hubspot = { path = "properties.balance", currency = "USD", weak = true }
//! rules = [
//!     { when = { moved_by = "100 USD", not = { said_by = "netsuite" } }, hold = "more than 100", by_two = true },
//!     { when = { any = [{ above = "10000000 USD" }, "clears"] }, review = "somebody looks" },
//! ]
//! ```
//!
//! A rule has the conditions of [`rule`](crate::rule), of which all in one table hold: `"changes"`, `"replaces"`, `"clears"`,
//! `becomes`, `above`, `below`, `moved_by`, `moved_by_percent`, `stood_for` and `said_ago` (`"30 days"`), `said_by`, `said_as`
//! (`owner`, `co_owner`, `observer`), `other = { tier = "gold" }`, `missing = "tier"`, `all`, `any`, `not`; one of `hold`,
//! `review`, `forbid` and `warn`, with the reason; and `by_two` and `name`. They are asked before those of code.
//!
//! An overlay has the same tables and changes what it names: owners, policies, rules of files, what clearing does, paths, direction,
//! strength and separator of attributes; owners, policies and clearing of groups; where records of a system are
//! expected, what creating one needs, how many stand for an entity. What it does not name stays.
//!
//! Every mistake of a file is reported at once, with its line, its key, the known names and a suggestion.

mod attribute;
mod change;
mod decide;
mod declare;
mod entity;
mod error;
mod read;
mod reference;
mod rule;

use crate::model::EntityModel;
use crate::policy::Registry;

pub(crate) use declare::{Declaration, declare, declare_amount};
pub use error::{OverlayError, OverlayMistake};

impl EntityModel {
    /// Changes the model by a file; on an error, nothing is changed.
    ///
    /// ```
    /// # fn main() -> Result<(), accordant::model::OverlayError> {
    /// # use accordant::{model::EntityModel, policy::Registry};
    /// # let mut customer = EntityModel::new("customer");
    /// customer.overlay("entity = 'customer'\non_delete = 'archive'", &Registry::builtin())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the file.
    pub fn overlay(&mut self, toml: &str, registry: &Registry) -> Result<(), OverlayError> {
        let mut changed = self.clone();
        let mistakes = read::document(toml, |file| change::apply(&file, &mut changed, registry));
        if !mistakes.is_empty() {
            return Err(OverlayError::new(mistakes));
        }
        *self = changed;
        Ok(())
    }

    /// Declares an entity type by a file: the same model, to the fingerprint, as the derive makes of the same words.
    ///
    /// The order of systems, attributes and mappings is that of the file. Derived attributes, parts and keyed
    /// collections need code, so they are declared by the derive.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the file.
    pub fn from_toml(toml: &str, registry: &Registry) -> Result<Self, OverlayError> {
        let mut model = EntityModel::new("");
        let mistakes = read::document(toml, |file| entity::declare(&file, &mut model, registry));
        if mistakes.is_empty() { Ok(model) } else { Err(OverlayError::new(mistakes)) }
    }
}

#[cfg(test)]
mod tests;
