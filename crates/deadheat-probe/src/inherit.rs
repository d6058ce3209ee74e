//! Which racer a piece of code runs for: its request's task, or what that task started.

use std::cell::Cell;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, ReadBuf};

use crate::runtime::{self, active, Desk, Racer};

thread_local! {
    static CURRENT: Cell<Option<Racer>> = const { Cell::new(None) };
}

/// The racer that this thread works for at the moment.
pub fn current(desk: &Desk) -> Option<Racer> {
    CURRENT
        .get()
        .or_else(|| desk.tasks.get(&tokio::task::try_id()?).copied())
}

/// The racer that this thread works for, for whoever is not at the desk.
pub fn working_for() -> Option<Racer> {
    let runtime = active().then(runtime::get).flatten()?;
    runtime.at_desk(|desk| current(desk)).flatten()
}

/// A part of a racer that runs beside its request; its end is told when it is dropped.
pub struct Branch(Option<Racer>);

impl Branch {
    /// A part of this racer.
    pub fn of(racer: Racer) -> Self {
        if let Some(runtime) = runtime::get() {
            runtime.at_desk(|desk| desk.control.branch(racer.0, racer.1));
        }
        Branch(Some(racer))
    }

    fn new() -> Self {
        let racer = active().then(runtime::get).flatten().and_then(|runtime| {
            let branched = runtime.at_desk(|desk| {
                let racer = current(desk)?;
                desk.control.branch(racer.0, racer.1);
                Some(racer)
            });
            branched.flatten()
        });
        Branch(racer)
    }

    fn enter<T>(&self, work: impl FnOnce() -> T) -> T {
        let Some(racer) = self.0 else { return work() };
        let _back = Back(CURRENT.replace(Some(racer)));
        work()
    }

    /// What `inherit_body!` begins with, on the thread that spawns.
    pub fn here() -> Self {
        Self::new()
    }

    /// Lets this thread work for the racer until the end of the block that holds the result.
    pub fn inside(self) -> Inside {
        let back = self.0.map(|racer| Back(CURRENT.replace(Some(racer))));
        Inside {
            _back: back,
            _branch: self,
        }
    }
}

/// Puts back whom the thread worked for, also when the work panics: tokio catches that, and the thread
/// serves others afterwards.
struct Back(Option<Racer>);

impl Drop for Back {
    fn drop(&mut self) {
        CURRENT.set(self.0);
    }
}

/// A branch that this thread works for.
pub struct Inside {
    // Order matters: the thread is another's again before the branch ends.
    _back: Option<Back>,
    _branch: Branch,
}

impl Drop for Branch {
    fn drop(&mut self) {
        if let (Some((run, actor)), Some(runtime)) = (self.0, runtime::get()) {
            runtime.at_desk(|desk| desk.control.join(run, actor));
        }
    }
}

/// A future on behalf of whoever made it.
struct Inherited<F> {
    // Order matters: the future's locals are gone when the branch ends.
    future: Pin<Box<F>>,
    branch: Branch,
}

impl<F: Future> Future for Inherited<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let Inherited { future, branch } = &mut *self;
        branch.enter(|| future.as_mut().poll(context))
    }
}

/// A response body on behalf of its request, which has been answered before it is read.
pub struct Streamed<B> {
    // Order matters, as above.
    pub body: B,
    pub branch: Branch,
}

impl<B: AsyncRead + Unpin> AsyncRead for Streamed<B> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Streamed { body, branch } = &mut *self;
        branch.enter(|| Pin::new(body).poll_read(context, buffer))
    }
}

/// For `spawn(future)`: the future belongs to the request that spawns it.
pub fn inherit<F: Future>(future: F) -> impl Future<Output = F::Output> {
    Inherited {
        future: Box::pin(future),
        branch: Branch::new(),
    }
}

/// For `spawn_blocking(closure)` and threads: the closure belongs to the request that starts it.
pub fn inherit_call<T>(call: impl FnOnce() -> T) -> impl FnOnce() -> T {
    let branch = Branch::new();
    move || branch.enter(call)
}

/// For `conn.run(load)`: the same, with an argument. See `inherit_body!` for a closure written in place.
pub fn inherit_with<C: ?Sized, T>(call: impl FnOnce(&mut C) -> T) -> impl FnOnce(&mut C) -> T {
    let branch = Branch::new();
    move |argument: &mut C| branch.enter(|| call(argument))
}
