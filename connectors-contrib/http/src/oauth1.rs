//! OAuth 1.0 (RFC 5849) by HMAC-SHA256: each request is signed by itself, and there is no token to have again.
//!
//! For systems that still ask for it, as NetSuite's token-based authentication does. The vendor takes no new integrations of
//! that kind from 2027.1 on (its page on signatures, `section_1534941088`).

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use accordant::connector::{ConnectorError, ConnectorErrorKind};
use accordant::{Clock, Entropy};
use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use ring::hmac;
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;
use url::form_urlencoded;

use crate::credentials::Credentials;
use crate::transport::Request;

/// What is not encoded (RFC 5849, 3.6).
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// An application and a token of it, with their secrets.
#[derive(Debug, Clone)]
pub struct Keys {
    /// The application.
    pub consumer_key: String,
    /// Its secret.
    pub consumer_secret: SecretString,
    /// The token: a user, a role and the application.
    pub token: String,
    /// Its secret.
    pub token_secret: SecretString,
}

/// [`Credentials`] that sign each request with the secrets of an application and of a token.
pub struct OAuth1 {
    realm: String,
    keys: Keys,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
}

impl fmt::Debug for OAuth1 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuth1").field("realm", &self.realm).field("keys", &self.keys).finish_non_exhaustive()
    }
}

impl OAuth1 {
    /// Signs for a realm. Every request carries the time of `clock` and a number from `entropy` that occurs once.
    #[must_use]
    pub fn new(realm: &str, keys: Keys, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Self {
        Self { realm: realm.to_owned(), keys, clock, entropy }
    }

    /// What is signed of a request, and the header that says so.
    fn header(&self, request: &Request, seconds: i64, nonce: &str) -> Result<String, ConnectorError> {
        let Keys { consumer_key, consumer_secret, token, token_secret } = &self.keys;
        let seconds = seconds.to_string();
        let own = [
            ("oauth_consumer_key", consumer_key.as_str()),
            ("oauth_token", token),
            ("oauth_nonce", nonce),
            ("oauth_timestamp", &seconds),
            ("oauth_signature_method", "HMAC-SHA256"),
            ("oauth_version", "1.0"),
        ];
        let base = base_string(request, &own)?;
        let key = format!("{}&{}", encoded(consumer_secret.expose_secret()), encoded(token_secret.expose_secret()));
        let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes()), base.as_bytes());
        let mut header = format!("OAuth realm=\"{}\"", encoded(&self.realm));
        for (name, value) in own.into_iter().chain([("oauth_signature", STANDARD.encode(signature).as_str())]) {
            header.push_str(&format!(", {name}=\"{}\"", encoded(value)));
        }
        Ok(header)
    }
}

fn encoded(text: &str) -> Cow<'_, str> {
    utf8_percent_encode(text, ENCODED).into()
}

/// Method, address and parameters, in the one spelling that both sides sign (RFC 5849, 3.4.1). The realm is not in it; the
/// query is, and so is a form.
fn base_string(request: &Request, own: &[(&str, &str)]) -> Result<String, ConnectorError> {
    // It knows which port is the scheme's own, and writes hosts in small letters.
    let address = Url::parse(&request.uri().to_string()).map_err(|_| {
        ConnectorError::new(ConnectorErrorKind::Unsupported, "only a request to a whole address can be signed")
    })?;
    let mut base = address.clone();
    base.set_query(None);
    base.set_fragment(None);
    let is_form = request.headers().get(CONTENT_TYPE).is_some_and(|kind| {
        kind.to_str().is_ok_and(|kind| kind.trim().starts_with("application/x-www-form-urlencoded"))
    });
    let form = form_urlencoded::parse(if is_form { request.body() } else { b"" });
    let own = own.iter().map(|(name, value)| (Cow::Borrowed(*name), Cow::Borrowed(*value)));
    let mut parameters: Vec<(String, String)> = own
        .chain(address.query_pairs())
        .chain(form)
        .map(|(name, value)| (encoded(&name).into_owned(), encoded(&value).into_owned()))
        .collect();
    parameters.sort_unstable();
    let parameters: Vec<String> = parameters.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    Ok(format!("{}&{}&{}", request.method(), encoded(base.as_str()), encoded(&parameters.join("&"))))
}

