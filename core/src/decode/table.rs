//! `DecodeTable`: the mappings of one object type, compiled for the payloads of one surface.

use smallvec::SmallVec;

use super::order::Identity;
use super::slots::{MemberPlan, SlotPlan, SlotShape};
use super::token::TokenReader;
use super::trie::{Branch, KeySet, Trie, number};
use crate::model::{CompiledEntity, CompiledObject, Mapping, Path, Shape};
use crate::observation::SlotIndex;
use crate::ownership::Direction;
use crate::surface::{Flag, SurfaceShape};

/// The mappings of one object type, compiled for the payloads of one surface.
///
/// Built once, when the model and the connectors are known; decoding changes nothing in it.
///
/// # How documented paths meet a payload
///
/// A mapping's path names a place in the connector's documented record shape. For each path:
///
/// 1. If the surface carries properties by name ([`SurfaceShape::named_property`]) and the path is the documented prefix
///    and one key more, the key is looked up among the names.
/// 2. Otherwise the longest documented prefix among [`SurfaceShape::renames`] is replaced, and the rest follows it.
///    A path renamed to the empty path is not carried by the surface: no record of it covers the attribute.
/// 3. The result is looked for below [`SurfaceShape::root`].
///
/// The paths of id, token, archived flag, property name and property value start at the root of the body.
#[derive(Debug, Clone)]
pub struct DecodeTable {
    pub(super) trie: Trie,
    pub(super) identity: Identity,
    /// The captured places: the trie's nodes, and behind them one for each named property.
    pub(super) places: usize,
    pub(super) slots: Vec<SlotPlan>,
    /// By slot: the documented paths that it reads.
    pub(super) documented: Vec<Vec<Path>>,
    pub(super) record: u32,
    pub(super) id: u32,
    pub(super) id_path: Path,
    pub(super) id_prefix: String,
    pub(super) token: Option<u32>,
    pub(super) token_path: Path,
    pub(super) token_reader: TokenReader,
    pub(super) archived: Option<(u32, Flag)>,
    pub(super) root: Path,
    pub(super) named: Option<Named>,
    pub(super) max_bytes: usize,
}

/// A property carried by name.
#[derive(Debug, Clone)]
pub(super) struct Named {
    pub(super) name: u32,
    pub(super) value: u32,
    pub(super) properties: KeySet,
    /// By property, in the order of their places: the slots that read it.
    pub(super) readers: Vec<Vec<SlotIndex>>,
    /// Whether every slot reads properties and nothing else, so that the readers of one are all there is to decode.
    pub(super) alone: bool,
}

/// Where a surface carries a documented path.
enum Carried {
    /// Below the record's root.
    At(Path),
    /// As the property of this name.
    Named(crate::text::Text),
    Nowhere,
}

fn carried(shape: &SurfaceShape, documented: &Path) -> Carried {
    if let Some((_, _, prefix)) = &shape.named_property
        && let Some(rest) = documented.strip(prefix)
        && let [name] = rest.keys()
    {
        return Carried::Named(name.clone());
    }
    let renamed = shape.renames.iter().filter_map(|(from, to)| Some((from.keys().len(), to, documented.strip(from)?)));
    let path = match renamed.max_by_key(|(length, _, _)| *length) {
        Some((_, to, rest)) => to.join(&rest),
        None => documented.clone(),
    };
    if path.keys().is_empty() { Carried::Nowhere } else { Carried::At(shape.root.join(&path)) }
}

/// The path of a member within an element of the array at `array`.
fn within(shape: &SurfaceShape, documented: &Path, array: &Path, member: &Path) -> Path {
    match carried(shape, &documented.join(member)) {
        Carried::At(path) => path.strip(array).unwrap_or_else(|| member.clone()),
        Carried::Named(_) | Carried::Nowhere => member.clone(),
    }
}

impl DecodeTable {
    /// The length of a body, in bytes, beyond which it is refused unless [`DecodeTable::with_max_bytes`] says otherwise.
    pub const MAX_BYTES: usize = 16 << 20;

