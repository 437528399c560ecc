//! Countries.

use crate::value::text_newtype::text_newtype;
use crate::value::{Hints, Malformed};

text_newtype! {
    /// A country of ISO 3166-1.
    ///
    /// **Canonical form:** the alpha-2 code. Reads alpha-2, alpha-3, the numeric code and the English short name.
    Country, "country", read
}

fn read(text: &str, _: &Hints, out: &mut String) -> Result<(), Malformed> {
    let upper = text.to_uppercase();
    let found = rust_iso3166::from_alpha2(&upper)
        .or_else(|| rust_iso3166::from_alpha3(&upper))
        .or_else(|| upper.parse().ok().and_then(rust_iso3166::from_numeric))
        .or_else(|| rust_iso3166::ALL.iter().find(|country| country.name.eq_ignore_ascii_case(text)).copied());
    out.push_str(found.ok_or(Malformed::new("not a country"))?.alpha2);
    Ok(())
}
