//! One execution: its actors, the steps taken so far, and the next one.

use super::actor::{Actor, Phase};
use super::choice::Choice;
use super::points::Points;
use super::sampler::Sight;
use super::{End, Held, Step, Trace, Trail};
use crate::protocol::{bit, Order, MAX_ACTORS};

/// Steps until a run is given up: a retry loop whose condition the order never makes true.
pub const MAX_STEPS: usize = 2_000;

/// What comes next in a run.
pub enum Next<H> {
    /// Somebody runs, or nobody can: only events or time bring it further.
    Wait,
    /// This actor takes a step.
    Go(H),
    /// Nothing more.
    End(End),
}

pub struct Run<H: Held> {
    pub actors: Vec<Actor<H>>,
    /// None until it is announced.
    pub order: Option<Order>,
    pub choice: Choice,
    pub over: bool,
    /// A step was taken beside somebody blocked, who may go on because of it.
    pub roused: bool,
    /// Nobody is enabled: statements are let go to fail.
    insisting: bool,
    steps: Vec<(Step, Option<H::Trail>)>,
}

impl<H: Held> Run<H> {
    pub fn new() -> Self {
        Run {
            actors: (0..MAX_ACTORS).map(|_| Actor::new()).collect(),
            order: None,
            choice: Choice::default(),
            over: false,
            roused: false,
            insisting: false,
            steps: Vec::new(),
        }
    }

    pub fn under_way(&self) -> bool {
        self.order.is_some() && !self.over
    }

    /// Whether all who run have a message that lies before a busy receiver.
    pub fn posted(&self) -> bool {
        let running = |actor: &&Actor<H>| actor.phase == Phase::Running;
        self.actors
            .iter()
            .filter(running)
            .all(|actor| actor.mail > 0)
    }

    pub fn finished(&self) -> bool {
        self.all(|phase| phase == Phase::Finished)
    }

    pub fn at_rest(&self) -> bool {
        self.actors.iter().all(Actor::at_rest)
    }

    pub fn any(&self, phase: Phase) -> bool {
        !self.all(|other| other != phase)
    }

    fn all(&self, holds: impl Fn(Phase) -> bool) -> bool {
        self.actors.iter().all(|actor| holds(actor.phase))
    }

    /// Whether all who run are at statements, and some other's transaction is under way.
    pub fn queued(&self) -> bool {
        let keeps = |actor: &Actor<H>| {
            actor.keeps && !matches!(actor.phase, Phase::Finished | Phase::Running)
        };
        let mut running = self
            .actors
            .iter()
            .filter(|actor| actor.phase == Phase::Running);
        self.actors.iter().any(keeps) && running.all(|actor| actor.queues)
    }

    /// Whether somebody is blocked at a statement: the database may yet refuse it.
    pub fn refusing(&self) -> bool {
        let waits = |actor: &Actor<H>| actor.phase == Phase::Blocked && actor.queues;
        self.actors.iter().any(waits)
    }

    /// Lets statements go that cannot have their lock; whether there are any.
    pub fn insist(&mut self) -> bool {
        self.insisting = self.actors.iter().any(Actor::refusable);
        self.insisting
    }

    pub fn into_holds(self) -> impl Iterator<Item = H> {
        self.actors.into_iter().flat_map(|actor| actor.holds)
    }

    /// If the actor came to rest, its step is complete.
    pub fn settle(&mut self, actor: u8) {
        let found = self.actors.get_mut(usize::from(actor));
        let open = found
            .filter(|found| found.at_rest())
            .and_then(|found| found.open.take());
        if let Some((step, trail)) = open.and_then(|index| self.steps.get_mut(index)) {
            step.after = trail.take().map(|trail| trail.value()).unwrap_or_default();
        }
    }

    /// If nobody runs, chooses who takes the next step.
    pub fn next(&mut self, points: &Points) -> Next<H> {
        let Some(order) = self.order.as_ref().filter(|_| !self.over) else {
            return Next::Wait;
        };
        if self.any(Phase::Running) || self.any(Phase::Absent) {
            return Next::Wait;
        }
        let step = self.steps.len();
        if self.actors.iter().all(Actor::leaves_it_there) {
            return Next::End(self.choice.end(order, step));
        }
        if step >= MAX_STEPS {
            return Next::End(End::Hung);
        }
        let blocked = self.any(Phase::Blocked);
        if blocked && self.roused {
            return Next::Wait;
        }
        let mut enabled = mask(&self.actors, Actor::enabled);
        if enabled == 0 && (blocked || self.insisting) {
            // Who waits inside the database may wait for one of these. They are refused, and answer.
            enabled = mask(&self.actors, Actor::refusable);
        }
        let interests = |hold: &H| {
            let policy = order.policy.as_ref();
            policy.is_some_and(|policy| policy.interests(points.resource(hold.point())))
        };
        let sight = Sight {
            ready: enabled,
            interesting: mask(&self.actors, |a| a.holds.front().is_some_and(interests)),
            alive: mask(&self.actors, |a| a.phase != Phase::Finished),
        };
        let Some(chosen) = self.choice.next(order, step, sight, blocked) else {
            return Next::Wait;
        };
        let Some(hold) = self.actors[usize::from(chosen)].go(step) else {
            return Next::Wait;
        };
        if step >= order.prefix.len() {
            // Whoever has no pending step is awake: what it will do is not known.
            let stirred = |actor: &Actor<H>| {
                let pending = actor.holds.front();
                pending.map_or(true, |pending| points.dependent(&hold, pending))
            };
            self.choice.wake(mask(&self.actors, stirred) | bit(chosen));
            let conflicts = |actor: &Actor<H>| {
                let pending = actor.holds.front();
                pending.is_some_and(|pending| points.dependent(&hold, pending))
            };
            let dependent = mask(&self.actors, conflicts);
            self.choice.took(order, chosen, interests(&hold), dependent);
        }
        let taken = Step {
            actor: chosen,
            point: hold.point(),
            place: hold.place(),
            enabled,
            before: hold.value(),
            after: String::new(),
        };
        self.steps.push((taken, hold.trail()));
        self.roused = self.actors.iter().any(Actor::rousable);
        self.insisting = false;
        Next::Go(hold)
    }

    /// Closes the run and tells what happened.
    pub fn end(&mut self, run: u64, end: End) -> Trace {
        self.over = true;
        let steps = std::mem::take(&mut self.steps).into_iter();
        let steps = steps.map(|(mut step, trail)| {
            // Taken before: complete. Still there: the actor never came to rest after this step.
            if let Some(trail) = trail {
                step.after = trail.value();
            }
            step
        });
        let pending = (0_u8..).zip(&self.actors).filter_map(|(n, actor)| {
            let hold = actor.holds.front()?;
            Some((n, hold.point(), hold.place()))
        });
        Trace {
            run,
            end,
            steps: steps.collect(),
            pending: pending.collect(),
        }
    }
}

fn mask<H>(actors: &[Actor<H>], chosen: impl Fn(&Actor<H>) -> bool) -> u16 {
    let numbered = (0_u8..).zip(actors).filter(|(_, actor)| chosen(actor));
    numbered.fold(0, |mask, (n, _)| mask | bit(n))
}
