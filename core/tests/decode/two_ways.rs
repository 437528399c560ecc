//! Both ways of folding a decoded record, through an observation and without one, end in the same state.

use std::sync::Arc;

use accordant::decode::{Batch, DecodeTable};
use accordant::entity::{Entity, Evidence};
use accordant::id::{EntityId, RecordRef, TenantId};
use accordant::model::Model;
use accordant::representation::Representation;
use accordant::settle::RuleSet;
use accordant::stamp::{Domain, Stamp};
use accordant::surface::SurfaceShape;
use accordant::working_set::{Frame, WorkingSet};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use crate::collections::orders;
use crate::support::table;

/// A record as some surface carries it: with few tokens and few values, so that equal stamps disagree.
#[derive(Debug, Clone)]
struct Heard {
    body: Json,
    full: bool,
    stamp: Stamp,
}

fn heard() -> impl Strategy<Value = Heard> {
    let words = || proptest::option::of(prop::sample::subsequence(vec!["a", "b"], 0..=2));
    let scalar = || proptest::option::of(prop::sample::select(vec![json!(null), json!(""), json!("x"), json!([])]));
    let lines = proptest::option::of(prop::sample::subsequence(vec!["s1", "s2"], 0..=2));
    let rest = (scalar(), any::<bool>(), any::<bool>(), 1_i64..4, 0_u64..2);
    (words(), words(), lines, rest).prop_map(|(tags, labels, lines, (first, archived, full, token, read))| {
        let mut body = json!({ "id": "1" });
        let fields = [
            ("steps", tags.as_ref().map(|tags| json!(tags))),
            ("tags", tags.map(Json::from)),
            ("labels", labels.map(|labels| json!(labels.join(";")))),
            ("lines", lines.map(|skus| skus.iter().map(|sku| json!({ "sku": sku, "note": "n" })).collect())),
            ("first", first),
            ("gone", archived.then_some(json!(true))),
        ];
        for (key, value) in fields {
            if let Some(value) = value {
                body[key] = value;
            }
        }
        Heard { body, full, stamp: Stamp { token, read } }
    })
}

fn linked(model: &Model) -> WorkingSet {
    let mut set = WorkingSet::new();
    let record = Arc::new(RecordRef::new("shop", "orders", "1"));
    let at = set.add_record(record, 0, 0, Representation::new());
    let entity = set.add_entity(Entity::new(EntityId::from_parts(1, [7; 10]), 0));
    assert_eq!(model.entity(0).objects.len(), 1);
    set.link(entity, at, 0, Evidence::FirstSight, &mut Vec::new());
    set
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn both_ways_of_folding_end_in_the_same_state(history in prop::collection::vec(heard(), 1..8)) {
        let model = orders();
        let shape =
            SurfaceShape { id: "id".into(), archived: Some("gone".into()), ..SurfaceShape::default() };
        let decodes: DecodeTable = table(&model, 0, &shape);
        let tenant = TenantId::new("acme");
        let frame = Frame {
            tenant: &tenant,
            model: &model,
            rules: &[RuleSet::new()],
            domain: &|_| Domain::Version,
            keep_voices: false,
        };
        let (mut observed, mut decoded) = (linked(&model), linked(&model));
        let mut batch = Batch::new();
        for heard in &history {
            batch.clear();
            decodes.decode(heard.body.to_string().as_bytes(), heard.full, &mut batch).unwrap();
            let record = batch.records().next().unwrap();
            let observation = record.to_observation(&"shop".into(), &"orders".into(), heard.stamp);
            observed.fold(&frame, 0, &observation);
            decoded.fold_decoded(&frame, 0, &record, heard.stamp);
            let (one, other) = (observed.record(0), decoded.record(0));
            prop_assert_eq!(&*one.representation, &*other.representation);
            prop_assert_eq!(one.must_read, other.must_read, "after {:?}", heard);
            let (mut facts, mut others) = (Vec::new(), Vec::new());
            observed.settle(&frame, 1, &mut facts);
            decoded.settle(&frame, 1, &mut others);
            prop_assert_eq!(facts, others);
        }
    }
}
