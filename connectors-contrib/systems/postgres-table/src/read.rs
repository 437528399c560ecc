//! Reads by id, and by the key that a row was made under.

use std::collections::BTreeMap;

use accordant::connector::{ConnectorError, ReadAnswer, RecordKey};
use accordant::id::SurfaceName;
use accordant::text::Text;
use deadpool_postgres::Object as Session;
use tokio_postgres::Error;

use crate::connector::{Bound, PostgresTable, unsupported};
use crate::fault::{is_of_values, unread};
use crate::quoted::quoted;
use crate::rows::{Record, record};
use crate::surfaces::{self, Way};

impl PostgresTable {
    /// One answer per key, in their order.
    pub(crate) async fn read(&self, keys: &[RecordKey]) -> Result<Vec<ReadAnswer>, ConnectorError> {
        let session = self.session().await?;
        let missing = || ReadAnswer::Failed(unsupported(&self.settings.system));
        let mut answers: Vec<ReadAnswer> = keys.iter().map(|_| missing()).collect();
        let mut groups: BTreeMap<(&str, bool), Vec<usize>> = BTreeMap::new();
        for (place, key) in keys.iter().enumerate() {
            groups.entry((key.object.as_str(), key.by_create_key)).or_default().push(place);
        }
        for ((object, by_key), places) in groups {
            let Some(bound) = self.tables.get(object) else { continue };
            let column = if by_key { bound.table.key.as_deref() } else { Some(bound.table.id.as_str()) };
            let Some(column) = column else { continue };
            let surface = SurfaceName::from(surfaces::name(object, Way::One));
            for places in places.chunks(self.settings.page.max(1)) {
                let asked: Vec<&str> = places.iter().filter_map(|place| Some(keys.get(*place)?.id.as_str())).collect();
                let found = self.found(&session, bound, column, &asked).await.map_err(unread("read rows"))?;
                for (place, id) in places.iter().zip(asked) {
                    if let Some(slot) = answers.get_mut(*place) {
                        let held = found.get(id).map(|record| record.item(&surface));
                        *slot = held.map_or(ReadAnswer::Gone, ReadAnswer::Found);
                    }
                }
            }
        }
        Ok(answers)
    }

    /// The rows of these values of a unique column. A text that the column cannot hold is that of no row; beside others, it
    /// must not keep theirs from being found.
    async fn found(
        &self,
        session: &Session,
        bound: &Bound,
        column: &str,
        of: &[&str],
    ) -> Result<BTreeMap<Text, Record>, Error> {
        match rows_of(session, bound, column, of).await {
            Err(error) if is_of_values(&error) && of.len() > 1 => {
                let mut found = BTreeMap::new();
                for one in of {
                    match rows_of(session, bound, column, &[*one]).await {
                        Ok(rows) => found.extend(rows),
                        Err(error) if is_of_values(&error) => {}
                        Err(error) => return Err(error),
                    }
                }
                Ok(found)
            }
            Err(error) if is_of_values(&error) => Ok(BTreeMap::new()),
            found => found,
        }
    }
}

pub(crate) async fn rows_of(
    session: &Session,
    bound: &Bound,
    column: &str,
    of: &[&str],
) -> Result<BTreeMap<Text, Record>, Error> {
    let kind = bound.known.kind(column).unwrap_or("text");
    let columns = record(&bound.table);
    let quoted = quoted(column);
    let statement = format!(
        "SELECT {columns}, {quoted}::text FROM {} WHERE {quoted} = ANY(CAST($1::text[] AS {kind}[]))",
        bound.known.name
    );
    let statement = session.prepare_cached(&statement).await?;
    let rows = session.query(&statement, &[&of]).await?;
    Ok(rows.iter().map(|row| (row.get::<_, String>(3).into(), Record::of(row))).collect())
}
