//! The load: requests that go out when they are due, whatever became of those before them.

#![expect(clippy::disallowed_methods, reason = "a rate is one of real time")]

use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use accordant_bench::usage::Nanos;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// What is asked of a server.
pub(super) struct Asked {
    /// Events in a second.
    pub(super) rate: u64,
    pub(super) seconds: u64,
    /// How many connections take turns.
    pub(super) connections: usize,
    /// How many events a request carries.
    pub(super) batch: u64,
}

/// What became of it.
#[derive(Debug, Default)]
pub(super) struct Answered {
    /// Events of requests that were answered.
    pub(super) events: u64,
    /// Requests that were answered with anything but success.
    pub(super) refused: u64,
    /// From the moment when a request was due to its answer, in microseconds, in order.
    delays: Vec<u64>,
    /// From the first request to the last answer.
    pub(super) took: Nanos,
    /// What the server took.
    pub(super) cpu: Nanos,
}

impl Answered {
    /// The delay of which so many of a thousand are no longer.
    pub(super) fn at(&self, permille: usize) -> u64 {
        let place = (self.delays.len() * permille / 1_000).min(self.delays.len().saturating_sub(1));
        self.delays.get(place).copied().unwrap_or_default()
    }
}

/// Sends the lines, so many in a second.
pub(super) fn run(port: u16, asked: &Asked, lines: &[u8]) -> io::Result<Answered> {
    let batch = usize::try_from(asked.batch).unwrap_or(usize::MAX);
    let lines: Vec<&[u8]> = lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect();
    let requests: Arc<[Vec<u8>]> = lines.chunks(batch).map(request).collect();
    // In whole nanoseconds: a thousandth of a percent of a rate is no matter.
    let apart = Duration::from_nanos(1_000_000_000 * asked.batch / asked.rate.max(1));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let begins = Instant::now() + Duration::from_millis(50);
        let mut sending = Vec::new();
        for number in 0..asked.connections {
            let requests = Arc::clone(&requests);
            sending.push(tokio::spawn(send(port, requests, number, asked.connections, begins, apart)));
        }
        let mut answered = Answered::default();
        for connection in sending {
            let (delays, refused) = connection.await??;
            answered.delays.extend(delays);
            answered.refused += refused;
        }
        answered.took = Nanos(begins.elapsed().as_nanos());
        answered.events = lines.len() as u64;
        answered.delays.sort_unstable();
        Ok(answered)
    })
}

fn request(lines: &[&[u8]]) -> Vec<u8> {
    let body = lines.join(&b'\n');
    let head = "POST /w HTTP/1.1\r\nhost: loopback\r\ncontent-type: application/json\r\ncontent-length: ";
    [head.as_bytes(), body.len().to_string().as_bytes(), b"\r\n\r\n", &body].concat()
}

/// Sends every so-manieth request on a connection of its own. Gives the delays, and how many were not taken.
async fn send(
    port: u16,
    requests: Arc<[Vec<u8>]>,
    first: usize,
    step: usize,
    begins: Instant,
    apart: Duration,
) -> io::Result<(Vec<u64>, u64)> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
    stream.set_nodelay(true)?;
    let (mut delays, mut refused, mut answer) = (Vec::new(), 0, Vec::new());
    for (number, request) in requests.iter().enumerate().skip(first).step_by(step) {
        let due = begins + apart * u32::try_from(number).unwrap_or(u32::MAX);
        tokio::time::sleep_until(due.into()).await;
        stream.write_all(request).await?;
        answer.clear();
        // Answers have no body.
        while !answer.ends_with(b"\r\n\r\n") {
            if stream.read_buf(&mut answer).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        refused += u64::from(!answer.starts_with(b"HTTP/1.1 200"));
        delays.push(u64::try_from(due.elapsed().as_micros()).unwrap_or(u64::MAX));
    }
    Ok((delays, refused))
}
