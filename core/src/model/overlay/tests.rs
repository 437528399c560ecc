use std::borrow::Cow;
use std::sync::Arc;

use crate::equivalence::{Equivalence, Normalizer};
use crate::fingerprint::Fingerprint;
use crate::id::SystemName;
use crate::model::overlay::reference::Reference;
use crate::model::{
    At, EntityModel, GroupModel, Model, OnDelete, OnLoss, OverlayError, Presence, Reduce, Shape, SystemObject,
    TypedAttribute, WriteTo,
};
use crate::ownership::{Direction, OnClear, Strength};
use crate::policy::{Registry, builtin};
use crate::value::{Field, Hints, InCurrency, Kind, Leaf, Malformed, Native, OneLeaf, Value};

/// A text, and an amount: what the tests declare attributes of.
macro_rules! plain {
    ($name:ident, $kind:literal) => {
        #[derive(Debug, Clone, PartialEq, Eq)]
        struct $name(String);
        impl Value for $name {
            const KIND: Kind = Kind { name: $kind, version: 1 };
            fn parse(leaf: Leaf<'_>, hints: &Hints) -> Result<Self, Malformed> {
                let text = leaf.as_text().ok_or(Malformed::new("not a text"))?;
                Ok(Self(format!("{text}{}", hints.currency.as_deref().unwrap_or_default())))
            }
            fn canonical(&self, out: &mut String) {
                out.push_str(&self.0);
            }
            fn from_canonical(text: &str) -> Result<Self, Malformed> {
                Ok(Self(text.to_owned()))
            }
            fn native(&self, _: &Hints) -> Native {
                Native::Text(self.0.as_str().into())
            }
        }
    };
}
plain!(Plain, "plain");
plain!(Amount, "amount");
impl OneLeaf for Plain {}
impl InCurrency for Amount {}

#[derive(Debug)]
struct Lower;

impl Normalizer for Lower {
    fn name(&self) -> Cow<'static, str> {
        "lower".into()
    }
    fn fingerprint(&self, fingerprint: &mut Fingerprint) {
        fingerprint.number(1);
    }
    fn normalize<'a>(&self, text: &'a str) -> Cow<'a, str> {
        text.to_lowercase().into()
    }
}

fn registry() -> Registry {
    Registry::builtin().kind::<Plain>().amount::<Amount>().normalizer(Lower)
}

const CUSTOMER: &str = r#"
entity = "customer"
retired = ["fax"]
existence = ["netsuite"]
on_delete = "archive"
on_loss = "restore"

[system.shopify]
object = "customers"
many = { reduce = "latest", write = "primary" }
links_only = true
on_loss = "restore"

[system.netsuite]
object = "customer"
required = true
create_needs = ["email", "balance"]
on_delete = "stand"
on_loss = "accept"

[system.hubspot_company]
system = "hubspot"
object = "companies"
required_when = { tier = "gold" }

[group.address]
owner = ["netsuite"]
resolve = ["owner", "most_complete"]
on_clear = "hold"

[attribute.email]
kind = "plain"
required = true
identity = true
pii = true
normalize = "lower"
resolve = ["most_recent_authoritative", { policy = "trust", systems = { shopify = 90 }, half_life_days = 30 }]
at.shopify = "email"
at.netsuite = { path = "mail", write = "new_mail", region = "US", zone = "Europe/Berlin", format = "%d" }

[attribute.balance]
kind = "amount"
owner = ["netsuite", "hub"]
on_clear = "propagate"
equivalence = { tolerance = 0.01 }
at.netsuite = { path = "balance", currency_path = "currency.id", read_only = true }
at.hubspot_company = { path = "properties.balance", currency = "USD", strong = true }

[attribute.tier]
kind = "plain"
was = ["segment"]
hub = true

[attribute.tags]
kind = "plain"
shape = "set"
resolve = ["union"]
equivalence = "lower"
at.shopify = { path = "tags", separator = ";", strength = "weak" }

[attribute.street]
kind = "plain"
group = "address"
at.shopify = "address.street"

[attribute.zip]
kind = "plain"
group = "address"
at.shopify = { path = "address.zip", write_only = false }

[attribute.manager]
kind = "ref"
to = "customer"
at.netsuite = { path = "supervisor.id", via_object = "netsuite" }
"#;

