//! Pauses: where a task of the engine lets others go first. Every store call and remote call is one, and it is where
//! faults strike.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use accordant::connector::WriteReceipt;

use crate::agenda::Event;
use crate::fault::Fault;
use crate::scene::Scene;

/// Waits until an instant.
#[derive(Debug)]
pub struct Pause {
    scene: Arc<Scene>,
    until: i64,
    entered: bool,
}

impl Pause {
    /// Waits this long.
    #[must_use]
    pub fn of(scene: &Arc<Scene>, delay: i64) -> Self {
        let until = scene.lock().now.saturating_add(delay);
        Self { scene: Arc::clone(scene), until, entered: false }
    }
}

impl Future for Pause {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        let mut inner = self.scene.lock();
        if inner.now >= self.until {
            return Poll::Ready(());
        }
        if !self.entered {
            let task = inner.current;
            inner.agenda.enter(self.until, Event::Wake(task));
            drop(inner);
            self.entered = true;
        }
        Poll::Pending
    }
}

/// Waits for the reply to a write that was sent, or until its caller gives up.
#[derive(Debug)]
pub struct Reply {
    scene: Arc<Scene>,
    ticket: usize,
    deadline: i64,
    entered: bool,
}

impl Reply {
    /// Waits for the reply to a ticket, at most this long.
    #[must_use]
    pub fn to(scene: &Arc<Scene>, ticket: usize, patience: i64) -> Self {
        let deadline = scene.lock().now.saturating_add(patience);
        Self { scene: Arc::clone(scene), ticket, deadline, entered: false }
    }
}

impl Future for Reply {
    type Output = Option<Vec<WriteReceipt>>;

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        let mut inner = self.scene.lock();
        let (now, task) = (inner.now, inner.current);
        if let Some(request) = inner.wire.get_mut(&self.ticket)
            && let Some((at, receipts)) = &mut request.reply
            && *at <= now
        {
            let receipts = std::mem::take(receipts);
            let effect = inner.wire.remove(&self.ticket).map(|request| request.effect).unwrap_or_default();
            inner.unkept.told(task, effect);
            return Poll::Ready(Some(receipts));
        }
        if now >= self.deadline {
            if let Some(request) = inner.wire.get_mut(&self.ticket) {
                let effect = request.give_up();
                request.lost = true;
                inner.unheard(&effect);
            }
            return Poll::Ready(None);
        }
        if !self.entered {
            inner.agenda.enter(self.deadline, Event::Wake(task));
            if let Some(request) = inner.wire.get_mut(&self.ticket) {
                request.task = task;
            }
            drop(inner);
            self.entered = true;
        }
        Poll::Pending
    }
}

/// A point at which the process may die. If it does, the task that got here never goes on.
pub async fn may_die(scene: &Arc<Scene>, place: &'static str) {
    let died = {
        let mut inner = scene.lock();
        let died = inner.crashed || inner.weather.strikes(Fault::Crash);
        if died && !inner.crashed {
            inner.crashed = true;
            inner.say(|| format!("the process dies {place}"));
        }
        died
    };
    if died {
        std::future::pending::<()>().await;
    }
}
