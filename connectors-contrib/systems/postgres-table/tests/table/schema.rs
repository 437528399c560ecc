//! What the database says of its columns is what it does with them.

use accordant::connector::Connector;
use accordant::model::{At, EntityModel, Path, SystemObject, TypedAttribute};
use accordant::schema::{Contract, FieldKind, ObjectSchema};
use accordant::value::Phone;
use accordant_postgres_table::Settings;

use crate::Stage;

fn described(stage: &Stage, objects: &[&str]) -> Vec<ObjectSchema> {
    let connector = stage.of(stage.table());
    assert!(connector.describes());
    let objects: Vec<_> = objects.iter().map(|object| (*object).into()).collect();
    stage.runtime.block_on(connector.describe(&objects)).unwrap()
}

pub(crate) fn the_database_describes_its_columns(stage: &Stage) {
    stage.sql(
        "CREATE TYPE $T_tier AS ENUM ('gold', 'basic'); \
         ALTER TABLE $T ADD tier $T_tier, ADD born date, ADD notes jsonb, ADD doubled bigint GENERATED ALWAYS AS (id * 2) STORED, \
             ADD branch int NOT NULL, ADD \"a.b\" text, ADD gone_once text; ALTER TABLE $T DROP gone_once",
    );
    let described = described(stage, &["customers", "nobody"]);
    assert_eq!(described.len(), 1);
    let field = |name: &str| described[0].find(&Path::new(name)).cloned().unwrap();
    assert_eq!(described[0].fields.len(), 15, "{described:?}");
    for (name, kind) in [
        ("id", FieldKind::Integer),
        ("email", FieldKind::Text),
        ("credit", FieldKind::Number),
        ("vip", FieldKind::Bool),
        ("born", FieldKind::Date),
        ("updated_at", FieldKind::Instant),
        ("tier", FieldKind::Choice(["basic".into(), "gold".into()].into())),
        ("notes", FieldKind::Other("jsonb".into())),
        ("a\\.b", FieldKind::Text),
    ] {
        assert_eq!(field(name).kind, kind, "{name}");
    }
    assert_eq!((field("First Name").max_length, field("email").max_length), (Some(10), None));
    let of = |choose: fn(&accordant::schema::FieldSchema) -> bool| -> Vec<String> {
        described[0].fields.iter().filter(|field| choose(field)).map(|field| field.path.to_string()).collect()
    };
    assert_eq!(of(|field| field.read_only), ["doubled"]);
    assert_eq!(of(|field| field.required), ["branch"], "what has a default, or numbers itself, need not be sent");
    assert!(described[0].find(&Path::new("gone_once")).is_none());
}

pub(crate) fn a_column_that_is_renamed_or_retyped_is_found(stage: &Stage) {
    let mut model = EntityModel::new("customer");
    model.object(SystemObject::new("erp", "customers").required());
    model.attribute(TypedAttribute::<String>::new("email").at(At::path("erp", "email")));
    model.attribute(TypedAttribute::<bool>::new("vip").at(At::path("erp", "vip")));
    let found = || {
        let mismatches = Contract::of(std::slice::from_ref(&model)).describes("erp", described(stage, &["customers"]));
        let found: Vec<String> = mismatches.mismatches().found.iter().map(|found| format!("{found:?}")).collect();
        found
    };
    assert_eq!(found(), Vec::<String>::new());
    stage.sql("ALTER TABLE $T RENAME email TO mail; ALTER TABLE $T ALTER vip TYPE date USING NULL");
    let found = found();
    assert!(
        found.len() == 2 && found.iter().all(|found| found.contains("email") || found.contains("vip")),
        "{found:?}"
    );
}

pub(crate) fn what_may_not_be_seen_is_not_described(stage: &Stage) {
    let role = &stage.schema;
    stage.sql(&format!(
        "CREATE ROLE {role}; GRANT USAGE ON SCHEMA {role} TO {role}; GRANT SELECT (id, email), UPDATE (email) ON $T TO {role}"
    ));
    let and = if stage.address.contains('?') { '&' } else { '?' };
    let address = format!("{}{and}options=-c%20role%3D{role}", stage.address);
    let settings = Settings::new("erp", &address).unwrap().table("customers", stage.table());
    let connector = stage.connect(settings);
    let seen = || {
        let described = stage.runtime.block_on(connector.describe(&["customers".into()])).unwrap();
        let fields = described.iter().flat_map(|schema| &schema.fields);
        fields.map(|field| field.path.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(seen(), ["id", "email"], "of a column that is not granted, nothing is told");
    stage.sql(&format!("REVOKE SELECT (id, email), UPDATE (email) ON $T FROM {role}"));
    assert_eq!(seen(), Vec::<String>::new());
    drop(connector);
    stage.sql(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
}

/// An integer holds flags, codes, telephone numbers and what a text may be: a description stops none of it.
pub(crate) fn a_column_of_numbers_goes_on_being_read(stage: &Stage) {
    stage.sql("ALTER TABLE $T ADD active smallint, ADD phone bigint, ADD account bigint");
    let mut model = EntityModel::new("customer");
    model.object(SystemObject::new("erp", "customers").required());
    model.attribute(TypedAttribute::<bool>::new("active").at(At::path("erp", "active").read_only()));
    model.attribute(TypedAttribute::<Phone>::new("phone").at(At::path("erp", "phone").region("DE")));
    model.attribute(TypedAttribute::<String>::new("account").at(At::path("erp", "account").read_only()));
    let found = Contract::of(&[model]).describes("erp", described(stage, &["customers"])).mismatches();
    assert_eq!(found.found, []);
    assert!(!stage.connect(stage.settings(stage.table()).may_describe(false)).describes());
}
