//! What the account has of what is mapped. A query that names a column which the account does not have is refused as a whole,
//! and the refusal names it: from then on that column is not asked for, and nothing is believed of it, while the rest goes on.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock};

use accordant::model::Path;
use accordant::schema::ObjectSchema;

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
    /// By object type: columns that queries may not name, and whether the catalogue lacks them too.
    refused: BTreeMap<String, BTreeMap<String, bool>>,
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
            if lines {
                // A list is believed whole or not at all.
                known.lines.clear();
                known.unasked.insert(Path::new(LINES));
            } else {
                known.columns.remove(column);
                known.unasked.insert(Path::new(column));
                refused.entry(name.clone()).or_default().insert(column.to_owned(), false);
            }
            *changes += 1;
        }
    }

    /// The catalogue told of an object type. A column that it lacked, and has again, is asked for again; one that it always had,
    /// and that no query may name, is not there for this connector.
    pub(crate) fn described(&self, name: &str, schema: &ObjectSchema) {
        let mut state = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let State { objects, changes, refused } = &mut *state;
        let (Some(object), Some(refused)) = (objects.get_mut(name), refused.get_mut(name)) else { return };
        let mut back = BTreeSet::new();
        refused.retain(|column, lacking| {
            let path = Path::new(column);
            let is_there = schema.find(&path).is_some();
            if is_there && *lacking {
                back.insert(column.clone());
            }
            *lacking |= !is_there;
            !back.contains(column)
        });
        for column in back {
            let known = Arc::make_mut(object);
            known.unasked.remove(&Path::new(&column));
            known.columns.insert(column);
            *changes += 1;
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use accordant::schema::{FieldKind, FieldSchema};

    use super::*;

    fn known() -> Known {
        let mut customer = Object::new("customer");
        customer.columns = ["email", "phone", "balance"].map(str::to_owned).into();
        let mut order = Object::new("salesorder");
        order.columns = ["phone"].map(str::to_owned).into();
        order.lines = ["quantity", "rate"].map(str::to_owned).into();
        Known::new(&BTreeMap::from([("customer".to_owned(), customer), ("salesorder".to_owned(), order)]))
    }

    fn catalogue(columns: &[&str]) -> ObjectSchema {
        let mut schema = ObjectSchema::new("customer");
        for column in columns {
            schema.field(FieldSchema::new(Path::new(column), FieldKind::Text));
        }
        schema
    }

    #[test]
    fn a_column_that_is_refused_is_asked_for_again_once_the_catalogue_has_it_again() {
        let known = known();
        let asked = || known.object("customer").unwrap().columns.iter().cloned().collect::<Vec<_>>().join(" ");
        known.refuses("customer", "phone");
        known.refuses("customer", "balance");
        assert_eq!((asked().as_str(), known.changes()), ("email", 2));
        assert_eq!(known.object("salesorder").unwrap().columns.len(), 1, "another table");
        known.refuses("customer", "phone");
        assert_eq!(known.changes(), 2, "that is known");
        // The balance is in the catalogue, and in no query: so it stays. The phone is gone, and comes back.
        known.described("customer", &catalogue(&["email", "balance"]));
        assert_eq!(asked(), "email");
        known.described("customer", &catalogue(&["email", "balance", "phone"]));
        assert_eq!(asked(), "email phone");
        assert_eq!(known.object("customer").unwrap().unasked, BTreeSet::from([Path::new("balance")]));
    }

    #[test]
    fn of_lines_all_are_asked_for_or_none() {
        let known = known();
        known.refuses(LINES_TABLE, "rate");
        let order = known.object("salesorder").unwrap();
        assert!(order.lines.is_empty() && order.unasked.contains(&Path::new(LINES)));
        assert!(order.columns.contains("phone"));
    }
}
