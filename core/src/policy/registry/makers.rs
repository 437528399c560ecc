//! The built-in policies by name, each with how it is made of a file's parameters.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::policy::registry::Arguments;
use crate::policy::{AnyPolicy, Policy, builtin, erase};
use crate::value::{Additive, Composite, Consent, Ordered, Value};

/// Makes a policy of its parameters; what is wrong with them is left in the arguments.
pub(crate) type Make = fn(&mut Arguments<'_>) -> Arc<dyn AnyPolicy>;

type Makers = BTreeMap<&'static str, Make>;

fn made<T: Value>(policy: impl Policy<T>) -> Arc<dyn AnyPolicy> {
    erase::<T, _>(policy)
}

/// The policies that ask nothing of the type.
pub(super) fn general<T: Value>() -> Makers {
    let makers: [(&'static str, Make); 14] = [
        ("owner", |_| made::<T>(builtin::owner())),
        ("owner_with_fallback", |a| made::<T>(builtin::owner_with_fallback(&a.systems("systems")))),
        ("latest", |a| made::<T>(builtin::latest().within(a.number("within").unwrap_or(0)))),
        ("most_recent_authoritative", |a| {
            made::<T>(builtin::most_recent_authoritative().within(a.number("within").unwrap_or(0)))
        }),
        ("source_priority", |a| made::<T>(builtin::source_priority(&a.systems("systems")))),
        ("trust", |a| {
            let trust = builtin::trust(&a.table("systems"));
            let trust = trust.half_life_days(a.number("half_life_days").unwrap_or(0));
            let trust = trust.floor(a.number("floor").unwrap_or(0));
            made::<T>(trust.downgrade_invalid(a.number("downgrade_invalid").unwrap_or(0)))
        }),
        ("weighted", |a| made::<T>(builtin::weighted(&a.table("systems")))),
        ("consensus", |_| made::<T>(builtin::consensus())),
        ("consensus_of", |a| {
            let origins =
                a.number("origins").and_then(|origins| u16::try_from(origins).ok()).filter(|origins| *origins > 0);
            if origins.is_none() {
                a.refuse("origins", "expected how many origins must agree, from 1 to 65535");
            }
            made::<T>(builtin::consensus_of(origins.unwrap_or(u16::MAX)))
        }),
        ("longest", |_| made::<T>(builtin::longest())),
        ("union", |_| made::<T>(builtin::union())),
        ("three_way", |_| made::<T>(builtin::three_way())),
        ("park", |_| made::<T>(builtin::park())),
        ("manual", |_| made::<T>(builtin::manual())),
    ];
    makers.into()
}

/// Those that ask for an order.
pub(super) fn ordered<T: Ordered>() -> Makers {
    let makers: [(&'static str, Make); 3] = [
        ("minimum", |_| made::<T>(builtin::minimum())),
        ("maximum", |_| made::<T>(builtin::maximum())),
        ("monotone", |_| made::<T>(builtin::monotone())),
    ];
    makers.into()
}

/// That of consents.
pub(super) fn consent() -> Makers {
    let makers: [(&'static str, Make); 1] = [("most_restrictive", |_| made::<Consent>(builtin::most_restrictive()))];
    makers.into()
}

/// Those that add.
pub(super) fn additive<T: Additive>() -> Makers {
    let makers: [(&'static str, Make); 1] = [("sum", |_| made::<T>(builtin::sum()))];
    makers.into()
}

/// Those of groups, ordered lists and keyed elements.
pub(super) fn composite() -> Makers {
    let mut makers = general::<Composite>();
    makers.insert("most_complete", |_| made::<Composite>(builtin::most_complete()));
    makers
}
