//! What a refusal for too many requests asks of us: HubSpot names the policy, and rarely a delay.

use accordant_http::throttle::Feedback;
use accordant_http::{Budget, Response, retry_after};
use chrono::{DateTime, Days, NaiveTime, TimeDelta, TimeZone as _, Utc};
use chrono_tz::Tz;
use http::StatusCode;
use serde::Deserialize;

/// Reads the policy out of a 429: a second, ten seconds, or the rest of the account's day.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Policies {
    pub(crate) zone: Tz,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Refused {
    policy_name: Option<String>,
}

impl Budget for Policies {
    fn read(&self, answer: &Response, now: i64) -> Feedback {
        if answer.status() != StatusCode::TOO_MANY_REQUESTS {
            return Feedback::default();
        }
        let policy = serde_json::from_slice::<Refused>(answer.body()).ok().and_then(|refused| refused.policy_name);
        let policy = match policy.as_deref() {
            Some("DAILY") => until_midnight(self.zone, now),
            Some("SECONDLY") => TimeDelta::seconds(1),
            _ => TimeDelta::seconds(10),
        };
        // The longer of the two: to come back early is to be refused again.
        let said = retry_after(answer.headers(), now).unwrap_or_default();
        Feedback::refused(Some(policy.max(said)))
    }
}

/// Until the next day begins in a zone.
fn until_midnight(zone: Tz, now: i64) -> TimeDelta {
    let day = TimeDelta::days(1);
    let Some(now) = DateTime::<Utc>::from_timestamp_millis(now) else { return day };
    let Some(tomorrow) = now.with_timezone(&zone).date_naive().checked_add_days(Days::new(1)) else { return day };
    // Where midnight does not exist on that day, the first hour after it does.
    let midnight = zone.from_local_datetime(&tomorrow.and_time(NaiveTime::MIN)).earliest();
    midnight.map_or(day, |midnight| midnight.with_timezone(&Utc) - now)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use accordant_http::{Budget as _, Response};
    use bytes::Bytes;
    use chrono::{DateTime, TimeDelta};

    use super::Policies;

    #[test]
    fn a_refusal_waits_as_long_as_its_policy_lasts() {
        let now = "2026-11-21T22:30:00Z".parse::<DateTime<chrono::Utc>>().unwrap().timestamp_millis();
        let policies = Policies { zone: chrono_tz::America::New_York };
        let wait = |status: u16, body: &'static str, retry: Option<&str>| {
            let mut answer = http::Response::builder().status(status);
            if let Some(retry) = retry {
                answer = answer.header("retry-after", retry);
            }
            let answer: Response = answer.body(Bytes::from(body)).unwrap();
            policies.read(&answer, now).refused
        };
        let seconds = |seconds| Some(Some(TimeDelta::seconds(seconds)));
        // 17:30 in New York: six hours and a half to midnight.
        assert_eq!(wait(429, r#"{"policyName":"DAILY"}"#, None), Some(Some(TimeDelta::minutes(390))));
        assert_eq!(wait(429, r#"{"policyName":"SECONDLY"}"#, None), seconds(1));
        assert_eq!(wait(429, r#"{"policyName":"SECONDLY"}"#, Some("7")), seconds(7));
        assert_eq!(wait(429, r#"{"policyName":"TEN_SECONDLY_ROLLING"}"#, None), seconds(10));
        assert_eq!(wait(429, "<html>", None), seconds(10));
        assert_eq!(wait(200, r#"{"policyName":"DAILY"}"#, None), None);
    }
}
