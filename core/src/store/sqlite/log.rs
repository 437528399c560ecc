//! The write-ahead log: how long it grows before its pages go into the file.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use rusqlite::Connection;

/// After how many pages of the log they go into the file: 16 MB at 4 KB each. A page that many commits change goes once; SQLite's
/// own thousand pages are what one large commit changes.
const PAGES: u32 = 4_096;

/// Keeps the log short, and lets nobody who commits wait for that.
///
/// SQLite by itself brings the log into the file within the commit that made it too long, before that commit is answered.
pub(super) struct Log {
    /// How long the log was after the last commit.
    pages: Arc<AtomicU32>,
    /// From which length on the file is due.
    due: u32,
}

impl Log {
    /// Takes over from SQLite, for this connection.
    pub(super) fn of(connection: &mut Connection) -> rusqlite::Result<Self> {
        let pages = Arc::new(AtomicU32::new(0));
        let told = Arc::clone(&pages);
        connection.wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, pages| {
            told.store(u32::try_from(pages).unwrap_or(u32::MAX), Ordering::Relaxed);
            Ok(())
        }))?;
        Ok(Self { pages, due: PAGES })
    }

    /// Brings the log into the file if it has become long. Called when those who committed have their answers.
    pub(super) fn keep_short(&mut self, connection: &Connection) {
        let pages = self.pages.load(Ordering::Relaxed);
        if pages < self.due {
            return;
        }
        let whole = connection
            .query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| Ok(row.get::<_, i64>(1)? == row.get::<_, i64>(2)?));
        // What cannot be brought over now, because others read it, or for want of room, is as durable in the log. It is tried again
        // when there is as much more: a commit that follows says what else is wrong.
        self.due = if whole.unwrap_or(false) { PAGES } else { pages.saturating_add(PAGES) };
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::path::Path;

    use rusqlite::Connection;

    use super::super::schema;
    use super::{Log, PAGES};

    fn opened(path: &Path) -> Connection {
        let mut connection = Connection::open(path).unwrap();
        schema::prepare(&mut connection).unwrap();
        schema::use_log(&connection).unwrap();
        schema::create(&mut connection).unwrap();
        connection
    }

    fn put_a_megabyte(connection: &Connection) {
        connection.execute("INSERT INTO meta VALUES ('acme', hex(randomblob(8)), 1, zeroblob(1000000))", []).unwrap();
    }

    #[test]
    fn a_long_log_goes_into_the_file_and_a_short_one_does_not() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("store.db");
        let mut connection = opened(&path);
        let mut log = Log::of(&mut connection).unwrap();
        let size = || std::fs::metadata(&path).unwrap().len();
        let before = size();
        let mut megabytes = 0;
        while size() == before {
            put_a_megabyte(&connection);
            log.keep_short(&connection);
            megabytes += 1;
            assert!(megabytes < 40, "the log has {megabytes} MB");
        }
        // Sixteen megabytes of pages, and their headers.
        assert!((15..=18).contains(&megabytes), "{megabytes} MB");
        assert_eq!(log.due, PAGES);
    }

    #[test]
    fn a_log_that_somebody_reads_is_tried_again_when_it_is_longer() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("store.db");
        let mut connection = opened(&path);
        let mut log = Log::of(&mut connection).unwrap();
        put_a_megabyte(&connection);
        let reader = Connection::open(&path).unwrap();
        reader.execute_batch("BEGIN; SELECT * FROM meta").unwrap();
        for _ in 0..17 {
            put_a_megabyte(&connection);
        }
        log.keep_short(&connection);
        assert!(log.due > 2 * PAGES - 100, "{}", log.due);
        reader.execute_batch("COMMIT").unwrap();
        for _ in 0..17 {
            put_a_megabyte(&connection);
        }
        log.keep_short(&connection);
        assert_eq!(log.due, PAGES);
    }
}
