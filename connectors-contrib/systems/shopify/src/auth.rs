//! Who asks: an app, by the token that its installation left behind.

use std::sync::Arc;

use accordant::connector::ConnectorError;
use accordant_http::{Credentials, HeaderToken, SecretString};
use http::HeaderName;

/// The access token of an installed app. It does not run out.
///
/// # Errors
///
/// If it holds what no header may hold, such as a line break at its end.
pub fn access_token(token: &SecretString) -> Result<Arc<dyn Credentials>, ConnectorError> {
    Ok(Arc::new(HeaderToken::new(HeaderName::from_static("x-shopify-access-token"), token)?))
}
