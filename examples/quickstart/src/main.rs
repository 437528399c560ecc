//! probe
use std::error::Error;
use std::path::PathBuf;
use std::time::Instant;
use accordant::clock::SeededEntropy;
use accordant::engine::Accordant;
use accordant::plan::{Scope, Plan, Intent};
use accordant::id::Actor;
use accordant::money;
use accordant::rule::RequireApproval;
use accordant::store::SqliteStore;
use futures::executor::block_on;
use quickstart::generate::{Feed, SEED};
use quickstart::model::{Company, Customer, Order};
use quickstart::systems::{HubSpot, NetSuite, Shopify};
use quickstart::world::{Moment, World};

fn show(name: &str, plan: &Plan) {
    println!("{name}: {} ops {} parked", plan.operations.len(), plan.parked.len());
    let mut kinds = std::collections::BTreeMap::new();
    for o in &plan.operations {
        let i = match &o.intent { Intent::Set(_) => "set", Intent::Create(_) => "create", Intent::Archive => "archive" };
        kinds.entry((o.entity_type.to_string(), o.target.connection().to_string(), i, o.unit.to_string())).or_insert_with(Vec::new).push(o);
    }
    for (k, v) in kinds { println!("  {k:?} {} e.g. {:?} {:?} expect {:?} {}", v.len(), v[0].target, v[0].intent, v[0].expect, v[0].reason); }
    for p in plan.parked.iter().take(5) { println!("  parked {:?} {:?} {}", p.operation.target, p.operation.intent, p.why); }
}

fn main() -> Result<(), Box<dyn Error>> {
    let directory = PathBuf::from(std::env::args().nth(1).unwrap());
    Feed::of(SEED)?.write(&directory)?;
    let world = World::open(&directory)?;
    println!("clock {}", world.clock.now());
    let hub = Accordant::builder()
        .store(SqliteStore::open(directory.join("accordant.db"))?)
        .clock(world.clock.clone())
        .entropy(SeededEntropy::new(SEED))
        .connect(HubSpot::new(&world.hubspot))
        .connect(Shopify::new(&world.shopify))
        .connect(NetSuite::new(&world.netsuite))
        .entity::<Customer>().entity::<Company>().entity::<Order>()
        .rule(Company::ANNUAL_REVENUE, RequireApproval::when_moved_by(money!(10_000_000 USD)))
        .build().map_err(|e| { eprintln!("{:?}", e.source().map(ToString::to_string)); e })?;
    let acme = hub.tenant("acme");
    let me = Actor::new("me");
    block_on(async {
        let start = Instant::now();
        for moment in world.day() {
            let moment = moment?;
            match &moment {
                Moment::Scan { connection, .. } => { let t = acme.scan(connection).await?; println!("{connection} {t:?} {:?}", start.elapsed()); }
                Moment::Poll { connection, .. } => { let _ = acme.poll(connection).await?; }
                Moment::Delivery(d) => { let _ = acme.receive(&d.connection, d.request()?).await?; }
            }
            while acme.step().await? {}
            world.answered(&moment)?;
        }
        println!("day {:?}", start.elapsed());
        for round in 0..4 {
            for boot in [true, false] {
                let t = Instant::now();
                let request = acme.plan(Scope::default());
                let plan = if boot { request.bootstrap() } else { request }.await?;
                println!("plan took {:?}", t.elapsed());
                show(&format!("round {round} boot {boot}"), &plan);
                acme.approve(plan.hash, &me).await?;
                let t = Instant::now();
                let a = acme.apply(plan.hash).await?;
                println!("applied {:?} done {} already {} unapproved {} superseded {} refused {} deferred {} unknown {} successor {:?}", t.elapsed(), a.done, a.already, a.unapproved, a.superseded, a.refused.len(), a.deferred, a.unknown, a.successor.is_some());
                for (o, why) in a.refused.iter().take(3) { println!("refused {o:?} {why}"); }
                while acme.step().await? {}
            }
            let t = Instant::now();
            let echoes = world.echoes();
            println!("{} echoes", echoes.len());
            for m in echoes {
                if let Moment::Delivery(d) = &m { let _ = acme.receive(&d.connection, d.request()?).await?; }
                while acme.step().await? {}
                world.answered(&m)?;
            }
            for c in ["hubspot", "shopify", "netsuite"] { let t = acme.poll(c).await?; println!("poll {t:?}"); }
            while acme.step().await? {}
            println!("echo {:?}", t.elapsed());
        }
        for r in world.remotes() { println!("{} writes {} doubled {}", r.dialect().system(), r.writes().len(), r.writes().iter().filter(|w| w.effects > 1).count()); }
        Ok(())
    })
}
