//! What the bench of a passport does to a stand-in, and to the way there, whichever system it is.

use std::fmt;
use std::sync::Arc;

use accordant::ManualClock;
use accordant::connector::Delivery;
use accordant_http::{Request, ReqwestTransport};
use accordant_sandbox::{Faults, Remote};
use chrono::TimeDelta;

use crate::Unanswered;

/// A stand-in's faults, its clock, and a way out that loses answers.
pub struct Faulty {
    clock: Arc<ManualClock>,
    transport: Arc<Unanswered>,
    faults: Box<dyn Fn(Faults) + Send + Sync>,
}

impl fmt::Debug for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Faulty").field("transport", &self.transport).finish_non_exhaustive()
    }
}

impl Faulty {
    /// `is_write` knows a write from a question, `faults` sets those of the stand-in.
    #[must_use]
    pub fn new(
        clock: &Arc<ManualClock>,
        is_write: fn(&Request) -> bool,
        faults: impl Fn(Faults) + Send + Sync + 'static,
    ) -> Self {
        let inner = Arc::new(ReqwestTransport::new(Default::default()).unwrap());
        let transport = Arc::new(Unanswered::new(inner, is_write));
        Self { clock: clock.clone(), transport, faults: Box::new(faults) }
    }

    /// The way out.
    #[must_use]
    pub const fn transport(&self) -> &Arc<Unanswered> {
        &self.transport
    }

    /// Time passes.
    pub fn pass(&self, time: TimeDelta) {
        self.clock.advance(time);
    }

    /// From now on what changes shows so much later.
    pub fn show_late(&self, by: TimeDelta) {
        (self.faults)(Faults { index_lag: by, ..Faults::default() });
    }

    /// The stand-in does not answer any more, or does again.
    pub fn down(&self, down: bool) {
        (self.faults)(Faults { down, ..Faults::default() });
    }

    /// The answers of writes are lost from now on, or no longer.
    pub fn lose_answers(&self, lose: bool) {
        self.transport.lose(lose);
    }
}

/// What a stand-in sends now, taken.
#[must_use]
pub fn delivered(remote: &dyn Remote) -> Vec<Delivery> {
    let taken = |outgoing: accordant_sandbox::Outgoing| {
        let request = outgoing.request.clone();
        remote.answered(outgoing, true);
        request
    };
    remote.due().into_iter().map(taken).collect()
}
