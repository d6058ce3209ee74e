//! A policy in the words of the protocol: how to choose once the prefix is done.

/// See docs/protocol.md, `RUN`; what each means is said where it is executed, in `control::sampler`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Policy {
    /// Anybody who can go, each as likely.
    Walk { seed: u64 },
    /// A priority a step.
    Pos { seed: u64 },
    /// A priority an actor, and the numbers of the choices before which the first falls behind.
    Pct { seed: u64, changes: Vec<usize> },
    /// Drawn by how many interesting steps each actor is expected to take; a step is interesting when it
    /// touches one of the resources, or when there are none.
    Surw {
        seed: u64,
        counts: Vec<u64>,
        resources: Vec<u32>,
    },
}

impl Policy {
    /// Reads `walk:<seed>`, `pos:<seed>`, `pct:<seed>:<changes>` or `surw:<seed>:<counts>:<resources>`.
    ///
    /// # Errors
    /// In words, when it is none of these.
    pub fn read(words: &str) -> Result<Policy, String> {
        let parts: Vec<&str> = words.split(':').collect();
        match parts.as_slice() {
            ["walk", seed] => Ok(Policy::Walk { seed: one(seed)? }),
            ["pos", seed] => Ok(Policy::Pos { seed: one(seed)? }),
            ["pct", seed, changes] => Ok(Policy::Pct {
                seed: one(seed)?,
                changes: several(changes)?,
            }),
            ["surw", seed, counts, resources] => Ok(Policy::Surw {
                seed: one(seed)?,
                counts: several(counts)?,
                resources: several(resources)?,
            }),
            _ => Err(format!("not a policy: {words}")),
        }
    }

    /// Where chance begins.
    pub fn seed(&self) -> u64 {
        match self {
            Policy::Walk { seed }
            | Policy::Pos { seed }
            | Policy::Pct { seed, .. }
            | Policy::Surw { seed, .. } => *seed,
        }
    }

    /// Whether a step that touches this resource is interesting; 0, which may be any, is.
    pub fn interests(&self, resource: u32) -> bool {
        match self {
            Policy::Surw { resources, .. } => {
                resource == 0 || resources.is_empty() || resources.contains(&resource)
            }
            _ => true,
        }
    }
}

fn one<N: std::str::FromStr>(text: &str) -> Result<N, String> {
    text.parse().map_err(|_| format!("not a number: {text}"))
}

fn several<N: std::str::FromStr>(list: &str) -> Result<Vec<N>, String> {
    let items = list.split(',').filter(|item| !matches!(*item, "" | "-"));
    items.map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_read() {
        assert_eq!(Policy::read("walk:7"), Ok(Policy::Walk { seed: 7 }));
        let highest = u64::MAX;
        assert_eq!(
            Policy::read(&format!("pos:{highest}")),
            Ok(Policy::Pos { seed: highest })
        );
        let changes = vec![3, 9];
        assert_eq!(
            Policy::read("pct:1:3,9"),
            Ok(Policy::Pct { seed: 1, changes })
        );
        let selective = Policy::Surw {
            seed: 1,
            counts: vec![2, 0],
            resources: vec![4],
        };
        assert!(selective.interests(4) && selective.interests(0) && !selective.interests(5));
        assert_eq!(Policy::read("surw:1:2,0:4"), Ok(selective));
        for odd in [
            "", "walk", "walk:-1", "pct:1", "surw:1:2", "jump:1", "walk:1:2",
        ] {
            assert!(Policy::read(odd).is_err(), "{odd}");
        }
    }
}
