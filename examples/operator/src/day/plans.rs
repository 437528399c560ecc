//! A plan is made, moves under its reader's eyes, is approved, and is carried out but for what a system refuses.

use accordant::{Error, Limits};
use serde_json::json;

use crate::office::{Office, customer, mia, noah, told};
use crate::page::Page;

pub(super) async fn play(page: &mut Page) -> Result<(), Error> {
    let customers = [("Ana", "10.00"), ("Bruno", "20.00"), ("Chloe", "30.00"), ("Daniel", "40.00")];
    let customers = customers.map(|(name, owes)| customer(name, "030 1", owes));
    let limits = Limits { writes: Some(3), ..Limits::default() };
    let office = Office::open_with("10:30", &customers, |builder| builder.limits(limits)).await?;
    let Office { acme, crm, books, .. } = &office;

    page.tell("Accounting books a payment. Mia asks what that means elsewhere.");
    books.edit("debtors", "debtors-1", &json!({ "owes": "0.00" }));
    books.edit("debtors", "debtors-2", &json!({ "owes": "5.00" }));
    office.hear().await?;
    let plan = office.plan(&mia()).await?;
    page.show(&plan);

    page.tell("Before Noah has read it, accounting corrects one amount. What he read cannot be approved any more.");
    books.edit("debtors", "debtors-2", &json!({ "owes": "15.00" }));
    office.hear().await?;
    match acme.approve(plan.hash, &noah()).await {
        Ok(approved) => page.show(approved),
        Err(error) => page.show(error),
    }
    let now = office.plan(&mia()).await?;
    page.show(plan.diff(&now));

    page.tell("He approves what is true now. Sales refuses one of the writes.");
    acme.approve(now.hash, &noah()).await?;
    crm.refuses("the record is locked");
    page.show(told(&acme.apply(now.hash).await?));
    page.show(acme.progress(now.hash).await?);

    page.tell("The lock is gone. Approved once more, it is tried once more.");
    acme.approve(now.hash, &noah()).await?;
    page.show(told(&acme.apply(now.hash).await?));
    page.show(acme.progress(now.hash).await?);

    page.tell(
        "Somebody imports a wrong file into accounting. More than three writes of one attribute a day wait for a word.",
    );
    for number in 1..=4 {
        books.edit("debtors", &format!("debtors-{number}"), &json!({ "owes": "99.00" }));
    }
    office.hear().await?;
    page.show(office.plan(&mia()).await?);
    Ok(())
}
