//! The token endpoint: client credentials, proven by a signed assertion.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use serde_json::{Value, json};

use super::{Inside, NetSuite};
use crate::json;

/// How long a token lives: an hour.
const LIVES: i64 = 3_600_000;
const BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

impl NetSuite {
    pub(super) fn grant(&self, inside: &mut Inside, request: &Request<Bytes>, now: i64) -> Response<Bytes> {
        let form: Vec<(String, String)> = url::form_urlencoded::parse(request.body()).into_owned().collect();
        let field = |name: &str| form.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str());
        let fits = field("grant_type") == "client_credentials" && field("client_assertion_type") == BEARER;
        if !fits || self.claims(field("client_assertion"), now).is_none() {
            return json::answer(StatusCode::BAD_REQUEST, &json!({ "error": "invalid_client" }));
        }
        let token = format!("token-{}", inside.fresh());
        inside.tokens.insert(token.clone(), now.saturating_add(LIVES));
        json::answer(StatusCode::OK, &json!({ "access_token": token, "expires_in": "3600", "token_type": "bearer" }))
    }

    /// What an assertion claims, if it is ours, signed by the certificate's key, and good now.
    fn claims(&self, assertion: &str, now: i64) -> Option<Value> {
        let (message, signature) = assertion.rsplit_once('.')?;
        let (header, claims) = message.split_once('.')?;
        let part = |text: &str| serde_json::from_slice::<Value>(&URL_SAFE_NO_PAD.decode(text).ok()?).ok();
        let (header, claims) = (part(header)?, part(claims)?);
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &self.settings.public_key);
        key.verify(message.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).ok()?).ok()?;
        let seconds = now / 1_000;
        let (issued, expires) = (claims["iat"].as_i64()?, claims["exp"].as_i64()?);
        let audience = claims["aud"].as_str()?.ends_with("/services/rest/auth/oauth2/v1/token");
        let named = header["alg"] == "ES256"
            && header["typ"] == "JWT"
            && header["kid"] == self.settings.certificate
            && claims["iss"] == self.settings.client
            && claims["scope"] == "rest_webservices";
        let fresh = issued <= seconds && seconds < expires && expires - issued <= 3_600;
        (named && audience && fresh).then_some(claims)
    }
}
