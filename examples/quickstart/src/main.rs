//! Three systems, one customer, one day. This file is all that an embedder writes beside the model.

use accordant::{Accordant, Actor, Choice, RequireApproval, Scope, SeededEntropy, SqliteStore, Tenant, money};
use quickstart::model::{Company, Customer, Order};
use quickstart::systems::{HubSpot, NetSuite, Shopify};
use quickstart::{stage::Stage, world::Moment};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let stage = Stage::set()?;
    let accordant = Accordant::builder()
        .store(SqliteStore::open(stage.database())?)
        .clock(stage.world.clock.clone())
        .entropy(SeededEntropy::new(stage.seed))
        .connect(HubSpot::new(&stage.world.hubspot))
        .connect(Shopify::new(&stage.world.shopify))
        .connect(NetSuite::new(&stage.world.netsuite))
        .entity::<Customer>()
        .entity::<Company>()
        .entity::<Order>()
        .rule(Company::ANNUAL_REVENUE, RequireApproval::when_moved_by(money!(10_000_000 USD)))
        .build()?;
    futures::executor::block_on(play(&accordant.tenant("acme"), &stage))
}

async fn play(acme: &Tenant, stage: &Stage) -> Result<(), Box<dyn std::error::Error>> {
    let (mia, noah) = (Actor::new("mia@acme.example"), Actor::new("noah@acme.example"));
    hear(acme, stage).await?;

    let ana = acme.find(Customer::EMAIL, "ana.lopez@harborlight.example").await?[0];
    stage.side_by_side(&acme.inspect(ana).await?);
    stage.discrepancies(&acme.discrepancies(Default::default()).await?);
    let chloe = acme.find(Customer::EMAIL, "chloe.martin@copperlight.example").await?[0];
    stage.explanation(&acme.explain(chloe, Customer::BALANCE).await?);

    let bruno = acme.find(Customer::EMAIL, "bruno.keller@kitelight.example").await?[0];
    let harbor = acme.find(Company::DOMAIN, "harborlight.example").await?[0];
    if stage.waits(&acme.inspect(bruno).await?, Customer::MOBILE) {
        acme.decide(bruno, Customer::MOBILE, Choice::Take("hubspot".into()), &mia, "I called him").await?;
        stage.decided(&acme.explain(bruno, Customer::MOBILE).await?);
    }
    if stage.waits(&acme.inspect(harbor).await?, Company::ANNUAL_REVENUE) {
        acme.decide(harbor, Company::ANNUAL_REVENUE, Choice::Accept, &noah, "their annual report says so").await?;
        stage.decided(&acme.explain(harbor, Company::ANNUAL_REVENUE).await?);
    }

    let mut plan = acme.plan(Scope::default()).by(&mia).await?;
    while stage.has_work(&plan) {
        acme.approve(plan.hash, &noah).await?;
        stage.applied(&noah, &acme.apply(plan.hash).await?);
        hear(acme, stage).await?;
        plan = acme.plan(Scope::default()).by(&mia).await?;
    }
    stage.verified(&acme.verify().await?)
}

async fn hear(acme: &Tenant, stage: &Stage) -> Result<(), Box<dyn std::error::Error>> {
    for moment in stage.news() {
        let moment = moment?;
        match &moment {
            Moment::Scan { connection, .. } => _ = acme.scan(connection).await?,
            Moment::Poll { connection, .. } => _ = acme.poll(connection).await?,
            Moment::Delivery(delivery) => drop(acme.receive(&delivery.connection, delivery.request()?).await?),
        }
        while acme.step().await?.more() {}
        stage.world.answered(&moment)?;
    }
    Ok(())
}
