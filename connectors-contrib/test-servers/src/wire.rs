//! A wire between a client and a server that can be cut.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

/// Forwards connections to a server, until it is cut.
///
/// It can be told to cut itself when the client has sent so many bytes since then: the server gets all before, and
/// nothing behind. So each step of a conversation can be the last one that arrived.
#[derive(Debug)]
pub struct Wire {
    address: SocketAddr,
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    /// How many more bytes from clients are let through; `u64::MAX`: as many as come.
    allowed: AtomicU64,
    /// Bytes that came from clients.
    sent: AtomicU64,
    /// Answers are swallowed though requests arrive.
    deaf: AtomicBool,
    open: Mutex<Vec<TcpStream>>,
}

impl Wire {
    /// A wire to the server at `to`.
    ///
    /// # Errors
    ///
    /// If no port is to be had.
    pub fn to(to: impl ToSocketAddrs) -> io::Result<Self> {
        let server = to.to_socket_addrs()?.next().ok_or(io::ErrorKind::AddrNotAvailable)?;
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        let address = listener.local_addr()?;
        let inner = Arc::new(Inner {
            allowed: AtomicU64::new(u64::MAX),
            sent: AtomicU64::new(0),
            deaf: AtomicBool::new(false),
            open: Mutex::default(),
        });
        let shared = Arc::clone(&inner);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                // A server that is gone is, for the client, a connection that ends at once.
                if let Ok(server) = TcpStream::connect(server) {
                    shared.join(&client, &server);
                }
            }
        });
        Ok(Self { address, inner })
    }

    /// Where clients connect to.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many bytes clients have sent.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.inner.sent.load(Ordering::SeqCst)
    }

    /// Cuts when clients have sent `bytes` more; new connections are cut at once from then on, until [`mend`](Self::mend).
    pub fn cut_after(&self, bytes: u64) {
        self.inner.allowed.store(bytes, Ordering::SeqCst);
        if bytes == 0 {
            self.inner.cut();
        }
    }

    /// From now on requests arrive, and their answers do not.
    pub fn swallow_answers(&self) {
        self.inner.deaf.store(true, Ordering::SeqCst);
    }

    /// Cuts all connections, and lets new ones through.
    pub fn mend(&self) {
        self.inner.cut();
        self.inner.deaf.store(false, Ordering::SeqCst);
        self.inner.allowed.store(u64::MAX, Ordering::SeqCst);
    }
}

impl Inner {
    fn join(self: &Arc<Self>, client: &TcpStream, server: &TcpStream) {
        let pair =
            || Ok::<_, io::Error>((client.try_clone()?, server.try_clone()?, client.try_clone()?, server.try_clone()?));
        let Ok((from_client, to_server, to_client, from_server)) = pair() else { return };
        for socket in [client, server] {
            // What is forwarded is not kept waiting for more.
            drop(socket.set_nodelay(true));
            if let Ok(socket) = socket.try_clone() {
                self.open.lock().unwrap_or_else(PoisonError::into_inner).push(socket);
            }
        }
        let requests = Arc::clone(self);
        thread::spawn(move || requests.forward(from_client, to_server, true));
        let answers = Arc::clone(self);
        thread::spawn(move || answers.forward(from_server, to_client, false));
    }

    fn forward(&self, mut from: TcpStream, mut to: TcpStream, requests: bool) {
        let mut buffer = [0; 16 * 1024];
        while let Ok(count @ 1..) = from.read(&mut buffer) {
            let (passed, whole) = if requests { self.pass(count) } else { (count, true) };
            let deaf = !requests && self.deaf.load(Ordering::SeqCst);
            if !deaf && to.write_all(&buffer[..passed]).is_err() {
                break;
            }
            if !whole {
                self.cut();
                return;
            }
        }
        drop(from.shutdown(Shutdown::Both));
        drop(to.shutdown(Shutdown::Both));
    }

    /// How many of `count` bytes from a client are let through, and whether these are all.
    fn pass(&self, count: usize) -> (usize, bool) {
        self.sent.fetch_add(count as u64, Ordering::SeqCst);
        let take = |allowed: u64| (allowed != u64::MAX).then(|| allowed.saturating_sub(count as u64));
        match self.allowed.fetch_update(Ordering::SeqCst, Ordering::SeqCst, take) {
            Ok(allowed) if allowed < count as u64 => (usize::try_from(allowed).unwrap_or(count), false),
            _ => (count, true),
        }
    }

    fn cut(&self) {
        for socket in self.open.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            drop(socket.shutdown(Shutdown::Both));
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    /// A server that gives back what it is sent.
    fn echo() -> SocketAddr {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            for socket in listener.incoming().flatten() {
                thread::spawn(move || io::copy(&mut socket.try_clone().unwrap(), &mut &socket));
            }
        });
        address
    }

    #[test]
    fn a_wire_lets_through_what_it_was_told_and_no_byte_more() {
        let wire = Wire::to(echo()).unwrap();
        let mut client = TcpStream::connect(wire.address()).unwrap();
        let mut answer = [0; 5];
        client.write_all(b"hello").unwrap();
        client.read_exact(&mut answer).unwrap();
        assert_eq!((&answer, wire.sent()), (b"hello", 5));

        wire.cut_after(3);
        client.write_all(b"hello").unwrap();
        let mut rest = Vec::new();
        // The echo of three bytes may or may not come back before the cut; more cannot.
        drop(client.read_to_end(&mut rest));
        assert!(b"hel".starts_with(&rest), "{rest:?}");

        wire.mend();
        let mut client = TcpStream::connect(wire.address()).unwrap();
        client.write_all(b"again").unwrap();
        client.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"again");
    }
}
