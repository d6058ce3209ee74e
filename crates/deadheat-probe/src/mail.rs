//! Messages: what a task does because of one belongs to the racer who sent it.
//!
//! A task that owns state and serves a channel is nobody's request, and what it does for a message may
//! go on when the sender has been answered. So a message is a part of its sender until the task asks for
//! the next one: its probes hold that racer, and the racer's step is not over before. A channel is known by
//! the type of its messages; they arrive in the order in which they were sent, since racers take turns.

use std::any::type_name;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};

use tokio::sync::mpsc;
use tokio::task::{self, Id};

use crate::inherit;
use crate::runtime::{self, active, Racer};

#[derive(Default)]
struct Post {
    /// Per type of message. Only types whose receiver tells when it asks are in it: nobody would take
    /// out the others.
    boxes: BTreeMap<&'static str, Inbox>,
    /// On whose behalf a task works off a message.
    handled: HashMap<Id, Racer>,
}

#[derive(Default)]
struct Inbox {
    /// Who sent what is under way; None for somebody who is no racer.
    sent: VecDeque<Option<Racer>>,
    /// How many receivers wait for a message that was not sent yet.
    idle: usize,
}

impl Inbox {
    /// The sender of the oldest message. What an earlier run left (it was refused) is passed over.
    fn take(&mut self) -> Option<Racer> {
        loop {
            let sender = self.sent.pop_front()?;
            let stale = |(run, _): Racer| self.sent.iter().flatten().any(|later| later.0 > run);
            if !sender.is_some_and(stale) {
                return sender;
            }
        }
    }
}

static POST: Mutex<Option<Post>> = Mutex::new(None);

fn with_post<T>(work: impl FnOnce(&mut Post) -> T) -> T {
    let mut post = POST.lock().unwrap_or_else(PoisonError::into_inner);
    work(post.get_or_insert_with(Post::default))
}

/// The sending half of a channel.
pub trait Mailbox {
    /// What its messages are called.
    fn deadheat_mailbox(&self) -> &'static str;
}

impl<T> Mailbox for mpsc::Sender<T> {
    fn deadheat_mailbox(&self) -> &'static str {
        type_name::<T>()
    }
}

impl<T> Mailbox for mpsc::UnboundedSender<T> {
    fn deadheat_mailbox(&self) -> &'static str {
        type_name::<T>()
    }
}

/// A message is about to be sent.
pub fn posted(name: &'static str) {
    let Some(runtime) = runtime::get() else {
        return;
    };
    with_post(|post| {
        let Some(inbox) = post.boxes.get_mut(name) else {
            return;
        };
        let at_once = inbox.idle > 0;
        inbox.idle = inbox.idle.saturating_sub(1);
        let sender = runtime.at_desk(|desk| {
            let (run, actor) = inherit::current(desk)?;
            if at_once {
                desk.control.branch(run, actor);
            } else {
                desk.control.post(run, actor);
            }
            Some((run, actor))
        });
        inbox.sent.push_back(sender.flatten());
    });
}

struct Receiving<T, F> {
    future: Pin<Box<F>>,
    asked: bool,
    message: PhantomData<fn() -> T>,
}

impl<T, F: Future<Output = Option<T>>> Future for Receiving<T, F> {
    type Output = Option<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        if active() && !self.asked {
            self.asked = true;
            ready(type_name::<T>());
        }
        let polled = self.future.as_mut().poll(context);
        if self.asked && polled.is_ready() {
            self.asked = false;
            if matches!(polled, Poll::Ready(Some(_))) {
                received(type_name::<T>());
            }
        }
        polled
    }
}

impl<T, F> Drop for Receiving<T, F> {
    fn drop(&mut self) {
        if self.asked {
            // It gave up waiting.
            with_post(|post| {
                let inbox = post.boxes.entry(type_name::<T>()).or_default();
                inbox.idle = inbox.idle.saturating_sub(1);
            });
        }
    }
}

/// For `receiver.recv()`: from here to the next call the task works for the message's sender.
pub fn receive<T>(future: impl Future<Output = Option<T>>) -> impl Future<Output = Option<T>> {
    Receiving {
        future: Box::pin(future),
        asked: false,
        message: PhantomData,
    }
}

/// The task asks for a message: it is done with the one before, and begins with the next if there is one.
fn ready(name: &'static str) {
    let Some(runtime) = runtime::get() else {
        return;
    };
    let task = task::try_id();
    with_post(|post| {
        let done = task.and_then(|task| post.handled.remove(&task));
        let inbox = post.boxes.entry(name).or_default();
        let next = inbox.sent.front().copied();
        inbox.idle += usize::from(next.is_none());
        runtime.at_desk(|desk| {
            // First, so that nobody else is let go in between.
            if let Some((run, actor)) = next.flatten() {
                desk.control.deliver(run, actor);
            }
            if let (Some((run, actor)), Some(task)) = (done, task) {
                desk.tasks.remove(&task);
                desk.control.join(run, actor);
            }
        });
    });
}

fn received(name: &'static str) {
    let Some(runtime) = runtime::get() else {
        return;
    };
    with_post(|post| {
        let Some(racer) = post.boxes.get_mut(name).and_then(Inbox::take) else {
            return;
        };
        let bound = runtime.at_desk(|desk| {
            let task = task::try_id().filter(|_| inherit::current(desk).is_none());
            match task {
                Some(task) => drop(desk.tasks.insert(task, racer)),
                // A part of some racer already, or no task at all.
                None => desk.control.join(racer.0, racer.1),
            }
            task
        });
        if let Some(task) = bound.flatten() {
            post.handled.insert(task, racer);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_come_in_the_order_of_their_senders() {
        let mut inbox = Inbox::default();
        inbox.sent.extend([Some((1, 0)), None, Some((1, 1))]);
        let taken: Vec<_> = (0..4).map(|_| inbox.take()).collect();
        assert_eq!(taken, [Some((1, 0)), None, Some((1, 1)), None]);
    }

    #[test]
    fn what_was_never_delivered_is_forgotten_with_its_run() {
        let mut inbox = Inbox::default();
        inbox
            .sent
            .extend([Some((1, 0)), Some((2, 1)), Some((2, 0))]);
        assert_eq!((inbox.take(), inbox.take()), (Some((2, 1)), Some((2, 0))));
    }

    #[test]
    fn a_channel_is_known_by_its_messages() {
        let (sender, receiver) = mpsc::channel::<u8>(1);
        assert_eq!(sender.deadheat_mailbox(), type_name::<u8>());
        drop(receiver);
    }
}
