//! The bug zoo: defects that others have shipped, planted where they would stand, one at a time and at run time.
//!
//! Only a build with `--cfg accordant_zoo` has this module. The simulator plants each, and must catch it.

use std::cell::Cell;

use crate::working_set::{RecordIndex, WorkingSet};

/// Declares the bugs, each with the sentence that says what the engine does wrong.
macro_rules! bugs {
    ($($bug:ident: $wrong:literal,)+) => {
        /// One planted defect.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Bug {
            $(#[doc = $wrong] $bug,)+
        }

        impl Bug {
            /// Every bug.
            pub const ALL: &'static [Bug] = &[$(Bug::$bug),+];

            /// Its name.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Bug::$bug => stringify!($bug),)+ }
            }

            /// What the engine does wrong.
            #[must_use]
            pub const fn wrong(self) -> &'static str {
                match self { $(Bug::$bug => $wrong,)+ }
            }
        }
    };
}

bugs! {
    ArrivalDecides: "whatever is heard last stands, however old it is",
    TieByArrival: "of two values at one stamp the one heard last stands, and nobody reads",
    ClearNotSeen: "a cleared field is taken for one that was not carried",
    PartialTakenForWhole: "what a partial notice leaves out is taken for cleared",
    DeathIsFinal: "a record that comes back stays dead",
    HiddenTakenForMissing: "what cannot be seen is taken for empty",
    ObserverDecides: "a system that only observes a value decides on it",
    EchoByTimeWindow: "what a record says within a minute of our own write is not heard",
    DedupeSkipped: "a repeated notice is taken in again",
    DeadLetterDropped: "what cannot be read is thrown away",
    HintDropped: "a notice without content leads to no read",
    AbsenceTakenForDeletion: "a record that one scan did not meet is taken for deleted",
    BusyRecordSkipped: "what a record says while it is being written is not heard",
    ObservationNotJournaled: "what a system said is stored and not journaled",
    AckBeforeDurable: "a webhook is acknowledged although it could not be stored",
    CursorBeforeCommit: "the cursor moves on before the page is durable",
    FailureTakenForGone: "a record that cannot be read is taken for deleted",
    ReadsUnordered: "two reads have one number",
    HintWhileReadingLost: "a hint that comes while its record is being read is lost",
    IdentityByFirstLetter: "identity values are compared by their first letter",
    SentBeside: "what was sent and has no answer is sent again beside it",
    ConflictSettledInSilence: "of two people who disagree one wins, and nobody is asked",
    LatestBySilence: "whoever is heard last wins over who moved at the same time",
    EchoIsWitness: "our own echo counts as somebody who says so",
    LoserOwedNothing: "a system whose value lost is not written the value that won",
    LatestReversed: "the earliest change wins where the latest should",
    PriorityReversed: "the last system of the list wins",
    DecisionForgotten: "a decision that is to hold is forgotten once it is made",
    OneIsTwo: "who proposed a decision may approve it where two people are asked for",
    RuleNotAsked: "what a rule holds or forbids happens",
    ForbiddenAccepted: "a person brings about what a rule forbids",
    DecisionNotJournaled: "a decision is stored and not journaled",
    OscillationUnbounded: "two systems that fight through us are never stopped",
    AnyDeletionRetires: "whoever deletes a record retires the entity",
    OwnerWritten: "an owner is written without a person's decision",
    WeakRefills: "a weak mapping overwrites",
    FirstContactOverwrites: "a value that was never in agreement is overwritten",
    RewriteFought: "a system that keeps its own form of what we wrote is written again and again",
    ExpectationNotSent: "a write does not say what it expects to find",
    ApprovalNotAsked: "what nobody approved is carried out",
    ApprovalNotSpent: "an approval is good for ever",
    SupersededCarriedOut: "what is no longer planned is carried out all the same",
    LimitsNotCumulative: "the limit on deletes counts each plan anew",
    WriteLimitNotCumulative: "the limit on writes counts each plan anew",
    IntentNotDurable: "a write is sent before its intent is durable",
    ReceiptsSwapped: "a batch's receipts are given to the wrong writes",
    BaseBeforeReceipt: "a write without an answer is taken for done",
    StaleTakenForDone: "a write that was refused as stale is taken for done",
    DeferredTakenForDone: "a write that was put off is taken for done",
    VersionTakenForRecord: "a reply's version is taken for a look at the whole record",
    ReadBackForgotten: "after a reply without record nobody looks what is held",
    BlindCreate: "a create without an answer is sent again without a look",
    NotDrained: "a create is looked for while its request may still be under way",
    OutboxForgotten: "what a crash left without a receipt is never looked at",
    RevisionIgnored: "a commit does not say what it rests on",
    RoleNotAsked: "nobody is asked for a role",
    MaskForgotten: "what a role does not show is shown",
    LettersOutliveErasure: "an erasure leaves dead letters",
    KeysOutliveErasure: "an erasure leaves the keys by which copies are read",
    PayloadsOutliveErasure: "an erasure leaves what the journal told",
    ErasedComesBack: "what is said of a person who was erased is kept",
    TenantsMeet: "two tenants share one store",
}

thread_local! {
    static PLANTED: Cell<Option<Bug>> = const { Cell::new(None) };
}

/// Plants a bug on this thread, or none.
pub fn plant(bug: Option<Bug>) {
    PLANTED.set(bug);
}

/// Whether a bug is planted on this thread.
#[must_use]
pub fn planted(bug: Bug) -> bool {
    PLANTED.get() == Some(bug)
}

/// Whether a record was last heard of within a minute, and was ever written by us.
pub(crate) fn written_lately(set: &WorkingSet, record: RecordIndex, now: i64) -> bool {
    let state = set.record(record);
    let Some(entity) = state.entity else { return false };
    let entity = &set.entity(entity).entity;
    let ours = |link: usize| entity.links[link].bases.iter().any(|(_, base)| base.marks.wrote.is_some());
    entity.link_of(&state.record).is_some_and(ours) && now - state.representation.last_token() < 60_000
}
