//! What makes a request ours.

use accordant::connector::{ConnectorError, ConnectorErrorKind};
use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, HeaderName, HeaderValue};
use secrecy::{ExposeSecret as _, SecretString};

use crate::transport::Request;

/// Signs requests. Called last, when nothing of the request changes any more: a signature may cover all of it.
#[async_trait]
pub trait Credentials: Send + Sync + 'static {
    /// Puts on what proves who asks.
    ///
    /// # Errors
    ///
    /// If there is nothing to prove it with: a token cannot be had.
    async fn sign(&self, request: &mut Request) -> Result<(), ConnectorError>;

    /// The system answered a request 401. Says whether it is worth another try, with something newer than what that
    /// request carried.
    async fn renew(&self, _refused: &Request) -> bool {
        false
    }
}

/// A token that does not run out, as `Authorization: Bearer`: a private app of HubSpot.
#[derive(Debug, Clone)]
pub struct Bearer(HeaderValue);

impl Bearer {
    /// Signs with this token.
    ///
    /// # Errors
    ///
    /// If it holds what no header may hold, such as a line break at its end.
    pub fn new(token: &SecretString) -> Result<Self, ConnectorError> {
        Ok(Self(bearer(token)?))
    }
}

#[async_trait]
impl Credentials for Bearer {
    async fn sign(&self, request: &mut Request) -> Result<(), ConnectorError> {
        request.headers_mut().insert(AUTHORIZATION, self.0.clone());
        Ok(())
    }
}

/// A user and a password, as `Authorization: Basic` (RFC 7617).
#[derive(Debug, Clone)]
pub struct Basic(HeaderValue);

impl Basic {
    /// Signs as `user` with `password`.
    ///
    /// # Errors
    ///
    /// If the user has a colon: the system would read another user, and another password.
    pub fn new(user: &str, password: &SecretString) -> Result<Self, ConnectorError> {
        if user.contains(':') {
            let told = "a user with a colon cannot be told from its password";
            return Err(ConnectorError::new(ConnectorErrorKind::Denied, told));
        }
        let pair = STANDARD.encode(format!("{user}:{}", password.expose_secret()));
        Ok(Self(sensitive(&format!("Basic {pair}"))?))
    }
}

#[async_trait]
impl Credentials for Basic {
    async fn sign(&self, request: &mut Request) -> Result<(), ConnectorError> {
        request.headers_mut().insert(AUTHORIZATION, self.0.clone());
        Ok(())
    }
}

/// No credentials: a system on the same machine, or one that knows us by our address.
#[derive(Debug, Clone, Copy, Default)]
pub struct Anonymous;

#[async_trait]
impl Credentials for Anonymous {
    async fn sign(&self, _: &mut Request) -> Result<(), ConnectorError> {
        Ok(())
    }
}

/// A token in a header of the system's own: `X-Shopify-Access-Token`.
#[derive(Debug, Clone)]
pub struct HeaderToken {
    name: HeaderName,
    value: HeaderValue,
}

impl HeaderToken {
    /// Signs with `token` in the header `name`.
    ///
    /// # Errors
    ///
    /// If the token holds what no header may hold, such as a line break at its end.
    pub fn new(name: HeaderName, token: &SecretString) -> Result<Self, ConnectorError> {
        Ok(Self { name, value: sensitive(token.expose_secret())? })
    }
}

#[async_trait]
impl Credentials for HeaderToken {
    async fn sign(&self, request: &mut Request) -> Result<(), ConnectorError> {
        request.headers_mut().insert(self.name.clone(), self.value.clone());
        Ok(())
    }
}

/// `Bearer …`, as a header that is not shown.
pub(crate) fn bearer(token: &SecretString) -> Result<HeaderValue, ConnectorError> {
    sensitive(&format!("Bearer {}", token.expose_secret()))
}

fn sensitive(text: &str) -> Result<HeaderValue, ConnectorError> {
    let mut value = HeaderValue::from_str(text).map_err(|_| {
        let told = "the token holds characters that no header may hold; is there a line break at its end?";
        ConnectorError::new(ConnectorErrorKind::Denied, told)
    })?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use bytes::Bytes;
    use secrecy::SecretString;

    use super::{Basic, Bearer, Credentials as _};
    use crate::transport::Request;

    #[test]
    fn what_is_printed_of_a_signed_request_holds_no_token() {
        let bearer = Bearer::new(&SecretString::from("pat-hunter2")).unwrap();
        let mut request = Request::new(Bytes::new());
        futures::executor::block_on(bearer.sign(&mut request)).unwrap();
        assert_eq!(request.headers()["authorization"], "Bearer pat-hunter2");
        assert!(!format!("{request:?} {bearer:?}").contains("hunter2"));
    }

    /// The example of RFC 7617, 2.
    #[test]
    fn a_user_and_a_password_are_written_as_the_rfc_has_them() {
        let basic = Basic::new("Aladdin", &SecretString::from("open sesame")).unwrap();
        let mut request = Request::new(Bytes::new());
        futures::executor::block_on(basic.sign(&mut request)).unwrap();
        assert_eq!(request.headers()["authorization"], "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        assert!(Basic::new("Ala:ddin", &SecretString::from("x")).is_err());
    }

    #[test]
    fn a_token_read_with_its_line_break_is_told_of_without_being_shown() {
        let error = Bearer::new(&SecretString::from("pat-hunter2\n")).unwrap_err().to_string();
        assert!(error.contains("line break") && !error.contains("hunter2"), "{error}");
    }
}
