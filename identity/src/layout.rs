//! Which fields the columns of a schema make: a whole name makes two, street and house number one.

use crate::attribute::{Kind, Schema};

/// What a field holds: comparisons, blocks and relations are declared over roles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "each is the kind of the same name, or what a mailbox and a website say together")]
#[non_exhaustive]
pub enum Role {
    GivenName,
    Surname,
    Company,
    Mailbox,
    MailDomain,
    Website,
    Site,
    Phone,
    Street,
    Postcode,
    City,
    Country,
    Identifier,
    Date,
    Category,
    Number,
    Text,
    Title,
    Names,
    Description,
}

impl Role {
    /// Whether values are looked at word by word.
    pub(crate) const fn has_words(self) -> bool {
        matches!(self, Self::Company | Self::Title | Self::Names | Self::Description)
    }
}

/// A normalised value of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// The column it comes from, with the part if a column makes several.
    pub name: String,
    /// What it holds.
    pub role: Role,
    /// The dictionary of its values; fields whose values are compared with each other share one.
    pub dictionary: usize,
}

/// How a field is made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Recipe {
    pub(crate) kind: Kind,
    pub(crate) column: usize,
    /// A column whose value goes in front.
    pub(crate) with: Option<usize>,
    pub(crate) field: usize,
}

/// The fields of a table.
#[derive(Debug, Clone)]
pub struct Layout {
    /// The columns.
    pub schema: Schema,
    /// The fields.
    pub fields: Vec<Field>,
    pub(crate) recipes: Vec<Recipe>,
    pub(crate) dictionaries: usize,
    pub(crate) mail_domain: Option<usize>,
    pub(crate) website: Option<usize>,
    pub(crate) site: Option<usize>,
}

impl Layout {
    /// The fields that a schema's columns make.
    #[must_use]
    pub fn of(schema: Schema) -> Self {
        let mut layout = Self {
            schema: Schema::default(),
            fields: Vec::new(),
            recipes: Vec::new(),
            dictionaries: 0,
            mail_domain: None,
            website: None,
            site: None,
        };
        let column = |kind: Kind| schema.attributes.iter().position(|attribute| attribute.kind == kind);
        // The first street has the house number; the country comes first, as numbers are read by it.
        let (number, street) = (column(Kind::HouseNumber), column(Kind::Street));
        let mut order: Vec<usize> = (0..schema.attributes.len()).collect();
        order.sort_by_key(|place| (schema.attributes[*place].kind != Kind::Country, *place));
        let (mut names, mut domains) = (None, None);
        let mut titled = column(Kind::Title).is_some();
        for place in order {
            let attribute = &schema.attributes[place];
            let name = attribute.name.as_str();
            let mut recipe = Recipe::plain(attribute.kind, place, layout.fields.len());
            match attribute.kind {
                Kind::System | Kind::Ignored => continue,
                Kind::HouseNumber if street.is_some() => continue,
                Kind::HouseNumber => {
                    recipe.kind = Kind::Category;
                    layout.own(name, Role::Category);
                }
                Kind::GivenName => layout.shared(name, Role::GivenName, &mut names),
                Kind::Surname => layout.shared(name, Role::Surname, &mut names),
                Kind::FullName => {
                    layout.shared(&format!("{name}.given"), Role::GivenName, &mut names);
                    layout.shared(&format!("{name}.surname"), Role::Surname, &mut names);
                }
                Kind::Mailbox => {
                    layout.own(name, Role::Mailbox);
                    layout.mail_domain = layout.mail_domain.or(Some(layout.fields.len()));
                    layout.shared(&format!("{name}.domain"), Role::MailDomain, &mut domains);
                }
                Kind::Website => {
                    layout.website = layout.website.or(Some(layout.fields.len()));
                    layout.shared(name, Role::Website, &mut domains);
                }
                Kind::Street => {
                    recipe.with = number.filter(|_| street == Some(place));
                    layout.own(name, Role::Street);
                }
                Kind::Company => layout.own(name, Role::Company),
                Kind::Phone => layout.own(name, Role::Phone),
                Kind::Postcode => layout.own(name, Role::Postcode),
                Kind::City => layout.own(name, Role::City),
                Kind::Country => layout.own(name, Role::Country),
                Kind::Identifier => layout.own(name, Role::Identifier),
                Kind::Date => layout.own(name, Role::Date),
                Kind::Category => layout.own(name, Role::Category),
                Kind::Number => layout.own(name, Role::Number),
                Kind::Text => layout.own(name, Role::Text),
                Kind::Title => layout.own(name, Role::Title),
                Kind::Names => layout.own(name, Role::Names),
                Kind::Description if titled => layout.own(name, Role::Description),
                Kind::Description => {
                    // Where nothing has a title, what describes it is compared as one.
                    recipe.kind = Kind::Title;
                    titled = true;
                    layout.own(name, Role::Title);
                }
            }
            layout.recipes.push(recipe);
        }
        if layout.mail_domain.is_some() {
            layout.site = Some(layout.fields.len());
            layout.shared("site", Role::Site, &mut domains);
        }
        layout.schema = schema;
        layout
    }

    /// The first field of a role.
    #[must_use]
    pub fn field(&self, role: Role) -> Option<usize> {
        self.fields.iter().position(|field| field.role == role)
    }

    fn own(&mut self, name: &str, role: Role) {
        self.shared(name, role, &mut None);
    }

    fn shared(&mut self, name: &str, role: Role, dictionary: &mut Option<usize>) {
        let dictionary = *dictionary.get_or_insert_with(|| {
            self.dictionaries += 1;
            self.dictionaries - 1
        });
        self.fields.push(Field { name: name.to_owned(), role, dictionary });
    }
}
