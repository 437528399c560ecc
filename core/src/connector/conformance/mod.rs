//! Measures what a connector promises, for authors of connectors.
//!
//! Behind the feature `conformance`, and exempt from semver: a new version may measure more. The tester writes a [`Bench`]:
//! the connector before a system, and somebody who works there behind its back. [`measure`] then makes records, edits,
//! merges and deletes them, reads and writes through the connector, drops calls in the middle, takes the system down, and
//! holds what the connector tells against what its surfaces declare. It gives a [`Passport`]: one line per promise, with
//! what was measured, or why it was not.
//!
//! It needs no runtime of its own: the bench's methods and the connector's run on whichever polls [`measure`].
//!
//! ```
//! use std::sync::Arc;
//!
//! use accordant::connector::Connector;
//! use accordant::connector::conformance::{Bench, Cannot, Values, measure};
//! use accordant::id::ObjectType;
//! use accordant::model::{EntityModel, Path, SystemObject};
//! use accordant::testing::FakeSystem;
//! use accordant::text::Text;
//! use accordant::{ManualClock, chrono::TimeDelta};
//! use serde_json::json;
//!
//! struct Crm {
//!     system: FakeSystem,
//!     clock: Arc<ManualClock>,
//! }
//!
//! #[async_trait::async_trait]
//! impl Bench for Crm {
//!     fn connector(&self) -> &dyn Connector {
//!         &self.system
//!     }
//!     fn values(&self, _: &ObjectType, number: u32) -> Result<Values, Cannot> {
//!         let email = format!("ana{number}@acme.test");
//!         Ok(vec![(Path::new("email"), email.into()), (Path::new("name"), format!("Ana {number}").into())])
//!     }
//!     async fn make(&self, object: &ObjectType, values: &Values) -> Result<Text, Cannot> {
//!         let id = values[0].1.clone();
//!         self.edit(object, &id, values).await?;
//!         Ok(id)
//!     }
//!     async fn edit(&self, object: &ObjectType, id: &str, values: &Values) -> Result<(), Cannot> {
//!         for (path, value) in values {
//!             self.system.edit(object.as_str(), id, &json!({ path.to_string(): value.as_str() }));
//!         }
//!         Ok(())
//!     }
//!     async fn pass(&self, time: TimeDelta) -> Result<(), Cannot> {
//!         self.clock.advance(time);
//!         Ok(())
//!     }
//! }
//!
//! let clock = Arc::new(ManualClock::at("2026-01-05T08:00:00Z".parse().unwrap()));
//! let mut model = EntityModel::new("customer");
//! model.object(SystemObject::new("crm", "contacts"));
//! let system = FakeSystem::new("crm", &[model], &clock);
//! let passport = futures::executor::block_on(measure(&Crm { system, clock }));
//! println!("{passport}");
//! passport.require();
//! ```

mod answers;
mod bench;
mod calls;
mod cut;
mod heard;
mod intents;
mod life;
mod pages;
mod passport;
mod tester;
mod told;
mod webhooks;
mod words;
mod writes;

pub use bench::{Bench, Cannot, Values};
pub use passport::{Entry, Measured, Passport, Promise};

use tester::Tester;
use told::{Told, broken};

/// Measures every promise of a connector that the bench lets be measured.
///
/// The connector's system must let a record be made of the bench's values again and again. Calls that ask to be made later
/// are, a few times, where the bench can let time pass.
pub async fn measure(bench: &dyn Bench) -> Passport {
    let before = bench.over_limits();
    let mut tester = Tester::new(bench);
    let objects = tester.objects();
    let mut measured = Vec::new();
    for object in objects {
        if let Err(end) = tester.prepare(&object) {
            for surface in tester.surfaces_of(&object) {
                let promises = life::promises(&surface).into_iter().chain(pages::promises(&surface));
                tester.note_all(surface.name.as_str(), promises, &end);
            }
            let safety = bench.connector().create_safety();
            let promises = answers::promises().into_iter().chain(writes::promises(safety));
            tester.note_all(object.as_str(), promises, &end);
            continue;
        }
        Box::pin(life::measure(&mut tester, &object)).await;
        Box::pin(pages::measure(&mut tester, &object)).await;
        Box::pin(answers::measure(&mut tester, &object)).await;
        Box::pin(writes::measure(&mut tester, &object)).await;
        measured.push(object);
    }
    Box::pin(webhooks::measure(&mut tester, &measured)).await;
    let limits = within_limits(bench, before);
    let system = bench.connector().system();
    tester.note(system, Promise::Limits, "kept", limits);
    tester.finish()
}

/// Whether the system had to refuse requests since they were too many or too large.
fn within_limits(bench: &dyn Bench, before: Result<u64, Cannot>) -> Told {
    let refused = bench.over_limits()?.saturating_sub(before?);
    if refused == 0 {
        Ok("no request was over a limit".into())
    } else {
        broken(format!("{refused} requests were refused"))
    }
}
