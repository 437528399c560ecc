//! What a database says of the columns of its tables: those that the account may see, in the standard's views of the catalogue.

use std::collections::BTreeMap;

use accordant::connector::ConnectorError;
use accordant::id::ObjectType;
use accordant::model::Path;
use accordant::schema::{FieldKind, FieldSchema, ObjectSchema};
use accordant::text::Text;

use crate::connector::PostgresTable;
use crate::fault::unread;
use crate::settings::Table;

/// Of tables by schema and name: each column, its type, what may be done with it, and the labels of an enumeration.
const COLUMNS: &str = "SELECT c.table_schema::text, c.table_name::text, c.column_name::text, c.data_type::text, \
      c.udt_name::text, c.character_maximum_length::int, \
      c.is_generated = 'ALWAYS' OR c.identity_generation IS NOT DISTINCT FROM 'ALWAYS' OR c.is_updatable = 'NO', \
      c.is_nullable = 'NO' AND c.column_default IS NULL AND c.is_identity = 'NO', \
      ARRAY(SELECT e.enumlabel::text FROM pg_enum e JOIN pg_type t ON t.oid = e.enumtypid \
          JOIN pg_namespace n ON n.oid = t.typnamespace \
          WHERE t.typname = c.udt_name AND n.nspname = c.udt_schema ORDER BY e.enumsortorder) \
    FROM information_schema.columns c \
    JOIN unnest($1::text[], $2::text[]) AS asked (schema_name, table_name) \
      ON c.table_schema = asked.schema_name AND c.table_name = asked.table_name \
    ORDER BY c.table_schema, c.table_name, c.ordinal_position";

impl PostgresTable {
    /// The tables of these object types, in one statement. One that is not there, or of which no column may be seen, is not described.
    pub(crate) async fn described(&self, objects: &[ObjectType]) -> Result<Vec<ObjectSchema>, ConnectorError> {
        let asked: Vec<_> =
            objects.iter().filter_map(|object| Some((object, &self.tables.get(object.as_str())?.table))).collect();
        let schemas: Vec<&str> = asked.iter().map(|(_, table)| table.schema.as_str()).collect();
        let names: Vec<&str> = asked.iter().map(|(_, table)| table.name.as_str()).collect();
        let rows = self.session().await?.query(COLUMNS, &[&schemas, &names]).await;
        let rows = rows.map_err(unread("describe tables"))?;
        let mut fields: BTreeMap<(&str, &str), Vec<FieldSchema>> = BTreeMap::new();
        for row in &rows {
            let labels: Vec<String> = row.get(8);
            let (column, length): (&str, Option<i32>) = (row.get(2), row.get(5));
            let field = FieldSchema::new(Path::key(column), kind(row.get(3), row.get(4), labels));
            let field = field.read_only(row.get(6)).required(row.get(7));
            let field = match length.and_then(|length| usize::try_from(length).ok()) {
                Some(longest) => field.at_most(longest),
                None => field,
            };
            fields.entry((row.get(0), row.get(1))).or_default().push(field);
        }
        let schema = |(object, table): &(&ObjectType, &Table)| {
            let fields = fields.get(&(table.schema.as_str(), table.name.as_str()))?.clone();
            Some(ObjectSchema { object: (*object).clone(), fields })
        };
        Ok(asked.iter().filter_map(schema).collect())
    }
}

/// What a column holds, as `row_to_json` carries it.
fn kind(data_type: &str, name: &str, labels: Vec<String>) -> FieldKind {
    match data_type {
        "smallint" | "integer" | "bigint" => FieldKind::Integer,
        "numeric" | "real" | "double precision" => FieldKind::Number,
        "boolean" => FieldKind::Bool,
        "date" => FieldKind::Date,
        "timestamp with time zone" => FieldKind::Instant,
        "text" | "character varying" | "character" | "uuid" => FieldKind::Text,
        "USER-DEFINED" if !labels.is_empty() => FieldKind::Choice(labels.into_iter().map(Text::from).collect()),
        // By its own name where the standard has none: `citext`, `geometry`, `_text` for a list of texts.
        "USER-DEFINED" | "ARRAY" => FieldKind::Other(name.into()),
        other => FieldKind::Other(other.into()),
    }
}

#[cfg(test)]
mod tests {
    use accordant::schema::FieldKind;

    use super::kind;

    #[test]
    fn types_are_what_their_json_is() {
        let of = |data_type, name| kind(data_type, name, Vec::new());
        for (data_type, expected) in [
            ("bigint", FieldKind::Integer),
            ("numeric", FieldKind::Number),
            ("boolean", FieldKind::Bool),
            ("date", FieldKind::Date),
            ("timestamp with time zone", FieldKind::Instant),
            ("character varying", FieldKind::Text),
            ("jsonb", FieldKind::Other("jsonb".into())),
            // Without a zone it is no instant.
            ("timestamp without time zone", FieldKind::Other("timestamp without time zone".into())),
        ] {
            assert_eq!(of(data_type, "x"), expected);
        }
        assert_eq!(of("USER-DEFINED", "citext"), FieldKind::Other("citext".into()));
        let labels = kind("USER-DEFINED", "tier", vec!["gold".into(), "basic".into()]);
        assert_eq!(labels, FieldKind::Choice(["basic".into(), "gold".into()].into()));
        assert_eq!(of("ARRAY", "_text"), FieldKind::Other("_text".into()));
    }
}
