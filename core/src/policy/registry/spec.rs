//! A policy as a file names it.

use std::collections::BTreeMap;
use std::str::FromStr;

use toml::de::DeValue;

/// A policy's name and parameters: `"latest"`, or `{ policy = "source_priority", systems = ["netsuite", "hubspot"] }`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PolicySpec {
    /// The policy's name.
    pub name: String,
    /// Its parameters by name.
    pub parameters: BTreeMap<String, Parameter>,
}

/// A policy's parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Parameter {
    /// A whole number.
    Number(i64),
    /// A text.
    Text(String),
    /// Several.
    List(Vec<Parameter>),
    /// Several by name.
    Table(Vec<(String, Parameter)>),
    /// Anything that no policy takes, as the file spells its type.
    Other(&'static str),
}

impl Parameter {
    /// What it is, for a message.
    #[must_use]
    pub fn what(&self) -> &'static str {
        match self {
            Parameter::Number(_) => "a whole number",
            Parameter::Text(_) => "a text",
            Parameter::List(_) => "a list",
            Parameter::Table(_) => "a table",
            Parameter::Other(what) => what,
        }
    }

    fn of(value: &DeValue<'_>) -> Self {
        match value {
            DeValue::String(text) => Parameter::Text(text.to_string()),
            DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
                Ok(number) => Parameter::Number(number),
                Err(_) => Parameter::Other("a number out of range"),
            },
            DeValue::Array(items) => Parameter::List(items.iter().map(|item| Self::of(item.get_ref())).collect()),
            DeValue::Table(entries) => Parameter::Table(
                entries.iter().map(|(key, value)| (key.get_ref().to_string(), Self::of(value.get_ref()))).collect(),
            ),
            DeValue::Float(_) => Parameter::Other("a fraction"),
            DeValue::Boolean(_) => Parameter::Other("true or false"),
            DeValue::Datetime(_) => Parameter::Other("a date"),
        }
    }
}

impl PolicySpec {
    /// A policy without parameters.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), parameters: BTreeMap::new() }
    }

    /// Adds a parameter.
    #[must_use]
    pub fn with(mut self, name: &str, parameter: Parameter) -> Self {
        self.parameters.insert(name.to_owned(), parameter);
        self
    }

    /// The systems that its parameter `systems` names, as a list or as the keys of a table.
    pub(crate) fn systems(&self) -> Vec<&str> {
        match self.parameters.get("systems") {
            Some(Parameter::List(items)) => items
                .iter()
                .filter_map(|item| match item {
                    Parameter::Text(system) => Some(system.as_str()),
                    _ => None,
                })
                .collect(),
            Some(Parameter::Table(entries)) => entries.iter().map(|(system, _)| system.as_str()).collect(),
            _ => Vec::new(),
        }
    }

    pub(crate) fn of(value: &DeValue<'_>) -> Result<Self, NotAPolicySpec> {
        match Parameter::of(value) {
            Parameter::Text(name) => Ok(Self::new(&name)),
            Parameter::Table(entries) => {
                let mut parameters: BTreeMap<String, Parameter> = entries.into_iter().collect();
                match parameters.remove("policy") {
                    Some(Parameter::Text(name)) => Ok(Self { name, parameters }),
                    Some(other) => Err(NotAPolicySpec::Name(other.what())),
                    None => Err(NotAPolicySpec::NoName),
                }
            }
            other => Err(NotAPolicySpec::Other(other.what())),
        }
    }
}

impl FromStr for PolicySpec {
    type Err = NotAPolicySpec;

    /// Reads a TOML value: a string, or an inline table with the key `policy`.
    fn from_str(text: &str) -> Result<Self, NotAPolicySpec> {
        let value = DeValue::parse(text).map_err(|error| NotAPolicySpec::Syntax(error.message().to_owned()))?;
        Self::of(value.get_ref())
    }
}

/// Text that names no policy.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotAPolicySpec {
    /// The text is no TOML value.
    #[error("not a TOML value: {0}")]
    Syntax(String),
    /// Neither a name nor a table.
    #[error("expected a policy's name or `{{ policy = \"name\", .. }}`, found {0}")]
    Other(&'static str),
    /// A table without a name.
    #[error("a policy with parameters names itself: `{{ policy = \"name\", .. }}`")]
    NoName,
    /// A name that is no text.
    #[error("`policy` is the policy's name, found {0}")]
    Name(&'static str),
}
