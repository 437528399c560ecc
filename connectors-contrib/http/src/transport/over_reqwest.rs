//! The transport on reqwest: HTTP/1.1 and 2, TLS by rustls with ring, certificates as the operating system trusts them.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::BytesMut;
use futures::TryStreamExt as _;
use rustls_platform_verifier::BuilderVerifierExt as _;

use super::{Request, Response, Transport, TransportError, TransportErrorKind};

/// What a transport waits for, and how much it reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// For a connection: 10 seconds.
    pub connect_timeout: Duration,
    /// For a whole answer: 60 seconds.
    pub timeout: Duration,
    /// An answer of more bytes is an error: 64 MiB.
    pub largest_answer: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self { connect_timeout: Duration::from_secs(10), timeout: Duration::from_secs(60), largest_answer: 64 << 20 }
    }
}

/// A [`Transport`] on reqwest. Needs a Tokio runtime. Cloning shares the connections.
#[derive(Debug, Clone)]
pub struct ReqwestTransport {
    client: reqwest::Client,
    largest_answer: usize,
}

impl ReqwestTransport {
    /// A transport with a pool of connections of its own.
    ///
    /// # Errors
    ///
    /// If TLS cannot be set up: the operating system's certificates cannot be read.
    pub fn new(settings: Settings) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_platform_verifier()?
            .with_no_client_auth();
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .connect_timeout(settings.connect_timeout)
            .timeout(settings.timeout)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("accordant/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { client, largest_answer: settings.largest_answer })
    }
}

#[async_trait]
impl Transport for ReqwestTransport {
    async fn send(&self, request: Request) -> Result<Response, TransportError> {
        let (method, uri) = (request.method().clone(), request.uri().clone());
        let failed = |kind| TransportError::new(kind, &method, &uri);
        let request = reqwest::Request::try_from(request).map_err(|_| failed(TransportErrorKind::NotSent))?;
        let answer = self.client.execute(request).await.map_err(|error| {
            // A connection that could not be made carried nothing; anything later may have been heard.
            let never_left = error.is_connect() || error.is_builder();
            failed(if never_left { TransportErrorKind::NotSent } else { TransportErrorKind::NoAnswer })
        })?;

        let (status, version, headers) = (answer.status(), answer.version(), answer.headers().clone());
        let mut body = BytesMut::new();
        let mut pieces = answer.bytes_stream();
        while let Some(piece) = pieces.try_next().await.map_err(|_| failed(TransportErrorKind::NoAnswer))? {
            if body.len().saturating_add(piece.len()) > self.largest_answer {
                return Err(failed(TransportErrorKind::TooLarge));
            }
            body.extend_from_slice(&piece);
        }
        let mut answer = Response::new(body.freeze());
        *answer.status_mut() = status;
        *answer.version_mut() = version;
        *answer.headers_mut() = headers;
        Ok(answer)
    }
}
