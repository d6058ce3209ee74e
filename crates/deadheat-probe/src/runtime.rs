//! The one runtime of the process: the socket, the reader, the watchdog, and the state they share.

use std::cell::Cell;
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::{self, Thread};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task;

use crate::control::{Control, Effect, Pace};
use crate::hold::Hold;
use crate::lap::{Driver, Finish};
use crate::memory::Memory;
use crate::protocol::{self, Command, Order};
use crate::quiet;

const UNKNOWN: u8 = 0;
const OFF: u8 = 1;
const ON: u8 = 2;

static SWITCH: AtomicU8 = AtomicU8::new(UNKNOWN);
static RUNTIME: OnceLock<Option<Runtime>> = OnceLock::new();

thread_local! {
    /// This thread looks at values on behalf of the runtime: what it meets on the way is no step.
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// Whether a controller listens. After the first call it costs one relaxed load.
#[inline]
pub fn active() -> bool {
    match SWITCH.load(Ordering::Relaxed) {
        OFF => false,
        ON => true,
        _ => wake(),
    }
}

#[cold]
fn wake() -> bool {
    let on = get().is_some();
    SWITCH.store(if on { ON } else { OFF }, Ordering::Relaxed);
    on
}

/// The runtime, started by the first who asks; None when there is no controller.
pub fn get() -> Option<&'static Runtime> {
    let mut first = None;
    let runtime = RUNTIME.get_or_init(|| {
        let path = std::env::var_os("DEADHEAT_SOCKET")?;
        match UnixStream::connect(&path).and_then(|socket| Ok((socket.try_clone()?, socket))) {
            Ok((reading, writing)) => {
                first = Some(reading);
                Some(Runtime::new(writing))
            }
            Err(error) => {
                // The controller waits for a connection: better to end with a reason than to run unsteered.
                eprintln!(
                    "deadheat: cannot connect to {}: {error}",
                    path.to_string_lossy()
                );
                std::process::exit(3);
            }
        }
    });
    if let (Some(reading), Some(runtime)) = (first, runtime) {
        runtime.start(reading);
    }
    runtime.as_ref()
}

/// What a racer is called: its run, and its number in it.
pub type Racer = (u64, u8);

/// See the module.
pub struct Runtime {
    desk: Mutex<Desk>,
    watchdog: OnceLock<Thread>,
    announcement: Notify,
}

/// Everything that is decided upon, under one lock: steps are sequential by nature.
pub struct Desk {
    pub control: Control<Hold>,
    pub memory: Memory,
    /// Which racer each task runs for.
    pub tasks: HashMap<task::Id, Racer>,
    socket: UnixStream,
    watched: bool,
    /// The run announced last.
    latest: u64,
    lap: Lap,
}

/// The run whose requests are sent from here, if that one is under way.
enum Lap {
    None,
    /// Its number, and who waits for its end.
    Under(u64, Thread),
    Over(Finish),
}

impl Runtime {
    fn new(socket: UnixStream) -> Self {
        let mut desk = Desk {
            control: Control::new(),
            memory: Memory::default(),
            tasks: HashMap::new(),
            socket,
            watched: false,
            latest: 0,
            lap: Lap::None,
        };
        desk.say(&format!("HELLO 1 {} laps", std::process::id()));
        Runtime {
            desk: Mutex::new(desk),
            watchdog: OnceLock::new(),
            announcement: Notify::new(),
        }
    }

    fn start(&'static self, socket: UnixStream) {
        spawn("deadheat-read", move || self.read(socket));
        spawn("deadheat-watch", move || self.watch());
    }

    /// Works on the shared state, then does what came out of it. None when this thread is here already.
    pub fn at_desk<T>(&self, work: impl FnOnce(&mut Desk) -> T) -> Option<T> {
        if INSIDE.replace(true) {
            return None;
        }
        let mut desk = self.lock();
        let result = work(&mut desk);
        let going = desk.perform();
        if desk.control.pace() != Pace::Idle && !desk.watched {
            desk.watched = true;
            if let Some(watchdog) = self.watchdog.get() {
                watchdog.unpark();
            }
        }
        drop(desk);
        INSIDE.set(false);
        // Without the lock: whoever wakes up here comes to the desk next.
        going.into_iter().for_each(Hold::go);
        Some(result)
    }

    /// A racer's request reached the application, served by `task`. It goes on once its run is announced:
    /// a controller sends requests right behind `AGAIN` and `RUN`, and they may overtake them.
    pub async fn arrive(&self, racer: Racer, task: task::Id) {
        loop {
            let announcement = self.announcement.notified();
            let arrived = self.at_desk(|desk| {
                let announced = racer.0 <= desk.latest;
                if announced {
                    desk.tasks.insert(task, racer);
                    desk.control.arrive(racer.0, racer.1);
                }
                announced
            });
            if arrived != Some(false) {
                return;
            }
            announcement.await;
        }
    }

