//! A door that gathers: what comes in while a commit is under way is taken in together, and answered once it is durable.

use std::error::Error;
use std::net::Ipv4Addr;
use std::path::Path;

use accordant::bytes::Bytes;
use accordant::{Accordant, Delivery, SeededEntropy, SqliteStore, Tenant};
use accordant_bench::customer::Customer;
use accordant_bench::delivery::cut;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use futures::future::join_all;
use tokio::sync::{mpsc, oneshot};

use crate::durable::systems::{SYSTEMS, pushed, pushing};
use crate::standing;

/// How many requests are taken in together at most.
const TOGETHER: usize = 512;

/// A request, and who waits for it.
struct Waiting {
    lines: Bytes,
    answer: oneshot::Sender<StatusCode>,
}

/// Serves until it is ended.
pub(super) fn serve(port: u16, database: &Path) -> Result<(), Box<dyn Error>> {
    let mut builder = Accordant::builder()
        .store(SqliteStore::open(database)?)
        .clock(standing::clock())
        .entropy(SeededEntropy::new(42));
    for system in SYSTEMS {
        builder = builder.connect(pushing(system));
    }
    let tenant = builder.entity::<Customer>().build()?.tenant("bench");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let (sender, waiting) = mpsc::channel(8_192);
        let hearing = tokio::spawn(hear(tenant, waiting));
        let door = Router::new().route("/w", post(knock)).with_state(sender);
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        axum::serve(listener, door).await?;
        hearing.await?;
        Ok(())
    })
}

async fn knock(State(waiting): State<mpsc::Sender<Waiting>>, lines: Bytes) -> StatusCode {
    let (answer, answered) = oneshot::channel();
    if waiting.try_send(Waiting { lines, answer }).is_err() {
        return StatusCode::SERVICE_UNAVAILABLE;
    }
    answered.await.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// Takes in all that waits, then all that came meanwhile.
async fn hear(tenant: Tenant, mut waiting: mpsc::Receiver<Waiting>) {
    let mut together = Vec::with_capacity(TOGETHER);
    while waiting.recv_many(&mut together, TOGETHER).await > 0 {
        let status = take(&tenant, &together).await;
        for waited in together.drain(..) {
            // Whoever has gone needs no answer: what they sent is durable, or was refused.
            let _gone = waited.answer.send(status);
        }
    }
}

/// One delivery for each system, of all that came from it. If one is refused, all are: their senders repeat them, and what was
/// taken in already says nothing new then.
async fn take(tenant: &Tenant, together: &[Waiting]) -> StatusCode {
    let mut bodies: [Vec<u8>; 3] = Default::default();
    for line in together.iter().flat_map(|waited| waited.lines.split(|byte| *byte == b'\n')) {
        let Some((system, body)) = cut(line).and_then(pushed) else { return StatusCode::BAD_REQUEST };
        let of_system = &mut bodies[system];
        if !of_system.is_empty() {
            of_system.push(b'\n');
        }
        of_system.extend(body);
    }
    let told = SYSTEMS.into_iter().zip(bodies).filter(|(_, body)| !body.is_empty());
    let heard = told.map(|(system, body)| tenant.receive(system, Delivery::new(Bytes::from(body))));
    let failed = join_all(heard).await.into_iter().find_map(Result::err);
    failed.map_or(StatusCode::OK, |error| {
        StatusCode::from_u16(error.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    })
}
