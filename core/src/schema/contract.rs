//! The comparison of mappings with what systems say of themselves.

use std::collections::{BTreeMap, BTreeSet};

use super::{FieldKind, FieldSchema, KnownFields, Mismatch, MismatchKind, Mismatches, ObjectSchema};
use crate::id::SystemName;
use crate::laws::{in_currency, samples_of};
use crate::model::{AttributeModel, EntityModel, Mapping, Presence, SystemObject};
use crate::ownership::Direction;
use crate::text::Text;
use crate::value::{Decimal, Field, KIND_NAMES, Leaf, Native, Value};

/// Models, and what is known of their systems.
///
/// Members of keyed collections, and where references lead, are not compared.
#[derive(Debug, Clone)]
pub struct Contract<'m> {
    models: &'m [EntityModel],
    described: BTreeMap<SystemName, Vec<ObjectSchema>>,
}

impl<'m> Contract<'m> {
    /// Of models, while nothing is known of any system.
    #[must_use]
    pub const fn of(models: &'m [EntityModel]) -> Self {
        Self { models, described: BTreeMap::new() }
    }

    /// A system describes object types. Those that it does not describe are not compared.
    #[must_use]
    pub fn describes(mut self, system: &str, objects: impl IntoIterator<Item = ObjectSchema>) -> Self {
        self.described.entry(SystemName::new(system)).or_default().extend(objects);
        self
    }

    /// Every mapping that a system, as it is described, cannot keep: by system, object type and field.
    #[must_use]
    pub fn mismatches(&self) -> Mismatches {
        let mut found = Mismatches::default();
        for model in self.models {
            for declared in &model.objects {
                if let Some(schema) = self.schema(declared) {
                    found.compared += 1;
                    self.compare(model, declared, schema, &mut found.found);
                }
            }
        }
        let place = |one: &Mismatch| {
            (one.system.clone(), one.object.clone(), one.field.to_string(), one.attribute.clone(), one.kind.clone())
        };
        found.found.sort_by_key(place);
        // Of one field that may be too short for several reasons, the longest value counts.
        found.found.dedup_by(|next, one| {
            let too_long = |kind: &MismatchKind| matches!(kind, MismatchKind::TooLong { .. });
            let same = (&next.system, &next.object, &next.field, &next.attribute)
                == (&one.system, &one.object, &one.field, &one.attribute);
            let twice = same && (next.kind == one.kind || too_long(&next.kind) && too_long(&one.kind));
            if twice {
                one.kind = next.kind.clone();
            }
            twice
        });
        found
    }

    /// Every mapping to a field that holds something else than it did, though what it holds can still be read. `now` is what is wrong
    /// at all.
    pub(crate) fn retyped(&self, now: &Mismatches, before: &KnownFields) -> Vec<Mismatch> {
        let mut found = self.became_text(before);
        // A text that became a number may have become another thing, too.
        found.extend(now.found.iter().filter_map(|one| match &one.kind {
            MismatchKind::MayRefuse { field, attribute }
                if before.held_other(&one.object, &one.field.to_string(), field) =>
            {
                let kind = MismatchKind::WrongType { field: field.clone(), attribute: attribute.clone() };
                Some(Mismatch { kind, ..one.clone() })
            }
            _ => None,
        }));
        found
    }

    /// Every mapping of what is no text to a field that became one: as texts, systems take in whatever is not of the attribute's type, and
    /// spell it in any way. What a text can be read as says nothing of that.
    fn became_text(&self, before: &KnownFields) -> Vec<Mismatch> {
        let mut found = Vec::new();
        for model in self.models {
            for attribute in model.attributes.iter().filter(|attribute| attribute.kind != <String as Value>::KIND) {
                for mapping in &attribute.mappings {
                    let Some(declared) = model.objects.iter().find(|declared| declared.key == mapping.object) else {
                        continue;
                    };
                    let Some(schema) = self.schema(declared) else { continue };
                    let paths: BTreeSet<_> = mapping.read.iter().chain(&mapping.write).collect();
                    let became_text = |path: &&&crate::model::Path| {
                        schema.find(path).is_some_and(|field| field.kind == FieldKind::Text)
                            && before.was_more_than_text(&declared.object, &path.to_string())
                    };
                    found.extend(paths.iter().filter(became_text).map(|path| Mismatch {
                        system: declared.system.clone(),
                        object: declared.object.clone(),
                        field: (**path).clone(),
                        attribute: Some(format!("{}.{}", model.entity, attribute.id).into()),
                        kind: MismatchKind::WrongType {
                            field: FieldKind::Text.name().into(),
                            attribute: attribute.kind.name.into(),
                        },
                    }));
                }
            }
        }
        found
    }

