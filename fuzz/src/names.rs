//! Names that people and other programs type: ids, plan hashes, policies, amounts, codes.

use accordant::fingerprint::Digest;
use accordant::id::EntityId;
use accordant::policy::PolicySpec;
use accordant::{Country, Currency, Decimal, Domain, Email, Money, Phone, WebUrl};

/// What reads is shown as something that reads as the same.
pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    macro_rules! shown_again {
        ($($name:ty),+) => {$(
            if let Ok(value) = text.parse::<$name>() {
                assert_eq!(value.to_string().parse::<$name>().ok(), Some(value), stringify!($name));
            }
        )+};
    }
    shown_again!(EntityId, Digest, Country, Currency, Decimal, Domain, Email, Money, Phone, WebUrl);
    if let Err(mistake) = text.parse::<PolicySpec>() {
        assert!(!mistake.to_string().is_empty(), "a refusal says why");
    }
}
