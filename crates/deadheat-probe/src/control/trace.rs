//! What happened in a run, as it is told to the controller.

use std::fmt;

use crate::protocol::{encode, list};

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// All actors finished.
    Done,
    /// Each unfinished actor is held at a lock that it cannot get.
    Stuck,
    /// Unfinished actors wait for something that no probe sees, or never stop taking steps.
    Hung,
    /// Only sleeping actors were enabled at some moment.
    Redundant,
    /// The prefix named an actor that was not enabled, or went on after all had finished.
    Diverged,
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            End::Done => "done",
            End::Stuck => "stuck",
            End::Hung => "hung",
            End::Redundant => "redundant",
            End::Diverged => "diverged",
        })
    }
}

/// One step: from a point to the actor's next one, or to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    pub actor: u8,
    pub point: u32,
    pub place: usize,
    /// Bit mask of those who could have taken a step instead.
    pub enabled: u16,
    pub before: String,
    pub after: String,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (before, after) = (encode(&self.before), encode(&self.after));
        write!(
            f,
            "{}:{}:{}:{}:{before}:{after}",
            self.actor, self.point, self.place, self.enabled
        )
    }
}

/// One execution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    pub run: u64,
    pub end: End,
    pub steps: Vec<Step>,
    /// (actor, point, place) of those still held.
    pub pending: Vec<(u8, u32, usize)>,
}

impl fmt::Display for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pending = self
            .pending
            .iter()
            .map(|(actor, point, place)| format!("{actor}:{point}:{place}"));
        write!(
            f,
            "TRACE {} {} {} {}",
            self.run,
            self.end,
            list(self.steps.iter()),
            list(pending)
        )
    }
}
