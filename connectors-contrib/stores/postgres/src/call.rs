//! A call: what is asked of one connection, and may be asked again of another.

use std::future::Future;

use accordant::store::StoreError;
use deadpool_postgres::Pool;
use tokio_postgres::Error;

use crate::fault::refused;
use crate::session::Session;
use crate::statements::Statements;

/// How often a call that lost its connection is tried on another one.
pub(crate) const LOST: usize = 3;

/// Something that may be done twice without harm.
pub(crate) trait Call: Send + Sync + 'static {
    type Answer: Send + 'static;

    /// What is being done, for errors.
    const DOING: &'static str;

    fn run(
        &self,
        session: &Session,
        statements: &Statements,
    ) -> impl Future<Output = Result<Self::Answer, Error>> + Send;
}

/// Makes a call.
///
/// A connection that waited in the pool when the server went away shows it only when it is used: then the call is made
/// on another one.
pub(crate) async fn call<C: Call>(pool: &Pool, statements: &Statements, call: &C) -> Result<C::Answer, StoreError> {
    let mut lost = 0;
    loop {
        let session = Session::of(pool, C::DOING).await?;
        match call.run(&session, statements).await {
            Ok(answer) => return Ok(answer),
            Err(error) if lost < LOST && (error.is_closed() || session.is_closed()) => lost += 1,
            Err(error) => return Err(refused(C::DOING)(error)),
        }
    }
}
