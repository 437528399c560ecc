//! Token-based authentication: every request is signed by itself (RFC 5849, HMAC-SHA256).

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Request;
use http::header::{AUTHORIZATION, HOST};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use ring::hmac;

use super::{Inside, NetSuite};
use crate::json;

/// An application and a token that may ask by signatures.
#[derive(Debug, Clone)]
pub struct TokenBased {
    /// The account, in capitals.
    pub realm: String,
    /// The application.
    pub consumer_key: String,
    /// Its secret.
    pub consumer_secret: String,
    /// The token.
    pub token: String,
    /// Its secret.
    pub token_secret: String,
}

/// How far the time of a request may be from ours, in seconds. Assumed.
const APART: i64 = 300;

const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

fn encode(text: &str) -> String {
    utf8_percent_encode(text, KEPT).to_string()
}

/// The parameters of an `Authorization: OAuth` header, decoded.
fn parameters(header: &str) -> Option<BTreeMap<String, String>> {
    let parts = header.strip_prefix("OAuth ")?.split(',');
    parts
        .map(|part| {
            let (name, value) = part.trim().split_once('=')?;
            let value = value.strip_prefix('"')?.strip_suffix('"')?;
            Some((name.to_owned(), percent_decode_str(value).decode_utf8().ok()?.into_owned()))
        })
        .collect()
}

impl NetSuite {
    /// Whether a request is signed by the application and the token that this account knows, now, and for the first time.
    pub(super) fn is_signed(&self, inside: &mut Inside, request: &Request<Bytes>, now: i64) -> bool {
        let Some(known) = &self.token_based else { return false };
        let header = request.headers().get(AUTHORIZATION).and_then(|header| header.to_str().ok());
        let Some(mut said) = header.and_then(parameters) else { return false };
        let (realm, signature) = (said.remove("realm"), said.remove("oauth_signature"));
        let is = |name: &str, value: &str| said.get(name).is_some_and(|said| said == value);
        let at = said.get("oauth_timestamp").and_then(|at| at.parse::<i64>().ok());
        let named = realm.as_deref() == Some(&known.realm)
            && is("oauth_consumer_key", &known.consumer_key)
            && is("oauth_token", &known.token)
            && is("oauth_signature_method", "HMAC-SHA256")
            && at.is_some_and(|at| (at - now / 1_000).abs() <= APART);
        let Some(nonce) = said.get("oauth_nonce").cloned().filter(|_| named) else { return false };

        let host = request.headers().get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        let address = format!("http://{}{}", host.trim_end_matches(":80"), request.uri().path());
        let mut signed: Vec<(String, String)> =
            said.into_iter().chain(json::query(request)).map(|(name, value)| (encode(&name), encode(&value))).collect();
        signed.sort();
        let signed: Vec<String> = signed.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let text = [request.method().as_str(), &encode(&address), &encode(&signed.join("&"))].join("&");
        let key = [encode(&known.consumer_secret), encode(&known.token_secret)].join("&");
        let signature = signature.and_then(|signature| STANDARD.decode(signature).ok());
        let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes());
        let fits = signature.is_some_and(|signature| hmac::verify(&key, text.as_bytes(), &signature).is_ok());
        fits && inside.nonces.insert(nonce)
    }
}
