//! Waiting, which the library leaves to whoever has a timer.

use async_trait::async_trait;
use chrono::TimeDelta;

/// Waits. The counterpart of [`accordant::Clock`]: who moves the one by hand moves the other too.
#[async_trait]
pub trait Sleep: Send + Sync + 'static {
    /// Comes back after `time`, at once if it is not positive.
    async fn sleep(&self, time: TimeDelta);
}

/// The timer of Tokio. Must be used within its runtime.
#[cfg(feature = "reqwest")]
#[derive(Debug, Clone, Copy, Default)]
pub struct TokioSleep;

#[cfg(feature = "reqwest")]
#[async_trait]
impl Sleep for TokioSleep {
    async fn sleep(&self, time: TimeDelta) {
        if let Ok(time) = time.to_std() {
            tokio::time::sleep(time).await;
        }
    }
}

/// A [`Sleep`] out of a function: whatever the runtime at hand calls its timer.
#[must_use]
pub fn sleep_with<F, S>(timer: F) -> impl Sleep
where
    F: Fn(TimeDelta) -> S + Send + Sync + 'static,
    S: Future<Output = ()> + Send + 'static,
{
    struct With<F>(F);

    #[async_trait]
    impl<F, S> Sleep for With<F>
    where
        F: Fn(TimeDelta) -> S + Send + Sync + 'static,
        S: Future<Output = ()> + Send + 'static,
    {
        async fn sleep(&self, time: TimeDelta) {
            (self.0)(time).await;
        }
    }

    With(timer)
}
