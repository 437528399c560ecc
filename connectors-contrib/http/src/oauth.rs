//! OAuth 2: tokens that run out, and are had again before they do.

mod assertion;

use std::fmt;
use std::sync::Arc;

use accordant::Clock;
use accordant::connector::{ConnectorError, ConnectorErrorKind, Retry};
use async_trait::async_trait;
use bytes::Bytes;
use chrono::TimeDelta;
use futures::future::BoxFuture;
use http::HeaderValue;
use http::header::AUTHORIZATION;
use oauth2::basic::{BasicClient, BasicTokenResponse};
use oauth2::{
    AsyncHttpClient, AuthType, ClientId, ClientSecret, RefreshToken, RequestTokenError, Scope, TokenResponse as _,
    TokenUrl,
};
use secrecy::{ExposeSecret as _, SecretString};

pub use assertion::{Algorithm, Assertion, KeyError};

use crate::credentials::{Credentials, bearer};
use crate::transport::{Request, Transport, TransportError};

/// How a token is had (RFC 6749, RFC 7523).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Grant {
    /// With the application's own secret (RFC 6749, 4.4).
    ClientCredentials {
        /// The application.
        client_id: String,
        /// Its secret.
        client_secret: SecretString,
    },
    /// With what a person's consent left behind (RFC 6749, 6).
    Refresh {
        /// The application.
        client_id: String,
        /// Its secret.
        client_secret: SecretString,
        /// The refresh token.
        refresh_token: SecretString,
    },
    /// With a signed assertion in place of a secret (RFC 7523, 2.2): NetSuite, machine to machine.
    Assertion(Assertion),
}

/// A token, and until when it is used.
#[derive(Debug, Clone)]
struct Token {
    header: HeaderValue,
    until: i64,
}

/// What is called with a new refresh token.
type Rotated = dyn Fn(&SecretString) + Send + Sync;

/// [`Credentials`] that hold a token and have a new one before it runs out. Calls share one: of many that find it
/// expired, one asks.
pub struct OAuth2 {
    grant: async_lock::Mutex<Grant>,
    endpoint: TokenUrl,
    scopes: Vec<Scope>,
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    held: async_lock::Mutex<Option<Token>>,
    early: TimeDelta,
    rotated: Option<Box<Rotated>>,
}

impl fmt::Debug for OAuth2 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuth2").field("endpoint", &self.endpoint.as_str()).finish_non_exhaustive()
    }
}

/// How long a token is used that does not say when it runs out.
const UNSAID: TimeDelta = TimeDelta::minutes(30);

impl OAuth2 {
    /// Credentials from this endpoint. Nothing is asked before the first request is signed.
    ///
    /// # Errors
    ///
    /// If the endpoint is no address.
    pub fn new(
        grant: Grant,
        endpoint: &str,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, ConnectorError> {
        let endpoint = TokenUrl::new(endpoint.to_owned()).map_err(|_| {
            ConnectorError::new(ConnectorErrorKind::Unsupported, "the address of the token endpoint is none")
        })?;
        Ok(Self {
            grant: async_lock::Mutex::new(grant),
            endpoint,
            scopes: Vec::new(),
            transport,
            clock,
            held: async_lock::Mutex::new(None),
            early: TimeDelta::minutes(2),
            rotated: None,
        })
    }

    /// Asks for these scopes. An assertion carries its own.
    #[must_use]
    pub fn scopes<'s>(mut self, scopes: impl IntoIterator<Item = &'s str>) -> Self {
        self.scopes = scopes.into_iter().map(|scope| Scope::new(scope.to_owned())).collect();
        self
    }

    /// Is told of a refresh token that takes the place of the one before (RFC 6749, 6: "the client MUST discard the old
    /// refresh token"). Where a system does that, keep the new one, or the next start has none that is good.
    #[must_use]
    pub fn on_rotation(mut self, keep: impl Fn(&SecretString) + Send + Sync + 'static) -> Self {
        self.rotated = Some(Box::new(keep));
        self
    }

    /// The header to sign with, asked for anew if the one at hand is about to run out.
    async fn header(&self) -> Result<HeaderValue, ConnectorError> {
        let mut held = self.held.lock().await;
        let now = self.clock.now();
        if let Some(token) = held.as_ref().filter(|token| now < token.until) {
            return Ok(token.header.clone());
        }
        let told = self.ask(now).await?;
        let lives = told.expires_in().and_then(|lives| TimeDelta::from_std(lives).ok()).unwrap_or(UNSAID);
        // A token that lives shorter than the margin is used for half its life.
        let used = (lives - self.early).max(lives / 2);
        let header = bearer(&SecretString::from(told.access_token().secret().as_str()))?;
        *held = Some(Token { header: header.clone(), until: now.saturating_add(used.num_milliseconds()) });
        Ok(header)
    }

