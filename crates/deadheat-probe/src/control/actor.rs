//! One actor of a run: where it stands.
//!
//! An actor is a request together with whatever it started (spawned futures, closures on other threads).
//! It is one thread of control for the search: the first point reached by any part of it settles it.

use std::collections::VecDeque;

use super::Held;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Its request has not reached the application.
    Absent,
    /// Somewhere between two points.
    Running,
    /// The same, and it waits for something that no probe sees.
    Blocked,
    /// At a point.
    Held,
    /// Answered, and nothing it started still runs.
    Finished,
}

pub struct Actor<H> {
    pub phase: Phase,
    /// Where it is held; more than one when parts of it run beside each other.
    pub holds: VecDeque<H>,
    pub answered: bool,
    /// How many futures and closures it started have not ended.
    pub branches: usize,
    /// How many of these are messages that lie before a receiver which is busy with another one.
    pub mail: usize,
    /// How many of its parts wait until somebody wakes them.
    pub asleep: usize,
    /// The step it takes at the moment.
    pub open: Option<usize>,
    /// That step is a statement that a database may keep waiting.
    pub queues: bool,
    /// It has changed rows in a transaction.
    pub keeps: bool,
}

impl<H: Held> Actor<H> {
    pub fn new() -> Self {
        Actor {
            phase: Phase::Absent,
            holds: VecDeque::new(),
            answered: false,
            branches: 0,
            mail: 0,
            asleep: 0,
            open: None,
            queues: false,
            keeps: false,
        }
    }

    /// A part of it ended: is the whole at rest now?
    pub fn rest(&mut self) {
        if !self.holds.is_empty() {
            self.phase = Phase::Held;
        } else if self.answered && self.branches == 0 {
            self.phase = Phase::Finished;
        } else if self.waits() {
            self.phase = Phase::Blocked;
        } else if self.phase == Phase::Blocked {
            self.phase = Phase::Running;
        }
    }

    /// Whether all of it waits for a word that others say in the middle of a step: for its message's turn,
    /// or for being woken. Nothing else lets it go on.
    pub fn waits(&self) -> bool {
        self.mail + self.asleep >= self.branches + usize::from(!self.answered)
    }

    /// Whether it has ended, or has been answered and what is left of it waits to be woken, as a stream of news
    /// does that never ends. Where nobody goes on any more, that is as finished as it gets.
    pub fn leaves_it_there(&self) -> bool {
        let waiting =
            self.phase == Phase::Blocked && self.answered && self.mail == 0 && self.waits();
        waiting || self.phase == Phase::Finished
    }

    pub fn at_rest(&self) -> bool {
        matches!(self.phase, Phase::Held | Phase::Finished)
    }

    /// It did not come back although the whole process sleeps. An answered one whose branches wait for
    /// something else (a timer, a channel) is as finished as it gets.
    pub fn block(&mut self) {
        if self.phase == Phase::Running {
            self.phase = match (self.holds.is_empty(), self.answered && self.mail == 0) {
                (false, _) => Phase::Held,
                (true, true) => Phase::Finished,
                (true, false) => Phase::Blocked,
            };
        }
    }

    /// Whether a step of another may let it go on unseen.
    pub fn rousable(&self) -> bool {
        self.phase == Phase::Blocked && !self.waits()
    }

    /// One of its messages is worked off from now on.
    pub fn served(&mut self) {
        self.mail = self.mail.saturating_sub(1);
        if matches!(self.phase, Phase::Blocked | Phase::Finished) {
            self.phase = Phase::Running;
        }
    }

    pub fn enabled(&self) -> bool {
        self.phase == Phase::Held && self.holds.front().is_some_and(Held::free)
    }

    /// Whether its step, had it to wait, would be refused in the end.
    pub fn refusable(&self) -> bool {
        self.phase == Phase::Held && self.holds.front().is_some_and(Held::queues)
    }

    /// Starts its step number `step`.
    pub fn go(&mut self, step: usize) -> Option<H> {
        let hold = self.holds.pop_front()?;
        self.phase = Phase::Running;
        self.open = Some(step);
        self.queues = hold.queues();
        self.keeps |= hold.keeps();
        Some(hold)
    }

    /// It is not steered any more.
    pub fn let_go(&mut self) -> impl Iterator<Item = H> {
        if self.phase == Phase::Held {
            self.phase = Phase::Running;
        }
        std::mem::take(&mut self.holds).into_iter()
    }
}