    /// Compiles what `object` reads for the payloads of a surface.
    #[must_use]
    pub fn of(entity: &CompiledEntity, object: &CompiledObject, shape: &SurfaceShape) -> Self {
        let members = |slot: usize| Members::of(entity, object, slot);
        let mut tree = Branch::default();
        for path in [&shape.root, &shape.id, &shape.token]
            .into_iter()
            .chain(shape.archived.as_ref().map(|archived| &archived.at))
        {
            tree.at(path);
        }
        if let Some((name, value, _)) = &shape.named_property {
            tree.at(name);
            tree.at(value);
        }
        for (index, slot) in object.slots.iter().enumerate() {
            for documented in &slot.mapping.read {
                let Carried::At(path) = carried(shape, documented) else { continue };
                let branch = tree.at(&path);
                match members(index) {
                    Members::Single => {}
                    Members::Values => {
                        branch.each();
                    }
                    Members::Parts(parts) => {
                        let each = branch.each();
                        for member in parts.iter().flat_map(|mapping| mapping.iter().flat_map(|m| &m.read)) {
                            each.at(&within(shape, documented, &path, member));
                        }
                    }
                }
            }
        }
        let (trie, _) = tree.freeze();
        let mut names: Vec<(crate::text::Text, u32)> = Vec::new();
        let nodes = trie.nodes.len();
        let mut place_of = |documented: &Path| match carried(shape, documented) {
            Carried::At(path) => trie.find(&path),
            Carried::Named(name) => Some(match names.iter().find(|(known, _)| *known == name) {
                Some((_, place)) => *place,
                None => {
                    let place = number(nodes + names.len());
                    names.push((name, place));
                    place
                }
            }),
            Carried::Nowhere => None,
        };
        let slots: Vec<SlotPlan> = object
            .slots
            .iter()
            .enumerate()
            .map(|(index, slot)| {
                let parts: SmallVec<[Option<u32>; 2]> = slot.mapping.read.iter().map(&mut place_of).collect();
                let node = parts.first().copied().flatten().and_then(|place| trie.nodes.get(place as usize));
                let each = node.and_then(|node| node.each.as_deref());
                let separator = slot.mapping.separator;
                let attribute = entity.attributes.get(usize::from(slot.attribute));
                SlotPlan {
                    codec: slot.mapping.codec.clone(),
                    parts,
                    stride: each.map_or(1, |each| number(each.nodes.len())),
                    shape: match (members(index), attribute.map(|attribute| attribute.shape)) {
                        (Members::Single, _) => SlotShape::One,
                        (Members::Values, Some(Shape::Set)) => SlotShape::Set { separator },
                        (Members::Values, _) => SlotShape::List { separator },
                        (Members::Parts(parts), _) => {
                            SlotShape::Keyed { members: member_plans(&parts, shape, &slot.mapping, each) }
                        }
                    },
                }
            })
            .collect();
        let find = |path: &Path| trie.find(path).unwrap_or_default();
        let named = shape.named_property.as_ref().map(|(name, value, _)| {
            let reads = |place: u32| {
                let reads =
                    move |(slot, plan): (SlotIndex, &SlotPlan)| plan.parts.contains(&Some(place)).then_some(slot);
                (0..).zip(&slots).filter_map(reads).collect()
            };
            let property = |part: &Option<u32>| part.is_none_or(|place| place as usize >= nodes);
            Named {
                name: find(name),
                value: find(value),
                readers: names.iter().map(|(_, place)| reads(*place)).collect(),
                alone: slots.iter().flat_map(|plan| &plan.parts).all(property),
                properties: KeySet::new(names.iter().cloned()),
            }
        });
        let places = nodes + names.len();
        Self {
            record: find(&shape.root),
            id: find(&shape.id),
            token: (!shape.token.keys().is_empty()).then(|| find(&shape.token)),
            archived: shape.archived.as_ref().map(|archived| (find(&archived.at), archived.flag)),
            named,
            trie,
            identity: Identity::default(),
            places,
            slots,
            documented: (0..object.slots.len()).map(|slot| documented(object, slot, members(slot))).collect(),
            id_path: shape.id.clone(),
            id_prefix: shape.id_prefix.clone(),
            token_path: shape.token.clone(),
            token_reader: TokenReader::of(&shape.token_format),
            root: shape.root.clone(),
            max_bytes: Self::MAX_BYTES,
        }
    }

    /// Refuses bodies longer than `bytes`; never more than 4 GiB.
    #[must_use]
    pub fn with_max_bytes(mut self, bytes: usize) -> Self {
        self.max_bytes = bytes.min(number(usize::MAX) as usize);
        self
    }

    /// The length of a body, in bytes, beyond which it is refused.
    #[must_use]
    pub const fn max_bytes(&self) -> usize {
        self.max_bytes
    }
}

/// What a slot's place holds.
enum Members<'a> {
    Single,
    Values,
    /// Elements: the mapping of each member, where the object type holds it.
    Parts(Vec<Option<&'a Mapping>>),
}

impl<'a> Members<'a> {
    fn of(entity: &'a CompiledEntity, object: &CompiledObject, slot: usize) -> Self {
        let attribute = object.slots.get(slot).and_then(|slot| entity.attributes.get(usize::from(slot.attribute)));
        let Some(attribute) = attribute else { return Self::Single };
        match attribute.shape {
            Shape::One => Self::Single,
            Shape::List | Shape::Set => Self::Values,
            Shape::Keyed => {
                let here = |mapping: &&Mapping| {
                    mapping.object == object.declared.key && mapping.direction != Direction::WriteOnly
                };
                Self::Parts(attribute.members.iter().map(|member| member.0.mappings.iter().find(here)).collect())
            }
        }
    }
}

/// The documented paths that a slot reads: of a keyed collection, those of its elements' members.
fn documented(object: &CompiledObject, slot: usize, members: Members<'_>) -> Vec<Path> {
    let read = &object.slots[slot].mapping.read;
    match members {
        Members::Single | Members::Values => read.clone(),
        Members::Parts(parts) => {
            let inner = || parts.iter().flatten().flat_map(|member| &member.read);
            read.iter().flat_map(|path| inner().map(|member| path.join(member))).collect()
        }
    }
}

fn member_plans(
    parts: &[Option<&Mapping>],
    shape: &SurfaceShape,
    collection: &Mapping,
    each: Option<&Trie>,
) -> Vec<MemberPlan> {
    let documented = collection.read.first().cloned().unwrap_or_default();
    let array = match carried(shape, &documented) {
        Carried::At(path) => path,
        Carried::Named(_) | Carried::Nowhere => documented.clone(),
    };
    parts
        .iter()
        .map(|mapping| MemberPlan {
            codec: mapping.map(|mapping| mapping.codec.clone()),
            parts: mapping
                .iter()
                .flat_map(|mapping| &mapping.read)
                .filter_map(|member| each?.find(&within(shape, &documented, &array, member)))
                .collect(),
        })
        .collect()
}