/// The same, as the derive would build it.
fn customer() -> EntityModel {
    let mut model = EntityModel::new("customer");
    let shopify = SystemObject::new("shopify", "customers").many(Reduce::Latest, WriteTo::Primary).links_only();
    model.object(shopify.on_loss(OnLoss::Restore));
    let netsuite = SystemObject::new("netsuite", "customer").required().create_needs("email").create_needs("balance");
    model.object(netsuite.on_delete(OnDelete::Stand).on_loss(OnLoss::Accept));
    model.object(SystemObject::new("hubspot", "companies").key("hubspot_company").required_when_equals("tier", "gold"));
    model.attribute(
        TypedAttribute::<Plain>::new("email")
            .required(true)
            .identity()
            .pii()
            .normalize(Lower)
            .resolve(builtin::most_recent_authoritative())
            .resolve(builtin::trust(&[("shopify", 90)]).half_life_days(30))
            .at(At::path("shopify", "email"))
            .at(At::path("netsuite", "mail").write_to(&["new_mail"]).region("US").zone("Europe/Berlin").format("%d")),
    );
    model.attribute(
        TypedAttribute::<Amount>::new("balance")
            .owner("netsuite")
            .owner("hub")
            .on_clear(OnClear::Propagate)
            .equivalence(Equivalence::Tolerance("0.01".parse().expect("a number")))
            .at(At::amount_with_currency_at("netsuite", "balance", "currency.id").read_only())
            .at(At::amount_in("hubspot_company", "properties.balance", "USD").strong()),
    );
    model.attribute(TypedAttribute::<Plain>::new("tier").was("segment").hub());
    model.attribute(
        TypedAttribute::<Plain>::new("tags")
            .shape(Shape::Set)
            .resolve(builtin::union())
            .equivalence(Equivalence::Normalized(Arc::new(Lower)))
            .at(At::path("shopify", "tags").separator(';').weak()),
    );
    model.attribute(TypedAttribute::<Plain>::new("street").group("address").at(At::path("shopify", "address.street")));
    model.attribute(TypedAttribute::<Plain>::new("zip").group("address").at(At::path("shopify", "address.zip")));
    model.attribute(
        TypedAttribute::<Reference>::new("manager").at(At::path("netsuite", "supervisor.id").via_object("netsuite")),
    );
    if let Some(manager) = model.attributes.last_mut() {
        manager.reference = Some("customer".into());
    }
    model.group(
        GroupModel::new("address")
            .owner("netsuite")
            .resolve(builtin::owner())
            .resolve(builtin::most_complete())
            .on_clear(OnClear::Hold),
    );
    model.retired("fax");
    model.existence_owners = vec!["netsuite".into()];
    model.on_delete = OnDelete::Archive;
    model.on_loss = OnLoss::Restore;
    model
}

/// Everything of a model that can be compared, as text: codecs and policies by fingerprint.
fn portrait(model: &EntityModel) -> String {
    let mut out = format!(
        "{:?}\n{:?} {:?} {:?} {:?}\n{:?}\n",
        model.objects, model.retired, model.existence_owners, model.on_delete, model.on_loss, model.groups
    );
    for attribute in &model.attributes {
        let mut attribute = attribute.clone();
        let mut fingerprint = Fingerprint::new();
        attribute.equivalence.fingerprint(&mut fingerprint);
        attribute.mappings.iter().for_each(|mapping| mapping.codec.fingerprint(&mut fingerprint));
        attribute.chain.iter().for_each(|policy| policy.fingerprint(&mut fingerprint));
        attribute.check = |_| Ok(());
        out.push_str(&format!("{}\n", fingerprint.finish()));
        let text = format!("{attribute:?}");
        out.push_str(text.split(", check: ").next().unwrap_or_default());
        out.push('\n');
    }
    out
}

fn digest(model: EntityModel) -> String {
    Model::compile(vec![model]).map_or_else(|mistakes| mistakes.to_string(), |model| model.fingerprint.to_string())
}

fn lines(error: &OverlayError) -> Vec<String> {
    error.mistakes().iter().map(ToString::to_string).collect()
}

#[test]
fn a_file_declares_the_model_that_the_builders_make() {
    let file = EntityModel::from_toml(CUSTOMER, &registry()).expect("the file is right");
    assert_eq!(portrait(&file), portrait(&customer()));
    assert_eq!(digest(file), digest(customer()));
}

