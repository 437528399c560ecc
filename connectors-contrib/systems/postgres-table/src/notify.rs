//! Notifications: what comes in while somebody listens.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use accordant::connector::{ConnectorError, ConnectorErrorKind, Cursor, Item, Page, Says};
use accordant::surface::Surface;
use bytes::Bytes;
use event_listener::Event;
use futures::{StreamExt as _, stream};
use tokio_postgres::{AsyncMessage, Client, Connection, NoTls};

use crate::connector::PostgresTable;
use crate::fault::unread;
use crate::quoted::quoted;
use crate::session;
use crate::settings::Settings;
use crate::surfaces::{self, Way};

/// The most that is kept of what nobody has polled. What is older than that is lost, as notifications may be.
const MOST: usize = 10_000;

/// What came in.
#[derive(Debug, Default)]
struct Heard {
    /// How many were ever heard: the number of the last.
    count: u64,
    /// The number of the last that a page carried.
    paged: u64,
    waiting: VecDeque<(u64, String)>,
}

/// A connection of its own that listens to a channel.
pub(crate) struct Listener {
    settings: Settings,
    channel: String,
    /// When it began: what tells its numbers from those of other processes.
    since: i64,
    heard: Arc<Mutex<Heard>>,
    came: Arc<Event>,
    /// Dropped, the connection ends.
    client: Mutex<Option<Client>>,
}

impl Listener {
    pub(crate) fn new(settings: &Settings, channel: &str, now: i64) -> Result<Self, ConnectorError> {
        // PostgreSQL cuts longer names off, and notifications of the whole name would not be heard.
        if channel.is_empty() || channel.len() > 63 {
            let told = "the channel has no name, or one of more than 63 bytes";
            return Err(ConnectorError::new(ConnectorErrorKind::Unsupported, told));
        }
        Ok(Self {
            settings: settings.clone(),
            channel: channel.to_owned(),
            since: now,
            heard: Arc::default(),
            came: Arc::default(),
            client: Mutex::new(None),
        })
    }

    /// Listens, unless it does already.
    pub(crate) async fn connect(&self) -> Result<(), ConnectorError> {
        let alive = lock(&self.client).as_ref().is_some_and(|client| !client.is_closed());
        if alive {
            return Ok(());
        }
        let config = session::config(&self.settings);
        let doing = || unread("listen");
        let client = match config.get_ssl_mode() {
            #[cfg(feature = "tls")]
            tokio_postgres::config::SslMode::Require => {
                let (client, connection) = config.connect(session::tls(&self.settings)?).await.map_err(doing())?;
                self.attend(connection);
                client
            }
            _ => {
                let (client, connection) = config.connect(NoTls).await.map_err(doing())?;
                self.attend(connection);
                client
            }
        };
        client.batch_execute(&format!("LISTEN {}", quoted(&self.channel))).await.map_err(doing())?;
        *lock(&self.client) = Some(client);
        Ok(())
    }

    /// Takes in what a connection hears, until it ends.
    fn attend<S, T>(&self, mut connection: Connection<S, T>)
    where
        S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
        T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
    {
        let (heard, came) = (Arc::clone(&self.heard), Arc::clone(&self.came));
        let listening = async move {
            let mut messages = stream::poll_fn(move |context| connection.poll_message(context));
            while let Some(Ok(message)) = messages.next().await {
                let AsyncMessage::Notification(said) = message else { continue };
                let mut heard = lock(&heard);
                heard.count += 1;
                let number = heard.count;
                heard.waiting.push_back((number, said.payload().to_owned()));
                if heard.waiting.len() > MOST {
                    heard.waiting.pop_front();
                }
                drop(heard);
                came.notify(usize::MAX);
            }
        };
        // The task ends with its connection.
        drop(tokio::spawn(listening));
    }

    /// Comes back when something waits to be polled.
    pub(crate) async fn notified(&self) {
        loop {
            let came = self.came.listen();
            let heard = lock(&self.heard);
            if heard.count > heard.paged {
                return;
            }
            drop(heard);
            came.await;
        }
    }

    /// What waits behind a number. What it stands behind was taken in, and is forgotten.
    fn behind(&self, number: u64) -> Vec<(u64, String)> {
        let mut heard = lock(&self.heard);
        while heard.waiting.front().is_some_and(|(of, _)| *of <= number) {
            heard.waiting.pop_front();
        }
        heard.paged = heard.count;
        heard.waiting.iter().cloned().collect()
    }
}

impl PostgresTable {
    /// What was heard since the last page. It tells of all tables, through the first.
    pub(crate) async fn hear(&self, surface: &Surface, after: Option<Cursor>) -> Result<Page, ConnectorError> {
        let Some(listener) = self.listener.as_ref().filter(|_| self.speaks(surface)) else {
            return Ok(Page { items: Vec::new(), next: None, more: false });
        };
        listener.connect().await?;
        // The numbers are those of one process: a cursor of another stands behind nothing that is heard here.
        let own = format!("{}/", listener.since);
        let behind = after.as_ref().and_then(|after| after.0.strip_prefix(&own)?.parse().ok()).unwrap_or(0);
        let waiting = listener.behind(behind);
        let last = waiting.last().map_or(behind, |(number, _)| *number);
        let items = waiting.iter().filter_map(|(_, payload)| self.named(payload)).collect();
        Ok(Page { items, next: Some(Cursor(format!("{own}{last}"))), more: false })
    }

    /// `customers 7`: an object type, and an id. What is otherwise may be for others who listen.
    fn named(&self, payload: &str) -> Option<Item> {
        let (object, id) = payload.split_once(' ')?;
        if !self.tables.contains_key(object) || id.is_empty() {
            return None;
        }
        let surface = surfaces::name(object, Way::Notified);
        let body = Bytes::copy_from_slice(payload.as_bytes());
        Some(Item::new(surface.into(), Says::Hint { id: id.into() }, body))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
