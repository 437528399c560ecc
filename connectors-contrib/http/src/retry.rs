//! How long a system asks us to wait.

use chrono::TimeDelta;
use http::HeaderMap;
use http::header::RETRY_AFTER;

/// Never longer than this, whatever a header says: a day.
const LONGEST: TimeDelta = TimeDelta::days(1);

/// The delay of a `Retry-After` header: seconds, with a fraction as Shopify writes them, or a date (RFC 9110, 10.2.3).
///
/// `now` is in milliseconds since the epoch. A date that has passed is no delay; what is neither is no answer; nothing
/// is longer than a day, so that a system's mistake does not silence a connection for ever.
#[must_use]
pub fn retry_after(headers: &HeaderMap, now: i64) -> Option<TimeDelta> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let delay = seconds(text).or_else(|| {
        let at = httpdate::parse_http_date(text).ok()?.duration_since(std::time::UNIX_EPOCH).ok()?;
        TimeDelta::try_milliseconds(i64::try_from(at.as_millis()).ok()?.saturating_sub(now))
    })?;
    Some(delay.clamp(TimeDelta::zero(), LONGEST))
}

/// `120` or `2.0`, rounded up to the millisecond.
fn seconds(text: &str) -> Option<TimeDelta> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    if whole.is_empty() || !whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let whole: i64 = whole.parse().unwrap_or(i64::MAX);
    let millis: i64 = format!("{fraction:0<3.3}").parse().ok()?;
    let finer = fraction.bytes().skip(3).any(|digit| digit != b'0');
    TimeDelta::try_milliseconds(whole.saturating_mul(1_000).saturating_add(millis).saturating_add(i64::from(finer)))
        .or(Some(LONGEST))
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use http::{HeaderMap, HeaderValue};

    use super::retry_after;

    /// Sun, 06 Nov 1994 08:49:37 GMT.
    const INSTANT: i64 = 784_111_777_000;

    #[test]
    fn a_delay_is_read_however_it_is_written() {
        let cases = [
            ("120", Some(120_000)),
            ("2.0", Some(2_000)),
            ("0.5", Some(500)),
            ("1.0001", Some(1_001)),
            ("0", Some(0)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(10_000)),
            ("Sun, 06 Nov 1994 08:00:00 GMT", Some(0)),
            ("99999999999999999999", Some(86_400_000)),
            ("soon", None),
            ("-1", None),
            ("1e3", None),
            ("", None),
        ];
        for (text, millis) in cases {
            let headers = HeaderMap::from_iter([(http::header::RETRY_AFTER, HeaderValue::from_static(text))]);
            assert_eq!(retry_after(&headers, INSTANT - 10_000), millis.map(TimeDelta::milliseconds), "{text}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), INSTANT), None);
    }
}
