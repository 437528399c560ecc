//! Lists, sets, keyed collections, and values of several leaves.

use std::borrow::Cow;

use accordant::decode::{Batch, DecodeTable, FaultKind, FieldRef};
use accordant::fingerprint::Fingerprint;
use accordant::model::{
    At, EntityModel, MemberModel, Model, Part, PartAttribute, Shape, SystemObject, Transform, TypedAttribute,
};
use accordant::ownership::{Direction, Strength};
use accordant::surface::SurfaceShape;
use accordant::value::{Field, Leaf, Malformed, Native, join};

use crate::support::{Plain, renames, table};

#[derive(Debug, Clone, PartialEq)]
struct Line;

impl Part for Line {
    fn members() -> Vec<MemberModel> {
        let member =
            |id: &str, path: &str| MemberModel::new(TypedAttribute::<Plain>::new(id).at(At::path("shop", path)));
        vec![member("amount", "price.amount"), member("sku", "sku"), member("note", "note")]
    }
    fn from_fields(_: &[Field]) -> Option<Self> {
        Some(Self)
    }
    fn to_fields(&self) -> Vec<Field> {
        Vec::new()
    }
}

/// First and last name.
struct FullName;

impl Transform<Plain> for FullName {
    fn name(&self) -> Cow<'static, str> {
        "full name".into()
    }
    fn fingerprint(&self, fingerprint: &mut Fingerprint) {
        fingerprint.number(1);
    }
    fn read(&self, leaves: &[Leaf<'_>]) -> Result<Option<Plain>, Malformed> {
        let names: Vec<&str> = leaves.iter().filter_map(Leaf::as_text).collect();
        <Plain as accordant::value::Value>::from_canonical(&names.join(" ")).map(Some)
    }
    fn write(&self, _: &Plain) -> Vec<Native> {
        Vec::new()
    }
}

/// Slots: 0 a list, 1 a set of an array, 2 a set in one text, 3 lines by sku, 4 a name of two leaves.
pub(crate) fn orders() -> Model {
    let mut order = EntityModel::new("order");
    let plain = TypedAttribute::<Plain>::new;
    order
        .object(SystemObject::new("shop", "orders"))
        .attribute(plain("steps").shape(Shape::List).at(At::path("shop", "steps")))
        .attribute(plain("tags").shape(Shape::Set).at(At::path("shop", "tags")))
        .attribute(plain("labels").shape(Shape::Set).at(At::path("shop", "labels").separator(';')))
        .part(PartAttribute::<Line>::keyed("lines", "sku").at("shop", "lines", Direction::Both, Strength::Normal))
        .attribute(plain("name").at(At::via("shop", &["first", "last"], FullName)));
    Model::compile(vec![order]).unwrap()
}

fn shop(shape: &SurfaceShape) -> DecodeTable {
    table(&orders(), 0, shape)
}

fn shape() -> SurfaceShape {
    SurfaceShape { id: "id".into(), ..SurfaceShape::default() }
}

struct Read {
    cells: Vec<(u16, Option<String>, Field)>,
    faults: Vec<(u16, FaultKind)>,
    whole: Vec<u16>,
}

