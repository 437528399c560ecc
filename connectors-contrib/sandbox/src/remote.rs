//! A stand-in as a value, and on an address.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use accordant_http::Transport;
use axum::Router;
use axum::body::{Body, to_bytes};
use bytes::Bytes;
use http::{Request, Response, StatusCode};

use crate::outbox::Outgoing;
use crate::{Sent, json};

/// The largest request that is read: what NetSuite allows, 104 MB, is more than any test sends.
const LARGEST: usize = 16 << 20;

/// A system on the other side: all that it does is to answer, and to send webhooks, if it has any.
pub trait Remote: Send + Sync + 'static {
    /// Answers a request; `None`: the connection breaks off, whether or not the request had its effect.
    fn answer(&self, request: &Request<Bytes>) -> Option<Response<Bytes>>;

    /// A request has arrived over the network; an answer, if it is turned away at the door. Where requests at once are
    /// counted, it counts until [`Remote::leaves`].
    fn arrives(&self) -> Option<Response<Bytes>> {
        None
    }

    /// A request that had arrived was answered.
    fn leaves(&self) {}

    /// Whether webhooks that are sent do not arrive.
    fn is_unreachable(&self) -> bool {
        false
    }

    /// The webhooks that are due now, signed; each is given back to [`Remote::answered`].
    fn due(&self) -> Vec<Outgoing> {
        Vec::new()
    }

    /// What the receiver of a webhook answered: whether that was success.
    fn answered(&self, _sent: Outgoing, _accepted: bool) {}

    /// When the next webhook is due, in milliseconds since the epoch.
    fn next_due(&self) -> Option<i64> {
        None
    }

    /// What became of the webhooks so far.
    fn sent(&self) -> Sent {
        Sent::default()
    }
}

/// A stand-in on an address. Dropped, it is gone from there.
#[derive(Debug)]
pub struct Served {
    /// `http://127.0.0.1:…`, without a slash at the end.
    pub base: String,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Served {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Puts a stand-in on a loopback address. Port 0: on one that is free.
///
/// # Errors
///
/// If the address is taken.
pub async fn serve(remote: Arc<dyn Remote>, port: u16) -> std::io::Result<Served> {
    serve_after(remote, port, Duration::ZERO).await
}

/// As [`serve`], each answer on its way for so long, as it would be from a vendor: what is counted at once is there at once.
///
/// # Errors
///
/// If the address is taken.
pub async fn serve_after(remote: Arc<dyn Remote>, port: u16, way: Duration) -> std::io::Result<Served> {
    let listener = tokio::net::TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], port))).await?;
    let base = format!("http://{}", listener.local_addr()?);
    let answer = move |request: Request<Body>| {
        let remote = Arc::clone(&remote);
        async move {
            let (head, body) = request.into_parts();
            let Ok(body) = to_bytes(body, LARGEST).await else {
                return json::empty(StatusCode::PAYLOAD_TOO_LARGE).map(Body::from);
            };
            let turned_away = remote.arrives();
            let _there = There(&*remote);
            if !way.is_zero() {
                tokio::time::sleep(way).await;
            }
            let answer = match turned_away {
                Some(answer) => Some(answer),
                None => remote.answer(&Request::from_parts(head, body)),
            };
            match answer {
                Some(answer) => answer.map(Body::from),
                // axum has no way to hang up: a gateway that lost its back end says this, and nothing of the effect.
                None => json::empty(StatusCode::GATEWAY_TIMEOUT).map(Body::from),
            }
        }
    };
    let task = tokio::spawn(async move {
        // The listener ends with the task.
        drop(axum::serve(listener, Router::new().fallback(answer)).await);
    });
    Ok(Served { base, task })
}

/// A request that is there until it is answered, or whoever asked has hung up.
struct There<'r>(&'r dyn Remote);

impl Drop for There<'_> {
    fn drop(&mut self) {
        self.0.leaves();
    }
}

/// Sends the webhooks that are due now, and says how many requests that were.
pub async fn deliver(remote: &dyn Remote, transport: &dyn Transport) -> usize {
    let due = remote.due();
    let count = due.len();
    for outgoing in due {
        let arrived = !remote.is_unreachable()
            && transport.send(outgoing.request.clone()).await.is_ok_and(|answer| answer.status().is_success());
        remote.answered(outgoing, arrived);
    }
    count
}
