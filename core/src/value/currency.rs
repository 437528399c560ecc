//! `Currency`: ISO 4217.

use std::fmt;
use std::str::FromStr;

use crate::value::text_form::text_form;
use crate::value::{Hints, Kind, Leaf, Malformed, Native, OneLeaf, Value};

/// A currency of ISO 4217, with the codes it has withdrawn but that old records still hold.
///
/// **Canonical form:** the alphabetic code, `USD`. Codes are read in any case; names, symbols and the numeric codes are
/// refused, because `$` is twenty currencies and a number in a currency field is more likely a system's own id.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency(iso_currency::Currency);

const NOT_A_CURRENCY: Malformed = Malformed::new("not an ISO 4217 currency code");

impl Currency {
    /// Reads a code.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if ISO 4217 has no such code.
    pub fn new(code: &str) -> Result<Self, Malformed> {
        let mut upper: [u8; 3] = code.trim().as_bytes().try_into().map_err(|_| NOT_A_CURRENCY)?;
        upper.make_ascii_uppercase();
        let upper = std::str::from_utf8(&upper).map_err(|_| NOT_A_CURRENCY)?;
        iso_currency::Currency::from_code(upper).map(Self).ok_or(NOT_A_CURRENCY)
    }

    /// The code: `USD`.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.0.code()
    }

    /// The digits behind the point of an amount: 2 for `USD`, 0 for `JPY`, 3 for `KWD`. 0 for what has no minor unit,
    /// as gold.
    #[must_use]
    pub fn minor_digits(self) -> u32 {
        self.0.exponent().map_or(0, u32::from)
    }

    /// The English name: `Euro`.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.name()
    }
}

macro_rules! codes {
    ($($code:ident)+) => {
        /// One constant for every code.
        impl Currency {
            $(
                #[doc = concat!("ISO 4217 `", stringify!($code), "`.")]
                pub const $code: Self = Self(iso_currency::Currency::$code);
            )+
        }
    };
}

codes! {
    AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BOV BRL BSD BTN BWP BYN BZD
    CAD CDF CHE CHF CHW CLF CLP CNY COP COU CRC CUC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP
    GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HRK HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR
    KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV
    MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG
    SEK SGD SHP SLE SLL SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD USN
    UYI UYU UYW UZS VED VES VND VUV WST XAD XAF XAG XAU XBA XBB XBC XBD XCD XCG XDR XOF XPD XPF XPT XSU
    XTS XUA XXX YER ZAR ZMW ZWG ZWL
}

impl FromStr for Currency {
    type Err = Malformed;
    fn from_str(code: &str) -> Result<Self, Malformed> {
        Self::new(code)
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

text_form!(Currency, "Currency", {
    "type": "string",
    "pattern": "^[A-Z]{3}$",
    "description": "A currency code of ISO 4217",
});

impl Value for Currency {
    const KIND: Kind = Kind { name: "currency", version: 1 };

    fn parse(leaf: Leaf<'_>, _: &Hints) -> Result<Self, Malformed> {
        match leaf {
            Leaf::Text(code) => Self::new(code),
            Leaf::Number(_) | Leaf::Bool(_) | Leaf::Null => Err(NOT_A_CURRENCY),
        }
    }

    fn canonical(&self, out: &mut String) {
        out.push_str(self.code());
    }

    fn from_canonical(text: &str) -> Result<Self, Malformed> {
        Self::new(text)
    }

    fn native(&self, _: &Hints) -> Native {
        Native::Text(self.code().into())
    }
}

impl OneLeaf for Currency {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::value::laws::{canonical, holds};

    #[test]
    fn reads_codes_in_any_case() {
        for text in ["USD", "usd", " Usd "] {
            assert_eq!(canonical::<Currency>(Leaf::Text(text), &Hints::default()).as_deref(), Ok("USD"));
        }
        for text in ["", "US", "US$", "$", "840", "XYQ", "US\u{17f}", "dollar"] {
            assert_eq!(Currency::new(text), Err(NOT_A_CURRENCY), "{text}");
        }
        assert!(Currency::parse(Leaf::Number("840"), &Hints::default()).is_err());
    }

    #[test]
    fn knows_minor_units() {
        assert_eq!(Currency::USD.minor_digits(), 2);
        assert_eq!(Currency::JPY.minor_digits(), 0);
        assert_eq!(Currency::KWD.minor_digits(), 3);
        assert_eq!(Currency::XAU.minor_digits(), 0);
    }

    proptest! {
        #[test]
        fn any_text(text in "[a-zA-Z]{3}|.{0,500}") {
            holds::<Currency>(&text, &Hints::default());
        }
    }
}
