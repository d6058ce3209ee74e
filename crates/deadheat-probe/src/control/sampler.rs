//! Choices by chance: what a policy makes of who can go on.
//!
//! The reference, with its sources, is `schedule/policy.py`; both are tested against `tests/policies.txt`
//! and draw in the same order from the same stream.

use crate::policy::Policy;
use crate::protocol::{bit, MAX_ACTORS};

/// Who could take the next step, as bit masks.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sight {
    /// Those who can go.
    pub ready: u16,
    /// Those whose next step is known and interesting.
    pub interesting: u16,
    /// Those who have not finished.
    pub alive: u16,
}

/// The choices of one execution under a policy.
#[derive(Debug)]
pub struct Sampler {
    random: SplitMix,
    priority: [u64; MAX_ACTORS],
    left: [u64; MAX_ACTORS],
    target: Option<u8>,
    choices: usize,
}

impl Sampler {
    pub fn new(policy: &Policy, actors: usize) -> Self {
        let mut sampler = Sampler {
            random: SplitMix(policy.seed()),
            priority: [0; MAX_ACTORS],
            left: [0; MAX_ACTORS],
            target: None,
            choices: 0,
        };
        match policy {
            Policy::Pos { .. } | Policy::Pct { .. } => {
                for actor in 0..actors.min(MAX_ACTORS) {
                    sampler.priority[actor] = sampler.high();
                }
            }
            Policy::Surw { counts, .. } => {
                for (left, count) in sampler.left.iter_mut().zip(counts).take(actors) {
                    *left = *count;
                }
            }
            Policy::Walk { .. } => (),
        }
        sampler
    }

    /// Who goes on: one of `sight.ready`; None when that is nobody.
    pub fn choose(&mut self, policy: &Policy, sight: Sight) -> Option<u8> {
        match policy {
            Policy::Walk { .. } => self.pick(sight.ready),
            Policy::Pos { .. } => self.best(sight.ready),
            Policy::Pct { changes, .. } => {
                for (rank, _) in (0_u64..)
                    .zip(changes)
                    .filter(|(_, at)| **at == self.choices)
                {
                    let front = self.best(sight.ready)?;
                    self.priority[usize::from(front)] = rank;
                }
                self.best(sight.ready)
            }
            Policy::Surw { .. } => self.toward(sight),
        }
    }

    /// `actor` took its step. `dependent`: those whose next step conflicts with it.
    pub fn took(&mut self, policy: &Policy, actor: u8, interesting: bool, dependent: u16) {
        self.choices += 1;
        match policy {
            Policy::Pos { .. } => {
                for other in members(dependent | bit(actor)) {
                    self.priority[usize::from(other)] = self.high();
                }
            }
            Policy::Surw { .. } if interesting => {
                let left = &mut self.left[usize::from(actor)];
                *left = left.saturating_sub(1);
                self.target = None;
            }
            _ => (),
        }
    }

    fn toward(&mut self, sight: Sight) -> Option<u8> {
        if self
            .target
            .map_or(true, |target| sight.alive & bit(target) == 0)
        {
            self.target = self.weighted(sight.alive, sight.interesting);
        }
        let mut open = sight.ready & !sight.interesting;
        open |= sight.ready & self.target.map_or(0, bit);
        if open == 0 {
            // The target waits for somebody who is not to go: another one, then.
            self.target = self.weighted(sight.ready, sight.interesting);
            open = self.target.map_or(sight.ready, bit);
        }
        self.pick(open)
    }

    /// Draws by what each has left; whoever has more than was expected counts as one.
    fn weighted(&mut self, among: u16, interesting: u16) -> Option<u8> {
        let left = self.left;
        let weight = |actor: u8| match left[usize::from(actor)] {
            0 => u64::from(interesting & bit(actor) != 0),
            known => known,
        };
        let total: u64 = members(among).map(weight).sum();
        if total == 0 {
            return None;
        }
        let mut point = self.random.draw() % total;
        members(among).find(|&actor| {
            let mine = weight(actor);
            let here = point < mine;
            point = point.wrapping_sub(mine);
            here
        })
    }

    fn pick(&mut self, ready: u16) -> Option<u8> {
        if ready == 0 {
            return None;
        }
        let index = self.random.draw() % u64::from(ready.count_ones());
        members(ready).nth(index as usize)
    }

    /// The highest priority; of equal ones the lowest actor's.
    fn best(&self, ready: u16) -> Option<u8> {
        members(ready)
            .max_by_key(|&actor| (self.priority[usize::from(actor)], std::cmp::Reverse(actor)))
    }

    /// A priority above all that change points give.
    fn high(&mut self) -> u64 {
        self.random.draw() | 1 << 63
    }
}

/// splitmix64 (Steele, Lea, Flood, OOPSLA 2014).
#[derive(Debug)]
struct SplitMix(u64);

impl SplitMix {
    fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}

fn members(actors: u16) -> impl Iterator<Item = u8> {
    (0..MAX_ACTORS as u8).filter(move |&actor| actors & bit(actor) != 0)
}