#[cfg(feature = "phone")]
#[test]
fn a_normalizer_may_have_a_parameter() {
    let declare = |normalize: &str| {
        let text = format!(
            "entity = 'customer'\n[system.shopify]\nobject = 'customers'\n[attribute.phone]\nkind = 'plain'\n\
             normalize = '{normalize}'\nat.shopify = 'phone'"
        );
        EntityModel::from_toml(&text, &registry())
    };
    let model = declare("phone(US)").expect("the file is right");
    let codec = &model.attributes[0].mappings[0].codec;
    let mut canonical = String::new();
    codec.read(&[Leaf::Text("(415) 555-2671")], &mut canonical).expect("a number");
    assert_eq!(canonical, "+14155552671");
    let nowhere = lines(&declare("phone(ZZ)").expect_err("no such region"));
    assert!(nowhere[0].contains("there is no normalizer `phone(ZZ)`"), "{nowhere:?}");
    assert!(declare("trim(US)").is_err(), "it takes no parameter");
}

#[test]
fn the_two_models_read_alike() {
    let file = EntityModel::from_toml(CUSTOMER, &registry()).expect("the file is right");
    for (one, other) in file.attributes.iter().zip(&customer().attributes) {
        for (one, other) in one.mappings.iter().zip(&other.mappings) {
            for leaves in
                [&[Leaf::Text("ABC"), Leaf::Text("EUR")][..], &[Leaf::Null], &[Leaf::Text(" ")], &[Leaf::Bool(true)]]
            {
                let (mut a, mut b) = (String::new(), String::new());
                assert_eq!(one.codec.read(leaves, &mut a), other.codec.read(leaves, &mut b));
                assert_eq!(a, b);
                assert_eq!(one.codec.write(&Field::value(&a)), other.codec.write(&Field::value(&b)));
            }
        }
    }
}

#[test]
fn an_overlay_changes_what_it_names_and_nothing_else() {
    let overlay = r#"
entity = "customer"
on_delete = "hold"
on_loss = "ask"
existence = []

[system.netsuite]
required_when = "email"
create_needs = ["email"]

[group.address]
owner = ["shopify"]

[attribute.email]
owner = "shopify"
resolve = ["latest"]
on_clear = "hold"
at.shopify = "contact.email"
at.netsuite = { path = "address", weak = true }

[attribute.balance]
at.netsuite = { path = "total", currency_path = "cur" }
at.hubspot_company = { path = "properties.total", strength = "normal", read_only = true }
"#;
    let mut changed = customer();
    changed.overlay(overlay, &registry()).expect("the overlay is right");
    let before = customer();
    assert_eq!((changed.on_delete, changed.existence_owners.len()), (OnDelete::Hold, 0));
    assert_eq!((changed.on_loss, changed.objects[1].on_loss), (OnLoss::Ask, Some(OnLoss::Accept)));
    assert_eq!(changed.objects[1].presence, Presence::RequiredWhen { attribute: "email".into(), equals: None });
    assert_eq!(changed.objects[1].create_needs, ["email".into()]);
    assert_eq!(changed.objects[0], before.objects[0]);
    assert_eq!(changed.groups[0].owners, [SystemName::new("shopify")]);
    assert_eq!(changed.groups[0].chain.len(), 2, "not named, not changed");
    let (email, was) = (&changed.attributes[0], &before.attributes[0]);
    assert_eq!((email.owners.as_slice(), email.on_clear), (&[SystemName::new("shopify")][..], Some(OnClear::Hold)));
    assert_eq!(format!("{:?}", email.chain), "[latest]");
    assert_eq!(
        format!("{:?} {:?}", email.mappings[0].read, email.mappings[0].write),
        "[contact.email] [contact.email]"
    );
    let netsuite = &email.mappings[1];
    assert_eq!(format!("{:?} {:?}", netsuite.read, netsuite.write), "[address] [new_mail]", "its own write path stays");
    assert_eq!((netsuite.strength, &netsuite.hints), (Strength::Weak, &was.mappings[1].hints));
    let codec = |model: &EntityModel, attribute: usize, mapping: usize| {
        let mut fingerprint = Fingerprint::new();
        model.attributes[attribute].mappings[mapping].codec.fingerprint(&mut fingerprint);
        fingerprint.finish()
    };
    assert_eq!(codec(&changed, 0, 1), codec(&before, 0, 1), "the codec stays");
    let balance = &changed.attributes[1].mappings;
    assert_eq!(format!("{:?} {:?}", balance[0].read, balance[0].direction), "[total, cur] ReadOnly");
    assert_eq!((balance[1].strength, balance[1].direction), (Strength::Normal, Direction::ReadOnly));
    assert_ne!(digest(changed.clone()), digest(customer()), "an overlay is in the fingerprint");
    assert_eq!(format!("{:?}", changed.attributes[2..].len()), "5");
}

