//! As much of GraphQL as a stand-in needs: documents are parsed, arguments are filled in, and what was asked for is taken
//! out of objects that hold more. Whether a document is right by the vendor's schema is for a validator to say.

use apollo_compiler::Node;
use apollo_compiler::ast::{Definition, Document, Field, OperationDefinition, Selection, Value as Literal};
use serde_json::{Map, Value, json};

/// One field that is asked for, its arguments filled in.
pub(crate) struct Asked<'d> {
    /// What the answer calls it.
    pub(crate) key: &'d str,
    pub(crate) name: &'d str,
    pub(crate) arguments: Value,
    /// The key of `@idempotent`, if the field has it.
    pub(crate) idempotent: Option<String>,
    field: &'d Field,
}

/// Which page of a list within an object its arguments ask for.
pub(crate) type Lists = fn(&[Value], &Value) -> Result<Value, String>;

/// A parsed document and its variables.
pub(crate) struct Question {
    document: Document,
    variables: Value,
}

impl Question {
    pub(crate) fn parse(source: &str, variables: Value) -> Result<Self, String> {
        let document = Document::parse(source, "query").map_err(|error| error.errors.to_string())?;
        Ok(Self { document, variables })
    }

    fn operation(&self) -> Option<&Node<OperationDefinition>> {
        self.document.definitions.iter().find_map(|definition| match definition {
            Definition::OperationDefinition(operation) => Some(operation),
            _ => None,
        })
    }

    pub(crate) fn is_mutation(&self) -> bool {
        self.operation().is_some_and(|operation| operation.operation_type.is_mutation())
    }

    /// What is asked for at the root.
    pub(crate) fn roots(&self) -> Vec<Asked<'_>> {
        let selections = self.operation().map(|operation| operation.selection_set.as_slice()).unwrap_or_default();
        self.fields(selections).into_iter().map(|field| self.asked(field)).collect()
    }

    fn asked<'d>(&'d self, field: &'d Field) -> Asked<'d> {
        let literal = |value: &Literal| self.value(value);
        let arguments: Map<String, Value> =
            field.arguments.iter().map(|argument| (argument.name.to_string(), literal(&argument.value))).collect();
        let directive = field.directives.get("idempotent");
        let key = directive.and_then(|directive| directive.specified_argument_by_name("key"));
        let idempotent = key.and_then(|key| self.value(key).as_str().map(str::to_owned));
        Asked { key: field.response_name(), name: &field.name, arguments: Value::Object(arguments), idempotent, field }
    }

    /// Fields, those of fragments among them.
    fn fields<'d>(&'d self, selections: &'d [Selection]) -> Vec<&'d Field> {
        let mut fields = Vec::new();
        for selection in selections {
            match selection {
                Selection::Field(field) => fields.push(&**field),
                Selection::InlineFragment(fragment) => fields.extend(self.fields(&fragment.selection_set)),
                Selection::FragmentSpread(spread) => {
                    let named = self.document.definitions.iter().find_map(|definition| match definition {
                        Definition::FragmentDefinition(fragment) if fragment.name == spread.fragment_name => {
                            Some(fragment)
                        }
                        _ => None,
                    });
                    if let Some(fragment) = named {
                        fields.extend(self.fields(&fragment.selection_set));
                    }
                }
            }
        }
        fields
    }

    fn value(&self, literal: &Literal) -> Value {
        match literal {
            Literal::Null => Value::Null,
            Literal::Enum(name) => name.as_str().into(),
            Literal::Variable(name) => self.variables[name.as_str()].clone(),
            Literal::String(text) => text.as_str().into(),
            Literal::Boolean(value) => (*value).into(),
            Literal::Int(value) => value.try_to_i32().map_or(Value::Null, Into::into),
            Literal::Float(value) => value.as_str().into(),
            Literal::List(values) => values.iter().map(|value| self.value(value)).collect(),
            Literal::Object(members) => {
                Value::Object(members.iter().map(|(name, value)| (name.to_string(), self.value(value))).collect())
            }
        }
    }

    /// How many elements may come in the lists below a field.
    pub(crate) fn elements(&self, asked: &Asked<'_>) -> i64 {
        let below = self.fields(&asked.field.selection_set).into_iter().map(|field| self.asked(field));
        let elements = below.map(|below| {
            let within = self.elements(&below);
            match below.arguments["first"].as_i64() {
                Some(first) => first.saturating_add(first.saturating_mul(within)),
                None => within,
            }
        });
        elements.fold(0, i64::saturating_add)
    }

    /// What was asked for of an object. `metafield` and `quantities` are looked up by their arguments; `lists` says which
    /// page of a list within an object is meant.
    pub(crate) fn project(&self, asked: &Asked<'_>, found: &Value, lists: Lists) -> Result<Value, String> {
        self.shape(&asked.field.selection_set, found, lists)
    }

    fn shape(&self, selections: &[Selection], found: &Value, lists: Lists) -> Result<Value, String> {
        if selections.is_empty() || found.is_null() {
            return Ok(found.clone());
        }
        if let Value::Array(elements) = found {
            return elements.iter().map(|element| self.shape(selections, element, lists)).collect();
        }
        let mut shown = Map::new();
        for field in self.fields(selections) {
            let asked = self.asked(field);
            let value = match asked.name {
                "__typename" => found["__typename"].clone(),
                "metafield" => {
                    let name = |key: &str| asked.arguments[key].as_str().unwrap_or("$app").to_owned();
                    found["metafields"][format!("{}.{}", name("namespace"), name("key"))].clone()
                }
                "quantities" => {
                    let wanted = |quantity: &&Value| {
                        asked.arguments["names"].as_array().is_some_and(|names| names.contains(&quantity["name"]))
                    };
                    found["quantities"].as_array().into_iter().flatten().filter(wanted).cloned().collect()
                }
                name => match found.get(name) {
                    Some(list) if list.get("nodes").is_some() && list.get("pageInfo").is_none() => {
                        lists(list["nodes"].as_array().map(Vec::as_slice).unwrap_or_default(), &asked.arguments)?
                    }
                    Some(value) => value.clone(),
                    None => return Err(format!("Field '{name}' doesn't exist on type '{}'", found["__typename"])),
                },
            };
            shown.insert(asked.key.to_owned(), self.shape(&field.selection_set, &value, lists)?);
        }
        Ok(Value::Object(shown))
    }
}

/// A page of nodes, as a connection: cursors are the nodes' ids.
pub(crate) fn connection(nodes: Vec<Value>, more: bool) -> Value {
    let edges: Vec<Value> = nodes.iter().map(|node| json!({ "node": node, "cursor": node["id"] })).collect();
    let end = nodes.last().map_or(Value::Null, |node| node["id"].clone());
    json!({ "nodes": nodes, "edges": edges, "pageInfo": { "hasNextPage": more, "endCursor": end } })
}
