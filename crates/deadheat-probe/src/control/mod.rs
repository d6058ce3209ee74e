//! Who may go on: one execution of a schedule, as a state machine.
//!
//! Pure: events in (`arrive`, `hold`, `answer`, `tick` …), effects out (`Effect`). It must not know about
//! threads, sockets, clocks or what a place is made of.
//!
//! The theory is that of stateless model checking: only one actor runs at a time, from the point at
//! which it is held to its next one, and that is a *step*. When nobody runs, the next step is chosen: by
//! the prefix, then by a policy (`sampler`) or else by preference for whoever went last (fewest switches),
//! never one *asleep* (P.
//! Godefroid, Partial-Order Methods, LNCS 1032, 1996, chapter 5: a sleeping actor's next step was
//! explored from a sibling, and stays so until a dependent step wakes it).
//!
//! An actor that waits for something no probe sees never reaches a point. It is found out by quiet:
//! when all threads of the process sleep, tick after tick, it is *blocked* and the others go on.

mod actor;
mod choice;
mod patience;
mod points;
mod run;
mod sampler;
mod trace;

use std::collections::BTreeMap;

use crate::protocol::Order;
use actor::{Actor, Phase};
use patience::{
    AT_REST_AFTER, BLOCKED_AFTER, HUNG_AFTER, QUEUED_AFTER, REFUSED_AFTER, ROUSED_AFTER,
    STUCK_AFTER,
};
use points::Points;
use run::{Next, Run};
pub use trace::{End, Step, Trace};

/// An actor held at a point: what the machine needs to know of it.
pub trait Held {
    /// What is left of a place when the actor has gone on: enough to see its value later.
    type Trail: Trail;

    /// The number of the point.
    fn point(&self) -> u32;
    /// The number of the place; 0 when it is not known beyond this hold.
    fn place(&self) -> usize;
    /// Whether the step would go on at once.
    fn free(&self) -> bool;
    /// Whether it is a statement that another's transaction may keep waiting, or make fail.
    fn queues(&self) -> bool {
        false
    }
    /// Whether it makes others wait until its transaction ends.
    fn keeps(&self) -> bool {
        false
    }
    /// The value of the place now; empty when unknown.
    fn value(&self) -> String;
    /// See `Trail`.
    fn trail(&self) -> Option<Self::Trail>;
}

/// A place that outlives the hold.
pub trait Trail {
    /// The value of the place now; empty when unknown.
    fn value(&self) -> String;
}

/// What is to be done.
#[derive(Debug, PartialEq)]
pub enum Effect<H> {
    /// Let this held actor go on.
    Go(H),
    /// The run ended: tell the controller.
    Ended(Trace),
    /// After a release: all actors finished.
    Free,
    /// After a release: the process sleeps although actors are not finished.
    Quiet,
}

/// How fast the watchdog should tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// Nothing to watch.
    Idle,
    /// Actors may block.
    Running,
    /// A released run is waited for.
    Releasing,
}

/// See the module.
pub struct Control<H: Held> {
    runs: BTreeMap<u64, Run<H>>,
    current: u64,
    points: Points,
    releasing: bool,
    moves: u64,
    still: u32,
    effects: Vec<Effect<H>>,
}

impl<H: Held> Control<H> {
    /// Nothing announced yet.
    pub fn new() -> Self {
        Control {
            runs: BTreeMap::new(),
            current: 0,
            points: Points::default(),
            releasing: false,
            moves: 0,
            still: 0,
            effects: Vec::new(),
        }
    }

    /// What has to be done since the last call.
    pub fn take_effects(&mut self) -> Vec<Effect<H>> {
        std::mem::take(&mut self.effects)
    }

    /// Counts everything that happened: the watchdog compares it around its look at the threads.
    pub fn moves(&self) -> u64 {
        self.moves
    }

    /// How fast to tick.
    pub fn pace(&self) -> Pace {
        match self.runs.get(&self.current) {
            _ if self.releasing => Pace::Releasing,
            Some(run) if !run.over => Pace::Running,
            _ => Pace::Idle,
        }
    }

    /// What each point does, for dependency: (point, resource, does it write).
    pub fn points(&mut self, table: Vec<(u32, u32, bool)>) {
        self.points = Points::new(table);
    }

    /// The resource that a point touches; 0 when unknown.
    pub fn resource(&self, point: u32) -> u32 {
        self.points.resource(point)
    }

    /// A run is to be executed; actors of it may have arrived already.
    pub fn announce(&mut self, order: Order) {
        let number = order.run;
        self.moved();
        let mut run = self.runs.remove(&number).unwrap_or_else(Run::new);
        let later = self.runs.split_off(&number);
        // Only a controller that gave up comes here with somebody still held.
        for old in std::mem::replace(&mut self.runs, later).into_values() {
            self.effects.extend(old.into_holds().map(Effect::Go));
        }
        self.releasing = false;
        self.current = number;
        for unexpected in run.actors.drain(order.actors..) {
            self.effects
                .extend(unexpected.holds.into_iter().map(Effect::Go));
        }
        run.order = Some(order);
        self.runs.insert(number, run);
        self.decide();
    }

    /// A racer's request reached the application.
    pub fn arrive(&mut self, run: u64, actor: u8) {
        self.moved();
        if let Some(actor) = self.actor(run, actor) {
            if actor.phase == Phase::Absent {
                actor.phase = Phase::Running;
            }
        }
    }

    /// A racer reached a point. Gives the hold back when it need not wait: its run is over.
    pub fn hold(&mut self, run: u64, actor: u8, hold: H) -> Result<(), H> {
        self.moved();
        if self.runs.get(&run).is_some_and(|known| known.over) {
            return Err(hold);
        }
        match self.actor(run, actor) {
            None => return Err(hold),
            Some(found) => {
                found.holds.push_back(hold);
                found.phase = Phase::Held;
            }
        }
        self.settle(run, actor);
        Ok(())
    }

