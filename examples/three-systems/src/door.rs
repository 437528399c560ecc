//! The door: where webhooks come in. It hands each to the engine, which checks who sent it, and says what the engine says.

use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};

use accordant::Tenant;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Path, Request, State};
use axum::response::Response;
use axum::routing::post;
use http::StatusCode;

/// The largest body that is read.
const LARGEST: usize = 1 << 20;

/// Who hears what comes in; `None`: nobody is there.
type Hears = Arc<RwLock<Option<Tenant>>>;

/// A door on loopback. Dropped, it is gone.
#[derive(Debug)]
pub struct Door {
    /// `http://127.0.0.1:…`, without a slash at the end.
    pub base: String,
    hears: Hears,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Door {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Door {
    /// Opens a door behind which nobody is yet.
    ///
    /// # Errors
    ///
    /// If no address is free.
    pub async fn open() -> std::io::Result<Self> {
        let listener = tokio::net::TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?;
        let base = format!("http://{}", listener.local_addr()?);
        let hears = Hears::default();
        let app = Router::new().route("/{connection}", post(hear)).with_state(Arc::clone(&hears));
        let task = tokio::spawn(async move {
            // The listener ends with the task.
            drop(axum::serve(listener, app).await);
        });
        Ok(Self { base, hears, task })
    }

    /// Who hears from now on.
    pub fn heard_by(&self, tenant: Option<Tenant>) {
        *self.hears.write().unwrap_or_else(PoisonError::into_inner) = tenant;
    }
}

async fn hear(State(hears): State<Hears>, Path(connection): Path<String>, request: Request) -> Response {
    let refused = |status: u16| {
        let mut answer = Response::new(Body::empty());
        *answer.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        answer
    };
    let tenant = hears.read().unwrap_or_else(PoisonError::into_inner).clone();
    let Some(tenant) = tenant else { return refused(503) };
    let (head, body) = request.into_parts();
    let Ok(body) = to_bytes(body, LARGEST).await else { return refused(413) };
    // Whatever it says is durable before it is answered.
    match tenant.receive(&connection, http::Request::from_parts(head, body)).await {
        Ok(reply) => reply.map(Body::from),
        Err(error) => refused(error.http_status()),
    }
}
