//! What the account has of what is mapped. A query that names a column which the account does not have is refused as a whole,
//! and the refusal names it: from then on that column is not asked for, and nothing is believed of it, while the rest goes on, until
//! a query may name it again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock};

use accordant::model::Path;

use crate::query::LINES_TABLE;
use crate::settings::{LINES, Object};

/// The object types as the account knows them.
#[derive(Debug)]
pub(crate) struct Known(RwLock<State>);

#[derive(Debug)]
struct State {
    objects: BTreeMap<String, Arc<Object>>,
    /// How often that became less or more.
    changes: u64,
    /// By object type: what queries may not name.
    refused: BTreeMap<String, Refused>,
}

/// What queries of an object type may not name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Refused {
    /// Columns of its table.
    pub(crate) columns: BTreeSet<String>,
    /// Whether it has lines, and they may not be asked for: a list is believed whole or not at all.
    pub(crate) lines: bool,
}

impl Known {
    /// All of what is mapped, until an answer says otherwise.
    pub(crate) fn new(mapped: &BTreeMap<String, Object>) -> Self {
        let objects = mapped.iter().map(|(name, object)| (name.clone(), Arc::new(object.clone()))).collect();
        Self(RwLock::new(State { objects, changes: 0, refused: BTreeMap::new() }))
    }

    /// An object type, with the columns that may be asked for.
    pub(crate) fn object(&self, name: &str) -> Option<Arc<Object>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).objects.get(name).cloned()
    }

    /// How often what is known changed: whoever fails beside a change may ask anew.
    pub(crate) fn changes(&self) -> u64 {
        self.0.read().unwrap_or_else(PoisonError::into_inner).changes
    }

    /// A query of a table was refused, since the table has no such column.
    pub(crate) fn refuses(&self, table: &str, column: &str) {
        let mut state = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let State { objects, changes, refused } = &mut *state;
        for (name, object) in objects {
            let lines = table == LINES_TABLE && object.lines.contains(column);
            if !lines && (object.table != table || !object.columns.contains(column)) {
                continue;
            }
            let known = Arc::make_mut(object);
            let refused = refused.entry(name.clone()).or_default();
            if lines {
                known.lines.clear();
                known.unasked.insert(Path::new(LINES));
                refused.lines = true;
            } else {
                known.columns.remove(column);
                known.unasked.insert(Path::new(column));
                refused.columns.insert(column.to_owned());
            }
            *changes += 1;
        }
    }

    /// What queries of an object type may not name.
    pub(crate) fn refused(&self, name: &str) -> Refused {
        self.0.read().unwrap_or_else(PoisonError::into_inner).refused.get(name).cloned().unwrap_or_default()
    }

    /// Queries of an object type may name these again, as they are mapped.
    pub(crate) fn takes(&self, name: &str, mapped: &Object, again: &Refused) {
        let mut state = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let State { objects, changes, refused } = &mut *state;
        let (Some(object), Some(refused)) = (objects.get_mut(name), refused.get_mut(name)) else { return };
        let known = Arc::make_mut(object);
        for column in again.columns.iter().filter(|column| refused.columns.remove(*column)) {
            known.unasked.remove(&Path::new(column));
            known.columns.insert(column.clone());
            *changes += 1;
        }
        if again.lines && std::mem::take(&mut refused.lines) {
            known.unasked.remove(&Path::new(LINES));
            known.lines.clone_from(&mapped.lines);
            *changes += 1;
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn mapped() -> BTreeMap<String, Object> {
        let mut customer = Object::new("customer");
        customer.columns = ["email", "phone", "balance"].map(str::to_owned).into();
        let mut order = Object::new("salesorder");
        order.columns = ["phone"].map(str::to_owned).into();
        order.lines = ["quantity", "rate"].map(str::to_owned).into();
        BTreeMap::from([("customer".to_owned(), customer), ("salesorder".to_owned(), order)])
    }

    fn known() -> Known {
        Known::new(&mapped())
    }

    fn columns(columns: &[&str]) -> Refused {
        Refused { columns: columns.iter().map(|column| (*column).to_owned()).collect(), lines: false }
    }

    #[test]
    fn a_column_that_is_refused_is_asked_for_again_once_queries_may_name_it() {
        let (known, mapped) = (known(), mapped());
        let asked = || known.object("customer").unwrap().columns.iter().cloned().collect::<Vec<_>>().join(" ");
        known.refuses("customer", "phone");
        known.refuses("customer", "balance");
        assert_eq!((asked().as_str(), known.changes()), ("email", 2));
        assert_eq!(known.object("salesorder").unwrap().columns.len(), 1, "another table");
        known.refuses("customer", "phone");
        assert_eq!(known.changes(), 2, "that is known");
        assert_eq!(known.refused("customer"), columns(&["phone", "balance"]));
        known.takes("customer", &mapped["customer"], &columns(&["phone"]));
        assert_eq!((asked().as_str(), known.changes()), ("email phone", 3));
        assert_eq!(known.object("customer").unwrap().unasked, BTreeSet::from([Path::new("balance")]));
        known.takes("customer", &mapped["customer"], &columns(&["phone"]));
        assert_eq!(known.changes(), 3, "that is known");
    }

    #[test]
    fn of_lines_all_are_asked_for_or_none() {
        let (known, mapped) = (known(), mapped());
        known.refuses(LINES_TABLE, "rate");
        let order = known.object("salesorder").unwrap();
        assert!(order.lines.is_empty() && order.unasked.contains(&Path::new(LINES)));
        assert!(order.columns.contains("phone"));
        let refused = known.refused("salesorder");
        assert_eq!(refused, Refused { lines: true, ..Refused::default() });
        known.takes("salesorder", &mapped["salesorder"], &refused);
        assert_eq!(*known.object("salesorder").unwrap(), mapped["salesorder"]);
    }
}