#[async_trait]
impl Credentials for OAuth1 {
    async fn sign(&self, request: &mut Request) -> Result<(), ConnectorError> {
        let mut nonce = [0; 16];
        self.entropy.fill(&mut nonce);
        let nonce: String = nonce.iter().map(|byte| format!("{byte:02x}")).collect();
        let header = self.header(request, self.clock.now().div_euclid(1_000), &nonce)?;
        let mut header = HeaderValue::from_str(&header).map_err(|_| {
            ConnectorError::new(ConnectorErrorKind::Denied, "the application and token make no header: are they keys?")
        })?;
        header.set_sensitive(true);
        request.headers_mut().insert(AUTHORIZATION, header);
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::sync::Arc;

    use accordant::{SeededEntropy, SystemClock};
    use bytes::Bytes;
    use http::Request;
    use secrecy::SecretString;

    use super::{Credentials as _, Keys, OAuth1, base_string};

    /// The vendor's own example (NetSuite, "The Signature for Web Services and RESTlets", section_1534941088).
    fn example() -> OAuth1 {
        let keys = Keys {
            consumer_key: "ef40afdd8abaac111b13825dd5e5e2ddddb44f86d5a0dd6dcf38c20aae6b67e4".into(),
            consumer_secret: SecretString::from("d26ad321a4b2f23b0741c8d38392ce01c3e23e109df6c96eac6d099e9ab9e8b5"),
            token: "2b0ce516420110bcbd36b69e99196d1b7f6de3c6234c5afb799b73d87569f5cc".into(),
            token_secret: SecretString::from("c29a677df7d5439a458c063654187e3d678d73aca8e3c9d8bea1478a3eb0d295"),
        };
        OAuth1::new("123456", keys, Arc::new(SystemClock), Arc::new(SeededEntropy::new(1)))
    }

    const SECONDS: i64 = 1_508_242_306;
    const NONCE: &str = "fjaLirsIcCGVZWzBX0pg";

    #[test]
    fn the_vendors_example_has_the_vendors_signature() {
        let address = "https://123456.restlets.api.netsuite.com/app/site/hosting/restlet.nl?script=6&deploy=1&\
            customParam=someValue&testParam=someOtherValue";
        let request = Request::post(address).body(Bytes::new()).unwrap();
        let header = example().header(&request, SECONDS, NONCE).unwrap();
        // The page prints it without its first letter.
        let signature = "oauth_signature=\"%2BKK4SKNgz4ZiILGLwOMtfYlgcXSy1eis8ldE9X90azQ%3D\"";
        assert!(header.starts_with("OAuth realm=\"123456\", ") && header.ends_with(signature), "{header}");
    }

    /// RFC 5849, 3.4.1: its own example, but for the method of the signature, which the example takes from elsewhere.
    #[test]
    fn query_and_form_are_in_what_is_signed_in_their_order() {
        let request = Request::post("http://EXAMPLE.COM:80/request?b5=%3D%253D&a3=a&c%40=&a2=r%20b")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Bytes::from_static(b"c2&a3=2+q"))
            .unwrap();
        let own = [
            ("oauth_consumer_key", "9djdj82h48djs9d2"),
            ("oauth_token", "kkk9d7dh3k39sjv7"),
            ("oauth_signature_method", "HMAC-SHA1"),
            ("oauth_timestamp", "137131201"),
            ("oauth_nonce", "7d8f3e4a"),
        ];
        assert_eq!(
            base_string(&request, &own).unwrap(),
            "POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%3D2%2520q%26a3%3Da%26b5%3D%253D%25253D%26c%2540%3D\
             %26c2%3D%26oauth_consumer_key%3D9djdj82h48djs9d2%26oauth_nonce%3D7d8f3e4a%26oauth_signature_method%3DHMAC-SHA1\
             %26oauth_timestamp%3D137131201%26oauth_token%3Dkkk9d7dh3k39sjv7"
        );
    }

    #[test]
    fn no_two_signatures_are_alike_and_none_is_shown() {
        let credentials = example();
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..10 {
            let mut request = Request::get("https://123456.suitetalk.api.netsuite.com/a").body(Bytes::new()).unwrap();
            futures::executor::block_on(credentials.sign(&mut request)).unwrap();
            assert!(!format!("{request:?} {credentials:?}").contains("d26ad321"));
            assert!(!format!("{request:?}").contains("oauth_signature"));
            seen.insert(request.headers()["authorization"].to_str().unwrap().to_owned());
        }
        assert_eq!(seen.len(), 10);
    }
}
