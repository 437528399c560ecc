//! The engine's errors. A conflict, a lost race or a refused write is an outcome, not an error.

mod known;

use chrono::{DateTime, Utc};
use serde_json::error::Category;

use crate::checkpoint::CheckpointFault;
use crate::connector::ConnectorError;
use crate::id::{Actor, ConnectionName, EntityId, EntityType, ObjectType, RecordRef, SurfaceName};
use crate::journal::Broken;
use crate::matching::MatcherError;
use crate::model::Mistakes;
use crate::plan::{PlanHash, StandingId};
use crate::queue::QueueError;
use crate::role::Role;
use crate::store::StoreError;
use crate::text::Text;

pub use known::Known;

/// Something that could not be done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The configuration is wrong: every mistake, a line each.
    #[error("{0}")]
    Configuration(Mistakes),
    /// No connection of this name.
    #[error("no connection is named `{name}`{known}")]
    UnknownConnection {
        /// The name.
        name: ConnectionName,
        /// The connections that there are.
        known: Known,
    },
    /// The model has no such object type of this connection's system.
    #[error("the model has no object type `{object}` of connection `{connection}`{known}")]
    UnknownObject {
        /// The connection.
        connection: ConnectionName,
        /// The object type.
        object: ObjectType,
        /// The object types that there are.
        known: Known,
    },
    /// The builder was told of no matcher for an entity type.
    #[error("records of `{entity_type}` are not matched{known}")]
    NoMatcher {
        /// The entity type.
        entity_type: Text,
        /// The entity types whose records are.
        known: Known,
    },
    /// A matcher cannot do what it is asked.
    #[error("the matcher of `{entity_type}`: {source}")]
    Matcher {
        /// The entity type.
        entity_type: EntityType,
        /// Why not.
        source: MatcherError,
    },
    /// The connector has no such surface.
    #[error("connection `{connection}` has no surface `{surface}`")]
    UnknownSurface {
        /// The connection.
        connection: ConnectionName,
        /// The surface.
        surface: SurfaceName,
    },
    /// No entity of this id, or of another type.
    #[error("there is no {expected} {id}")]
    UnknownEntity {
        /// The type asked for.
        expected: Text,
        /// The id.
        id: EntityId,
    },
    /// The model has no such entity type.
    #[error("the model has no entity type `{name}`{known}")]
    UnknownEntityType {
        /// The name.
        name: Text,
        /// The entity types that there are.
        known: Known,
    },
    /// The entity type has no such attribute or unit.
    #[error("{entity} has no attribute `{attribute}`{known}")]
    UnknownAttribute {
        /// The entity type.
        entity: Text,
        /// The name.
        attribute: Text,
        /// The attributes and groups that there are.
        known: Known,
    },
    /// A record of one entity type cannot belong to an entity of another.
    #[error("{record} is a {record_type}, and {entity} a {entity_type}: link it to a {record_type}")]
    RecordOfOtherType {
        /// The record.
        record: Box<RecordRef>,
        /// What records of its object type are.
        record_type: EntityType,
        /// The entity.
        entity: EntityId,
        /// What it is.
        entity_type: EntityType,
    },
    /// The hub's own record of an entity is linked by itself.
    #[error("{0} is the hub's own record of an entity: it is never linked to another; link the records of systems")]
    HubRecord(Box<RecordRef>),
    /// Only entities of one type can be merged.
    #[error("{one} is a {one_type}, and {other} a {other_type}: only entities of one type can be merged")]
    EntitiesOfOtherTypes {
        /// One entity.
        one: EntityId,
        /// What it is.
        one_type: EntityType,
        /// The other.
        other: EntityId,
        /// What that is.
        other_type: EntityType,
    },
    /// An entity cannot be merged with itself.
    #[error("{0} was named twice: name the entity that stays, and the one that goes into it")]
    SameEntity(EntityId),
    /// The id is an alias.
    #[error("{id} was merged into {into}: name that one, or unmerge it before")]
    AlreadyMerged {
        /// The alias.
        id: EntityId,
        /// The entity that it stands for.
        into: EntityId,
    },
    /// The entity was not merged into another.
    #[error("{0} is not merged into another entity: there is nothing to take back")]
    NotMerged(EntityId),
    /// A person said that the two are not one.
    #[error("{one} and {other} were unmerged: they are held apart; call `allow_merge` if that was wrong")]
    HeldApart {
        /// One entity.
        one: EntityId,
        /// The other.
        other: EntityId,
    },
    /// The record belongs to another entity, or to none.
    #[error("{record} is no record of {entity}: look again whose it is")]
    NotLinked {
        /// The entity.
        entity: EntityId,
        /// The record.
        record: Box<RecordRef>,
    },
    /// Whoever asked may not do that.
    #[error("{actor} may not {doing}: {}, and it takes {needs}", role.map_or_else(|| "they have no role".to_owned(), |role| format!("they are {role}")))]
    Forbidden {
        /// Who.
        actor: Actor,
        /// The role that they have in this tenant, if any.
        role: Option<Role>,
        /// What they wanted to do.
        doing: &'static str,
        /// The least role that may.
        needs: Role,
    },
    /// A write of the entity has no receipt yet.
    #[error("a write of {entity} into {place} is under way: take a step, which settles it, and try again")]
    WriteUnderWay {
        /// The entity.
        entity: EntityId,
        /// The record, or the connection and object type of a create.
        place: Text,
    },
    /// No plan of this hash.
    #[error("there is no plan {}; plan again", .0.short())]
    UnknownPlan(PlanHash),
    /// The plan was made too long ago.
    #[error("plan {} was made at {made} and could be approved until {until}; plan again", .plan.short())]
    PlanExpired {
        /// The plan.
        plan: PlanHash,
        /// When it was last made.
        made: DateTime<Utc>,
        /// Until when it could be approved.
        until: DateTime<Utc>,
    },
    /// What the plan rests on moved: some of it is not what would be done today.
    #[error(
        "{moved} of the {of} operations of plan {} are not what would be done today, the first of them {first}; plan again, and \
         look at what differs",
        .plan.short()
    )]
    PlanMoved {
        /// The plan.
        plan: PlanHash,
        /// How many operations are not planned today as they were.
        moved: usize,
        /// Of how many.
        of: usize,
        /// The first of them: where, and which unit; never a value.
        first: Text,
    },
    /// The plan keeps nothing out by a limit that could be confirmed.
    #[error(
        "plan {} keeps nothing out by such a limit that is still to be done: plan again, and confirm what that one keeps out",
        .plan.short()
    )]
    NothingToConfirm {
        /// The plan.
        plan: PlanHash,
    },
    /// Who alone asked for a plan does not let it through where it writes what takes two people.
    #[error("{by} alone asked for plan {}, which writes what takes two people: a second person must approve it", .plan.short())]
    OwnPlan {
        /// The plan.
        plan: PlanHash,
        /// Who asked for it.
        by: Actor,
    },
    /// Who gave a standing approval for what takes two people cannot approve it.
    #[error("{by} gave standing approval {}, which permits what takes two people: a second person must approve it", .id.short())]
    OwnStanding {
        /// The standing approval.
        id: StandingId,
        /// Who gave it.
        by: Actor,
    },
    /// The standing approval does not wait for a second person.
    #[error("standing approval {} does not wait for a second person: it {how}", .id.short())]
    StandingSettled {
        /// The standing approval.
        id: StandingId,
        /// How it stands.
        how: &'static str,
    },
    /// A standing approval lacks a limit.
    #[error("a standing approval has limits, and this one lacks {lacks}")]
    UnlimitedApproval {
        /// What it lacks, and how to say it.
        lacks: &'static str,
    },
    /// No standing approval of this id.
    #[error("there is no standing approval {}; `standing_approvals` lists them", .0.short())]
    UnknownStanding(StandingId),
    /// The store that a proposal is looked at in holds something already.
    #[error("a proposal is looked at in an empty store of its own: this one holds something of the tenant")]
    ScratchNotEmpty,
    /// An operator paused the connection.
    #[error("connection `{connection}` is paused; `resume` it to read from it")]
    Paused {
        /// The connection.
        connection: ConnectionName,
    },
    /// As many records of the connection wait to be read as may. Nothing of what was told is taken in, and nothing acknowledged.
    #[error(
        "{waiting} records of connection `{connection}` wait to be read, and {most} may: what tells of more is refused until some were"
    )]
    Full {
        /// The connection.
        connection: ConnectionName,
        /// How many wait.
        waiting: u64,
        /// How many may.
        most: u64,
    },
    /// What should be a time or a zone of an apply window is none.
    #[error("`{found}` is not for an apply window: {reason}")]
    Window {
        /// What was found.
        found: Text,
        /// What was expected.
        reason: &'static str,
    },
    /// The value is none of the attribute's type.
    #[error("{attribute}: {reason}")]
    Value {
        /// The attribute.
        attribute: Text,
        /// What was expected.
        reason: &'static str,
    },
    /// There is nothing to decide.
    #[error("{unit} of {entity} is {state}: {advice}")]
    NotHeld {
        /// The entity.
        entity: EntityId,
        /// The unit.
        unit: Text,
        /// How it stands.
        state: &'static str,
        /// What to do instead.
        advice: &'static str,
    },
    /// No decision is proposed for the unit.
    #[error("nothing is proposed for {unit} of {entity}: it was approved or rejected, or never proposed")]
    NothingProposed {
        /// The entity.
        entity: EntityId,
        /// The unit.
        unit: Text,
    },
    /// Who proposed a decision cannot approve it.
    #[error("{by} proposed the decision on {unit} of {entity}: a second person must approve it")]
    OwnProposal {
        /// The entity.
        entity: EntityId,
        /// The unit.
        unit: Text,
        /// Who proposed it.
        by: Actor,
    },
    /// What would be done by one person takes two.
    #[error(
        "{unit} of {entity} takes two people: decide it with `rule`, and have a second person approve the decision"
    )]
    TakesTwo {
        /// The entity.
        entity: EntityId,
        /// The unit.
        unit: Text,
    },
    /// What was on the table when a decision was proposed, or looked at, has changed.
    #[error("{unit} of {entity} is not as it was looked at{}: look again, and decide again", moved(.records))]
    InputsMoved {
        /// The entity.
        entity: EntityId,
        /// The unit.
        unit: Text,
        /// The records that say something else now; none: what golden holds, or a rule, has changed.
        records: Vec<RecordRef>,
    },
    /// No dead letter has this key.
    #[error("there is no dead letter `{key}`: `dead_letters_of` lists those that wait")]
    UnknownDeadLetter {
        /// The key.
        key: Text,
    },
    /// The dead letter does not wait any more.
    #[error("dead letter `{key}` does not wait any more: {how}")]
    LetterSettled {
        /// Its key.
        key: Text,
        /// What became of it.
        how: Text,
    },
    /// What is done for a reason needs one.
    #[error("could not {doing} without a reason: say why, in a few words")]
    NoReason {
        /// What was to be done.
        doing: &'static str,
    },
    /// No case has this name.
    #[error("there is no case `{key}`: `open_cases` lists those that there are")]
    UnknownCase {
        /// The name.
        key: Text,
    },
    /// The case is closed.
    #[error("case `{key}` is closed: {how}; if what it is about happens anew, it opens again")]
    CaseClosed {
        /// Its name.
        key: Text,
        /// What became of it.
        how: Text,
    },
    /// The case is about records or entities as such: there is no value to choose.
    #[error("there is no value to choose in case `{key}`: {advice}")]
    NoChoice {
        /// The case.
        key: Text,
        /// What to do instead.
        advice: &'static str,
    },
    /// What was to be noted on a case is no note.
    #[error("nothing was noted on case `{key}`: {reason}")]
    NotNoted {
        /// The case.
        key: Text,
        /// What is expected.
        reason: &'static str,
    },
    /// A cursor of another list, or none that this version wrote.
    #[error("this is no place in the list: begin at its beginning")]
    UnknownCursor,
    /// What was asked for lies before the journal's beginning: that was compacted.
    #[error("could not {doing}: what happened before {since} was compacted")]
    Compacted {
        /// What was to be done.
        doing: &'static str,
        /// From when on the journal is whole.
        since: DateTime<Utc>,
    },
    /// Nothing signs checkpoints.
    #[error("no key signs checkpoints: give the builder one that does (`checkpoint_keys`)")]
    NoCheckpointKey,
    /// The checkpoint at which the journal begins does not hold.
    #[error("the checkpoint at place {place} of the journal, signed by key `{key}`, does not hold: {fault}")]
    Checkpoint {
        /// The last place that it tells.
        place: u64,
        /// The name of the key.
        key: Text,
        /// Why not.
        fault: CheckpointFault,
    },
    /// A system could not be called.
    #[error("connection `{connection}` could not {doing}")]
    Connector {
        /// The connection.
        connection: ConnectionName,
        /// What was being done.
        doing: &'static str,
        /// Why not.
        #[source]
        source: ConnectorError,
    },
    /// The store failed.
    #[error("the store failed while the engine tried to {doing}")]
    Store {
        /// What was being done.
        doing: &'static str,
        /// Why.
        #[source]
        source: StoreError,
    },
    /// A row holds what this version cannot read.
    #[error("{row} cannot be read by this version: {why} in line {line}, column {column}")]
    Row {
        /// The row, by its table and key; never a value.
        row: Text,
        /// What is wrong with it: `syntax`, `data` or `end of input`.
        why: &'static str,
        /// Where, from 1.
        line: usize,
        /// Where, from 1.
        column: usize,
    },
    /// Other workers kept changing the same rows.
    #[error("gave up after {attempts} attempts: other workers keep changing {key}")]
    Contended {
        /// How often it was tried.
        attempts: u32,
        /// The row, by its table and key; never a value.
        key: Text,
    },
    /// The model differs from the one that the store was written under.
    #[error("the model changed since the store was written; look at `model_change()` and accept it: {changes}")]
    ModelChanged {
        /// What changed, in words.
        changes: String,
    },
    /// The model cannot follow the one that the store was written under.
    #[error("the model cannot be accepted: {reasons}")]
    ModelRefused {
        /// What is impossible, in words.
        reasons: String,
    },
    /// The queue could not do its work.
    #[error("could not {doing}")]
    Queue {
        /// What was being done.
        doing: &'static str,
        /// Why it could not be done.
        #[source]
        source: QueueError,
    },
    /// The journal's chain does not hold.
    #[error("the journal is broken")]
    Journal(#[source] Broken),
}

