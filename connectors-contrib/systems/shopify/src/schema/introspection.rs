//! The answer of an introspection query.

use std::collections::BTreeMap;

use accordant::text::Text;
use serde::Deserialize;
use serde_json::Value;

use super::{TypeRef, Types};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Type {
    kind: String,
    name: Option<String>,
    fields: Option<Vec<Field>>,
    input_fields: Option<Vec<Field>>,
    enum_values: Option<Vec<Named>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Field {
    name: String,
    #[serde(rename = "type")]
    of: Wrapped,
    default_value: Option<String>,
}

#[derive(Deserialize)]
struct Named {
    name: Text,
}

/// A type, within what says that it is a list, or never null.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wrapped {
    kind: String,
    name: Option<String>,
    of_type: Option<Box<Wrapped>>,
}

impl Wrapped {
    fn reference(&self) -> Option<TypeRef> {
        if let Some(name) = &self.name {
            return Some(TypeRef { name: name.clone(), list: false, required: false });
        }
        let inner = self.of_type.as_ref()?.reference()?;
        match self.kind.as_str() {
            "NON_NULL" => Some(TypeRef { required: true, ..inner }),
            "LIST" => Some(TypeRef { list: true, required: false, ..inner }),
            _ => None,
        }
    }
}

/// The types, if it is such an answer.
pub(super) fn parse(text: &str) -> Option<Types> {
    let answer: Value = serde_json::from_str(text).ok()?;
    let schema = if answer["data"].is_object() { &answer["data"]["__schema"] } else { &answer["__schema"] };
    let all: Vec<Type> = serde_json::from_value(schema["types"].clone()).ok()?;
    let mut types = Types::default();
    for one in all {
        let Some(name) = one.name else { continue };
        let fields = |fields: Option<Vec<Field>>| -> Option<BTreeMap<String, TypeRef>> {
            let field = |field: Field| {
                let of = field.of.reference()?;
                let required = of.required && field.default_value.is_none();
                Some((field.name, TypeRef { required, ..of }))
            };
            fields?.into_iter().map(field).collect()
        };
        match one.kind.as_str() {
            "OBJECT" | "INTERFACE" => drop(types.objects.insert(name, fields(one.fields)?)),
            "INPUT_OBJECT" => drop(types.inputs.insert(name, fields(one.input_fields)?)),
            "ENUM" => {
                let values = one.enum_values?.into_iter().map(|value| value.name).collect();
                types.enums.insert(name, values);
            }
            _ => {}
        }
    }
    Some(types)
}
