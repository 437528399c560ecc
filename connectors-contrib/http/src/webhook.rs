//! Webhooks: bytes that anybody can send, until their signature says whose they are.

use std::borrow::Cow;
use std::fmt;

use accordant::connector::{ConnectorError, ConnectorErrorKind, Delivery};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use chrono::TimeDelta;
use http::HeaderMap;
use http::header::HeaderName;
use ring::hmac;
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

/// How a system signs: HMAC-SHA256 over a message made of the request, in a header.
#[derive(Debug, Clone, Copy)]
pub struct Signature {
    /// The header that carries it.
    pub header: &'static str,
    /// How it is written there.
    pub encoding: Encoding,
    /// What is signed. Given the request as it came, and its full public address.
    pub message: for<'d> fn(&'d Delivery, &str) -> Cow<'d, [u8]>,
    /// How old it may be, where the signature covers when it was sent.
    pub freshness: Option<Freshness>,
}

/// How a signature is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// Base64 with padding.
    Base64,
    /// Hexadecimal, of either case.
    Hex,
}

impl Signature {
    /// Over the body alone, with nothing that says when it was sent: an old one may be played again, so let it only hint.
    #[must_use]
    pub const fn of_body(header: &'static str, encoding: Encoding) -> Self {
        Self { header, encoding, message: |delivery, _| Cow::Borrowed(delivery.body()), freshness: None }
    }
}

/// When a signed request was sent. The message must contain the header, or it proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Freshness {
    /// The header that carries it, in milliseconds since the epoch.
    pub header: &'static str,
    /// How far it may lie from now, on either side.
    pub within: TimeDelta,
}

/// The secret that requests are signed with, and while it is being changed the former one too.
#[derive(Clone)]
pub struct Secrets {
    keys: [Option<hmac::Key>; 2],
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} secrets", self.keys.iter().flatten().count())
    }
}

impl Secrets {
    /// One secret.
    #[must_use]
    pub fn new(secret: &SecretString) -> Self {
        Self { keys: [Some(key(secret)), None] }
    }

    /// This one counts too, for as long as the change of secrets takes.
    #[must_use]
    pub fn or(mut self, former: &SecretString) -> Self {
        self.keys[1] = Some(key(former));
        self
    }
}

fn key(secret: &SecretString) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, secret.expose_secret().as_bytes())
}

/// Tells requests that a system signed from all others.
#[derive(Debug, Clone)]
pub struct Verifier {
    signature: Signature,
    secrets: Secrets,
    header: Option<HeaderName>,
    prefix: String,
    public: Option<Url>,
    largest: usize,
}

/// The largest body that is looked at, unless another is given: 4 MiB.
const LARGEST: usize = 4 << 20;

impl Verifier {
    /// A verifier of such signatures.
    #[must_use]
    pub fn new(signature: Signature, secrets: Secrets) -> Self {
        Self { signature, secrets, header: None, prefix: String::new(), public: None, largest: LARGEST }
    }

    /// The signature is in this header, and stands there behind `prefix`: for systems that are only known when the program
    /// runs.
    #[must_use]
    pub fn in_header(mut self, header: HeaderName, prefix: &str) -> Self {
        (self.header, self.prefix) = (Some(header), prefix.to_owned());
        self
    }

    /// The address under which the system calls us, for signatures that cover it: what stands before us may have
    /// rewritten scheme, host and the beginning of the path. Path and query of the request are appended to it.
    #[must_use]
    pub fn public_address(mut self, base: Url) -> Self {
        self.public = Some(base);
        self
    }

    /// Bodies of more bytes are refused unread.
    #[must_use]
    pub fn largest_body(mut self, bytes: usize) -> Self {
        self.largest = bytes;
        self
    }

