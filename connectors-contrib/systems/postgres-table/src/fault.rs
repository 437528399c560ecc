//! What PostgreSQL's errors mean. One table, for reads and for writes; states are told, messages are not where they quote.

use accordant::connector::{ConnectorError, ConnectorErrorKind, Outcome, Retry};
use deadpool_postgres::PoolError;
use tokio_postgres::Error;

/// What an error is about.
enum About {
    /// Waiting helps: the server goes down, comes up, is full, or others were in the way.
    Server,
    /// A person has to give a permission, or let us in.
    Permission,
    /// The values, or what they break.
    Values,
    /// The statement: a table or column that is not there, or is another.
    Statement,
}

fn about(state: &str) -> About {
    match state.get(..2).unwrap_or_default() {
        "08" | "25" | "40" | "53" | "55" | "57" | "58" | "XX" => About::Server,
        "28" => About::Permission,
        _ if state == "42501" => About::Permission,
        "22" | "23" | "44" => About::Values,
        _ => About::Statement,
    }
}

/// A question that was answered with an error, or not at all.
pub(crate) fn unread(doing: &str) -> impl FnOnce(Error) -> ConnectorError {
    move |error| {
        let Some(state) = error.code() else {
            let told = format!("the connection to the database was lost, to {doing}");
            return ConnectorError::new(ConnectorErrorKind::Unavailable, told).retry(Retry::Backoff);
        };
        let told = format!("PostgreSQL refuses to {doing}: {}", state.code());
        match about(state.code()) {
            About::Server => ConnectorError::new(ConnectorErrorKind::Unavailable, told).retry(Retry::Backoff),
            About::Permission => ConnectorError::new(ConnectorErrorKind::Denied, told).retry(Retry::Backoff),
            About::Values | About::Statement => ConnectorError::new(ConnectorErrorKind::Malformed, told),
        }
    }
}

/// No session could be had.
pub(crate) fn unconnected(error: PoolError) -> ConnectorError {
    match error {
        PoolError::Backend(error) => unread("connect")(error),
        _ => ConnectorError::new(ConnectorErrorKind::Unavailable, "no connection to the database could be had")
            .retry(Retry::Backoff),
    }
}

/// Whether values were the reason: a text that is no number, where a number stands.
pub(crate) fn is_of_values(error: &Error) -> bool {
    error.code().is_some_and(|state| matches!(about(state.code()), About::Values))
}

/// A write that was answered with an error, or not at all. A statement that failed had no effect; one without an answer may
/// have had it.
pub(crate) fn unwritten(error: &Error) -> Outcome {
    let Some(said) = error.as_db_error() else { return Outcome::Unknown };
    answered(said.code().code(), said.column().or(said.constraint()))
}

/// What a state makes of a write, and the column or the constraint that it is about.
fn answered(state: &str, of: Option<&str>) -> Outcome {
    // The connection ended, or the server did: what the statement came to, it does not say.
    if state.starts_with("08") || matches!(state, "40003" | "57P01" | "57P02") {
        return Outcome::Unknown;
    }
    match about(state) {
        About::Server => Outcome::Deferred { after: None },
        About::Permission | About::Values | About::Statement => {
            let of = of.map(|name| format!(" ({name})")).unwrap_or_default();
            Outcome::Refused { reason: format!("PostgreSQL answers {state}{of}").into() }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_that_says_that_nobody_knows_is_told_so() {
        let later = Outcome::Deferred { after: None };
        let refused = |reason: &str| Outcome::Refused { reason: reason.into() };
        let cases = [
            ("08000", None, Outcome::Unknown),
            ("08006", None, Outcome::Unknown),
            ("08007", None, Outcome::Unknown),
            ("40003", None, Outcome::Unknown),
            ("57P01", None, Outcome::Unknown),
            ("57P02", None, Outcome::Unknown),
            ("40001", None, later.clone()),
            ("40P01", None, later.clone()),
            ("53300", None, later.clone()),
            ("55P03", None, later.clone()),
            ("57014", None, later.clone()),
            ("57P03", None, later),
            ("23505", Some("our_key"), refused("PostgreSQL answers 23505 (our_key)")),
            ("42501", None, refused("PostgreSQL answers 42501")),
            ("42703", None, refused("PostgreSQL answers 42703")),
        ];
        for (state, of, expected) in cases {
            assert_eq!(answered(state, of), expected, "{state}");
        }
    }
}
