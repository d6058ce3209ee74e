//! The places that live as long as the application: their numbers, and the values to restore.

use std::collections::{BTreeMap, HashMap};

use crate::protocol::{encode, list};
use crate::view::{Kept, View};

struct Place {
    /// The first point that saw it.
    point: u32,
    view: View<'static>,
    kept: Option<Box<dyn Kept>>,
    /// What it read when it was kept.
    text: Option<String>,
}

impl Place {
    fn keep(&mut self) {
        self.kept = self.view.keep();
        self.text = self.view.show();
    }
}

/// Numbers of places per resource: enough that those of two resources never meet.
const SPREAD: usize = 1_000_000;

/// All places met so far.
///
/// Their numbers are the same in every process: they begin with the resource, because the order of
/// meeting is not the same (requests reach their first points in any order).
#[derive(Default)]
pub struct Memory {
    places: BTreeMap<usize, Place>,
    numbers: HashMap<usize, usize>,
    met: HashMap<u32, usize>,
    closed: bool,
}

impl Memory {
    /// The number of a place, 0 once closed; a new one is remembered with the value it has now.
    pub fn number(&mut self, point: u32, resource: u32, view: View<'static>) -> usize {
        if self.closed {
            return 0;
        }
        if let Some(&number) = self.numbers.get(&view.address()) {
            return number;
        }
        let met = self.met.entry(resource).or_default();
        *met += 1;
        let number = resource as usize * SPREAD + *met;
        let mut place = Place {
            point,
            view,
            kept: None,
            text: None,
        };
        place.keep();
        self.places.insert(number, place);
        self.numbers.insert(view.address(), number);
        number
    }

    /// Takes the present values as the ones to restore. Gives how many can be, of how many.
    pub fn mark(&mut self) -> (usize, usize) {
        self.places.values_mut().for_each(Place::keep);
        let kept = self.places.values().filter(|place| place.kept.is_some());
        (kept.count(), self.places.len())
    }

    /// Puts the values back.
    ///
    /// # Errors
    /// In words, when a place is locked, or reads differently afterwards than when it was kept (what it
    /// holds shares something with its copy, or could not be copied and has changed).
    pub fn restore(&self) -> Result<(), String> {
        for (number, place) in &self.places {
            let name = format!("point {} place {number}", place.point);
            if place.view.keepable() && place.kept.is_none() {
                return Err(format!("{name} was locked when it was first met"));
            }
            if place.kept.as_ref().is_some_and(|kept| !kept.restore()) {
                return Err(format!("{name} is locked"));
            }
            if place.view.show() != place.text {
                return Err(format!("{name} reads differently after it was restored"));
            }
        }
        Ok(())
    }

    /// `point:place:value` of every place.
    pub fn values(&self) -> String {
        list(self.places.iter().map(|(number, place)| {
            let value = place.view.show().unwrap_or_default();
            format!("{}:{number}:{}", place.point, encode(&value))
        }))
    }

    /// `point:place:kept:value` of every place.
    pub fn state(&self) -> String {
        list(self.places.iter().map(|(number, place)| {
            let value = place.view.show().unwrap_or_default();
            let kept = u8::from(place.kept.is_some());
            format!("{}:{number}:{kept}:{}", place.point, encode(&value))
        }))
    }

    /// The application ends: nothing may be looked at any more.
    pub fn close(&mut self) {
        self.places.clear();
        self.closed = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::place::AsPlace;
    use crate::view::{Look, ViewBoth, ViewOpaque};
    use std::sync::{Arc, Mutex};

    fn leaked<T>(content: T) -> &'static Mutex<T> {
        Box::leak(Box::new(Mutex::new(content)))
    }

    #[test]
    fn values_met_are_restored_until_marked_anew() {
        let place = leaked(1);
        let mut memory = Memory::default();
        assert_eq!(
            memory.number(4, 0, Look::at(place.deadheat_place()).both()),
            1
        );
        *place.lock().unwrap() = 2;
        assert_eq!(
            memory.number(5, 0, Look::at(place.deadheat_place()).both()),
            1
        );
        assert_eq!(memory.state(), "4:1:1:2");
        assert_eq!(memory.restore(), Ok(()));
        assert_eq!(memory.values(), "4:1:1");
        *place.lock().unwrap() = 3;
        assert_eq!(memory.mark(), (1, 1));
        *place.lock().unwrap() = 4;
        assert_eq!(memory.restore(), Ok(()));
        assert_eq!(*place.lock().unwrap(), 3);
    }

    #[test]
    fn numbers_do_not_depend_on_the_order_of_meeting() {
        let (one, two, odd) = (leaked(1), leaked(2), leaked(3));
        let meet = |order: [usize; 4]| {
            let mut memory = Memory::default();
            let mut numbers = [0; 4];
            for index in order {
                let (resource, place) = [(1, one), (2, two), (2, odd), (0, odd)][index];
                numbers[index] = memory.number(9, resource, Look::at(place).both());
            }
            numbers
        };
        assert_eq!(
            meet([0, 1, 2, 3]),
            [1_000_001, 2_000_001, 2_000_002, 2_000_002]
        );
        assert_eq!(
            meet([1, 0, 2, 3]),
            [1_000_001, 2_000_001, 2_000_002, 2_000_002]
        );
    }

    #[test]
    fn a_copy_that_shares_is_told() {
        let place = leaked(Arc::new(Mutex::new(1)));
        let mut memory = Memory::default();
        memory.number(1, 0, Look::at(place).both());
        *place.lock().unwrap().lock().unwrap() = 2;
        assert!(memory.restore().unwrap_err().contains("differently"));
    }

    #[test]
    fn a_locked_place_is_told() {
        let place = leaked(1);
        let mut memory = Memory::default();
        memory.number(1, 0, Look::at(place).both());
        let guard = place.lock().unwrap();
        assert!(memory.restore().unwrap_err().contains("locked"));
        drop(guard);
    }

    #[test]
    fn what_cannot_be_copied_is_counted() {
        struct Opaque;
        let mut memory = Memory::default();
        memory.number(1, 0, Look::at(leaked(Opaque)).opaque());
        assert_eq!(memory.mark(), (0, 1));
        assert_eq!(memory.restore(), Ok(()));
        assert_eq!(memory.state(), "1:1:0:");
    }

    impl<P: AsPlace + Sync + 'static> Look<'static, P> {
        fn both(&self) -> View<'static>
        where
            P::Content: std::fmt::Debug + Clone + Send,
        {
            ViewBoth::deadheat_view(&&&self)
        }

        fn opaque(&self) -> View<'static> {
            ViewOpaque::deadheat_view(self)
        }
    }
}
