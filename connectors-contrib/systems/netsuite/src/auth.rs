//! Who asks: an integration, machine to machine, by an assertion that its certificate's key signs.

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