    fn schema(&self, declared: &SystemObject) -> Option<&ObjectSchema> {
        self.described.get(&declared.system)?.iter().find(|schema| schema.object == declared.object)
    }

    fn compare(&self, model: &EntityModel, declared: &SystemObject, schema: &ObjectSchema, found: &mut Vec<Mismatch>) {
        let mut note = |field: &crate::model::Path, attribute: Option<&AttributeModel>, kind| {
            let named = attribute.map(|attribute| Text::from(format!("{}.{}", model.entity, attribute.id)));
            let (system, object) = (declared.system.clone(), declared.object.clone());
            found.push(Mismatch { system, object, field: field.clone(), attribute: named, kind });
        };
        for attribute in &model.attributes {
            for mapping in attribute.mappings.iter().filter(|mapping| mapping.object == declared.key) {
                let mapped = Mapped { attribute, mapping, schema };
                for path in mapped.missing() {
                    note(path, Some(attribute), MismatchKind::Missing);
                }
                if let Some((field, kind)) = mapped.misread() {
                    note(&field.path, Some(attribute), kind);
                }
                for (field, kind) in mapped.miswritten() {
                    note(&field.path, Some(attribute), kind);
                }
                for field in mapped.written() {
                    if let Some(kind) = self.too_long(model, attribute, field) {
                        note(&field.path, Some(attribute), kind);
                    }
                }
            }
        }
        if declared.presence == Presence::Optional {
            // Nothing is made there by itself.
            return;
        }
        for field in schema.fields.iter().filter(|field| field.required && !field.read_only) {
            let writes = |attribute: &&AttributeModel| {
                let mapped = attribute.mappings.iter().filter(|mapping| mapping.object == declared.key);
                mapped
                    .filter(|mapping| mapping.direction != Direction::ReadOnly)
                    .any(|one| one.write.iter().any(|path| schema.find(path).is_some_and(|of| of.path == field.path)))
            };
            let surely =
                |attribute: &AttributeModel| attribute.required || declared.create_needs.contains(&attribute.id);
            let mut writers = model.attributes.iter().filter(writes).peekable();
            match writers.peek().copied() {
                None => note(&field.path, None, MismatchKind::RequiredNotMapped),
                Some(_) if writers.any(surely) => {}
                Some(first) => note(&field.path, Some(first), MismatchKind::RequiredMayLack),
            }
        }
    }

    /// Whether a longer value may come from another field of the attribute.
    fn too_long(&self, model: &EntityModel, attribute: &AttributeModel, field: &FieldSchema) -> Option<MismatchKind> {
        let fits = field.max_length?;
        let read = attribute.mappings.iter().filter(|mapping| mapping.direction != Direction::WriteOnly);
        let longest = read.filter_map(|mapping| {
            let declared = model.objects.iter().find(|declared| declared.key == mapping.object)?;
            let [path] = mapping.read.as_slice() else { return None };
            self.schema(declared)?.find(path)?.max_length
        });
        let may_be = longest.max().filter(|longest| *longest > fits)?;
        Some(MismatchKind::TooLong { fits, may_be })
    }
}

/// One mapping, and the object type that it maps.
struct Mapped<'a> {
    attribute: &'a AttributeModel,
    mapping: &'a Mapping,
    schema: &'a ObjectSchema,
}

impl<'a> Mapped<'a> {
    fn reads(&self) -> bool {
        self.mapping.direction != Direction::WriteOnly && !self.mapping.read.is_empty()
    }

    fn writes(&self) -> bool {
        self.mapping.direction != Direction::ReadOnly
    }

