//! Waiting for a word from somebody: a `Notify`, a `Barrier`, a broadcast, a change of a watched value.
//!
//! Nothing can be asked beforehand whether such a future would wait, so that is found out by polling it. A
//! part of a racer that waits is at rest from then on, and at work again as soon as its waker is called,
//! which the one who wakes it does in the middle of its own step: no quiet has to be waited for.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use crate::inherit;
use crate::runtime::{self, Racer};

/// Where a wait stands. It changes at the desk only, so that it agrees with what is decided there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stand {
    Awake,
    /// Being polled.
    Asking,
    /// Told to wait, and nobody has called yet.
    Asleep,
}

/// Called instead of the task's own waker, which it calls in turn.
struct Alarm {
    racer: Racer,
    stand: Mutex<Stand>,
    task: Mutex<Option<Waker>>,
}

impl Alarm {
    /// Goes to `next`, if `from` holds of where it stands; tells the desk when that begins or ends a sleep.
    fn go(&self, next: Stand, from: fn(Stand) -> bool) {
        let change = || {
            let mut stand = self.stand.lock().unwrap_or_else(PoisonError::into_inner);
            let before = *stand;
            if from(before) {
                *stand = next;
            }
            (before, *stand)
        };
        let told = runtime::get().and_then(|runtime| {
            runtime.at_desk(|desk| {
                let (run, actor) = self.racer;
                match change() {
                    (Stand::Asleep, Stand::Asleep) => (),
                    (Stand::Asleep, _) => desk.control.wake(run, actor),
                    (_, Stand::Asleep) => desk.control.sleep(run, actor),
                    _ => (),
                }
            })
        });
        if told.is_none() {
            // The runtime itself puts a value back, which wakes whoever watches it: no run is under way.
            change();
        }
    }
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.go(Stand::Awake, |_| true);
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner);
        let task = task.clone();
        if let Some(task) = task {
            task.wake();
        }
    }
}

struct Waiting<F> {
    future: Pin<Box<F>>,
    alarm: Option<Arc<Alarm>>,
}

impl<F: Future> Future for Waiting<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let Waiting { future, alarm } = &mut *self;
        if alarm.is_none() {
            *alarm = inherit::working_for().map(|racer| {
                Arc::new(Alarm {
                    racer,
                    stand: Mutex::new(Stand::Awake),
                    task: Mutex::new(None),
                })
            });
        }
        let Some(alarm) = alarm else {
            return future.as_mut().poll(context);
        };
        *alarm.task.lock().unwrap_or_else(PoisonError::into_inner) = Some(context.waker().clone());
        alarm.go(Stand::Asking, |_| true);
        let waker = Waker::from(Arc::clone(alarm));
        let polled = future.as_mut().poll(&mut Context::from_waker(&waker));
        if polled.is_ready() {
            alarm.go(Stand::Awake, |_| true);
        } else {
            // Whoever called in the meantime is not slept over.
            alarm.go(Stand::Asleep, |stand| stand == Stand::Asking);
        }
        polled
    }
}

impl<F> Drop for Waiting<F> {
    fn drop(&mut self) {
        if let Some(alarm) = &self.alarm {
            alarm.go(Stand::Awake, |_| true);
        }
    }
}

/// For `notify.notified()` and its like, where it is awaited at once.
pub fn waits<F: Future>(future: F) -> impl Future<Output = F::Output> {
    Waiting {
        future: Box::pin(future),
        alarm: None,
    }
}
