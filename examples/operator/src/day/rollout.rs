//! A new shop is observed before it is written; it is paused while its people rebuild it, and catches up afterwards.

use accordant::{ApplyWindow, Error, Stage};
use serde_json::json;

use crate::office::{Office, customer, mia, noah, told};
use crate::page::Page;

pub(super) async fn play(page: &mut Page) -> Result<(), Error> {
    let office =
        Office::open("09:00", &[customer("Ana", "030 1", "10.00"), customer("Bruno", "030 2", "20.00")]).await?;
    let Office { acme, crm, shop, .. } = &office;

    page.tell("The shop is new here. Mia lets it be observed: what it is owed is shown, and not written.");
    acme.set_stage("shop", Stage::Observe, &mia(), "first week").await?;
    crm.edit("contacts", "contacts-1", &json!({ "phone": "030 77" }));
    office.hear().await?;
    let plan = office.plan(&mia()).await?;
    page.show(&plan);

    page.tell("Accounting has been with us for long. Noah approves what is for it, and it alone is written.");
    acme.approve(plan.hash, &noah()).await?;
    page.show(told(&acme.apply(plan.hash).await?));
    page.show(format!("the shop was written {} times", shop.writes()));

    page.tell("A week of plans was as it should be. Noah lets the shop propose, at night only.");
    acme.set_stage("shop", Stage::Propose, &noah(), "a clean week").await?;
    let nights = ApplyWindow::daily("22:00", "05:00", "Europe/Berlin")?;
    acme.set_windows("shop", vec![nights], &noah(), "not while people shop").await?;
    let plan = office.plan(&mia()).await?;
    acme.approve(plan.hash, &noah()).await?;
    let applied = acme.apply(plan.hash).await?;
    page.show(told(&applied));
    if let Some(opens) = applied.retry_at {
        page.show(format!("to be tried again at {}", opens.format("%F %H:%M UTC")));
    }

    page.tell("In the evening the shop is rebuilt. Mia pauses it: it is neither read nor written.");
    acme.pause("shop", &mia(), "the shop is being rebuilt").await?;
    crm.edit("contacts", "contacts-2", &json!({ "phone": "030 88" }));
    shop.edit("customers", "customers-2", &json!({ "name": "Bruno K." }));
    for connection in ["crm", "shop"] {
        match acme.poll(connection).await {
            Ok(_) => page.show(format!("{connection} was read")),
            Err(error) => page.show(error),
        }
    }
    office.at("22:30");
    page.show(told(&acme.apply(plan.hash).await?));

    page.tell("It is back. The pause ends, and the next plan holds what is owed by now.");
    acme.resume("shop", &mia(), "rebuilt").await?;
    office.hear().await?;
    let plan = office.plan(&mia()).await?;
    page.show(&plan);
    acme.approve(plan.hash, &noah()).await?;
    page.show(told(&acme.apply(plan.hash).await?));
    office.hear().await?;
    page.show(format!("left to do: {}", office.plan(&mia()).await?.operations.len()));

    page.tell("How the connections stand, and who left them so:");
    for (connection, state) in acme.connections().await? {
        page.show(format!("{connection}: {state}"));
    }
    Ok(())
}
