//! Systems whose changes are computed from a seed as they are read: a history of any length takes no memory.

use accordant::bytes::Bytes;
use accordant::id::SurfaceName;
use accordant::surface::Channel;
use accordant::testing::{Computed, Records, record_surface};

use crate::standing::BEGINS;

/// What one system tells: its changes in order, one every two seconds.
pub(super) struct Changes {
    system: &'static str,
    changes: u64,
    customers: u64,
}

/// A system that is polled for so many changes of so many customers.
pub(super) fn changing(system: &'static str, object: &str, changes: u64, customers: u64) -> Computed<Changes> {
    let surface = record_surface("changes", object, Channel::Poll);
    Computed::new(system, vec![surface], Changes { system, changes, customers })
}

impl Records for Changes {
    fn count(&self, _: &SurfaceName) -> u64 {
        self.changes
    }

    fn item(&self, _: &SurfaceName, number: u64) -> Bytes {
        let customer = mix(number, self.system.len() as u64) % self.customers;
        let phone = mix(number, 7) % 50;
        let city = mix(number, 8) % 10;
        let modified =
            BEGINS + i64::try_from(number).unwrap_or(i64::MAX / 4) * 2_000 + i64::from(self.system == "shop");
        Bytes::from(format!(
            r#"{{"id":"{customer}","modified":{modified},"record":{{"email":"c{customer}@bench.test","phone":"0{phone}","city":"C{city}"}}}}"#
        ))
    }
}

/// One step of `SplitMix64`.
pub(crate) const fn mix(number: u64, salt: u64) -> u64 {
    let z = number.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(salt);
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}
