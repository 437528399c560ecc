//! Calls that are dropped in the middle.

use std::pin::pin;
use std::task::Poll;

use futures::future::poll_fn;

/// Runs a call, and drops it where it waits for the time after `waits`. `None`: it was dropped.
pub(super) async fn cut<T>(call: impl Future<Output = T> + Send, waits: usize) -> Option<T> {
    let mut call = pin!(call);
    let mut waited = 0;
    poll_fn(|context| match call.as_mut().poll(context) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending if waited == waits => Poll::Ready(None),
        Poll::Pending => {
            waited += 1;
            Poll::Pending
        }
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures::executor::block_on;

    use super::*;

    /// Waits three times, and counts how often it went on.
    async fn waiting(went_on: &AtomicUsize) {
        for _ in 0..3 {
            let mut first = true;
            poll_fn(|context| {
                context.waker().wake_by_ref();
                if std::mem::take(&mut first) { Poll::Pending } else { Poll::Ready(()) }
            })
            .await;
            went_on.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn a_call_is_dropped_where_it_waits() {
        for (waits, done) in [(0, None), (1, None), (2, None), (3, Some(())), (9, Some(()))] {
            let went_on = AtomicUsize::new(0);
            assert_eq!(block_on(cut(waiting(&went_on), waits)), done, "{waits}");
            assert_eq!(went_on.load(Ordering::SeqCst), waits.min(3));
        }
    }
}