    fn missing(&self) -> Vec<&'a crate::model::Path> {
        let read = self.mapping.read.iter().filter(|_| self.reads());
        let written = self.mapping.write.iter().filter(|_| self.writes());
        let mut missing: Vec<_> = read.chain(written).filter(|path| self.schema.find(path).is_none()).collect();
        missing.dedup();
        missing
    }

    fn wrong_type(&self, field: &FieldSchema) -> MismatchKind {
        MismatchKind::WrongType { field: field.kind.name().into(), attribute: self.attribute.kind.name.into() }
    }

    /// Tries what the fields hold on the mapping: whether it is read at all, and each option of a choice.
    fn misread(&self) -> Option<(&'a FieldSchema, MismatchKind)> {
        if !self.reads() || self.attribute.reference.is_some() || !self.attribute.members.is_empty() {
            return None;
        }
        let fields: Vec<&FieldSchema> =
            self.mapping.read.iter().map(|path| self.schema.find(path)).collect::<Option<_>>()?;
        let reads = |leaves: &[Leaf<'_>]| self.mapping.codec.read(leaves, &mut String::new()).is_ok();
        if let [field] = fields.as_slice()
            && let FieldKind::Choice(options) = &field.kind
        {
            let unread: Vec<Text> = options.iter().filter(|option| !reads(&[Leaf::Text(option)])).cloned().collect();
            let kind = if unread.len() == options.len() && !options.is_empty() && self.attribute.samples.is_empty() {
                self.wrong_type(field)
            } else {
                MismatchKind::UnreadOption { held: unread.clone() }
            };
            return (!unread.is_empty()).then_some((*field, kind));
        }
        let most = fields.iter().map(|field| field.examples.len()).max()?;
        // What nothing is known of is taken for what the mapping expects.
        if most == 0 || fields.iter().any(|field| field.examples.is_empty()) {
            return None;
        }
        let leaf = |field: &&'a FieldSchema, place: usize| {
            field.examples.get(place).or(field.examples.first()).map_or(Leaf::Null, Native::as_leaf)
        };
        let read = (0..most).any(|place| reads(&fields.iter().map(|field| leaf(field, place)).collect::<Vec<_>>()));
        let read = read || fields.iter().any(|field| is_of_numbers(field)) && !self.refuses_numbers(&fields);
        fields.first().filter(|_| !read).map(|field| (*field, self.wrong_type(field)))
    }

    /// Whether it is certain that no number reads, of which examples are only some: of a type whose values are known, or that is built
    /// in, and that reads no number of those that it is written as.
    fn refuses_numbers(&self, fields: &[&FieldSchema]) -> bool {
        let codec = &self.mapping.codec;
        let known = !self.attribute.samples.is_empty() || KIND_NAMES.contains(&self.attribute.kind.name);
        let written = samples_of(self.attribute);
        let written = written.iter().filter_map(|sample| codec.write(&Field::value(sample)).ok());
        let reads = |natives: Vec<Native>| {
            let ([native], [field]) = (natives.as_slice(), fields) else { return false };
            let Some(number) = native.as_leaf().as_text() else { return false };
            let read = |leaf| codec.read(&[leaf], &mut String::new()).is_ok();
            matches!(takes(&field.kind, native), Takes::Yes) && (read(Leaf::Number(number)) || read(Leaf::Text(number)))
        };
        known && !codec.is_transform() && !written.into_iter().any(reads)
    }

    /// The fields that it writes.
    fn written(&self) -> Vec<&'a FieldSchema> {
        let paths = self.mapping.write.iter().filter(|_| self.writes());
        paths.filter_map(|path| self.schema.find(path)).collect()
    }

    /// Tries what the mapping writes on the fields: a mismatch of each kind for each field at the most. Of what reads well, the system
    /// refuses by itself what it does not take.
    fn miswritten(&self) -> Vec<(&'a FieldSchema, MismatchKind)> {
        let mut found: Vec<(&FieldSchema, MismatchKind)> = Vec::new();
        let is_read = self.reads() && self.misread().is_none();
        let not_taken = |field: &FieldSchema| match self.wrong_type(field) {
            MismatchKind::WrongType { field, attribute } if is_read => MismatchKind::MayRefuse { field, attribute },
            kind => kind,
        };
        let fields = self.written();
        for field in &fields {
            if field.read_only {
                found.push((field, MismatchKind::ReadOnly));
            }
        }
        if fields.len() != self.mapping.write.len() || self.attribute.reference.is_some() {
            return found;
        }
        let tried: Vec<Vec<Native>> = samples_of(self.attribute)
            .iter()
            .filter(|sample| in_currency(sample, self.mapping))
            .filter_map(|sample| self.mapping.codec.write(&Field::value(sample)).ok())
            .filter(|natives| natives.len() == fields.len())
            .collect();
        for (place, field) in fields.iter().enumerate().filter(|(_, field)| !field.read_only) {
            let natives = || tried.iter().filter_map(|natives| natives.get(place));
            let mut unknown: Vec<Text> = Vec::new();
            for native in natives() {
                match takes(&field.kind, native) {
                    Takes::Yes => {}
                    Takes::NotOfItsType if found.iter().any(|(of, kind)| of == field && *kind == not_taken(field)) => {}
                    Takes::NotOfItsType => found.push((field, not_taken(field))),
                    Takes::NoSuchOption(option) if !unknown.contains(&option) => unknown.push(option),
                    Takes::NoSuchOption(_) => {}
                }
            }
            // Of an open type, only the system can say which of its values it takes.
            if !unknown.is_empty() && !self.attribute.samples.is_empty() {
                found.push((field, MismatchKind::UnknownOption { written: unknown }));
            }
            // How long a text is, only the fields that it comes from tell.
            let bounded = self.attribute.kind != <String as Value>::KIND;
            let longest = natives().filter(|_| bounded).filter_map(length).max();
            if let (Some(fits), Some(may_be)) = (field.max_length, longest)
                && may_be > fits
            {
                found.push((field, MismatchKind::TooLong { fits, may_be }));
            }
        }
        found
    }
}

