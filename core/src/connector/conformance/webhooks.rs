//! Deliveries: what the system signed for us is taken, and nothing else.

use bytes::Bytes;

use super::passport::Promise;
use super::tester::Tester;
use super::told::{Told, broken, skipped};
use crate::connector::Delivery;
use crate::id::ObjectType;
use crate::surface::Channel;

/// Measures the connector, by records of an object type that is pushed.
pub(super) async fn measure(tester: &mut Tester<'_>, objects: &[ObjectType]) {
    let pushed = objects
        .iter()
        .find(|object| tester.surfaces_of(object).iter().any(|surface| surface.channel == Channel::Webhook));
    let place = tester.bench.connector().system().to_owned();
    let (signatures, tenants) = match pushed {
        Some(object) => (Box::pin(forged(tester, object)).await, misdirected(tester).await),
        None => (skipped("nothing is pushed"), skipped("nothing is pushed")),
    };
    tester.note(&place, Promise::Signatures, "signed alone", signatures);
    tester.note(&place, Promise::Tenants, "ours alone", tenants);
}

async fn forged(tester: &mut Tester<'_>, object: &ObjectType) -> Told {
    tester.bench.signed()?;
    tester.bench.deliveries().await?;
    tester.make(object).await?;
    let Some(original) = tester.bench.deliveries().await?.into_iter().find(|delivery| !delivery.body().is_empty())
    else {
        return skipped("nothing with a body was pushed");
    };
    let connector = tester.bench.connector();
    if let Err(error) = connector.verify(&original) {
        return broken(format!("what the system pushed is not taken: {error}"));
    }
    let forgeries = forgeries(&original);
    let taken = forgeries.iter().filter(|forgery| connector.verify(forgery).is_ok()).count();
    if taken > 0 {
        return broken(format!("{taken} of {} forged deliveries were taken", forgeries.len()));
    }
    Ok(format!("{} forged deliveries were refused", forgeries.len()))
}

/// A delivery with another body, or without what signs it.
fn forgeries(original: &Delivery) -> Vec<Delivery> {
    let body = original.body();
    let mut bodies: Vec<Vec<u8>> = Vec::new();
    for place in [0, body.len() / 3, body.len() / 2, body.len() - 1] {
        let mut changed = body.to_vec();
        if let Some(byte) = changed.get_mut(place) {
            *byte ^= 1;
        }
        bodies.push(changed);
    }
    bodies.push(body.get(..body.len() - 1).unwrap_or_default().to_vec());
    bodies.push([body, &b" "[..]].concat());
    bodies.push(Vec::new());
    let mut forgeries: Vec<Delivery> = bodies
        .into_iter()
        .map(|body| {
            let mut forged = original.clone();
            *forged.body_mut() = Bytes::from(body);
            forged
        })
        .collect();
    let mut bare = original.clone();
    bare.headers_mut().clear();
    forgeries.push(bare);
    forgeries
}

async fn misdirected(tester: &mut Tester<'_>) -> Told {
    let delivery = tester.bench.misdirected().await?;
    match tester.bench.connector().verify(&delivery) {
        Ok(verified) if !verified.items.is_empty() => broken("a delivery of another tenant was taken"),
        _ => Ok("a delivery of another tenant was refused".into()),
    }
}
