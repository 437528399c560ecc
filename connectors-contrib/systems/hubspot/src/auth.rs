//! Who asks: a private app by its token, or an installed app by what a person's consent left behind.

use std::sync::Arc;

use accordant::Clock;
use accordant::connector::ConnectorError;
use accordant_http::oauth::{Grant, OAuth2};
use accordant_http::{Bearer, Credentials, SecretString, Transport};

/// The token of a private app. It does not run out.
///
/// # Errors
///
/// If it holds what no header may hold, such as a line break at its end.
pub fn private_app(token: &SecretString) -> Result<Arc<dyn Credentials>, ConnectorError> {
    Ok(Arc::new(Bearer::new(token)?))
}

/// The tokens of an app that was installed in an account, renewed before they run out. `base` is that of the settings.
///
/// # Errors
///
/// If `base` is no address.
pub fn oauth(
    base: &url::Url,
    client_id: &str,
    client_secret: SecretString,
    refresh_token: SecretString,
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
) -> Result<Arc<dyn Credentials>, ConnectorError> {
    let endpoint = format!("{}/oauth/v1/token", base.as_str().trim_end_matches('/'));
    let grant = Grant::Refresh { client_id: client_id.to_owned(), client_secret, refresh_token };
    Ok(Arc::new(OAuth2::new(grant, &endpoint, transport, clock)?))
}
