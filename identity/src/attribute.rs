//! What a column holds: the kind decides how its values are normalised, blocked and compared.

use serde::{Deserialize, Serialize};

/// The kind of an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Kind {
    /// A person's given name.
    GivenName,
    /// A person's surname.
    Surname,
    /// A person's whole name.
    FullName,
    /// The name of a company.
    Company,
    /// An e-mail address.
    Mailbox,
    /// A website, or the domain of one.
    Website,
    /// A phone number.
    Phone,
    /// A street with its number.
    Street,
    /// The number of a house, where it stands apart from its street.
    HouseNumber,
    /// A postcode.
    Postcode,
    /// A city, town or suburb.
    City,
    /// A country.
    Country,
    /// A number or code that is given to one thing only: of taxes, of social security, of an article.
    Identifier,
    /// A date.
    Date,
    /// One of few values.
    Category,
    /// A quantity or price.
    Number,
    /// A short text.
    Text,
    /// The title of a product or publication: words, the rare ones telling.
    Title,
    /// Several names: authors.
    Names,
    /// A long text, of which only rare words tell.
    Description,
    /// The system that a record comes from.
    System,
    /// Nothing that identifies.
    Ignored,
}

/// A column and its kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attribute {
    /// The name of the column.
    pub name: String,
    /// What it holds.
    pub kind: Kind,
}

/// What an entity is, where records hold a person and a company: two persons of one company look the same either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Entities {
    /// A person: colleagues are two entities.
    #[default]
    Persons,
    /// An account, of a company or of a person: the contacts of a company are one entity.
    Accounts,
}

/// The columns of a table, in their order, the record's id left out, and what its records are of.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Schema {
    /// The attributes.
    pub attributes: Vec<Attribute>,
    /// What an entity is.
    pub entities: Entities,
}

impl Schema {
    /// A schema of names and kinds, of persons.
    #[must_use]
    pub fn new(attributes: &[(&str, Kind)]) -> Self {
        Self {
            attributes: attributes.iter().map(|(name, kind)| Attribute { name: (*name).into(), kind: *kind }).collect(),
            entities: Entities::default(),
        }
    }

    /// The same columns of entities of another kind.
    #[must_use]
    pub fn of(self, entities: Entities) -> Self {
        Self { entities, ..self }
    }
}
