//! Zendesk, by its description.

use std::sync::Arc;

use accordant::Clock;
use accordant_http::{SecretString, Sleep, Transport};
use accordant_rest::{Description, Mistakes, Rest};

/// Zendesk at `base`, asked with an operator's token.
pub(crate) fn zendesk(
    base: &str,
    token: &SecretString,
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    sleep: Arc<dyn Sleep>,
) -> Result<Rest, Mistakes> {
    let described = Description::parse(include_str!("zendesk.toml"))?;
    let description = Description { base: base.to_owned(), ..described };
    Rest::new(description, token, transport, clock, sleep)
}
