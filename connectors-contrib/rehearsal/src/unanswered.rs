//! A way out by which writes arrive, and their answers do not.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use accordant_http::{Request, Response, Transport, TransportError, TransportErrorKind};
use async_trait::async_trait;

/// A transport that loses the answers of writes, while it is told to.
pub struct Unanswered {
    inner: Arc<dyn Transport>,
    is_write: fn(&Request) -> bool,
    losing: AtomicBool,
}

impl fmt::Debug for Unanswered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unanswered").field("losing", &self.losing).finish_non_exhaustive()
    }
}

impl Unanswered {
    /// A transport that knows a write from a question by `is_write`, and loses nothing yet.
    #[must_use]
    pub fn new(inner: Arc<dyn Transport>, is_write: fn(&Request) -> bool) -> Self {
        Self { inner, is_write, losing: AtomicBool::new(false) }
    }

    /// Loses the answers of writes from now on, or no longer.
    pub fn lose(&self, lose: bool) {
        self.losing.store(lose, Ordering::SeqCst);
    }
}

#[async_trait]
impl Transport for Unanswered {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let lost = self.losing.load(Ordering::SeqCst) && (self.is_write)(&request);
        let error = TransportError::new(TransportErrorKind::NoAnswer, request.method(), request.uri());
        let answer = self.inner.send(request).await?;
        if lost { Err(error) } else { Ok(answer) }
    }
}
