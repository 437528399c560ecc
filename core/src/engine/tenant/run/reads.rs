//! Reads of connections that are due: how each is done, and what its end makes of the next.

use chrono::TimeDelta;

use super::Task;
use crate::connector::Retry;
use crate::engine::tenant::Checked;
use crate::engine::{TakenIn, Tenant};
use crate::error::Error;
use crate::id::ConnectionName;

/// How long it is waited for room, where as much waits to be read as may: there is some once some of it was read.
const ROOM_LOOKED_FOR: TimeDelta = TimeDelta::seconds(10);

/// A read of a connection that is over.
#[derive(Debug)]
pub(crate) struct Read {
    /// What it took in, however it ended; `None`: nothing was asked of the system.
    pub(crate) taken: Option<TakenIn>,
    /// Whether it came to its end.
    pub(crate) ended: Result<(), Error>,
}

impl From<Result<Option<TakenIn>, Error>> for Read {
    fn from(read: Result<Option<TakenIn>, Error>) -> Self {
        match read {
            Ok(taken) => Self { taken, ended: Ok(()) },
            Err(error) => Self { taken: None, ended: Err(error) },
        }
    }
}

impl Tenant {
    /// Does what is due of a connection, to its end.
    pub(crate) async fn read_for(&self, connection: &ConnectionName, task: Task) -> Read {
        match task {
            Task::Poll => self.poll(connection.as_str()).await.map(Some).into(),
            Task::Pulse => self.pulse_if_due(connection).await.into(),
            Task::Schema => {
                let looked = self.check_schema_if_due(connection).await;
                looked.map(|asked| asked.then(TakenIn::default)).into()
            }
            Task::Check => {
                self.check_connection(connection).await.map_or_else(|error| Err(error).into(), Checked::read)
            }
        }
    }
}

/// What the end of a read says of the next one: nothing, or when to try. What does not pass by itself is an error.
pub(crate) fn next_read(ended: Result<(), Error>) -> Result<Option<Retry>, Error> {
    match ended {
        // Resumed, it is read at its next turn. Other workers that keep reading it do what we would.
        Ok(()) | Err(Error::Paused { .. } | Error::Contended { .. }) => Ok(None),
        Err(Error::Connector { source, .. }) => Ok(Some(source.retry)),
        Err(Error::Full { .. }) => Ok(Some(Retry::After(ROOM_LOOKED_FOR))),
        Err(error) => Err(error),
    }
}
