//! What a column holds: the kind decides how its values are normalised, blocked and compared.

use serde::{Deserialize, Serialize};

use crate::comparison::{DeclarationError, Declared, declared};

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
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attribute {
    /// The name of the column.
    pub name: String,
    /// What it holds.
    pub kind: Kind,
    /// How its values are compared; none for what is sensible for its kind. [`Schema::comparing`] says whether it can be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compared: Option<Declared>,
}

impl Attribute {
    /// A column that holds this, compared as is sensible for that.
    #[must_use]
    pub fn new(name: impl Into<String>, kind: Kind) -> Self {
        Self { name: name.into(), kind, compared: None }
    }
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
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
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
            attributes: attributes.iter().map(|(name, kind)| Attribute::new(*name, *kind)).collect(),
            entities: Entities::default(),
        }
    }

    /// The same columns, of which the values of one are compared as it is declared.
    ///
    /// ```
    /// use accordant_identity::attribute::{Kind, Schema};
    /// use accordant_identity::comparison::{DeclarationError, Declared};
    ///
    /// let schema = Schema::new(&[("serial", Kind::Identifier), ("born", Kind::Date), ("city", Kind::City)]);
    /// let schema = schema.comparing("serial", Declared::Edits(vec![1, 3]))?.comparing("born", Declared::Days(vec![2, 30]))?;
    /// // A city is part of an address, which is compared as a whole.
    /// let refused = schema.comparing("city", Declared::Same).unwrap_err();
    /// assert!(matches!(refused, DeclarationError::NotOnItsOwn { .. }));
    /// # Ok::<(), DeclarationError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`DeclarationError`] for an attribute that there is not, or that is looked at together with others; for a comparison that does not
    /// fit what it holds; and for tolerances that are none, out of order or out of bounds.
    pub fn comparing(mut self, attribute: &str, declared: Declared) -> Result<Self, DeclarationError> {
        declared::fits(&self, attribute, &declared)?;
        self.attributes
            .iter_mut()
            .filter(|of| of.name == attribute)
            .for_each(|of| of.compared = Some(declared.clone()));
        Ok(self)
    }

    /// How the values of an attribute are compared, if it is declared.
    #[must_use]
    pub fn declared(&self, attribute: &str) -> Option<&Declared> {
        self.attributes.iter().find(|of| of.name == attribute)?.compared.as_ref()
    }

    /// The same columns of entities of another kind.
    #[must_use]
    pub fn of(self, entities: Entities) -> Self {
        Self { entities, ..self }
    }
}
