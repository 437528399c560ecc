//! Which key seals what: a function of a row's key, and of what an entry is about.

use crate::engine::{REFUSALS, TRAINED_MODELS, identity_of_key, record_of_key};
use crate::id::EntityId;
use crate::store::{RowKey, Table};
use crate::text::Text;

/// What one key is for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Scope {
    /// What holds nobody's values: its key is never destroyed.
    Tenant,
    /// The rows of a table whose keys do not say whom they are about. Whenever somebody is erased, the key goes, and the
    /// rows that stand keep keys of their own.
    Table(Table),
    /// A record or an entity, by the name that the journal gives it.
    Subject(Text),
}

impl Scope {
    /// What a row is sealed under.
    pub(super) fn of_row(row: &RowKey) -> Self {
        let subject = match row.table {
            // A trained model holds hashes of words that records have.
            Table::Meta if row.key.starts_with(REFUSALS) || row.key.starts_with(TRAINED_MODELS) => None,
            Table::Index if identity_of_key(&row.key).is_some() => None,
            Table::Meta | Table::Index | Table::Dedup | Table::Cursor => return Self::Tenant,
            Table::Entity => is_entity(&row.key).then(|| row.key.clone()),
            // What waits holds counts and times, and all of it is gone through in each step: by one key.
            Table::Representation | Table::Link => subject_of_record(&row.key),
            _ => None,
        };
        subject.map_or(Self::Table(row.table), Self::Subject)
    }

    /// What the payload of an entry is sealed under. Records and entities are erased, and nothing else is.
    pub(super) fn of_entry(subject: &str) -> Self {
        match is_entity(subject) || subject.matches('/').count() >= 2 {
            true => Self::Subject(Text::new(subject)),
            false => Self::Tenant,
        }
    }

    /// The rows that are sealed under the key of a subject. Those of what waits were, by earlier versions.
    pub(super) fn rows_of(subject: &str) -> Vec<RowKey> {
        if is_entity(subject) {
            return vec![RowKey::new(Table::Entity, subject)];
        }
        let mut parts = subject.splitn(3, '/');
        let (Some(connection), Some(object), Some(id)) = (parts.next(), parts.next(), parts.next()) else {
            return Vec::new();
        };
        let key = Text::from([connection, object, id].join("\u{1f}"));
        [Table::Representation, Table::Link, Table::Work].map(|table| RowKey::new(table, key.clone())).into()
    }

    /// Its name in the key store.
    pub(super) fn name(&self) -> Text {
        match self {
            Self::Tenant => Text::fixed("tenant"),
            Self::Table(table) => Text::of_parts(&["table/", table.name()]),
            Self::Subject(subject) => Text::of_parts(&["subject/", subject]),
        }
    }

    /// What people read for it.
    pub(super) fn shown(&self) -> Text {
        match self {
            Self::Tenant => Text::fixed("the tenant"),
            Self::Table(table) => Text::of_parts(&["the table ", table.name()]),
            Self::Subject(subject) => subject.clone(),
        }
    }
}

/// Whether a text names an entity, spelt as entities are.
fn is_entity(text: &str) -> bool {
    text.parse::<EntityId>().is_ok_and(|id| *id.text() == *text)
}

/// What the journal calls the record of a key; `None` where that name could be another record's.
fn subject_of_record(key: &str) -> Option<Text> {
    let record = record_of_key(key)?;
    let is_plain = |name: &str| !name.contains('/');
    (is_plain(record.connection.as_str()) && is_plain(record.object.as_str())).then(|| record.to_string().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENTITY: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

    #[test]
    fn rows_and_entries_of_a_subject_share_a_key() {
        let row = |table, key: &str| Scope::of_row(&RowKey::new(table, key));
        let subject = |name: &str| Scope::Subject(name.into());
        for (table, key, scope) in [
            (Table::Entity, ENTITY, subject(ENTITY)),
            (Table::Entity, "no id", Scope::Table(Table::Entity)),
            (Table::Representation, "crm\u{1f}contacts\u{1f}a/b\u{1f}c", subject("crm/contacts/a/b\u{1f}c")),
            (Table::Link, "crm\u{1f}contacts\u{1f}7", subject("crm/contacts/7")),
            (Table::Work, "crm\u{1f}contacts\u{1f}7", Scope::Table(Table::Work)),
            (Table::Link, "a/b\u{1f}c\u{1f}7", Scope::Table(Table::Link)),
            (Table::Index, "customer\u{1f}email\u{1f}ana@acme.test", Scope::Table(Table::Index)),
            (Table::Index, "\u{1f}waits\u{1f}crm\u{1f}contacts\u{1f}7\u{1f}x", Scope::Tenant),
            (Table::Meta, "refusals\u{1f}write\u{1f}x", Scope::Table(Table::Meta)),
            (Table::Meta, "matcher-text\u{1f}customer", Scope::Table(Table::Meta)),
            (Table::Meta, "matcher\u{1f}customer", Scope::Tenant),
            (Table::Meta, "matcher-sweep\u{1f}customer", Scope::Tenant),
            (Table::Meta, "matcher-example\u{1f}customer\u{1f}ab12", Scope::Tenant),
            (Table::Meta, "model", Scope::Tenant),
            (Table::Plan, "ab12", Scope::Table(Table::Plan)),
            (Table::Case, "unlinked/crm/contacts/7", Scope::Table(Table::Case)),
            (Table::Dedup, "crm\u{1f}1", Scope::Tenant),
        ] {
            assert_eq!(row(table, key), scope, "{table:?} {key}");
            // What is found by a subject is what is sealed under its key, so that nothing that stands loses its key.
            if let Scope::Subject(name) = &scope {
                assert!(Scope::rows_of(name).contains(&RowKey::new(table, key)), "{table:?} {key}");
                assert_eq!(Scope::of_entry(name), scope);
            }
        }
        for nobody in ["model", "limits", "crm", "erasure/01890a5d-ac96-774b-bcce-b302099a8057", ""] {
            assert_eq!(Scope::of_entry(nobody), Scope::Tenant, "{nobody}");
        }
    }
}
