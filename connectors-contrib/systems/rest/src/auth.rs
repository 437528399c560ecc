//! What makes a request ours: what a description says of it, and the one secret that it does not hold.

use std::sync::Arc;

use accordant::Clock;
use accordant_http::oauth::{Grant, OAuth2};
use accordant_http::{Anonymous, Basic, Bearer, Credentials, HeaderToken, SecretString, Transport};
use http::header::HeaderName;
use serde::Deserialize;

use crate::mistake::Mistakes;

/// How a system knows us. The secret is given beside the description: to [`Rest::new`](crate::Rest::new).
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(tag = "by", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Auth {
    /// It does not.
    #[default]
    Nobody,
    /// By a token, as `Authorization: Bearer`.
    Bearer,
    /// By a user, and a password as the secret.
    Basic {
        /// The user.
        user: String,
    },
    /// By a token in a header of its own.
    Header {
        /// The header.
        name: String,
    },
    /// By OAuth 2 with client credentials; the client's secret is the secret.
    OAuth2 {
        /// Where tokens are had.
        endpoint: String,
        /// The client.
        client_id: String,
        /// What is asked for.
        #[serde(default)]
        scopes: Vec<String>,
    },
}

impl Auth {
    /// Credentials of this kind.
    pub(crate) fn credentials(
        &self,
        secret: &SecretString,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
    ) -> Result<Arc<dyn Credentials>, Mistakes> {
        let wrong = |error: accordant::connector::ConnectorError| Mistakes::one("auth", error.to_string());
        Ok(match self {
            Self::Nobody => Arc::new(Anonymous),
            Self::Bearer => Arc::new(Bearer::new(secret).map_err(wrong)?),
            Self::Basic { user } => Arc::new(Basic::new(user, secret).map_err(wrong)?),
            Self::Header { name } => {
                let name: HeaderName = name.parse().map_err(|_| Mistakes::one("auth.name", "no name of a header"))?;
                Arc::new(HeaderToken::new(name, secret).map_err(wrong)?)
            }
            Self::OAuth2 { endpoint, client_id, scopes } => {
                let grant = Grant::ClientCredentials { client_id: client_id.clone(), client_secret: secret.clone() };
                let oauth = OAuth2::new(grant, endpoint, transport, clock).map_err(wrong)?;
                Arc::new(oauth.scopes(scopes.iter().map(String::as_str)))
            }
        })
    }
}