fn moved(records: &[RecordRef]) -> String {
    let Some(first) = records.first() else { return String::new() };
    match records.len() - 1 {
        0 => format!(", because {first} says something else now"),
        more => format!(", because {first} and {more} more say something else now"),
    }
}

impl Error {
    /// The status that an HTTP door answers with: 4xx for what the caller must mend, 503 for what passes, 500 otherwise.
    #[must_use]
    pub fn http_status(&self) -> u16 {
        use crate::connector::ConnectorErrorKind;
        match self {
            Error::UnknownConnection { .. }
            | Error::UnknownObject { .. }
            | Error::UnknownSurface { .. }
            | Error::UnknownEntity { .. }
            | Error::UnknownEntityType { .. }
            | Error::NoMatcher { .. }
            | Error::UnknownCase { .. }
            | Error::UnknownDeadLetter { .. }
            | Error::UnknownPlan(_)
            | Error::UnknownStanding(_) => 404,
            Error::Compacted { .. } => 410,
            Error::UnknownAttribute { .. } | Error::Value { .. } | Error::Window { .. } => 400,
            Error::UnlimitedApproval { .. } => 400,
            Error::NotNoted { .. } | Error::NoReason { .. } | Error::UnknownCursor => 400,
            Error::RecordOfOtherType { .. } | Error::HubRecord(_) | Error::EntitiesOfOtherTypes { .. } => 400,
            Error::NotHeld { .. }
            | Error::NothingProposed { .. }
            | Error::OwnProposal { .. }
            | Error::TakesTwo { .. }
            | Error::InputsMoved { .. }
            | Error::CaseClosed { .. }
            | Error::LetterSettled { .. }
            | Error::NoChoice { .. }
            | Error::SameEntity(_)
            | Error::AlreadyMerged { .. }
            | Error::NotMerged(_)
            | Error::HeldApart { .. }
            | Error::NotLinked { .. }
            | Error::WriteUnderWay { .. }
            | Error::Paused { .. }
            | Error::ScratchNotEmpty
            | Error::PlanExpired { .. }
            | Error::NoCheckpointKey
            | Error::PlanMoved { .. }
            | Error::NothingToConfirm { .. }
            | Error::OwnPlan { .. }
            | Error::OwnStanding { .. }
            | Error::StandingSettled { .. }
            | Error::ModelChanged { .. }
            | Error::ModelRefused { .. } => 409,
            Error::Forbidden { .. } => 403,
            Error::Connector { source, .. } => match source.kind {
                ConnectorErrorKind::Denied => 401,
                ConnectorErrorKind::Malformed | ConnectorErrorKind::Unsupported => 400,
                ConnectorErrorKind::Throttled | ConnectorErrorKind::Unavailable | ConnectorErrorKind::Expired => 503,
                ConnectorErrorKind::Contract => 500,
            },
            Error::Store { .. } | Error::Queue { .. } | Error::Contended { .. } | Error::Full { .. } => 503,
            Error::Matcher { source: MatcherError::NothingToLearn(_), .. } => 409,
            Error::Matcher { source: MatcherError::Model(_) | MatcherError::Declared(_), .. } => 500,
            Error::Configuration(_) | Error::Row { .. } | Error::Journal(_) | Error::Checkpoint { .. } => 500,
        }
    }