    /// Lets a request through if it is signed, and fresh where its signature says when it was sent.
    ///
    /// The signature is compared in constant time, over the raw bytes, before anything parses them. `now` is in
    /// milliseconds since the epoch.
    ///
    /// # Errors
    ///
    /// [`ConnectorErrorKind::Denied`], which says what was wrong and nothing of what would have been right.
    pub fn verify<'d>(&self, delivery: &'d Delivery, now: i64) -> Result<Authentic<'d>, ConnectorError> {
        if delivery.body().len() > self.largest {
            return Err(denied("the body is larger than any that the system sends"));
        }
        let header = self.header.as_ref().map_or(self.signature.header, HeaderName::as_str);
        let given = only(delivery.headers(), header).ok_or_else(|| denied("there is no signature"))?;
        let given =
            given.strip_prefix(self.prefix.as_str()).ok_or_else(|| denied("the signature is not written as one"))?;
        let given = match self.signature.encoding {
            Encoding::Base64 => STANDARD.decode(given).ok(),
            Encoding::Hex => hex(given),
        }
        .ok_or_else(|| denied("the signature is not written as one"))?;
        let message = (self.signature.message)(delivery, &self.address(delivery));
        let signed = |key: &hmac::Key| hmac::verify(key, &message, &given).is_ok();
        if !self.secrets.keys.iter().flatten().any(signed) {
            return Err(denied("the signature is not the system's"));
        }
        if let Some(Freshness { header, within }) = self.signature.freshness {
            let sent: i64 = only(delivery.headers(), header)
                .and_then(|text| text.parse().ok())
                .ok_or_else(|| denied("it does not say when it was sent"))?;
            if i128::from(now).abs_diff(i128::from(sent)) > u128::from(within.num_milliseconds().unsigned_abs()) {
                return Err(denied("it was not sent now: an old one is played again, or a clock is wrong"));
            }
        }
        Ok(Authentic(delivery))
    }

    /// The full address that the system called.
    fn address(&self, delivery: &Delivery) -> String {
        let Some(public) = &self.public else { return delivery.uri().to_string() };
        let path = delivery.uri().path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
        let mut address = public.as_str().trim_end_matches('/').to_owned();
        address.push_str(path);
        address
    }
}

/// A webhook that its system signed. Only a [`Verifier`] makes one, so that bytes of strangers cannot reach a parser.
#[derive(Debug, Clone, Copy)]
pub struct Authentic<'d>(&'d Delivery);

impl<'d> Authentic<'d> {
    /// The body, as it came.
    #[must_use]
    pub fn body(self) -> &'d Bytes {
        self.0.body()
    }

    /// A header. Headers are not signed unless the system's message contains them: believe none about content.
    #[must_use]
    pub fn header(self, name: &str) -> Option<&'d str> {
        only(self.0.headers(), name)
    }
}

/// A header that stands there once: of two, nobody knows which the signature means.
fn only<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text.chars().map(|digit| u8::try_from(digit.to_digit(16)?).ok()).collect();
    let digits = digits?;
    let (pairs, rest) = digits.as_chunks::<2>();
    rest.is_empty().then(|| pairs.iter().map(|[high, low]| high << 4 | low).collect())
}

