//! What an answer says of the bucket of points; and that a 200 may be a refusal.

use accordant_http::throttle::{Feedback, Points};
use accordant_http::{Budget, Response, retry_after};
use chrono::TimeDelta;
use http::StatusCode;
use serde::Deserialize;

/// Reads `extensions.cost` and `THROTTLED`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cost;

#[derive(Deserialize, Default)]
#[serde(default)]
struct Said {
    errors: Errors,
    extensions: Extensions,
}

/// A list, or a text where the request did not get as far as GraphQL.
#[derive(Deserialize)]
#[serde(untagged)]
enum Errors {
    Of(Vec<Coded>),
    Other(serde::de::IgnoredAny),
}

impl Default for Errors {
    fn default() -> Self {
        Self::Of(Vec::new())
    }
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Coded {
    extensions: Code,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Code {
    code: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Extensions {
    cost: Option<QueryCost>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct QueryCost {
    requested_query_cost: Option<f64>,
    throttle_status: Option<Status>,
}

/// Numbers that are whole, and written with a fraction now and then.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Status {
    maximum_available: f64,
    currently_available: f64,
    restore_rate: f64,
}

impl Budget for Cost {
    fn read(&self, answer: &Response, now: i64) -> Feedback {
        if answer.status() == StatusCode::TOO_MANY_REQUESTS {
            return Feedback::refused(retry_after(answer.headers(), now));
        }
        let Ok(said) = serde_json::from_slice::<Said>(answer.body()) else { return Feedback::default() };
        let points =
            said.extensions.cost.as_ref().and_then(|cost| cost.throttle_status.as_ref()).map(|status| Points {
                available: whole(status.currently_available),
                capacity: whole(status.maximum_available),
                per_second: whole(status.restore_rate),
            });
        let throttled =
            matches!(&said.errors, Errors::Of(errors) if errors.iter().any(|one| one.extensions.code == "THROTTLED"));
        let wait = || {
            let requested = whole(said.extensions.cost.as_ref()?.requested_query_cost?);
            let points = points?;
            let missing = i64::from(requested.saturating_sub(points.available)).saturating_mul(1_000);
            // Rounded up; and never at once, or the same answer comes again.
            Some(TimeDelta::milliseconds((missing / i64::from(points.per_second.max(1))).saturating_add(1).max(1_000)))
        };
        Feedback { refused: throttled.then(wait), points }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to what a u32 holds, rounded down"
)]
fn whole(number: f64) -> u32 {
    number.clamp(0.0, f64::from(u32::MAX)) as u32
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use accordant_http::throttle::Points;
    use accordant_http::{Budget as _, Response};
    use bytes::Bytes;
    use chrono::TimeDelta;

    use super::Cost;

    #[test]
    fn a_200_that_says_throttled_is_a_refusal_until_the_bucket_holds_enough() {
        let status = r#""throttleStatus":{"maximumAvailable":1000.0,"currentlyAvailable":52.0,"restoreRate":50.0}"#;
        let cases = [
            (
                r#"{"errors":[{"message":"Throttled","extensions":{"code":"THROTTLED"}}],"#,
                Some(Some(TimeDelta::milliseconds(9_001))),
            ),
            (r#"{"errors":[{"message":"Internal","extensions":{"code":"INTERNAL_SERVER_ERROR"}}],"#, None),
            (r#"{"data":{"customers":null},"#, None),
        ];
        for (beginning, refused) in cases {
            let body = format!(r#"{beginning}"extensions":{{"cost":{{"requestedQueryCost":502,{status}}}}}}}"#);
            let said = Cost.read(&Response::new(Bytes::from(body)), 0);
            assert_eq!(said.refused, refused, "{beginning}");
            assert_eq!(said.points, Some(Points { available: 52, capacity: 1_000, per_second: 50 }));
        }
        let text = Response::new(Bytes::from(r#"{"errors":"Not Found"}"#));
        assert_eq!(Cost.read(&text, 0), accordant_http::throttle::Feedback::default());
    }
}
