//! Which of the enabled actors takes the next step.

use super::sampler::{Sampler, Sight};
use super::End;
use crate::protocol::{bit, Order};

/// What the choices of one run have led to so far.
#[derive(Debug, Default)]
pub struct Choice {
    last: Option<u8>,
    woken: u16,
    diverged: bool,
    redundant: bool,
    /// The choices of the order's policy, from its first one on.
    sampler: Option<Sampler>,
    /// The prefix has waited long enough for an actor that is blocked.
    pub impatient: bool,
}

impl Choice {
    /// Chooses; None when it is better to wait. `blocked`: somebody waits for something unseen, and may
    /// yet become enabled or make others so.
    pub fn next(&mut self, order: &Order, step: usize, sight: Sight, blocked: bool) -> Option<u8> {
        let enabled = sight.ready;
        let lowest = first(enabled);
        let chosen = if self.diverged {
            lowest?
        } else if let Some(&asked) = order.prefix.get(step) {
            if enabled & bit(asked) != 0 {
                asked
            } else if blocked && !self.impatient {
                return None;
            } else {
                // With nobody enabled the prefix is as wrong, but there is nothing else to try either.
                let lowest = lowest?;
                self.diverged = true;
                lowest
            }
        } else {
            let lowest = lowest?;
            let awake = enabled & !(order.asleep & !self.woken);
            self.redundant |= awake == 0;
            match (first(awake), self.last) {
                _ if self.redundant => lowest,
                (Some(_), _) if order.policy.is_some() => self.sample(order, awake, sight)?,
                (_, Some(last)) if awake & bit(last) != 0 => last,
                (Some(awake), _) => awake,
                (None, _) => lowest,
            }
        };
        self.last = Some(chosen);
        Some(chosen)
    }

    fn sample(&mut self, order: &Order, awake: u16, sight: Sight) -> Option<u8> {
        let policy = order.policy.as_ref()?;
        let sampler = self
            .sampler
            .get_or_insert_with(|| Sampler::new(policy, order.actors));
        let ready = awake;
        sampler.choose(policy, Sight { ready, ..sight })
    }

    /// A step was taken that `dependent` ones are about to conflict with.
    pub fn took(&mut self, order: &Order, actor: u8, interesting: bool, dependent: u16) {
        if let (Some(policy), Some(sampler)) = (&order.policy, &mut self.sampler) {
            sampler.took(policy, actor, interesting, dependent);
        }
    }

    /// These do not sleep any more.
    pub fn wake(&mut self, actors: u16) {
        self.woken |= actors;
    }

    /// How a run ends whose actors all finished.
    pub fn end(&self, order: &Order, steps: usize) -> End {
        if self.diverged || steps < order.prefix.len() {
            End::Diverged
        } else if self.redundant {
            End::Redundant
        } else {
            End::Done
        }
    }
}

fn first(actors: u16) -> Option<u8> {
    (actors != 0).then(|| actors.trailing_zeros() as u8)
}
