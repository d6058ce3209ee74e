//! Small programs are played against the machine, as an application would play them.

mod orders;
mod policies;
mod waits;

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use super::run::MAX_STEPS;
use super::*;
use crate::protocol::bit;

/// What an actor does at a point: take a lock (a place), give it back after that step, or just be there.
#[derive(Clone, Copy)]
enum Act {
    Take(usize),
    TakeAndGive(usize),
    Touch(usize),
    Hide,
}
use Act::{Hide, Take, TakeAndGive, Touch};

/// Who holds each place; the log of who acted.
type World = Rc<RefCell<HashMap<usize, u8>>>;

#[derive(Clone, Debug)]
struct Spot {
    actor: u8,
    point: u32,
    place: usize,
    lock: bool,
    world: World,
}

impl PartialEq for Spot {
    fn eq(&self, other: &Self) -> bool {
        (self.actor, self.point) == (other.actor, other.point)
    }
}

impl Held for Spot {
    type Trail = Spot;

    fn point(&self) -> u32 {
        self.point
    }
    fn place(&self) -> usize {
        self.place
    }
    fn free(&self) -> bool {
        !self.lock || !self.world.borrow().contains_key(&self.place)
    }
    fn value(&self) -> String {
        self.world
            .borrow()
            .get(&self.place)
            .map(u8::to_string)
            .unwrap_or_default()
    }
    fn trail(&self) -> Option<Spot> {
        (self.place != 0).then(|| self.clone())
    }
}

impl Trail for Spot {
    fn value(&self) -> String {
        Held::value(self)
    }
}

/// Plays the programs (one an actor) in the order asked for. Points are numbered by position, from 1.
struct Play {
    control: Control<Spot>,
    programs: Vec<Vec<Act>>,
    at: Vec<usize>,
    world: World,
    run: u64,
    point: fn(u8, usize) -> u32,
}

impl Play {
    fn new(programs: &[&[Act]]) -> Self {
        Play {
            control: Control::new(),
            programs: programs.iter().map(|program| program.to_vec()).collect(),
            at: vec![0; programs.len()],
            world: World::default(),
            run: 1,
            point: |_, at| at as u32 + 1,
        }
    }

    fn order(&self, prefix: &[u8], asleep: u16) -> Order {
        Order {
            run: self.run,
            actors: self.programs.len(),
            prefix: prefix.to_vec(),
            asleep,
            policy: None,
        }
    }

    /// An actor goes up to its next point, or to its end. `Hide` is a wait that no probe sees.
    fn advance(&mut self, actor: u8) {
        let index = usize::from(actor);
        match self.programs[index].get(self.at[index]) {
            None => {
                self.world.borrow_mut().retain(|_, owner| *owner != actor);
                self.control.answer(self.run, actor);
            }
            Some(Hide) => (),
            Some(&act) => {
                let (place, lock) = match act {
                    Take(place) | TakeAndGive(place) => (place, true),
                    Touch(place) => (place, false),
                    Hide => unreachable!(),
                };
                let point = (self.point)(actor, self.at[index]);
                let spot = Spot {
                    actor,
                    point,
                    place,
                    lock,
                    world: self.world.clone(),
                };
                assert!(self.control.hold(self.run, actor, spot).is_ok());
            }
        }
    }

    /// The hidden wait of an actor is over.
    fn unhide(&mut self, actor: u8) {
        self.at[usize::from(actor)] += 1;
        self.advance(actor);
    }

    fn start(&mut self, prefix: &[u8], asleep: u16) {
        let order = self.order(prefix, asleep);
        self.begin(order);
    }

    fn begin(&mut self, order: Order) {
        self.control.announce(order);
        for actor in 0..self.programs.len() as u8 {
            self.control.arrive(self.run, actor);
            self.advance(actor);
        }
    }

    /// Goes on until nothing more can be done without time passing.
    fn play(&mut self) -> Option<Trace> {
        loop {
            let effects = self.control.take_effects();
            if effects.is_empty() {
                return None;
            }
            for effect in effects {
                match effect {
                    Effect::Go(spot) => {
                        if let Take(place) = self.act(spot.actor) {
                            self.world.borrow_mut().insert(place, spot.actor);
                        }
                        self.at[usize::from(spot.actor)] += 1;
                        self.advance(spot.actor);
                    }
                    Effect::Ended(trace) => return Some(trace),
                    other => panic!("{other:?}"),
                }
            }
        }
    }

    fn act(&self, actor: u8) -> Act {
        self.programs[usize::from(actor)][self.at[usize::from(actor)]]
    }

    fn ticks(&mut self, count: u32) -> Option<Trace> {
        for _ in 0..count {
            let moves = self.control.moves();
            self.control.tick(true, moves);
            if let Some(trace) = self.play() {
                return Some(trace);
            }
        }
        None
    }
}

fn run(programs: &[&[Act]], prefix: &[u8], asleep: u16) -> Trace {
    let mut play = Play::new(programs);
    play.start(prefix, asleep);
    play.play().expect("it ends by itself")
}

fn order(trace: &Trace) -> Vec<u8> {
    trace.steps.iter().map(|step| step.actor).collect()
}

/// All orders, by following the enabled sets.
fn all_orders(programs: &[&[Act]]) -> BTreeSet<Vec<u8>> {
    let mut found = BTreeSet::new();
    let mut open = vec![vec![]];
    while let Some(prefix) = open.pop() {
        let trace = run(programs, &prefix, 0);
        assert_eq!(trace.end, End::Done);
        assert!(order(&trace).starts_with(&prefix));
        for (n, step) in trace.steps.iter().enumerate().skip(prefix.len()) {
            for other in
                (0..16).filter(|&other| other != step.actor && step.enabled & bit(other) != 0)
            {
                open.push([&order(&trace)[..n], &[other]].concat());
            }
        }
        assert!(found.insert(order(&trace)), "no order twice");
    }
    found
}