#[test]
fn an_overlay_with_a_mistake_changes_nothing() {
    let mut model = customer();
    let before = portrait(&model);
    let wrong = "entity = 'customer'\non_delete = 'hold'\n[attribute.emial]\nowner = ['netsuite']";
    assert!(model.overlay(wrong, &registry()).is_err());
    assert_eq!(portrait(&model), before);
}

#[test]
fn every_mistake_of_an_overlay_is_named() {
    let cases: &[(&str, &[&str])] = &[
        (
            "[attribute.emial]",
            &[
                "line 2: attribute.emial: `customer` has no attribute `emial`; did you mean `email`? (known: email, balance, tier, tags, street, zip, manager)",
            ],
        ),
        (
            "[attribute.email]\nowner = ['hubspto']",
            &[
                "line 3: attribute.email.owner: `hubspto` is not a system of this entity; did you mean `hubspot`? (known: shopify, netsuite, hubspot, hub)",
            ],
        ),
        (
            "[attribute.email]\nowner = ['hubspot', 'hubspot']",
            &["line 3: attribute.email.owner[1]: `hubspot` is named twice"],
        ),
        ("[attribute.email]\nowner = 3", &["line 3: attribute.email.owner: expected a text, found a whole number"]),
        (
            "[attribute.email]\nowmer = 'hubspot'",
            &["line 3: attribute.email.owmer: there is no option `owmer` here; did you mean `owner`? (known: OPTIONS)"],
        ),
        (
            "[attribute.email]\nresolve = ['lastest']",
            &[
                "line 3: attribute.email.resolve[0]: there is no policy `lastest` for values of kind `plain`; did you mean `latest`? (known: POLICIES)",
            ],
        ),
        (
            "[attribute.email]\nresolve = [{ policy = 'latest', witin = 1 }]",
            &[
                "line 3: attribute.email.resolve[0]: parameter `witin` of `latest`: no such parameter; did you mean `within`? (known: within)",
            ],
        ),
        (
            "[attribute.email]\nresolve = { policy = 'trust', systems = { hubspto = 9 } }",
            &[
                "line 3: attribute.email.resolve: `hubspto` is not a system of this entity; did you mean `hubspot`? (known: shopify, netsuite, hubspot, hub)",
            ],
        ),
        (
            "[attribute.email]\non_clear = 'propogate'",
            &[
                "line 3: attribute.email.on_clear: `propogate` is not possible here; did you mean `propagate`? (known: propagate, hold)",
            ],
        ),
        (
            "[attribute.email]\nat.hubspot_company = 'x'",
            &[
                "line 3: attribute.email.at.hubspot_company: `hubspot_company` does not hold `email`; a new mapping belongs to the model (known: shopify, netsuite)",
            ],
        ),
        (
            "[attribute.email]\nat.shopify = { path = 'x', region = 'US' }",
            &[
                "line 3: attribute.email.at.shopify.region: how a leaf is read belongs to the model; an overlay says where it stands",
            ],
        ),
        (
            "[attribute.email]\nat.shopify = { paths = ['x', 'y'] }",
            &["line 3: attribute.email.at.shopify.paths: 1 leaves make the value here, found 2 paths"],
        ),
        (
            "[attribute.email]\nat.shopify = { currency_path = 'x' }",
            &["line 3: attribute.email.at.shopify.currency_path: no currency is read here, so it cannot be moved"],
        ),
        (
            "[attribute.email]\nat.shopify = { read_only = true, write_only = true }",
            &["line 3: attribute.email.at.shopify: `read_only` and `write_only` exclude each other"],
        ),
        (
            "[attribute.email]\nat.shopify = { weak = true, strong = true }",
            &["line 3: attribute.email.at.shopify: more than one strength is given"],
        ),
        (
            "[attribute.email]\nkind = 'amount'",
            &["line 3: attribute.email.kind: the type of a value belongs to the model: stored values have it"],
        ),
        (
            "[attribute.street]\nowner = 'shopify'",
            &["line 2: attribute.street: it is a member of a group, which is decided as one: change `[group.address]`"],
        ),
        (
            "[group.adress]\nowner = 'shopify'",
            &[
                "line 2: group.adress: no attribute is a member of group `adress`; did you mean `address`? (known: address)",
            ],
        ),
        (
            "[system.netsuit]\nrequired = true",
            &[
                "line 2: system.netsuit: no object key `netsuit` is declared on this entity; did you mean `netsuite`? (known: shopify, netsuite, hubspot_company)",
            ],
        ),
        (
            "[system.netsuite]\nobject = 'x'",
            &[
                "line 3: system.netsuite.object: an overlay does not move a system's object type: links and state belong to it",
            ],
        ),
        (
            "[system.netsuite]\nrequired = true\nrequired_when = 'email'",
            &["line 4: system.netsuite.required_when: `required` and `required_when` exclude each other"],
        ),
        (
            "[system.netsuite]\ncreate_needs = ['emal']",
            &[
                "line 3: system.netsuite.create_needs[0]: this entity has no attribute `emal`; did you mean `email`? (known: email, balance, tier, tags, street, zip, manager)",
            ],
        ),
        ("retired = ['x']", &["line 2: retired: an id is retired where the attribute was removed: in the model"]),
        ("attribute = 3", &["line 2: attribute: expected a table, found a whole number"]),
    ];
    for (text, expected) in cases {
        let error = customer().overlay(&format!("entity = 'customer'\n{text}"), &registry()).expect_err(text);
        let options = "kind, to, required, identity, pii, was, migrated, group, shape, set, list, hub, derived, normalize, \
                       equivalence, resolve, owner, on_clear, rules, at";
        let policies = registry().known("plain").join(", ");
        let expected: Vec<String> =
            expected.iter().map(|line| line.replace("OPTIONS", options).replace("POLICIES", &policies)).collect();
        // A list of one is shown with its index only where it is written as a list.
        assert_eq!(
            lines(&error),
            expected.iter().map(|line| line.replace("owner: `hubspto", "owner[0]: `hubspto")).collect::<Vec<_>>(),
            "{text}"
        );
    }
    let other = customer().overlay("entity = 'custmer'", &registry()).expect_err("another entity");
    assert_eq!(
        lines(&other),
        [
            "line 1: entity: the file is about `custmer`, the model is another; did you mean `customer`? (known: customer)"
        ]
    );
    let none = customer().overlay("", &registry()).expect_err("no entity");
    assert_eq!(lines(&none), ["line 1: `entity` is missing: the entity type that the file changes"]);
}

