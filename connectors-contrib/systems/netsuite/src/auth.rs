//! Who asks: an integration, machine to machine, by an assertion that its certificate's key signs; or, where it was made with
//! them, by keys that sign each request.

use std::sync::Arc;

use accordant::Clock;
use accordant::connector::ConnectorError;
use accordant_http::oauth::{Assertion, Grant, OAuth2};
use accordant_http::{Credentials, Transport};

use crate::settings::Settings;

/// Tokens by the client credentials flow. They live an hour; there is nothing to refresh, so the grant is repeated.
///
/// # Errors
///
/// If the base of the settings is no address.
pub fn machine_to_machine(
    settings: &Settings,
    assertion: Assertion,
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
) -> Result<Arc<dyn Credentials>, ConnectorError> {
    let endpoint = settings.address("/services/rest/auth/oauth2/v1/token");
    let assertion = assertion.scope("rest_webservices");
    Ok(Arc::new(OAuth2::new(Grant::Assertion(assertion), &endpoint, transport, clock)?))
}

/// Signatures by the keys of an integration and of a token. `account` is the account's id as the vendor writes it:
/// `123456_SB1`, also where the address has `123456-sb1`.
///
/// The vendor takes no new integrations of this kind from 2027.1 on: for a new one, use [`machine_to_machine`].
#[cfg(feature = "tba")]
#[must_use]
pub fn token_based(
    account: &str,
    keys: accordant_http::oauth1::Keys,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn accordant::Entropy>,
) -> Arc<dyn Credentials> {
    let realm = account.to_uppercase().replace('-', "_");
    Arc::new(accordant_http::oauth1::OAuth1::new(&realm, keys, clock, entropy))
}
