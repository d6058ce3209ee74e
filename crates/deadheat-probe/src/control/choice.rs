//! Which of the enabled actors takes the next step.

use super::End;
use crate::protocol::{bit, Order};

/// What the choices of one run have led to so far.
#[derive(Debug, Default)]
pub struct Choice {
    last: Option<u8>,
    woken: u16,
    diverged: bool,
    redundant: bool,
    /// The prefix has waited long enough for an actor that is blocked.
    pub impatient: bool,
}

impl Choice {
    /// Chooses; None when it is better to wait. `blocked`: somebody waits for something unseen, and may
    /// yet become enabled or make others so.
    pub fn next(&mut self, order: &Order, step: usize, enabled: u16, blocked: bool) -> Option<u8> {
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
                (_, Some(last)) if awake & bit(last) != 0 => last,
                (Some(awake), _) => awake,
                (None, _) => lowest,
            }
        };
        self.last = Some(chosen);
        Some(chosen)
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