fn read(table: &DecodeTable, tail: &str, full: bool) -> Read {
    let mut batch = Batch::new();
    table.decode(format!(r#"{{"id":1{tail}}}"#).as_bytes(), full, &mut batch).unwrap();
    let record = batch.records().next().unwrap();
    Read {
        cells: record.cells().map(|(slot, element, f)| (slot, element.map(str::to_owned), f.to_field())).collect(),
        faults: record.faults().map(|fault| (fault.slot, fault.kind)).collect(),
        whole: record.collections().to_vec(),
    }
}

fn element(slot: u16, key: &str, text: &str) -> (u16, Option<String>, Field) {
    (slot, Some(key.to_owned()), Field::value(text))
}

#[test]
fn a_list_is_one_joined_text() {
    let table = shop(&shape());
    let list = |json: &str| read(&table, &format!(r#","steps":{json}"#), false).cells;
    let members = [Field::value("b"), Field::value("a \"x\"\n"), Field::Null, Field::Empty, Field::value("b")];
    assert_eq!(list(r#"["b","a \"x\"\n",null,"","b"]"#), [(0, None, join(&members))]);
    for nothing in ["[]", "[null]", "null"] {
        assert_eq!(list(nothing), [(0, None, Field::Null)], "{nothing}");
    }
    assert_eq!(list("[10.10,1e400]"), [(0, None, join(&[Field::value("10.10"), Field::value("1e400")]))]);
    assert_eq!(list("\"alone\""), [(0, None, join(&[Field::value("alone")]))]);
}

#[test]
fn a_set_has_each_value_once_in_order() {
    let table = shop(&shape());
    let set = read(&table, r#","tags":["vip","b2b","vip",null,""],"labels":" x ;a;;x""#, false);
    assert_eq!(
        set.cells,
        [element(1, "b2b", "b2b"), element(1, "vip", "vip"), element(2, "a", "a"), element(2, "x", "x")]
    );
    assert_eq!(set.whole, [1, 2]);
    let cleared = read(&table, r#","tags":[],"labels":null"#, false);
    assert_eq!((cleared.cells, cleared.whole), (vec![], vec![1, 2]));
}

#[test]
fn elements_of_other_records_are_not_duplicates() {
    let table = shop(&shape());
    let mut batch = Batch::new();
    for id in [1, 2] {
        table.decode(format!(r#"{{"id":{id},"tags":["vip"]}}"#).as_bytes(), false, &mut batch).unwrap();
    }
    assert!(batch.records().all(|record| record.cells().len() == 1));
}

#[test]
fn a_keyed_collection_has_its_elements_by_key() {
    let table = shop(&shape());
    let lines = r#","lines":[
        {"sku":"S2","price":{"amount":10.10},"extra":[{}]},
        {"note":"\"hi\"","sku":1,"price":null}
    ]"#;
    let found = read(&table, lines, false);
    // The key comes first, then the members in the part's order.
    assert_eq!(found.cells, [element(3, "1", r#"["1",null,"\"hi\""]"#), element(3, "S2", r#"["S2","10.10",null]"#)]);
    assert_eq!(found.whole, [3]);
}

#[test]
fn one_bad_element_leaves_the_whole_collection_uncovered() {
    let table = shop(&shape());
    for (tail, slot, kind) in [
        (r#""tags":["a",true]"#, 1, FaultKind::Malformed),
        (r#""tags":["a",{}]"#, 1, FaultKind::Shape),
        (r#""tags":{"a":1}"#, 1, FaultKind::Shape),
        (r#""steps":[[]]"#, 0, FaultKind::Shape),
        (r#""lines":[{"sku":"a"},{"note":"b"}]"#, 3, FaultKind::Malformed),
        (r#""lines":[{"sku":"a"},{"sku":"a"}]"#, 3, FaultKind::Malformed),
        (r#""lines":[{"sku":"a","note":[1]}]"#, 3, FaultKind::Shape),
        (r#""lines":[{"sku":"a"},7]"#, 3, FaultKind::Shape),
        (r#""lines":[null]"#, 3, FaultKind::Malformed),
        (r#""lines":"none""#, 3, FaultKind::Shape),
    ] {
        let found = read(&table, &format!(",{tail}"), false);
        assert_eq!((found.cells, found.faults, found.whole), (vec![], vec![(slot, kind)], vec![]), "{tail}");
    }
}

#[test]
fn too_many_elements_are_a_fault() {
    let table = shop(&shape());
    let tags = |count: usize| read(&table, &format!(r#","tags":[{}0]"#, "0,".repeat(count - 1)), false);
    assert_eq!(tags(1 << 16).cells.len(), 1);
    assert_eq!(tags((1 << 16) + 1).faults, [(1, FaultKind::Shape)]);
}

#[test]
fn absent_collections_are_empty_in_a_full_record_only() {
    let table = shop(&shape());
    let full = read(&table, "", true);
    assert_eq!(full.cells, [(0, None, Field::Null), (4, None, Field::Null)]);
    assert_eq!(full.whole, [1, 2, 3]);
    let partial = read(&table, "", false);
    assert_eq!((partial.cells.len(), partial.whole.len(), partial.faults.len()), (0, 0, 0));
}

#[test]
fn a_value_of_two_leaves_needs_both_unless_the_record_is_full() {
    let table = shop(&shape());
    let name = |text: &str| (4, None, Field::value(text));
    assert_eq!(read(&table, r#","last":"Silva","first":"Ana""#, false).cells, [name("Ana Silva")]);
    let half = read(&table, r#","last":"Silva""#, false);
    assert_eq!((half.cells, half.faults), (vec![], vec![(4, FaultKind::Incomplete)]));
    assert_eq!(read(&table, r#","last":"Silva""#, true).cells.last(), Some(&name("Silva")));
    assert_eq!(read(&table, r#","last":null,"first":null"#, false).cells, [(4, None, Field::Null)]);
    assert_eq!(read(&table, r#","last":"x","first":[]"#, false).faults, [(4, FaultKind::Shape)]);
}

#[test]
fn a_surface_renames_inside_elements_too() {
    let mut shape = shape();
    shape.root = "order".into();
    shape.id = "order.id".into();
    shape.renames = renames(&[("lines", "line_items"), ("lines.price.amount", "line_items.total")]);
    let table = shop(&shape);
    let mut batch = Batch::new();
    let body = br#"{"order":{"id":1,"line_items":[{"sku":"S","total":"5","price":{"amount":"no"}}]}}"#;
    table.decode(body, false, &mut batch).unwrap();
    let cells: Vec<_> = batch.records().next().unwrap().cells().collect();
    assert_eq!(cells, [(3, Some("S"), FieldRef::Value(r#"["S","5",null]"#))]);
}
