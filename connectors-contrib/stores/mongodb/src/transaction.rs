//! Transactions.

use mongodb::error::{Result, UNKNOWN_TRANSACTION_COMMIT_RESULT};
use mongodb::options::{ReadConcern, WriteConcern};
use mongodb::{ClientSession, Database};

/// Begins one, in a snapshot.
pub(crate) async fn begin(database: &Database) -> Result<ClientSession> {
    let mut session = database.client().start_session().await?;
    let begun = session.start_transaction().read_concern(ReadConcern::snapshot());
    begun.write_concern(WriteConcern::majority()).await?;
    Ok(session)
}

/// Ends it: by a commit if the work was done, else by undoing it. Where the answer is lost, it is asked again: MongoDB answers the same.
pub(crate) async fn end<T>(session: &mut ClientSession, done: Result<T>) -> Result<T> {
    const ASKED: usize = 3;
    let done = match done {
        Ok(done) => done,
        Err(error) => {
            // What the server does not hear of, it undoes by itself, in a minute.
            drop(session.abort_transaction().await);
            return Err(error);
        }
    };
    let mut asked = 1;
    loop {
        match session.commit_transaction().await {
            Ok(()) => return Ok(done),
            Err(error) if asked < ASKED && error.contains_label(UNKNOWN_TRANSACTION_COMMIT_RESULT) => asked += 1,
            Err(error) => return Err(error),
        }
    }
}