#[test]
fn every_mistake_of_a_declaration_is_named() {
    let head = "entity = 'customer'\n[system.shopify]\nobject = 'customers'\n";
    let cases: &[(&str, &[&str])] = &[
        (
            "[attribute.a]\nat.shopify = 'a'",
            &["line 4: attribute.a: `kind` is missing: the kind of value, such as `text`"],
        ),
        (
            "[attribute.a]\nkind = 'plan'\nat.shopify = 'a'",
            &[
                "line 5: attribute.a.kind: there is no kind of value `plan`; did you mean `plain`? (known: amount, bool, consent, country, currency, date, decimal, domain, email, instant, integer, money, phone, plain, text, unsigned, url, ref)",
            ],
        ),
        (
            "[attribute.a]\nkind = 'plain'",
            &[
                "line 4: attribute.a: it is held nowhere: say where with `at`, or `hub = true` if operators alone enter it",
            ],
        ),
        (
            "[attribute.a]\nkind = 'plain'\nhub = true\nat.shopify = 'a'",
            &["line 4: attribute.a: `hub = true` means that operators alone enter it, yet `at` maps it"],
        ),
        (
            "[attribute.a]\nkind = 'plain'\nat.shopfy = 'a'",
            &[
                "line 6: attribute.a.at.shopfy: no object key `shopfy` is declared on this entity; did you mean `shopify`? (known: shopify)",
            ],
        ),
        (
            "[attribute.a]\nkind = 'plain'\nat.shopify = {}",
            &["line 6: attribute.a.at.shopify: `path` is missing: where the record holds the value"],
        ),
        (
            "[attribute.a]\nkind = 'ref'\nat.shopify = 'a'",
            &["line 4: attribute.a: `to` is missing: a reference names the entity type it refers to"],
        ),
        (
            "[attribute.a]\nkind = 'plain'\nto = 'x'\nat.shopify = 'a'",
            &["line 6: attribute.a.to: only attributes of kind `ref` refer to an entity type"],
        ),
        (
            "[attribute.a]\nkind = 'plain'\nat.shopify = { path = 'a', via_object = 'shopify' }",
            &[
                "line 6: attribute.a.at.shopify.via_object: only attributes of kind `ref` take `via_object`: it says which object type their ids are of",
            ],
        ),
        (
            "[attribute.a]\nkind = 'amount'\nat.shopify = 'a'",
            &[
                "line 6: attribute.a.at.shopify: an amount needs its currency: `currency = \"USD\"`, or `currency_path = \"..\"`",
            ],
        ),
        (
            "[attribute.a]\nkind = 'amount'\nat.shopify = { path = 'a', currency = 'currency.id' }",
            &[
                "line 6: attribute.a.at.shopify.currency: `currency.id` is no ISO 4217 code; a path goes to `currency_path`",
            ],
        ),
        (
            "[attribute.a]\nkind = 'plain'\nat.shopify = { path = 'a', currency = 'USD' }",
            &["line 6: attribute.a.at.shopify: only an amount has a currency"],
        ),
        (
            "[attribute.a]\nkind = 'plain'\nat.shopify = { path = 'a', region = 'USA', zone = 'Berlin', separator = ';;' }",
            &[
                "line 6: attribute.a.at.shopify.region: `USA` is no ISO 3166 alpha-2 code",
                "line 6: attribute.a.at.shopify.zone: `Berlin` is no IANA time zone",
                "line 6: attribute.a.at.shopify.separator: expected one character, found `;;`",
            ],
        ),
        (
            "[attribute.a]\nkind = 'plain'\nhub = true\nderived = 'x'",
            &["line 7: attribute.a.derived: a derived attribute is computed by code: declare it with the derive"],
        ),
        (
            "[attribute.a]\nkind = 'plain'\nhub = true\nkeyed = 'x'",
            &[
                "line 7: attribute.a.keyed: the elements of a keyed collection are a Rust type: declare it with the derive",
            ],
        ),
        (
            "[attribute.a]\nkind = 'plain'\nhub = true\nset = true\nlist = true",
            &["line 4: attribute.a: more than one shape is given"],
        ),
        (
            "[attribute.a]\nkind = 'plain'\nhub = true\nnormalize = 'lowr'",
            &[
                "line 7: attribute.a.normalize: there is no normalizer `lowr`; did you mean `lower`? (known: alphanumeric, collapse_spaces, digits, domain, email, lower, lowercase, phone, trim, uppercase)",
            ],
        ),
        (
            "[attribute.a]\nkind = 'plain'\nhub = true\nequivalence = { tolerance = -1 }",
            &["line 7: attribute.a.equivalence.tolerance: a tolerance is more than nothing, found -1"],
        ),
        (
            "[attribute.a]\nkind = 'plain'\nhub = true\nequivalence = { tolerance = 'x' }",
            &[
                "line 7: attribute.a.equivalence.tolerance: expected an exact decimal number, such as \"0.01\", found a text",
            ],
        ),
        (
            "[attribute.a]\nkind = 'plain'\nhub = true\ngroup = 'g'\nresolve = 'latest'",
            &["line 4: attribute.a: a group resolves as one: give `resolve` to `[group.NAME]`, not to its members"],
        ),
        ("[group.g]\nresolve = 'latest'", &["line 4: group.g: no attribute is a member of group `g`"]),
        (
            "[system.b]\nmany = { reduce = 'latest' }",
            &[
                "line 4: system.b: `object` is missing: the native object type",
                "line 5: system.b.many: `write` is missing: which records are written",
            ],
        ),
        ("[attribute.a]\nkind = 'plain'\nkind = 'plain'", &["line 6: duplicate key"]),
    ];
    for (text, expected) in cases {
        let error = EntityModel::from_toml(&format!("{head}{text}"), &registry()).expect_err(text);
        assert_eq!(lines(&error), *expected, "{text}");
    }
}

#[test]
fn all_mistakes_come_at_once_and_name_the_file() {
    let text = "entity = 'customer'\n[attribute.emial]\n[attribute.email]\nowner = ['hubspto']\nresolve = ['lastest']";
    let error = customer().overlay(text, &registry()).expect_err("three mistakes").in_file("acme.toml");
    assert_eq!(error.mistakes().len(), 3);
    assert!(error.to_string().starts_with("3 mistakes in acme.toml\n  line 2: attribute.emial: "), "{error}");
}

proptest::proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "[a-z0-9\\[\\]{}='\"., \\n_]{0,80}", cut in 0..CUSTOMER.len(), with in "[\\[\\]{}='\"x3\\n]{0,3}") {
        drop(EntityModel::from_toml(&text, &registry()));
        let mut broken = CUSTOMER.to_owned();
        broken.replace_range(cut..(cut + with.len()).min(CUSTOMER.len()), &with);
        drop(EntityModel::from_toml(&broken, &registry()));
        drop(customer().overlay(&broken, &registry()));
    }
}
