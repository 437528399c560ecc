//! What becomes of records when one of them is deleted: declared per entity type, and per system.

/// What golden's retirement does to the records of other systems. Declared of an entity type, it is of every system that
/// says nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum OnDelete {
    /// Nothing: the difference stays listed until a person decides.
    #[default]
    Hold,
    /// Archive them, under the plan's delete limits.
    Archive,
    /// They stand: nothing is owed to them, and nobody is asked.
    Stand,
}

/// What the loss of a record does where it does not retire the entity by itself: its system does not own existence, or
/// another system that decides has changed meanwhile what the record held. Declared of an entity type, it is of every system
/// that says nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum OnLoss {
    /// Nothing: the loss stays listed until a person decides.
    #[default]
    Ask,
    /// A record is created anew, by a plan like any other. One that was lost there [three times](crate::entity::REACTIONS_TO_FREEZE)
    /// asks a person.
    Restore,
    /// The loss is accepted: the entity lives on without a record there.
    Accept,
    /// The entity is retired, whatever else was changed meanwhile: the system must own existence. Declared of an entity type,
    /// it is of the systems that do.
    Retire,
}
