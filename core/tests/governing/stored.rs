//! What is stored, byte for byte.

use std::fmt::Write as _;

use accordant::id::TenantId;
use accordant::store::{MemoryStore, Store as _, Table};

/// Everything that is stored of a tenant, byte for byte.
pub(crate) async fn dump(store: &MemoryStore, tenant: &str) -> String {
    let (tenant, mut all) = (TenantId::new(tenant), String::new());
    for table in Table::ALL {
        for row in store.scan(&tenant, table, "", None, usize::MAX).await.unwrap() {
            writeln!(all, "{} {} {}", table.name(), row.key, String::from_utf8_lossy(&row.value)).unwrap();
        }
    }
    for (entry, payload) in store.journal(&tenant, 0, usize::MAX).await.unwrap() {
        let payload = payload.map(|payload| String::from_utf8_lossy(&payload.bytes).into_owned());
        writeln!(all, "{entry:?} {payload:?}").unwrap();
    }
    all
}
