//! Every way to name a policy.
#![allow(
    dead_code,
    missing_docs,
    missing_debug_implementations,
    unreachable_pub,
    unused_qualifications,
    reason = "what is written is a user's own, and read through the derive"
)]

use accordant::policy::builtin;

mod custom {
    pub fn stickiest(_days: u32) -> accordant::policy::builtin::Latest {
        accordant::policy::builtin::latest()
    }
}

type MaybeName = Option<String>;

#[derive(accordant::Canonical)]
#[canonical(entity = "customer")]
#[canonical(system(hubspot, object = "contacts"), system(netsuite, object = "customer"))]
#[canonical(group("address", owner(netsuite, hub), resolve(owner, three_way)))]
struct Customer {
    #[canonical(at(hubspot = "a", netsuite = "a"))]
    #[canonical(resolve(latest, latest().within(60), source_priority(netsuite, hub, hubspot)))]
    a: String,
    #[canonical(at(hubspot = "b", netsuite = "b"))]
    #[canonical(resolve(trust(hubspot = 90, netsuite = 80).half_life_days(30), consensus_of(2), custom::stickiest(30)))]
    b: MaybeName,
    #[canonical(at(hubspot = "c", netsuite = "c"), resolve(builtin::latest(), Mine))]
    c: Option<String>,
    #[canonical(group = "address", at(netsuite = "zip"))]
    zip: Option<String>,
    #[canonical(group = "address", at(netsuite = "city"))]
    city: Option<String>,
}

#[test]
fn every_way_to_name_a_policy_is_understood() {
    use accordant::model::Canonical as _;
    let model = Customer::model();
    assert_eq!(model.attributes[0].chain.len(), 3);
    assert!(!model.attributes[1].required, "`Option` is told by type");
}

/// A policy of the user's own.
struct Mine;
impl<T: accordant::value::Value> accordant::policy::Policy<T> for Mine {
    fn name(&self) -> std::borrow::Cow<'static, str> {
        "mine".into()
    }
    fn fingerprint(&self, _: &mut accordant::fingerprint::Fingerprint) {}
    fn resolve(&self, _: &accordant::policy::Candidates<'_, T>) -> accordant::policy::Answer<T> {
        accordant::policy::Answer::Winner(0)
    }
}
