//! Sessions: the pool of them, and how each is set up.

use std::time::Duration;

use accordant::connector::{ConnectorError, ConnectorErrorKind};
use deadpool_postgres::{Manager, ManagerConfig, Pool, PoolConfig, RecyclingMethod, Runtime, Timeouts};
use tokio_postgres::{Config, NoTls};

use crate::settings::Settings;

/// The configuration of a session: instants are written in UTC and numbers to their last digit, whatever the server's
/// defaults, and no statement takes longer than it may.
pub(crate) fn config(settings: &Settings) -> Config {
    let patience = settings.patience.as_millis();
    let own = settings.config.get_options().unwrap_or_default();
    let options = format!(
        "{own} -c TimeZone=UTC -c DateStyle=ISO -c IntervalStyle=iso_8601 -c extra_float_digits=1 -c bytea_output=hex \
         -c statement_timeout={patience} -c lock_timeout={patience}"
    );
    let mut config = settings.config.clone();
    config.options(&options);
    config
}

/// The pool. A session is asked whether it lives before it is used: what then fails was sent.
pub(crate) fn pool(settings: &Settings) -> Result<Pool, ConnectorError> {
    let recycling = ManagerConfig { recycling_method: RecyclingMethod::Verified };
    let config = config(settings);
    let manager = match config.get_ssl_mode() {
        #[cfg(feature = "tls")]
        tokio_postgres::config::SslMode::Require => Manager::from_config(config, tls(settings)?, recycling),
        _ => Manager::from_config(config, NoTls, recycling),
    };
    let wait = Some(settings.patience.max(Duration::from_secs(1)));
    let pooled = PoolConfig {
        timeouts: Timeouts { wait, create: wait, recycle: wait },
        ..PoolConfig::new(settings.connections)
    };
    let built = Pool::builder(manager).config(pooled).runtime(Runtime::Tokio1).build();
    built.map_err(|_| ConnectorError::new(ConnectorErrorKind::Unsupported, "the pool of connections cannot be set up"))
}

#[cfg(feature = "tls")]
pub(crate) fn tls(settings: &Settings) -> Result<accordant_postgres_tls::MakeRustlsConnect, ConnectorError> {
    accordant_postgres_tls::connector(&settings.authorities)
        .map_err(|error| ConnectorError::new(ConnectorErrorKind::Unsupported, error.to_string()))
}
