//! A connector that keeps every promise: the fake system's, with what that lacks: signatures, limits, lag, and waiting.

use std::sync::atomic::Ordering;

use accordant::connector::{
    Connector, ConnectorError, ConnectorErrorKind, CreateSafety, Cursor, Delivery, Page, ReadAnswer, RecordKey, Retry,
    Verified, Write, WriteReceipt,
};
use accordant::fingerprint::Fingerprint;
use accordant::id::SurfaceName;
use accordant::surface::{Channel, Surface};
use async_trait::async_trait;
use chrono::TimeDelta;

use super::office::Premises;

/// How many records the system takes at once.
pub(crate) const AT_ONCE: usize = 5;

/// How long a change may stay invisible to polls.
pub(crate) const LAG: TimeDelta = TimeDelta::minutes(10);

pub(crate) struct Honest {
    pub(crate) premises: Premises,
    surfaces: Vec<Surface>,
}

/// What signs a delivery for a tenant.
fn signature(delivery: &Delivery, tenant: &str) -> String {
    let says = delivery.headers().get("x-says").map_or(&b""[..], |says| says.as_bytes());
    Fingerprint::new().text("secret").text(tenant).bytes(says).bytes(delivery.body()).finish().to_string()
}

/// The delivery, signed.
pub(crate) fn signed(mut delivery: Delivery, tenant: &str) -> Delivery {
    let signature = signature(&delivery, tenant).parse().unwrap();
    delivery.headers_mut().insert("x-tenant", tenant.parse().unwrap());
    delivery.headers_mut().insert("x-signature", signature);
    delivery
}

/// Whose a delivery is, if it is signed.
pub(crate) fn tenant_of(delivery: &Delivery) -> Option<String> {
    let header = |name| delivery.headers().get(name)?.to_str().ok().map(str::to_owned);
    let tenant = header("x-tenant")?;
    (header("x-signature")? == signature(delivery, &tenant)).then_some(tenant)
}

/// Waits once, as a call over a network does.
pub(crate) async fn wait() {
    let mut first = true;
    std::future::poll_fn(|context| {
        context.waker().wake_by_ref();
        if std::mem::take(&mut first) { std::task::Poll::Pending } else { std::task::Poll::Ready(()) }
    })
    .await;
}

impl Honest {
    pub(crate) fn new(premises: &Premises) -> Self {
        let mut surfaces = premises.system.surfaces().to_vec();
        for surface in surfaces.iter_mut().filter(|surface| surface.channel == Channel::Poll) {
            surface.semantics.lag = LAG;
        }
        Self { premises: premises.clone(), surfaces }
    }

    /// The system refuses to be asked for too much at once.
    pub(crate) fn admit(&self, count: usize) -> Result<(), ConnectorError> {
        if count <= AT_ONCE {
            return Ok(());
        }
        self.premises.refused.fetch_add(1, Ordering::SeqCst);
        let error = ConnectorError::new(ConnectorErrorKind::Throttled, "too many at once");
        Err(error.retry(Retry::After(TimeDelta::seconds(1))))
    }
}

#[async_trait]
impl Connector for Honest {
    fn system(&self) -> &str {
        "crm"
    }

    fn surfaces(&self) -> &[Surface] {
        &self.surfaces
    }

    fn create_safety(&self) -> CreateSafety {
        self.premises.system.create_safety()
    }

    fn verify(&self, delivery: &Delivery) -> Result<Verified, ConnectorError> {
        if tenant_of(delivery).as_deref() == Some("acme") {
            return self.premises.system.verify(delivery);
        }
        Err(ConnectorError::new(ConnectorErrorKind::Denied, "not signed for this tenant"))
    }

    async fn read_page(&self, surface: &SurfaceName, after: Option<Cursor>) -> Result<Page, ConnectorError> {
        wait().await;
        let page = self.premises.system.read_page(surface, after).await;
        wait().await;
        page
    }

    async fn read_records(&self, keys: &[RecordKey]) -> Result<Vec<ReadAnswer>, ConnectorError> {
        let mut answers = Vec::new();
        for keys in keys.chunks(AT_ONCE) {
            wait().await;
            self.admit(keys.len())?;
            answers.extend(self.premises.system.read_records(keys).await?);
        }
        Ok(answers)
    }

    async fn write_batch(&self, writes: Vec<Write>) -> Result<Vec<WriteReceipt>, ConnectorError> {
        let mut receipts = Vec::new();
        for writes in writes.chunks(AT_ONCE) {
            wait().await;
            self.admit(writes.len())?;
            receipts.extend(self.premises.system.write_batch(writes.to_vec()).await?);
            wait().await;
        }
        Ok(receipts)
    }
}