    /// Puts the marked values back.
    ///
    /// # Errors
    /// As `Memory::restore`.
    pub fn restore(&self) -> Result<(), String> {
        self.at_desk(|desk| desk.memory.restore()).unwrap_or(Ok(()))
    }

    /// A run begins whose requests the calling thread is about to send.
    pub fn begin_lap(&self, order: Order) {
        self.at_desk(|desk| {
            desk.lap = Lap::Under(order.run, thread::current());
            desk.latest = order.run;
            desk.control.announce(order);
        });
    }

    /// Whether it is over, and so.
    pub fn look_at_lap(&self, so: impl FnOnce(&Finish) -> bool) -> bool {
        matches!(&self.lock().lap, Lap::Over(finish) if so(finish))
    }

    /// Waits until it is over.
    pub fn end_lap(&self) -> Finish {
        loop {
            let mut desk = self.lock();
            match std::mem::replace(&mut desk.lap, Lap::None) {
                Lap::Over(finish) => return finish,
                other => desk.lap = other,
            }
            drop(desk);
            // Woken at the desk, once it is over.
            thread::park();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self, socket: UnixStream) {
        let mut driver = Driver::default();
        for line in BufReader::new(socket).lines() {
            let Ok(line) = line else { break };
            match protocol::read(&line) {
                Ok(Command::Script(script)) => {
                    driver.learn(script);
                    self.at_desk(|desk| desk.say("OK"));
                }
                Ok(Command::Lap(order)) => {
                    let told = driver.lap(self, order);
                    self.at_desk(|desk| {
                        desk.lap = Lap::None;
                        desk.say(&told);
                    });
                }
                command => {
                    self.at_desk(|desk| desk.obey(command));
                    self.announcement.notify_waiters();
                }
            }
        }
        // The controller is gone: an application held in mid-request is of no use to anybody.
        std::process::exit(0);
    }

    fn watch(&self) {
        let _ = self.watchdog.set(thread::current());
        let own = quiet::own_thread();
        let mut seen = 0;
        loop {
            let pace = {
                let mut desk = self.lock();
                let pace = desk.control.pace();
                desk.watched = pace != Pace::Idle;
                pace
            };
            thread::park_timeout(match pace {
                Pace::Idle => Duration::from_secs(3600),
                Pace::Running => Duration::from_millis(20),
                Pace::Releasing => Duration::from_millis(10),
            });
            let before = self.lock().control.moves();
            // Where something moved since the last tick the threads need not be looked at.
            let quiet = before == seen && quiet::all_asleep_but(own.as_deref());
            seen = before;
            self.at_desk(|desk| desk.control.tick(quiet, before));
        }
    }
}

impl Desk {
    /// Sends one line. A controller that is gone is noticed by the reader.
    pub fn say(&mut self, line: &str) {
        let _ = self.socket.write_all(format!("{line}\n").as_bytes());
    }

    fn obey(&mut self, command: Result<Command, String>) {
        match command {
            Ok(Command::Run(order)) => {
                self.latest = order.run;
                self.control.announce(order);
            }
            Ok(Command::Release) => self.control.release(),
            Ok(Command::Points(table)) => {
                self.control.points(table);
                self.say("OK");
            }
            Ok(Command::Mark) => {
                let (kept, watched) = self.memory.mark();
                self.say(&format!("OK {kept} {watched}"));
            }
            Ok(Command::Restore) => match self.memory.restore() {
                Ok(()) => self.say("OK"),
                Err(reason) => self.say(&format!("FAIL {}", protocol::encode(&reason))),
            },
            Ok(Command::Again) => {
                if let Err(reason) = self.memory.restore() {
                    self.say(&format!("FAIL {}", protocol::encode(&reason)));
                }
            }
            Ok(Command::State) => {
                let state = self.memory.state();
                self.say(&format!("STATE {state}"));
            }
            Err(reason) => self.say(&format!("FAIL {}", protocol::encode(&reason))),
            // The reader's: nobody may be at the desk meanwhile.
            Ok(Command::Script(_) | Command::Lap(_)) => (),
        }
    }

    /// Tells what there is to tell; gives who may go on.
    fn perform(&mut self) -> Vec<Hold> {
        let mut going = Vec::new();
        for effect in self.control.take_effects() {
            match effect {
                Effect::Go(hold) => going.push(hold),
                Effect::Ended(trace) => {
                    let words = format!("{trace} {}", self.memory.values());
                    match &self.lap {
                        Lap::Under(run, waiting) if *run == trace.run => {
                            waiting.unpark();
                            self.lap = Lap::Over(Finish::of(&trace, words));
                        }
                        _ => self.say(&words),
                    }
                }
                Effect::Free => self.say("FREE"),
                Effect::Quiet => self.say("QUIET"),
            }
        }
        going
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) {
    // Without its threads the runtime cannot do what the controller waits for.
    if let Err(error) = thread::Builder::new().name(name.to_owned()).spawn(work) {
        eprintln!("deadheat: cannot start a thread: {error}");
        std::process::exit(3);
    }
}
