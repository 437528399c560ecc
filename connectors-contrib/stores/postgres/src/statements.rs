//! The statements of a schema, written out once.

use accordant::store::Table;

/// Statements about one table of rows.
#[derive(Debug)]
pub(crate) struct TableStatements {
    pub(crate) load: String,
    pub(crate) revisions: String,
    pub(crate) delete: String,
    pub(crate) put: String,
    /// By whether the scan starts behind a key, and whether it ends before one.
    pub(crate) scan: [[String; 2]; 2],
}

/// All statements.
#[derive(Debug)]
pub(crate) struct Statements {
    tables: Vec<TableStatements>,
    pub(crate) lock_head: String,
    pub(crate) first_head: String,
    pub(crate) move_head: String,
    pub(crate) append: String,
    pub(crate) page: String,
    pub(crate) about: String,
    pub(crate) place: String,
    pub(crate) erase: String,
    pub(crate) cut: String,
    pub(crate) expire: String,
}

impl Statements {
    /// For a schema that is quoted already.
    pub(crate) fn of(schema: &str) -> Self {
        const ENTRY: &str = "seq, format, at, actor, kind, subject, commitment, digest, salt, value, bytes";
        let tables = Table::ALL.into_iter().map(|table| TableStatements::of(schema, table)).collect();
        Self {
            tables,
            lock_head: format!("SELECT seq, digest FROM {schema}.journal_head WHERE tenant = $1 FOR UPDATE"),
            first_head: format!(
                "INSERT INTO {schema}.journal_head (tenant, seq, digest) VALUES ($1, 0, $2) ON CONFLICT DO NOTHING"
            ),
            move_head: format!("UPDATE {schema}.journal_head SET seq = $2, digest = $3 WHERE tenant = $1"),
            append: format!(
                "INSERT INTO {schema}.journal (tenant, {ENTRY}) SELECT $1, * FROM unnest($2::bigint[], $3::integer[], \
                 $4::bigint[], $5::text[], $6::text[], $7::text[], $8::bytea[], $9::bytea[], $10::bytea[], \
                 $11::text[], $12::bytea[])"
            ),
            page: format!("SELECT {ENTRY} FROM {schema}.journal WHERE tenant = $1 AND seq > $2 ORDER BY seq LIMIT $3"),
            about: format!(
                "SELECT {ENTRY} FROM {schema}.journal WHERE tenant = $1 AND \"left\"(subject, 475) = \"left\"($2, 475) \
                 AND subject = $2 AND salt IS NOT NULL AND seq > $3 ORDER BY seq LIMIT $4"
            ),
            place: format!(
                "SELECT coalesce((SELECT seq - 1 FROM {schema}.journal WHERE tenant = $1 AND at > $2 \
                 ORDER BY seq LIMIT 1), (SELECT seq FROM {schema}.journal_head WHERE tenant = $1), 0)"
            ),
            erase: format!(
                "UPDATE {schema}.journal SET salt = NULL, value = NULL, bytes = NULL WHERE tenant = $1 \
                 AND \"left\"(subject, 475) = \"left\"($2, 475) AND subject = $2 AND seq <= $3 AND salt IS NOT NULL"
            ),
            // The head is locked, so that nobody appends meanwhile; the last entry stays.
            cut: format!(
                "WITH head AS (SELECT seq FROM {schema}.journal_head WHERE tenant = $1 FOR UPDATE) \
                 DELETE FROM {schema}.journal USING head \
                 WHERE tenant = $1 AND journal.seq <= $2 AND journal.seq < head.seq"
            ),
            expire: format!(
                "UPDATE {schema}.journal SET salt = NULL, value = NULL, bytes = NULL WHERE tenant = $1 \
                 AND kind = $2 AND seq <= $3 AND salt IS NOT NULL"
            ),
        }
    }

    pub(crate) fn table(&self, table: Table) -> &TableStatements {
        let place = Table::ALL.iter().position(|known| *known == table).unwrap_or_default();
        &self.tables[place]
    }
}

impl TableStatements {
    fn of(schema: &str, table: Table) -> Self {
        let name = format!("{schema}.{}", table.name());
        let asked = "unnest($2::text[], $3::bytea[]) WITH ORDINALITY AS asked (key, tail, place)";
        // `OFFSET 0` keeps the lookup a lookup, one for each key: joined freely, young statistics propose to read all that
        // the tenant has, once for each question.
        let held = |columns: &str| {
            format!(
                "CROSS JOIN LATERAL (SELECT {columns} FROM {name} WHERE tenant = $1 AND key = asked.key \
                 AND tail = asked.tail OFFSET 0) AS held"
            )
        };
        let scan = |behind: bool, ends: bool| {
            // The key alone is what the index knows; the pair is what is meant.
            let from = if behind { ">" } else { ">=" };
            let until = if ends { "AND key <= $5 AND (key, rest) < ($5, $6)" } else { "" };
            format!(
                "SELECT key, rest, revision, value, bytes FROM {name} WHERE tenant = $1 AND key >= $2 \
                 AND (key, rest) {from} ($2, $3) {until} ORDER BY key, rest LIMIT $4"
            )
        };
        Self {
            load: format!("SELECT asked.place, revision, value, bytes FROM {asked} {}", held("revision, value, bytes")),
            revisions: format!("SELECT asked.place, revision FROM {asked} {}", held("revision")),
            // Nobody else changes rows of the tenant meanwhile: the journal's head is locked.
            delete: format!(
                "DELETE FROM {name} WHERE ctid = ANY (ARRAY(SELECT held.ctid FROM {asked} {}))",
                held("ctid")
            ),
            put: format!(
                "INSERT INTO {name} AS held (tenant, key, rest, tail, revision, value, bytes) \
                 SELECT $1, * FROM unnest($2::text[], $3::text[], $4::bytea[], $5::bigint[], $6::text[], $7::bytea[]) \
                 ON CONFLICT (tenant, key, tail) DO UPDATE SET revision = held.revision + excluded.revision, \
                 value = excluded.value, bytes = excluded.bytes"
            ),
            scan: [[scan(false, false), scan(false, true)], [scan(true, false), scan(true, true)]],
        }
    }
}
