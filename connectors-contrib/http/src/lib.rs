//! What connectors over HTTP share.
//!
//! A connector of a real system is a [`Client`] and what only that system knows. The client sends a request through a
//! [`Transport`], signed by [`Credentials`], when a [`Gate`] lets it; it renews a token that was refused, and tells an
//! answer that never came from a request that was never sent, since the one may have happened and the other has not.
//!
//! Beside it stand what reads the outside: [`Window`], a poll that cannot miss what became visible late and cannot be
//! caught in an instant that fills a page, and [`Verifier`], the only way from the bytes of a webhook to an
//! [`Authentic`] one.
//!
//! Nothing here reads the clock or waits by itself: time is an [`accordant::Clock`], waiting is a [`Sleep`].

mod client;
mod credentials;
pub mod oauth;
#[cfg(feature = "oauth1")]
pub mod oauth1;
mod poll;
mod retry;
mod sleep;
pub mod throttle;
mod transport;
mod webhook;

pub use client::{Budget, ByStatus, CallError, Client, not_sent};
pub use credentials::{Anonymous, Basic, Bearer, Credentials, HeaderToken};
pub use poll::{Ask, Keyset, Order, Turn, Window};
pub use retry::retry_after;
pub use secrecy::{ExposeSecret, SecretString};
#[cfg(feature = "reqwest")]
pub use sleep::TokioSleep;
pub use sleep::{Sleep, sleep_with};
pub use throttle::{Gate, Pass};
pub use transport::{Request, Response, Transport, TransportError, TransportErrorKind, place};
#[cfg(feature = "reqwest")]
pub use transport::{ReqwestTransport, Settings};
pub use webhook::{Authentic, Encoding, Freshness, Secrets, Signature, Verifier};
