//! A way out on which answers are changed.

use std::fmt;

use accordant_http::{Request, ReqwestTransport, Response, Transport, TransportError};
use async_trait::async_trait;

/// A transport whose answers are others than the system gave.
pub struct Altered<F> {
    inner: ReqwestTransport,
    change: F,
}

impl<F> fmt::Debug for Altered<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Altered").finish_non_exhaustive()
    }
}

impl<F: Fn(&Request, &mut Response) + Send + Sync + 'static> Altered<F> {
    /// `change` is shown each request, and changes its answer.
    #[must_use]
    pub fn new(change: F) -> Self {
        Self { inner: ReqwestTransport::new(Default::default()).unwrap(), change }
    }
}

#[async_trait]
impl<F: Fn(&Request, &mut Response) + Send + Sync + 'static> Transport for Altered<F> {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let mut answer = self.inner.send(request.clone()).await?;
        (self.change)(&request, &mut answer);
        Ok(answer)
    }
}
