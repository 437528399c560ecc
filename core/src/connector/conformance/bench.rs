//! The bench: what the tester plays, so that a connector can be measured.

use std::borrow::Cow;

use async_trait::async_trait;
use chrono::TimeDelta;

use crate::connector::{Connector, Delivery};
use crate::id::ObjectType;
use crate::model::Path;
use crate::text::Text;

/// Values of a record: texts, by path of the connector's documented shape.
pub type Values = Vec<(Path, Text)>;

/// What a bench cannot play, and why. What needs it is skipped, and the passport says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cannot(pub Cow<'static, str>);

impl Cannot {
    /// Says why.
    pub fn new(why: impl Into<Cow<'static, str>>) -> Self {
        Self(why.into())
    }
}

/// A connector before a system, and somebody who works in that system behind the connector's back.
///
/// Three methods are required: [`Bench::connector`], [`Bench::values`], [`Bench::make`]. Whatever else the tester can play
/// has more of the promises measured. A bench may stand before a real account: only records that it made itself are touched,
/// and nothing is presumed of what else the account holds.
///
/// Let pages and batches be small (three rows, five items), so that twelve records fill several.
#[async_trait]
pub trait Bench: Send + Sync {
    /// The connector that is measured.
    fn connector(&self) -> &dyn Connector;

    /// Values for a record of an object type: others for each number, and none that the system spells otherwise. The first
    /// is one that no two records share; the last is the one that edits and writes change.
    ///
    /// # Errors
    ///
    /// [`Cannot`] skips the object type.
    fn values(&self, object: &ObjectType, number: u32) -> Result<Values, Cannot>;

    /// Somebody makes a record of these values. Its id, as the connector tells it.
    ///
    /// # Errors
    ///
    /// [`Cannot`] skips what needs it.
    async fn make(&self, object: &ObjectType, values: &Values) -> Result<Text, Cannot>;

    /// Somebody changes values of a record.
    ///
    /// # Errors
    ///
    /// [`Cannot`] skips what needs it.
    async fn edit(&self, object: &ObjectType, id: &str, values: &Values) -> Result<(), Cannot> {
        let _: (_, _, _) = (object, id, values);
        Err(Cannot::new("the bench cannot edit records"))
    }

    /// Somebody deletes a record, or archives it where that is how records end.
    ///
    /// # Errors
    ///
    /// [`Cannot`] skips what needs it.
    async fn delete(&self, object: &ObjectType, id: &str) -> Result<(), Cannot> {
        let _: (_, _) = (object, id);
        Err(Cannot::new("the bench cannot delete records"))
    }

    /// Somebody merges a record into another. The id that lives on.
    ///
    /// # Errors
    ///
    /// [`Cannot`] skips what needs it.
    async fn merge(&self, object: &ObjectType, survivor: &str, loser: &str) -> Result<Text, Cannot> {
        let _: (_, _, _) = (object, survivor, loser);
        Err(Cannot::new("the bench cannot merge records"))
    }

    /// Lets time pass, by the system's clock and by the connector's.
    ///
    /// # Errors
    ///
    /// [`Cannot`] skips what needs it.
    async fn pass(&self, time: TimeDelta) -> Result<(), Cannot> {
        let _: TimeDelta = time;
        Err(Cannot::new("the bench cannot let time pass"))
    }

    /// Shows what changes from now on so much later to whoever polls; zero: at once.
    ///
    /// # Errors
    ///
    /// [`Cannot`] skips what needs it.
    async fn show_late(&self, by: TimeDelta) -> Result<(), Cannot> {
        let _: TimeDelta = by;
        Err(Cannot::new("the bench cannot show changes late"))
    }

    /// Lets the system be out of reach, or back.
    ///
    /// # Errors
    ///
    /// [`Cannot`] skips what needs it.
    async fn down(&self, down: bool) -> Result<(), Cannot> {
        let _: bool = down;
        Err(Cannot::new("the bench cannot take the system down"))
    }

    /// Lets writes take effect and their answers be lost, or no longer.
    ///
    /// # Errors
    ///
    /// [`Cannot`] skips what needs it.
    async fn lose_answers(&self, lose: bool) -> Result<(), Cannot> {
        let _: bool = lose;
        Err(Cannot::new("the bench cannot lose answers"))
    }

    /// How many requests the system has refused until now since they were too many or too large.
    ///
    /// # Errors
    ///
    /// [`Cannot`] skips what needs it.
    fn over_limits(&self) -> Result<u64, Cannot> {
        Err(Cannot::new("the bench does not count what is over the limits"))
    }

    /// What the system has pushed since this was last asked. The connector's system is asked beforehand to tell of
    /// everything.
    ///
    /// # Errors
    ///
    /// [`Cannot`] skips what needs it.
    async fn deliveries(&self) -> Result<Vec<Delivery>, Cannot> {
        Err(Cannot::new("the bench does not hear what the system pushes"))
    }

    /// Whether what is pushed is signed.
    ///
    /// # Errors
    ///
    /// [`Cannot`] skips the trial by forged deliveries.
    fn signed(&self) -> Result<(), Cannot> {
        Ok(())
    }

    /// A delivery that is well signed, and meant for another tenant.
    ///
    /// # Errors
    ///
    /// [`Cannot`] skips what needs it.
    async fn misdirected(&self) -> Result<Delivery, Cannot> {
        Err(Cannot::new("the bench has no delivery of another tenant"))
    }

    /// Another connector before the same system, as after a restart.
    ///
    /// # Errors
    ///
    /// [`Cannot`] skips what needs it.
    fn restarted(&self) -> Result<Box<dyn Connector>, Cannot> {
        Err(Cannot::new("the bench cannot make the connector anew"))
    }

    /// Whether records of an object type are written through the connector.
    ///
    /// # Errors
    ///
    /// [`Cannot`] skips the writes.
    fn written(&self, object: &ObjectType) -> Result<(), Cannot> {
        let _: &ObjectType = object;
        Ok(())
    }
}