    /// A racer's response is ready and its handler's locals are gone.
    pub fn answer(&mut self, run: u64, actor: u8) {
        self.moved();
        if let Some(found) = self.actor(run, actor) {
            found.answered = true;
            found.rest();
            self.settle(run, actor);
        }
    }

    /// A racer started something that runs beside it.
    pub fn branch(&mut self, run: u64, actor: u8) {
        if let Some(found) = self.actor(run, actor) {
            found.branches += 1;
        }
    }

    /// A racer sent a message to somebody who is busy with another one.
    pub fn post(&mut self, run: u64, actor: u8) {
        self.branch(run, actor);
        if let Some(found) = self.actor(run, actor) {
            found.mail += 1;
        }
    }

    /// Such a message is worked off from now on.
    pub fn deliver(&mut self, run: u64, actor: u8) {
        self.moved();
        if let Some(found) = self.actor(run, actor) {
            found.served();
        }
    }

    /// A part of a racer waits until somebody wakes it.
    pub fn sleep(&mut self, run: u64, actor: u8) {
        self.moved();
        if let Some(found) = self.actor(run, actor) {
            found.asleep += 1;
            found.rest();
            self.settle(run, actor);
        }
    }

    /// Somebody woke it.
    pub fn wake(&mut self, run: u64, actor: u8) {
        self.moved();
        if let Some(found) = self.actor(run, actor) {
            found.asleep = found.asleep.saturating_sub(1);
            found.rest();
        }
    }

    /// Something that a racer started has ended.
    pub fn join(&mut self, run: u64, actor: u8) {
        self.moved();
        if let Some(found) = self.actor(run, actor) {
            found.branches = found.branches.saturating_sub(1);
            found.rest();
            self.settle(run, actor);
        }
    }

    /// Everybody held goes on freely from now on.
    pub fn release(&mut self) {
        self.moved();
        self.releasing = true;
        if self.runs.get(&self.current).is_some_and(Run::under_way) {
            self.end(End::Hung);
        }
        if let Some(run) = self.runs.get_mut(&self.current) {
            for actor in &mut run.actors {
                self.effects.extend(actor.let_go().map(Effect::Go));
            }
        }
        self.freed();
    }

    /// The application ends: everybody goes on, and nothing more is told.
    pub fn close(&mut self) {
        self.release();
        self.releasing = false;
        self.effects
            .retain(|effect| matches!(effect, Effect::Go(_)));
    }

    /// Time passed. `quiet`: all threads sleep, and nothing has moved since `moves` was read.
    pub fn tick(&mut self, quiet: bool, moves: u64) {
        if !quiet || moves != self.moves {
            self.still = 0;
        } else {
            self.still += 1;
        }
        if self.releasing {
            if self.still >= AT_REST_AFTER {
                self.releasing = false;
                self.effects.push(Effect::Quiet);
            }
            return;
        }
        if self.still >= ROUSED_AFTER {
            if let Some(run) = self.runs.get_mut(&self.current) {
                run.roused = false;
            }
        }
        // A lock may have become free meanwhile: somebody else than the actors held it.
        self.decide();
        let still = self.still;
        let run = self.runs.get_mut(&self.current);
        let Some(run) = run.filter(|run| run.under_way()) else {
            return;
        };
        // Who waits for an answer to a message that nobody has taken yet needs no patience either.
        let patience = if run.queued() || run.posted() {
            QUEUED_AFTER
        } else {
            BLOCKED_AFTER
        };
        let hope = if run.refusing() {
            REFUSED_AFTER
        } else {
            HUNG_AFTER
        };
        if still >= patience && run.any(Phase::Running) {
            run.actors.iter_mut().for_each(Actor::block);
            self.moved();
            self.decide();
        } else if still >= STUCK_AFTER && run.at_rest() {
            if run.insist() {
                self.decide();
            } else {
                self.end(End::Stuck);
            }
        } else if still >= hope {
            // Either the prefix waits for somebody who does not come, or everybody does.
            run.choice.impatient = true;
            self.decide();
            if moves == self.moves {
                self.end(End::Hung);
            }
        }
    }

    fn moved(&mut self) {
        self.moves += 1;
        self.still = 0;
    }

    /// The actor, unless its run is over for good or does not know it. A run not announced yet is kept.
    fn actor(&mut self, run: u64, actor: u8) -> Option<&mut Actor<H>> {
        if run > self.current {
            self.runs.entry(run).or_insert_with(Run::new);
        }
        self.runs.get_mut(&run)?.actors.get_mut(usize::from(actor))
    }

    fn settle(&mut self, number: u64, actor: u8) {
        if let Some(run) = self.runs.get_mut(&number) {
            run.settle(actor);
        }
        if number == self.current {
            self.decide();
            self.freed();
        }
    }

    fn freed(&mut self) {
        let all = self.runs.get(&self.current).map_or(true, Run::finished);
        if self.releasing && all {
            self.releasing = false;
            self.effects.push(Effect::Free);
        }
    }

    fn decide(&mut self) {
        let Some(run) = self.runs.get_mut(&self.current) else {
            return;
        };
        match run.next(&self.points) {
            Next::Wait => (),
            Next::Go(hold) => {
                self.moved();
                self.effects.push(Effect::Go(hold));
            }
            Next::End(end) => self.end(end),
        }
    }

    fn end(&mut self, end: End) {
        if let Some(run) = self.runs.get_mut(&self.current) {
            let trace = run.end(self.current, end);
            self.effects.push(Effect::Ended(trace));
        }
    }
}

#[cfg(test)]
mod tests;
