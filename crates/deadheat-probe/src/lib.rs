//! The probe runtime: holds the requests of a Rocket application at chosen places, in a chosen order.
//!
//! Deadheat inserts calls of this crate into a copy of the application's source. Each marks a *point*:
//! a step on shared state that is about to happen. The application connects to the socket named by
//! `DEADHEAT_SOCKET`, is told which order to try, runs it by itself and sends back what happened.
//! Without that variable every probe costs one relaxed load and does nothing.
//!
//! What each module owns:
//! * [`protocol`]: the lines on the socket, and nothing about what they cause;
//! * [`control`]: who may go on (pure: no threads, sockets or clocks);
//! * [`place`], [`shards`], [`view`]: locks, atomics and maps seen without waiting for them;
//! * [`memory`]: the places that live as long as the application, and their restoring;
//! * [`writer`]: SQLite's writer lock, which no probe sees;
//! * [`text`]: values as text that is equal when the values are;
//! * [`runtime`], [`hold`], [`quiet`]: the threads: who is blocked, who decides, who watches;
//! * [`lap`]: the requests of a run sent from inside, and their answers;
//! * [`waits`]: futures that wait for being woken;
//! * [`attach`], [`inherit`], [`mail`]: which request a piece of code runs for.
//!
//! The insertions contain no `unsafe` and bind no names, so that they compile under
//! `forbid(unsafe_code)` and `deny(warnings)`.

mod attach;
mod control;
mod hold;
mod inherit;
mod lap;
mod mail;
mod memory;
mod place;
mod policy;
mod protocol;
mod quiet;
mod runtime;
#[cfg(feature = "dashmap")]
mod shards;
mod text;
mod view;
mod waits;
mod writer;

pub use attach::attach;
pub use hold::{hit, statement};
pub use inherit::{inherit, inherit_call, inherit_with};
pub use mail::receive;
pub use runtime::active;
pub use waits::waits;

/// Evaluates `step` after the probe. The probe is an argument, so that the temporaries of `step` live
/// as long as they did without it.
#[inline(always)]
pub fn seq<T>(_probe: (), step: T) -> T {
    step
}

/// Evaluates `value` before the probe: for the last argument of a call whose arguments contain steps
/// of their own, as in `a.store(a.load(X) + 1, X)`.
#[inline(always)]
pub fn after<T>(value: T, _probe: ()) -> T {
    value
}

/// A point at a place that lives as long as the application.
///
/// `$mode` is what the step needs from a lock: `Write`, `Read`, or `Free` when it never waits.
/// The block drops its temporaries before the step, so that futures stay `Send`.
#[macro_export]
macro_rules! place {
    ($point:literal, $mode:ident, $receiver:expr) => {{
        if $crate::active() {
            use $crate::internal::{
                AsPlace as _, ViewBoth as _, ViewClone as _, ViewDebug as _, ViewOpaque as _,
            };
            $crate::internal::hit_rooted(
                $point,
                $crate::internal::Mode::$mode,
                (&&&&$crate::internal::Look::at($receiver.deadheat_place())).deadheat_view(),
            );
        }
    }};
}

/// A point at a place of unknown lifetime: looked at only while the request is held there.
#[macro_export]
macro_rules! passing {
    ($point:literal, $mode:ident, $receiver:expr) => {{
        if $crate::active() {
            use $crate::internal::{
                AsPlace as _, ViewBoth as _, ViewClone as _, ViewDebug as _, ViewOpaque as _,
            };
            $crate::internal::hit_passing(
                $point,
                $crate::internal::Mode::$mode,
                (&&&&$crate::internal::Look::at($receiver.deadheat_place())).deadheat_view(),
            );
        }
    }};
}

/// A point at a part of a place that lives as long as the application; `$key` names the part.
#[macro_export]
macro_rules! keyed {
    ($point:literal, $mode:ident, $receiver:expr, $key:expr) => {{
        if $crate::active() {
            use $crate::internal::{
                AsPlace as _, Keyed as _, ViewBoth as _, ViewClone as _, ViewDebug as _,
                ViewOpaque as _,
            };
            $crate::internal::hit_keyed(
                $point,
                (&&&&$crate::internal::Look::at($receiver.deadheat_place())).deadheat_view(),
                &|| $receiver.deadheat_free($key, $crate::internal::Mode::$mode),
            );
        }
    }};
}

/// A point where a message is sent through `$sender`: whoever handles it does so for the sender.
#[macro_export]
macro_rules! post {
    ($point:literal, $sender:expr) => {{
        if $crate::active() {
            use $crate::internal::Mailbox as _;
            $crate::hit($point);
            $crate::internal::posted($sender.deadheat_mailbox());
        }
    }};
}

/// A point on the value of a receiver that is a computed value: evaluated once, then the probe.
#[macro_export]
macro_rules! at {
    ($point:literal, $mode:ident, $receiver:expr) => {
        match $receiver {
            receiver => {
                $crate::passing!($point, $mode, receiver);
                receiver
            }
        }
    };
}

/// For `conn.run(|c| …)`: the closure belongs to the request that starts it.
///
/// It stays a closure in the place of an argument, so that `c` has the type that the called function
/// gives it; passed through a function of ours, `c.execute(…)` would not compile.
#[macro_export]
macro_rules! inherit_body {
    (move |$argument:ident $(: $type:ty)?| $body:expr) => {{
        let branch = $crate::internal::Branch::here();
        move |$argument $(: $type)?| {
            let _inside = branch.inside();
            $body
        }
    }};
    (|$argument:ident $(: $type:ty)?| $body:expr) => {{
        let branch = $crate::internal::Branch::here();
        |$argument $(: $type)?| {
            let _inside = branch.inside();
            $body
        }
    }};
}

/// What the macros need; not for people.
#[doc(hidden)]
pub mod internal {
    pub use crate::hold::{hit_keyed, hit_passing, hit_rooted};
    pub use crate::inherit::Branch;
    pub use crate::mail::{posted, Mailbox};
    pub use crate::place::{AsPlace, Mode};
    #[cfg(feature = "dashmap")]
    pub use crate::shards::Keyed;
    pub use crate::view::{Look, ViewBoth, ViewClone, ViewDebug, ViewOpaque};
}