fn denied(told: &'static str) -> ConnectorError {
    ConnectorError::new(ConnectorErrorKind::Denied, told)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: i64 = 1_790_000_000_000;

    /// The body alone, as Shopify signs.
    const BODY: Signature = Signature::of_body("x-signature", Encoding::Base64);

    /// Method, address, body and time, as HubSpot signs.
    const ALL: Signature = Signature {
        header: "x-signature",
        encoding: Encoding::Base64,
        message: |delivery, address| {
            let sent = delivery.headers().get("x-sent").map_or(&b""[..], |sent| sent.as_bytes());
            Cow::Owned([delivery.method().as_str().as_bytes(), address.as_bytes(), delivery.body(), sent].concat())
        },
        freshness: Some(Freshness { header: "x-sent", within: TimeDelta::minutes(5) }),
    };

    fn secrets() -> Secrets {
        Secrets::new(&SecretString::from("new")).or(&SecretString::from("former"))
    }

    fn sign(signature: &Signature, secret: &str, address: &str, mut delivery: Delivery) -> Delivery {
        let tag = hmac::sign(&key(&SecretString::from(secret)), &(signature.message)(&delivery, address));
        delivery.headers_mut().insert("x-signature", STANDARD.encode(tag).parse().unwrap());
        delivery
    }

    fn delivery(sent: i64) -> Delivery {
        http::Request::post("/hooks?x=1").header("x-sent", sent.to_string()).body(Bytes::from("[{}]")).unwrap()
    }

    /// The example of Shopify's own library (`@shopify/shopify-api`, its tests of webhook validation).
    #[test]
    fn the_example_of_a_vendor_is_let_through() {
        let verifier = Verifier::new(BODY, Secrets::new(&SecretString::from("test_secret_key")));
        let example = http::Request::post("/")
            .header("x-signature", "B23tXN681gZ0qIWNRrgtzBE9XSDo5yaUu6wfmhu3a7g=")
            .body(Bytes::from(r#"{"foo": "bar"}"#))
            .unwrap();
        assert_eq!(verifier.verify(&example, NOW).unwrap().body(), r#"{"foo": "bar"}"#);
    }

    #[test]
    fn both_secrets_count_while_one_is_changed_and_no_third() {
        let verifier = Verifier::new(BODY, secrets());
        for (secret, through) in [("new", true), ("former", true), ("other", false)] {
            let signed = sign(&BODY, secret, "", delivery(NOW));
            assert_eq!(verifier.verify(&signed, NOW).is_ok(), through, "{secret}");
        }
    }

    #[test]
    fn the_address_is_the_public_one_and_old_ones_and_future_ones_are_refused() {
        let public = "https://hooks.acme.example/in/".parse().unwrap();
        let verifier = Verifier::new(ALL, secrets()).public_address(public);
        let address = "https://hooks.acme.example/in/hooks?x=1";
        for (sent, through) in [(0, true), (-300_000, true), (300_000, true), (-300_001, false), (300_001, false)] {
            let signed = sign(&ALL, "new", address, delivery(NOW + sent));
            assert_eq!(verifier.verify(&signed, NOW).is_ok(), through, "{sent}");
        }
        assert!(verifier.verify(&sign(&ALL, "new", "/hooks?x=1", delivery(NOW)), NOW).is_err());
        assert!(verifier.verify(&sign(&ALL, "new", address, delivery(i64::MIN)), NOW).is_err());
    }

    #[test]
    fn what_is_missing_twofold_or_too_large_is_refused() {
        let verifier = Verifier::new(BODY, secrets()).largest_body(4);
        assert!(verifier.verify(&delivery(NOW), NOW).is_err(), "no signature");
        let mut signed = sign(&BODY, "new", "", delivery(NOW));
        assert!(verifier.verify(&signed, NOW).is_ok());
        let again = signed.headers()["x-signature"].clone();
        signed.headers_mut().append("x-signature", again);
        assert!(verifier.verify(&signed, NOW).is_err(), "two signatures");
        let mut large = delivery(NOW);
        *large.body_mut() = Bytes::from("[{} ]");
        assert!(verifier.verify(&sign(&BODY, "new", "", large), NOW).is_err(), "too large");
    }

    #[test]
    fn a_header_that_is_only_known_at_run_time_holds_the_signature_behind_its_prefix() {
        let secrets = Secrets::new(&SecretString::from("new"));
        let verifier = Verifier::new(BODY, secrets).in_header(HeaderName::from_static("x-hub"), "sha256=");
        let signed = sign(&BODY, "new", "", delivery(NOW));
        let tag = signed.headers()["x-signature"].to_str().unwrap().to_owned();
        let with = |value: String| {
            let mut delivery = delivery(NOW);
            delivery.headers_mut().insert("x-hub", value.parse().unwrap());
            delivery
        };
        assert!(verifier.verify(&signed, NOW).is_err(), "in another header");
        assert!(verifier.verify(&with(tag.clone()), NOW).is_err(), "without its prefix");
        assert!(verifier.verify(&with(format!("sha256={tag}")), NOW).is_ok());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]

        /// Whatever is changed of a signed request, it is refused; and nothing makes the verifier panic.
        #[test]
        fn no_mutation_is_let_through(
            place in 0usize..10_000,
            to in any::<u8>(),
            of in 0u8..4,
            text in "\\PC{0,60}",
        ) {
            let verifier = Verifier::new(ALL, secrets());
            let original = sign(&ALL, "new", "/hooks?x=1", delivery(NOW));
            let mut changed = original.clone();
            match of {
                0 => {
                    let mut body = changed.body().to_vec();
                    let place = place % body.len();
                    body[place] = to;
                    *changed.body_mut() = body.into();
                }
                1 => {
                    if let Ok(value) = http::HeaderValue::from_str(&text) {
                        changed.headers_mut().insert("x-signature", value);
                    }
                }
                2 => {
                    if let Ok(value) = http::HeaderValue::from_str(&text) {
                        changed.headers_mut().insert("x-sent", value);
                    }
                }
                _ => {
                    let uri = if place % 2 == 0 { "/hooks?x=2" } else { "/hook?x=1" };
                    *changed.uri_mut() = http::Uri::from_static(uri);
                }
            }
            let same = changed.body() == original.body()
                && changed.headers() == original.headers()
                && changed.uri() == original.uri();
            prop_assert_eq!(verifier.verify(&changed, NOW).is_ok(), same);
        }
    }
}