    /// Asks the endpoint.
    async fn ask(&self, now: i64) -> Result<BasicTokenResponse, ConnectorError> {
        let mut grant = self.grant.lock().await;
        let send = Way(Arc::clone(&self.transport));
        let client = |id: &str| BasicClient::new(ClientId::new(id.to_owned())).set_token_uri(self.endpoint.clone());
        let secret = |secret: &SecretString| ClientSecret::new(secret.expose_secret().to_owned());
        let told = match &*grant {
            Grant::ClientCredentials { client_id, client_secret } => {
                let client = client(client_id).set_client_secret(secret(client_secret));
                let client = client.set_auth_type(AuthType::RequestBody);
                let asked = client.exchange_client_credentials().add_scopes(self.scopes.iter().cloned());
                asked.request_async(&send).await
            }
            Grant::Refresh { client_id, client_secret, refresh_token } => {
                let client = client(client_id).set_client_secret(secret(client_secret));
                let client = client.set_auth_type(AuthType::RequestBody);
                let token = RefreshToken::new(refresh_token.expose_secret().to_owned());
                let asked = client.exchange_refresh_token(&token).add_scopes(self.scopes.iter().cloned());
                asked.request_async(&send).await
            }
            Grant::Assertion(assertion) => {
                let signed = assertion.sign(self.endpoint.as_str(), now);
                let client = client(assertion.issuer()).set_auth_type(AuthType::RequestBody);
                let asked = client
                    .exchange_client_credentials()
                    .add_extra_param("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
                    .add_extra_param("client_assertion", signed);
                asked.request_async(&send).await
            }
        };
        let told = told.map_err(refused)?;
        if let (Grant::Refresh { refresh_token, .. }, Some(new)) = (&mut *grant, told.refresh_token())
            && new.secret() != refresh_token.expose_secret()
        {
            *refresh_token = SecretString::from(new.secret().as_str());
            if let Some(keep) = &self.rotated {
                keep(refresh_token);
            }
        }
        Ok(told)
    }
}

/// A transport, as the `oauth2` crate sends through it.
struct Way(Arc<dyn Transport>);

impl<'c> AsyncHttpClient<'c> for Way {
    type Error = TransportError;
    type Future = BoxFuture<'c, Result<oauth2::HttpResponse, TransportError>>;

    fn call(&'c self, request: oauth2::HttpRequest) -> Self::Future {
        Box::pin(async move { Ok(self.0.send(request.map(Bytes::from)).await?.map(|body| lifetime_as_number(&body))) })
    }
}

/// A token's lifetime is a number (RFC 6749, 5.1), and NetSuite writes it as text.
fn lifetime_as_number(body: &Bytes) -> Vec<u8> {
    let mended = serde_json::from_slice::<serde_json::Value>(body).ok().and_then(|mut token| {
        let lifetime = token.get_mut("expires_in")?;
        *lifetime = lifetime.as_str()?.parse::<u64>().ok()?.into();
        Some(token.to_string().into_bytes())
    });
    mended.unwrap_or_else(|| body.to_vec())
}

/// Without the endpoint's own words: they may repeat what was sent.
fn refused(
    error: RequestTokenError<TransportError, oauth2::StandardErrorResponse<oauth2::basic::BasicErrorResponseType>>,
) -> ConnectorError {
    match error {
        RequestTokenError::Request(lost) => lost.into(),
        RequestTokenError::ServerResponse(said) => {
            let told = format!("the token endpoint refuses: {}", said.error().as_ref());
            ConnectorError::new(ConnectorErrorKind::Denied, told).retry(Retry::Backoff)
        }
        RequestTokenError::Parse(..) | RequestTokenError::Other(_) => {
            let told = "the token endpoint answers with no token";
            ConnectorError::new(ConnectorErrorKind::Malformed, told).retry(Retry::Backoff)
        }
    }
}

#[async_trait]
impl Credentials for OAuth2 {
    async fn sign(&self, request: &mut Request) -> Result<(), ConnectorError> {
        let header = self.header().await?;
        request.headers_mut().insert(AUTHORIZATION, header);
        Ok(())
    }

    /// Forgets the token that was refused, unless another has taken its place meanwhile.
    async fn renew(&self, refused: &Request) -> bool {
        let mut held = self.held.lock().await;
        if held.as_ref().is_some_and(|token| Some(&token.header) == refused.headers().get(AUTHORIZATION)) {
            *held = None;
        }
        true
    }
}
