//! Points: where a request may be held, and how its thread waits there.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use tokio::runtime::{Handle, RuntimeFlavor};

use crate::control::{Held, Trail};
use crate::inherit;
use crate::place::Mode;
use crate::runtime::{self, active, Racer};
use crate::view::View;
use crate::writer;

/// A racer held at a point.
pub struct Hold {
    point: u32,
    mode: Mode,
    view: Option<View<'static>>,
    /// Asked instead of the view where a step waits for a part of its place only.
    door: Option<Door<'static>>,
    place: usize,
    gate: Arc<Gate>,
    statement: Option<Statement>,
}

/// A statement that a database may keep waiting until another transaction ends.
#[derive(Clone, Copy)]
struct Statement {
    racer: Racer,
    inside: bool,
}

/// Whether a step would go on at once.
type Door<'a> = &'a (dyn Fn() -> bool + Sync);

/// Where its thread waits.
struct Gate {
    open: AtomicBool,
    thread: Thread,
}

impl Hold {
    /// Lets the thread go on.
    pub fn go(self) {
        self.gate.open.store(true, Ordering::Release);
        self.gate.thread.unpark();
    }
}

impl Held for Hold {
    type Trail = View<'static>;

    fn point(&self) -> u32 {
        self.point
    }

    fn place(&self) -> usize {
        self.place
    }

    fn free(&self) -> bool {
        if self
            .statement
            .is_some_and(|one| !writer::free_for(one.racer))
        {
            return false;
        }
        match self.door {
            Some(door) => door(),
            None => self.view.map_or(true, |view| view.free(self.mode)),
        }
    }

    fn queues(&self) -> bool {
        self.statement.is_some()
    }

    fn keeps(&self) -> bool {
        self.statement.is_some_and(|one| one.inside)
    }

    fn value(&self) -> String {
        self.view.and_then(|view| view.show()).unwrap_or_default()
    }

    fn trail(&self) -> Option<View<'static>> {
        self.view.filter(|_| self.place != 0)
    }
}

impl Trail for View<'static> {
    fn value(&self) -> String {
        self.show().unwrap_or_default()
    }
}

/// A point of which no more is known than that it is one.
#[inline]
pub fn hit(point: u32) {
    if active() {
        reach(point, Mode::Free, None, None, false, None);
    }
}

/// A point ahead of a statement that changes or locks rows; `inside` a transaction, which keeps the locks.
#[inline]
pub fn statement(point: u32, inside: bool) {
    if active() {
        writer::watch();
        reach(point, Mode::Free, None, None, false, Some(inside));
    }
}

/// A point at a place that lives as long as the application. That is for the caller to know: the
/// insertions use it on fields of managed state and on statics only.
pub fn hit_rooted(point: u32, mode: Mode, view: View<'_>) {
    // SAFETY: the place is a static or part of managed state. The runtime forgets all places before
    // Rocket drops its state (see `attach`), and never looks at one otherwise.
    reach(
        point,
        mode,
        Some(unsafe { view.erased() }),
        None,
        true,
        None,
    );
}

/// A point at a part of a place that lives as long as the application.
pub fn hit_keyed(point: u32, view: View<'_>, door: Door<'_>) {
    // SAFETY: the view as in `hit_rooted`. The door is kept in the hold only, and `reach` returns only
    // after its hold was taken from the control.
    let (view, door) = unsafe {
        (
            view.erased(),
            std::mem::transmute::<Door<'_>, Door<'static>>(door),
        )
    };
    reach(point, Mode::Free, Some(view), Some(door), true, None);
}

/// A point at a place of unknown lifetime.
pub fn hit_passing(point: u32, mode: Mode, view: View<'_>) {
    // SAFETY: `reach` returns only after its hold was taken from the control, and a view that is not
    // rooted is kept nowhere else (`trail` is None). So it is not used after this call.
    reach(
        point,
        mode,
        Some(unsafe { view.erased() }),
        None,
        false,
        None,
    );
}

fn reach(
    point: u32,
    mode: Mode,
    view: Option<View<'static>>,
    door: Option<Door<'static>>,
    rooted: bool,
    statement: Option<bool>,
) {
    let Some(runtime) = runtime::get() else {
        return;
    };
    let gate = Arc::new(Gate {
        open: AtomicBool::new(false),
        thread: thread::current(),
    });
    let waiting = runtime.at_desk(|desk| {
        let place = match view {
            Some(view) if rooted => {
                let resource = desk.control.resource(point);
                desk.memory.number(point, resource, view)
            }
            _ => 0,
        };
        let Some((run, actor)) = inherit::current(desk) else {
            return false;
        };
        writer::settle((run, actor));
        let racer = (run, actor);
        let hold = Hold {
            point,
            mode,
            view,
            door,
            place,
            gate: Arc::clone(&gate),
            statement: statement.map(|inside| Statement { racer, inside }),
        };
        desk.control.hold(run, actor, hold).is_ok()
    });
    if waiting == Some(true) && !gate.open.load(Ordering::Acquire) {
        wait(&gate);
    }
}

/// How long a thread stays awake at its gate: another's step is mostly shorter than a change of threads.
const SOON: Duration = Duration::from_micros(100);

/// Blocks this thread. A worker of a multi-thread runtime first hands its other tasks over.
fn wait(gate: &Gate) {
    let until = Instant::now() + SOON;
    while Instant::now() < until {
        if gate.open.load(Ordering::Acquire) {
            return;
        }
        thread::yield_now();
    }
    let blocked = || {
        while !gate.open.load(Ordering::Acquire) {
            thread::park();
        }
    };
    let multi = Handle::try_current()
        .is_ok_and(|handle| handle.runtime_flavor() == RuntimeFlavor::MultiThread);
    if multi {
        tokio::task::block_in_place(blocked);
    } else {
        blocked();
    }
}