fn is_of_numbers(field: &FieldSchema) -> bool {
    matches!(field.kind, FieldKind::Integer | FieldKind::Number)
}

/// Whether a field takes a leaf.
enum Takes {
    Yes,
    NotOfItsType,
    NoSuchOption(Text),
}

fn takes(kind: &FieldKind, native: &Native) -> Takes {
    let yes = |yes: bool| if yes { Takes::Yes } else { Takes::NotOfItsType };
    match (kind, native) {
        (FieldKind::Text | FieldKind::Other(_) | FieldKind::Reference, _) | (_, Native::Null | Native::Elements(_)) => {
            Takes::Yes
        }
        (kind, Native::List(elements)) => {
            let refused = elements.iter().map(|element| takes(kind, element)).find(|told| !matches!(told, Takes::Yes));
            refused.unwrap_or(Takes::Yes)
        }
        (FieldKind::Choice(options), Native::Text(text) | Native::Number(text)) => {
            if options.contains(text) {
                Takes::Yes
            } else {
                Takes::NoSuchOption(text.clone())
            }
        }
        (FieldKind::Choice(options), Native::Bool(value)) => {
            let text = Text::from(value.to_string());
            if options.contains(&text) { Takes::Yes } else { Takes::NoSuchOption(text) }
        }
        (FieldKind::Integer, Native::Text(text) | Native::Number(text)) => yes(text.parse::<i128>().is_ok()),
        (FieldKind::Number, Native::Text(text) | Native::Number(text)) => yes(text.parse::<Decimal>().is_ok()),
        (FieldKind::Bool, Native::Text(text) | Native::Number(text)) => {
            yes(["true", "false", "T", "F"].contains(&text.as_str()))
        }
        (FieldKind::Bool, Native::Bool(_)) => Takes::Yes,
        // How days and instants are written differs; that they begin with a digit does not.
        (FieldKind::Date | FieldKind::Instant, Native::Text(text) | Native::Number(text)) => {
            yes(text.starts_with(|first: char| first.is_ascii_digit()))
        }
        (FieldKind::Integer | FieldKind::Number | FieldKind::Date | FieldKind::Instant, Native::Bool(_)) => {
            Takes::NotOfItsType
        }
    }
}

/// How many characters a leaf has.
fn length(native: &Native) -> Option<usize> {
    match native {
        Native::Text(text) | Native::Number(text) => Some(text.chars().count()),
        Native::List(elements) => elements.iter().filter_map(length).max(),
        Native::Null | Native::Bool(_) | Native::Elements(_) => None,
    }
}
