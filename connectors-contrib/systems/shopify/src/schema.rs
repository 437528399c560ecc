//! The schema of a shop's interface, as it may be exported, in the vocabulary of schemas.

mod introspection;
mod sdl;

use std::collections::{BTreeMap, BTreeSet};

use accordant::connector::ConnectorError;
use accordant::model::Path;
use accordant::schema::{FieldKind, FieldSchema, ObjectSchema};
use accordant::text::Text;

use crate::inputs::input_of;
use crate::selection;
use crate::settings::{Object, Settings};
use crate::wire::malformed;

/// The types of an interface, as far as they are looked at.
#[derive(Debug, Default, PartialEq, Eq)]
struct Types {
    /// The fields of objects and interfaces.
    objects: BTreeMap<String, BTreeMap<String, TypeRef>>,
    /// The fields of inputs.
    inputs: BTreeMap<String, BTreeMap<String, TypeRef>>,
    /// The values of enumerations.
    enums: BTreeMap<String, BTreeSet<Text>>,
}

/// What a field is of.
#[derive(Debug, Clone, PartialEq, Eq)]
struct TypeRef {
    name: String,
    list: bool,
    /// Never null; of an input without a default: it must be given.
    required: bool,
}

impl Settings {
    /// What the interface says of an object type's mapped paths, by its schema: the answer of an introspection query, or a
    /// document in the schema definition language. For [`Contract`](accordant::schema::Contract).
    ///
    /// # Errors
    ///
    /// If it is neither, or has no type of the object's nodes.
    pub fn described(&self, object: &str, schema: &[u8]) -> Result<ObjectSchema, ConnectorError> {
        let text = std::str::from_utf8(schema).map_err(|_| malformed("a schema"))?;
        let types = if text.trim_start().starts_with('{') { introspection::parse(text) } else { sdl::parse(text) };
        let types = types.ok_or_else(|| malformed("a schema"))?;
        let new = Object::new(object);
        let declared = self.objects.get(object).unwrap_or(&new);
        if !types.objects.contains_key(&declared.node) {
            return Err(malformed("a schema with this type of nodes"));
        }
        let mut described = ObjectSchema::new(object);
        // What no document asks for is not there, whatever the schema has.
        let unasked = selection::unasked(declared);
        for path in declared.paths.iter().filter(|path| !unasked.contains(path)) {
            if let Some(field) = types.field(declared, path) {
                described.field(field);
            }
        }
        Ok(described)
    }
}

impl Types {
    /// The field that a documented path leads to; `None`: it leads nowhere.
    fn field(&self, object: &Object, path: &Path) -> Option<FieldSchema> {
        if selection::metafield(path).is_some() {
            // Every owner of metafields has any: what one holds is said by its definition.
            return Some(FieldSchema::new(path.clone(), FieldKind::Other("metafield".into())));
        }
        if let Some(name) = selection::quantity(path).filter(|_| object.is_level()) {
            // A quantity is asked for by its name; two of them are set.
            let field = FieldSchema::new(path.clone(), FieldKind::Integer);
            return Some(field.read_only(!matches!(name, "available" | "on_hand")));
        }
        let mut fields = self.objects.get(&object.node)?;
        let (last, way) = path.keys().split_last()?;
        for key in way {
            fields = self.objects.get(&fields.get(key.as_str())?.name)?;
        }
        let of = fields.get(last.as_str())?;
        let taken = input_of(object, path).and_then(|(input, field)| self.inputs.get(input)?.get(field));
        let field = FieldSchema::new(path.clone(), self.kind(of));
        // Instants, amounts and great numbers are carried as text.
        let field = if matches!(of.name.as_str(), "Int" | "Float" | "Boolean") { field } else { field.as_text() };
        Some(field.read_only(taken.is_none()).required(taken.is_some_and(|taken| taken.required)))
    }

    fn kind(&self, of: &TypeRef) -> FieldKind {
        if of.list {
            return FieldKind::Other("list".into());
        }
        if let Some(values) = self.enums.get(&of.name) {
            return FieldKind::Choice(values.clone());
        }
        match of.name.as_str() {
            "Int" | "UnsignedInt64" => FieldKind::Integer,
            "Float" | "Decimal" | "Money" => FieldKind::Number,
            "Boolean" => FieldKind::Bool,
            "Date" => FieldKind::Date,
            "DateTime" => FieldKind::Instant,
            "ID" => FieldKind::Reference,
            other if self.objects.contains_key(other) => FieldKind::Other(other.into()),
            _ => FieldKind::Text,
        }
    }
}
