//! The derive macros of `accordant`. Use them through the re-exports in that crate.
//!
//! Each macro goes the same way: `attr` reads the syntax, `check` applies the rules and makes a `model`, `expand`
//! turns that into calls. Every mistake is reported, on the token to edit; beside mistakes stands a skeleton of the
//! impl (`fallback`), so that one mistake gives one message.

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

mod attr;
mod check;
mod derive;
mod errors;
mod expand;
mod fallback;
mod model;
mod syntax;

/// Describes an entity: which systems hold it, where, who decides, and the way back to the struct.
///
/// All options are `#[canonical(..)]` below the derive, on the struct and on fields; the attribute may be repeated.
/// The macro emits `impl Canonical` and one handle per field (`Customer::EMAIL`): calls, no logic.
///
/// # On the struct
///
/// | option | meaning |
/// | --- | --- |
/// | `entity = "customer"` | the entity type's name; required |
/// | `system(hubspot, object = "contacts")` | an object type that represents the entity |
/// | `system(hubspot as hubspot_company, object = "companies")` | the same, under a key of its own: mappings name the key, owners and policies the system |
/// | `.. many(reduce = latest, write = all)` | several records may stand for one entity: `reduce` is `latest`, `primary` or `all`; `write` is `all`, `primary` or `nobody` |
/// | `.. required`, `required_when(tier)`, `required_when(tier = "gold")` | where a record is expected: always, when an attribute has a value, or this canonical value |
/// | `.. links_only` | a record that matches no entity stays unlinked |
/// | `.. create_needs(email, name)` | attributes without which no record is created there |
/// | `retired("fax")` | ids that stored state may hold and that must never be used again |
/// | `existence(netsuite)` | the systems whose deletion retires the entity; by default every one |
/// | `on_delete = hold`, `archive` or `stand` | what becomes of the records of other systems when golden is retired: listed, archived, or left |
/// | `on_loss = ask`, `restore`, `accept` or `retire` | what a deletion does that does not retire the entity by itself: listed, made anew, accepted, or it retires the entity (of systems that own existence) |
/// | `.. on_delete = ..`, `on_loss = ..` | the same, of this system |
/// | `group("address", owner(..), resolve(..), on_clear = ..)` | settings of a group of fields |
/// | `crate = "path"` | where `accordant` is, if not at `::accordant` |
///
/// # On a field
///
/// A field is mapped, derived or the hub's own, and says which. A field that is not an `Option` is required: without it
/// the golden record is incomplete. `Option` is told by type, so aliases work.
///
/// | option | meaning |
/// | --- | --- |
/// | `at(hubspot = "path", ..)` | where object keys hold the value; keys of a path stand between dots, a backslash makes the next character literal |
/// | `derived(from(first, last), by = FullName)` | computed from other attributes by a `Derivation` |
/// | `hub` | operators alone enter it |
/// | `owner(netsuite)`, `owner(netsuite, hubspot)` | the truth boundary, in order of authority; `hub` may be an owner |
/// | `resolve(latest, source_priority(netsuite, hubspot), trust(hubspot = 90), custom::Mine { days: 30 })` | the policy chain: a bare lower-case name, and a call of one, is built in (`accordant::policy::builtin`), also with methods behind: `latest().within(60)`; any other expression is yours, so yours have a path or a capital |
/// | `on_clear = propagate` or `hold` | whether golden follows when an authority clears the value |
/// | `normalize = email`, `normalize(trim, lowercase)` | rewrites what is read: a bare lower-case name is built in (`accordant::normalize`) |
/// | `equivalence = exact`, `lowercase`, `tolerance("0.01")` | when two values are the same: equal, equal once normalized, or this close |
/// | `identity` | equal values mean the same entity |
/// | `pii` | holds personal data |
/// | `id = "tier"`, `was("segment")` | the stable id, where it is not the field's name, and former ids |
/// | `migrated(from = "name", by = GivenName)` | in a store written under an earlier model, its values are made of those of that attribute (its own id: it had another type) by a `Migration` |
/// | `group = "address"` | resolves with the other members of the group |
/// | `set`, `list` | the field is a collection of values: `Vec<T>`, `BTreeSet<T>` |
/// | `part` | the type, or that in the `Option`, is a `CanonicalPart`: a group |
/// | `keyed = sku` | a collection of a `CanonicalPart`, told apart by this member |
///
/// # In `at(..)`
///
/// `netsuite("balance", read_only, currency = "currency.id")`: a path, then options.
///
/// | option | meaning |
/// | --- | --- |
/// | `read_only`, `write_only` | one way only |
/// | `weak`, `strong` | fills empties only; writes a deviating observer back |
/// | `write = "path"`, `read = "path"` | paths that differ |
/// | `("first", "last"), via = JoinName` | several leaves make the value, through a `Transform` |
/// | `currency = USD`, `currency = "path"` | the currency of an amount: stated, or another leaf |
/// | `via_object = hubspot_company` | of a `Ref` to an entity with several object types in this system: the one whose ids stand here, by its key |
/// | `region = "US"`, `zone = "Europe/Berlin"`, `format = "%d.%m.%Y"` | how a national number, a local time, a date is read |
/// | `separator = ";"` | what separates the values of a set kept in one text |
#[proc_macro_derive(Canonical, attributes(canonical))]
pub fn canonical(input: TokenStream) -> TokenStream {
    derive::canonical(&parse_macro_input!(input as DeriveInput)).into()
}

/// Makes an enum or a newtype a canonical value type.
///
/// # Enums
///
/// Variants carry no data. The canonical text of a variant is its name in snake case.
///
/// | option | on | meaning |
/// | --- | --- | --- |
/// | `id = "active"` | variant | the canonical text |
/// | `was("enabled")` | variant | former canonical texts, still read from stored state |
/// | `at(shopify = "enabled", netsuite = "F" \| "false", erp = true, crm = 3)` | variant | how object keys spell it; the first spelling is written, as the kind of literal it is; a key without a spelling uses the canonical text |
/// | `ordered` | enum | the variants are declared in ascending order: a lattice |
/// | `kind = "status"`, `version = 2` | enum | name and version of the canonical form; by default the type's name in snake case, and 1 |
///
/// # Newtypes
///
/// `struct Sku(String)` delegates to the type inside, which is a canonical value itself.
///
/// | option | meaning |
/// | --- | --- |
/// | `normalize = uppercase`, `normalize(trim, uppercase)` | rewrites what is read |
/// | `amount` | the value inside is `Money`: mappings say where the currency is |
/// | `kind = "sku"`, `version = 2` | name and version; by default the type's name in snake case, and the version of the type inside |
///
/// Both take `crate = "path"`.
#[proc_macro_derive(CanonicalValue, attributes(canonical))]
pub fn canonical_value(input: TokenStream) -> TokenStream {
    derive::canonical_value(&parse_macro_input!(input as DeriveInput)).into()
}

/// Makes a struct a part: its members resolve, move and are written as one.
///
/// An attribute of an entity holds it: as a group (`part`) or as the elements of a collection (`keyed = sku`). Members
/// take `at(..)`, with paths relative to that attribute's own, and `normalize`, `equivalence`, `id`, `was`, `pii`. Who
/// decides is said once, on the attribute. The struct takes `crate = "path"`. Each member gets a handle
/// (`OrderLine::SKU`), by which `keyed = sku` finds it.
#[proc_macro_derive(CanonicalPart, attributes(canonical))]
pub fn canonical_part(input: TokenStream) -> TokenStream {
    derive::canonical_part(&parse_macro_input!(input as DeriveInput)).into()
}
