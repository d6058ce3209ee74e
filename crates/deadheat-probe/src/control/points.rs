//! What the steps at each point do, as far as dependency is concerned.

use std::collections::HashMap;

use super::Held;

/// Point → (resource, does it write). A point that is not in it may touch anything.
#[derive(Default)]
pub struct Points(HashMap<u32, (u32, bool)>);

impl Points {
    pub fn new(table: Vec<(u32, u32, bool)>) -> Self {
        let effects = table.into_iter();
        Points(
            effects
                .map(|(id, resource, writes)| (id, (resource, writes)))
                .collect(),
        )
    }

    fn effect(&self, point: u32) -> (u32, bool) {
        self.0.get(&point).copied().unwrap_or((0, true))
    }

    /// The resource that a point touches; 0 when unknown.
    pub fn resource(&self, point: u32) -> u32 {
        self.effect(point).0
    }

    /// Whether two steps do not commute: same place, or same resource where a place is unknown (0 is
    /// any), and not both only read.
    pub fn dependent<H: Held>(&self, one: &H, two: &H) -> bool {
        let (resource, writes) = self.effect(one.point());
        let (other_resource, other_writes) = self.effect(two.point());
        if !writes && !other_writes {
            return false;
        }
        match (one.place(), two.place()) {
            (0, _) | (_, 0) => resource == 0 || other_resource == 0 || resource == other_resource,
            (place, other) => place == other,
        }
    }
}
