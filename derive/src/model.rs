//! The checked description that expansion works from: every name resolved, every default filled in.

use proc_macro2::Span;
use syn::{Expr, Ident, LitChar, LitInt, LitStr, Path, Type, Visibility};

use crate::attr::{EquivalenceAttr, MigratedAttr, NamedAttr, Push, Spelling, SystemAttr, Way};

/// An entity struct.
#[derive(Debug)]
pub(crate) struct Entity {
    /// Where `accordant` is.
    pub(crate) krate: Path,
    pub(crate) ident: Ident,
    pub(crate) vis: Visibility,
    /// The entity type's name.
    pub(crate) name: LitStr,
    /// The native object types; the names of attributes in them are ids by now.
    pub(crate) objects: Vec<SystemAttr>,
    pub(crate) retired: Vec<LitStr>,
    /// The systems that own existence.
    pub(crate) existence: Vec<LitStr>,
    /// Whether deletions elsewhere follow golden's; `None`: the default.
    pub(crate) on_delete: Option<Ident>,
    pub(crate) on_loss: Option<Ident>,
    pub(crate) groups: Vec<Group>,
    pub(crate) attributes: Vec<Attribute>,
}

/// Settings of a group.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) name: LitStr,
    pub(crate) decide: Decide,
}

/// One field.
#[derive(Debug)]
pub(crate) struct Attribute {
    /// The field.
    pub(crate) field: Ident,
    /// Its type, as written.
    pub(crate) ty: Type,
    /// The name of its handle: `EMAIL`.
    pub(crate) handle: Ident,
    /// The stable id.
    pub(crate) id: LitStr,
    pub(crate) was: Vec<LitStr>,
    pub(crate) form: Form,
    pub(crate) identity: bool,
    pub(crate) pii: bool,
    pub(crate) hub: bool,
    pub(crate) group: Option<LitStr>,
    pub(crate) decide: Decide,
    pub(crate) normalize: Vec<NamedAttr>,
    pub(crate) equivalence: Option<EquivalenceAttr>,
    pub(crate) derived: Option<Derived>,
    pub(crate) migrated: Option<MigratedAttr>,
    pub(crate) at: Vec<At>,
}

/// One value, several, or a struct of values.
#[derive(Debug)]
pub(crate) enum Form {
    /// `T`, or `Option<T>`.
    One,
    /// A set of the element type.
    Set(Type),
    /// An ordered list of the element type.
    List(Type),
    /// A `CanonicalPart`, or an `Option` of one.
    Part,
    /// A collection of the element type, told apart by the member.
    Keyed(Type, Ident),
}

impl Form {
    /// Whether the members are mapped rather than the attribute.
    pub(crate) const fn of_parts(&self) -> bool {
        matches!(self, Form::Part | Form::Keyed(..))
    }
}

/// Who decides about a unit.
#[derive(Debug, Default)]
pub(crate) struct Decide {
    /// The owners, in order of authority.
    pub(crate) owners: Vec<LitStr>,
    /// The policies, in order.
    pub(crate) chain: Vec<NamedAttr>,
    /// Whether clearing propagates; `None`: the default.
    pub(crate) propagate: Option<bool>,
}

/// How an attribute is computed.
#[derive(Debug)]
pub(crate) struct Derived {
    pub(crate) span: Span,
    /// The ids of the attributes it reads.
    pub(crate) from: Vec<LitStr>,
    pub(crate) by: Expr,
}

/// Where one object type holds an attribute.
#[derive(Debug)]
pub(crate) struct At {
    pub(crate) object: LitStr,
    pub(crate) source: Source,
    pub(crate) write: Option<Vec<LitStr>>,
    pub(crate) way: Option<Way>,
    pub(crate) push: Option<Push>,
    pub(crate) region: Option<LitStr>,
    pub(crate) zone: Option<LitStr>,
    pub(crate) format: Option<LitStr>,
    pub(crate) separator: Option<LitChar>,
    pub(crate) via_object: Option<LitStr>,
}

/// What a value is read from.
#[derive(Debug)]
pub(crate) enum Source {
    /// One path; for a part, the one that its members' paths are relative to.
    Path(LitStr),
    /// An amount at a path, in a currency that the model states.
    InCurrency(LitStr, LitStr),
    /// An amount at a path, its currency at another.
    CurrencyAt(LitStr, LitStr),
    /// The leaves of several paths, through a transform.
    Via(Vec<LitStr>, Box<Expr>),
}

/// A struct of values that resolve as one.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) krate: Path,
    pub(crate) ident: Ident,
    pub(crate) vis: Visibility,
    pub(crate) members: Vec<Attribute>,
}

/// A value type of the user's own.
#[derive(Debug)]
pub(crate) struct ValueType {
    pub(crate) krate: Path,
    pub(crate) ident: Ident,
    /// The name of the kind.
    pub(crate) kind: LitStr,
    /// The version of the canonical form; `None`: 1, or that of the type inside.
    pub(crate) version: Option<LitInt>,
    pub(crate) body: ValueBody,
}

/// What a value type is made of.
#[derive(Debug)]
pub(crate) enum ValueBody {
    /// An enum, and whether its variants are in order.
    Enum(Vec<Variant>, Option<Span>),
    /// A struct around one value.
    Newtype {
        inner: Box<Type>,
        normalize: Vec<NamedAttr>,
        /// Whether it is an amount, which one leaf alone does not determine.
        amount: bool,
    },
}

/// One variant of an enum.
#[derive(Debug)]
pub(crate) struct Variant {
    pub(crate) ident: Ident,
    /// The canonical text.
    pub(crate) id: LitStr,
    /// Former canonical texts.
    pub(crate) was: Vec<LitStr>,
    /// Per object key: the spellings; the first is written.
    pub(crate) at: Vec<(LitStr, Vec<Spelling>)>,
}
