//! Currencies.

use iso_currency::Currency as Iso;

use crate::value::text_newtype::text_newtype;
use crate::value::{Hints, Malformed};

text_newtype! {
    /// A currency of ISO 4217.
    ///
    /// **Canonical form:** the alphabetic code, in capitals. Reads the numeric code as well.
    Currency, "currency", read
}

fn read(text: &str, _: &Hints, out: &mut String) -> Result<(), Malformed> {
    out.push_str(find(text).ok_or(Malformed::new("not a currency"))?.code());
    Ok(())
}

fn find(text: &str) -> Option<Iso> {
    let upper = text.to_ascii_uppercase();
    Iso::from_code(&upper).or_else(|| upper.parse().ok().and_then(Iso::from_numeric))
}

/// How many digits stand behind the point in amounts of a currency; 0 where ISO 4217 names none.
pub(super) fn minor_units(code: &str) -> u32 {
    find(code).and_then(|currency| currency.exponent()).map_or(0, u32::from)
}
