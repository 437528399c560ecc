//! The way out: one request, one answer, and what it means when there is none.

#[cfg(feature = "reqwest")]
mod over_reqwest;

use std::fmt;

use accordant::connector::{ConnectorError, ConnectorErrorKind, Retry};
use async_trait::async_trait;
use bytes::Bytes;
use http::{Method, Uri};

#[cfg(feature = "reqwest")]
pub use over_reqwest::{ReqwestTransport, Settings};

/// A request, whole.
pub type Request = http::Request<Bytes>;

/// An answer, whole: transports bound its size.
pub type Response = http::Response<Bytes>;

/// Sends requests. The only place of a connector that touches the network, so that another can be put in its stead.
///
/// # Contract
///
/// - Bounded in time and size: an answer that takes too long, or is too large, is an error.
/// - No redirects: a redirected write may be sent twice, and a redirected secret goes to a stranger. A 3xx is an answer.
/// - No retries. Whoever asks knows what a repetition would do.
/// - Dropping the future gives the request up; it may have arrived.
#[async_trait]
pub trait Transport: Send + Sync + 'static {
    /// Sends a request and reads its answer to the end.
    ///
    /// # Errors
    ///
    /// If there is no whole answer. A status is none of its business.
    async fn send(&self, request: Request) -> Result<Response, TransportError>;
}

/// A request without a whole answer. Names method and place, never a query, a header or a body.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind}: {method} {place}")]
pub struct TransportError {
    /// What happened, and so whether the request can have had an effect.
    pub kind: TransportErrorKind,
    /// The method.
    pub method: Method,
    /// The address without its query.
    pub place: String,
}

impl TransportError {
    /// An error about a request.
    #[must_use]
    pub fn new(kind: TransportErrorKind, method: &Method, uri: &Uri) -> Self {
        Self { kind, method: method.clone(), place: place(uri).to_string() }
    }
}

/// What happened to a request without a whole answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TransportErrorKind {
    /// No connection: the request never left.
    #[error("not reached")]
    NotSent,
    /// The request left, or part of it, and no whole answer came back: it may have happened.
    #[error("no answer")]
    NoAnswer,
    /// The answer is larger than is read. The request has happened.
    #[error("the answer is too large")]
    TooLarge,
}

impl TransportErrorKind {
    /// Whether the request may have had its effect.
    #[must_use]
    pub const fn may_have_happened(self) -> bool {
        !matches!(self, Self::NotSent)
    }
}

/// As the engine knows it: waiting helps, except against an answer that will be as large the next time.
impl From<TransportError> for ConnectorError {
    fn from(error: TransportError) -> Self {
        let (kind, retry) = match error.kind {
            TransportErrorKind::NotSent | TransportErrorKind::NoAnswer => {
                (ConnectorErrorKind::Unavailable, Retry::Backoff)
            }
            TransportErrorKind::TooLarge => (ConnectorErrorKind::Malformed, Retry::Never),
        };
        Self::new(kind, error.to_string()).retry(retry)
    }
}

/// An address as errors and logs may name it: without user and query, which carry names, addresses and secrets.
#[must_use]
pub fn place(uri: &Uri) -> impl fmt::Display + '_ {
    struct Place<'a>(&'a Uri);

    impl fmt::Display for Place<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            if let Some(host) = self.0.host() {
                write!(f, "{host}")?;
                if let Some(port) = self.0.port() {
                    write!(f, ":{port}")?;
                }
            }
            f.write_str(self.0.path())
        }
    }

    Place(uri)
}

#[cfg(test)]
mod tests {
    use http::{Method, Uri};

    use super::{TransportError, TransportErrorKind};

    #[test]
    fn an_error_names_the_place_and_not_what_was_asked() {
        let uri = Uri::from_static("https://ana:hunter2@api.example:8443/crm/v3/objects?email=ana@acme.example");
        let error = TransportError::new(TransportErrorKind::NoAnswer, &Method::POST, &uri);
        assert_eq!(error.to_string(), "no answer: POST api.example:8443/crm/v3/objects");
        assert!(error.kind.may_have_happened());
    }
}