    /// Whether a system's own call failed, and so.
    pub(crate) fn is_of_connector(&self, kind: crate::connector::ConnectorErrorKind) -> bool {
        matches!(self, Error::Connector { source, .. } if source.kind == kind)
    }

    /// That a row cannot be read. Of what serde says only the place is kept: the rest may quote a value.
    pub(crate) fn row(row: Text, source: &serde_json::Error) -> Self {
        let why = match source.classify() {
            Category::Io | Category::Eof => "end of input",
            Category::Syntax => "syntax",
            Category::Data => "data",
        };
        Error::Row { row, why, line: source.line(), column: source.column() }
    }

    /// Whether the same may succeed later though nobody mends anything: a database or a broker that cannot be reached, other workers
    /// that were faster, or too much that waits.
    #[must_use]
    pub const fn may_pass(&self) -> bool {
        match self {
            Error::Store { source, .. } => source.may_pass(),
            Error::Queue { source, .. } => source.may_pass(),
            Error::Contended { .. } | Error::Full { .. } => true,
            _ => false,
        }
    }

    pub(crate) fn queue(doing: &'static str) -> impl FnOnce(QueueError) -> Self {
        move |source| Error::Queue { doing, source }
    }

    pub(crate) fn store(doing: &'static str) -> impl FnOnce(StoreError) -> Self {
        move |source| Error::Store { doing, source }
    }
}
