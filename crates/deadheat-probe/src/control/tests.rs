//! Small programs are played against the machine, as an application would play them.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

use super::*;

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
}

impl Play {
    fn new(programs: &[&[Act]]) -> Self {
        Play {
            control: Control::new(),
            programs: programs.iter().map(|program| program.to_vec()).collect(),
            at: vec![0; programs.len()],
            world: World::default(),
            run: 1,
        }
    }

    fn order(&self, prefix: &[u8], asleep: u16) -> Order {
        Order {
            run: self.run,
            actors: self.programs.len(),
            prefix: prefix.to_vec(),
            asleep,
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
                let point = self.at[index] as u32 + 1;
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
        self.control.announce(self.order(prefix, asleep));
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

#[test]
fn two_of_two_steps_have_six_orders_and_three_have_ninety() {
    let two: &[Act] = &[Touch(1), Touch(1)];
    assert_eq!(all_orders(&[two, two]).len(), 6);
    assert_eq!(all_orders(&[two, two, two]).len(), 90);
}

#[test]
fn a_lock_held_over_two_steps_leaves_two_orders() {
    let locked: &[Act] = &[Take(1), Touch(2)];
    let orders = all_orders(&[locked, locked]);
    assert_eq!(orders, BTreeSet::from([vec![0, 0, 1, 1], vec![1, 1, 0, 0]]));
}

#[test]
fn whoever_went_last_goes_on_after_the_prefix() {
    let two: &[Act] = &[Touch(1), Touch(1)];
    assert_eq!(order(&run(&[two, two], &[1], 0)), [1, 1, 0, 0]);
    assert_eq!(order(&run(&[two, two], &[0, 1], 0)), [0, 1, 1, 0]);
}

#[test]
fn values_before_and_after_are_those_around_the_step() {
    let trace = run(&[&[Take(1), Touch(2)]], &[], 0);
    assert_eq!(
        (
            trace.steps[0].before.as_str(),
            trace.steps[0].after.as_str()
        ),
        ("", "0")
    );
    assert_eq!(trace.steps[0].enabled, 1);
}

#[test]
fn an_actor_without_points_only_has_to_end() {
    assert_eq!(order(&run(&[&[], &[Touch(1)]], &[], 0)), [1]);
    assert_eq!(run(&[&[]], &[], 0).end, End::Done);
}

#[test]
fn a_prefix_that_cannot_be_followed_diverges() {
    let two: &[Act] = &[Touch(1), Touch(1)];
    let trace = run(&[two, two], &[0, 0, 0], 0);
    assert_eq!(
        (trace.end, order(&trace)),
        (End::Diverged, vec![0, 0, 1, 1])
    );
    assert_eq!(run(&[two], &[0, 0, 0], 0).end, End::Diverged);
    assert_eq!(run(&[two, two], &[7], 0).end, End::Diverged);
    let locked: &[Act] = &[Take(1), Touch(2)];
    assert_eq!(run(&[locked, locked], &[0, 1], 0).end, End::Diverged);
}

#[test]
fn a_sleeping_actor_waits_for_a_dependent_step() {
    let (one, other): (&[Act], &[Act]) = (&[Touch(1)], &[Touch(2)]);
    // 0 sleeps, and 1 does nothing that concerns it: redundant.
    let trace = run(&[one, other], &[], 0b01);
    assert_eq!((trace.end, order(&trace)), (End::Redundant, vec![1, 0]));
    // Both on one place: the step of 1 wakes 0.
    let trace = run(&[one, one], &[], 0b01);
    assert_eq!((trace.end, order(&trace)), (End::Done, vec![1, 0]));
    // Everybody sleeps from the beginning.
    let trace = run(&[one, one], &[], 0b11);
    assert_eq!((trace.end, order(&trace)), (End::Redundant, vec![0, 1]));
}

#[test]
fn the_last_step_of_the_prefix_wakes_nobody_and_reads_commute() {
    let one: &[Act] = &[Touch(1)];
    // The controller took the prefix's steps into account already.
    assert_eq!(
        run(&[one, one, &[Touch(9)]], &[0], 0b110).end,
        End::Redundant
    );
    let mut play = Play::new(&[one, one]);
    play.control.points(vec![(1, 5, false)]);
    play.start(&[], 0b01);
    assert_eq!(play.play().unwrap().end, End::Redundant);
}

#[test]
fn an_unknown_place_goes_by_its_resource() {
    let wakes = |table: Vec<(u32, u32, bool)>| {
        let mut play = Play::new(&[&[Touch(0)], &[TakeAndGive(9), Touch(0)]]);
        play.control.points(table);
        play.start(&[], 0b01);
        // The first step of 1 has point 1 too; its second has point 2.
        play.play().unwrap().end == End::Done
    };
    assert!(wakes(vec![]), "0 conflicts with everything");
    assert!(wakes(vec![(1, 3, true), (2, 3, true)]));
    assert!(wakes(vec![(1, 3, true), (2, 0, true)]));
    let mut play = Play::new(&[&[Touch(0)], &[Hide, Touch(0)]]);
    play.control.points(vec![(1, 3, true), (2, 4, true)]);
    play.start(&[], 0b01);
    play.unhide(1);
    assert_eq!(
        play.play().unwrap().end,
        End::Redundant,
        "different resources"
    );
}

#[test]
fn opposite_orders_of_two_locks_get_stuck() {
    let mut play = Play::new(&[&[Take(1), Take(2)], &[Take(2), Take(1)]]);
    play.start(&[0, 1], 0);
    assert!(play.play().is_none(), "nobody can go on");
    let trace = play.ticks(BLOCKED_AFTER).unwrap();
    assert_eq!(
        (trace.end, trace.pending),
        (End::Stuck, vec![(0, 2, 2), (1, 2, 1)])
    );
    play.control.release();
    assert_eq!(play.control.take_effects().len(), 2, "both are let go");
    for _ in 0..AT_REST_AFTER {
        let moves = play.control.moves();
        play.control.tick(true, moves);
    }
    assert_eq!(play.control.take_effects(), [Effect::Quiet]);
    assert_eq!(play.control.pace(), Pace::Idle);
}

#[test]
fn a_lock_held_by_a_stranger_is_waited_for() {
    let mut play = Play::new(&[&[Take(1)]]);
    play.world.borrow_mut().insert(1, 99);
    play.start(&[], 0);
    assert!(play.play().is_none());
    play.control.tick(false, 0);
    assert!(play.ticks(1).is_none());
    play.world.borrow_mut().remove(&1);
    assert_eq!(play.ticks(1).unwrap().end, End::Done);
}

#[test]
fn while_one_waits_unseen_the_others_go_on_and_it_may_come_back() {
    let mut play = Play::new(&[&[Touch(1), Hide, Touch(1)], &[Touch(1), Touch(1)]]);
    play.start(&[0], 0);
    assert!(play.play().is_none());
    assert!(
        play.ticks(BLOCKED_AFTER).is_none(),
        "1 runs to its end, 0 still waits"
    );
    play.unhide(0);
    let trace = play.play().unwrap();
    assert_eq!((trace.end, order(&trace)), (End::Done, vec![0, 1, 1, 0]));
}

#[test]
fn a_prefix_waits_for_an_actor_that_waits_unseen() {
    let mut play = Play::new(&[&[Touch(1), Hide, Touch(1)], &[Touch(1)]]);
    play.start(&[0, 0], 0);
    assert!(play.play().is_none());
    assert!(play.ticks(BLOCKED_AFTER + 5).is_none());
    play.unhide(0);
    let trace = play.play().unwrap();
    assert_eq!((trace.end, order(&trace)), (End::Done, vec![0, 0, 1]));
}

#[test]
fn who_never_comes_back_or_never_comes_hangs() {
    let mut play = Play::new(&[&[Touch(1), Hide], &[Touch(1)]]);
    play.start(&[], 0);
    play.play();
    let trace = play.ticks(BLOCKED_AFTER + HUNG_AFTER + 2).unwrap();
    assert_eq!((trace.end, order(&trace)), (End::Hung, vec![0, 1]));

    let mut play = Play::new(&[&[Touch(1)], &[Touch(1)]]);
    play.control.announce(play.order(&[], 0));
    play.control.arrive(1, 0);
    play.advance(0);
    let trace = play.ticks(HUNG_AFTER).unwrap();
    assert_eq!((trace.end, trace.pending), (End::Hung, vec![(0, 1, 1)]));
}

#[test]
fn an_endless_retry_is_given_up() {
    let program = vec![Touch(1); MAX_STEPS + 1];
    let trace = run(&[&program], &[], 0);
    assert_eq!((trace.end, trace.steps.len()), (End::Hung, MAX_STEPS));
}

#[test]
fn actors_that_come_before_their_run_wait_for_it() {
    let mut play = Play::new(&[&[Touch(1)], &[]]);
    for actor in [0, 1] {
        play.control.arrive(1, actor);
        play.advance(actor);
    }
    assert!(play.control.take_effects().is_empty());
    play.control.announce(play.order(&[], 0));
    assert_eq!(play.play().unwrap().end, End::Done);
    let spot = Spot {
        actor: 0,
        point: 1,
        place: 1,
        lock: false,
        world: World::default(),
    };
    assert!(
        play.control.hold(1, 0, spot.clone()).is_err(),
        "its run is over"
    );
    assert!(play.control.hold(0, 0, spot).is_err(), "an old run");
}

#[test]
fn who_is_not_expected_is_let_go() {
    let mut play = Play::new(&[&[Touch(1)]]);
    let spot = Spot {
        actor: 5,
        point: 1,
        place: 1,
        lock: false,
        world: World::default(),
    };
    assert!(play.control.hold(1, 5, spot.clone()).is_ok());
    play.control.announce(play.order(&[], 0));
    assert_eq!(play.control.take_effects(), [Effect::Go(spot)]);
}

#[test]
fn an_answered_actor_lasts_as_long_as_what_it_started() {
    let mut play = Play::new(&[&[Touch(1)]]);
    play.control.announce(play.order(&[], 0));
    play.control.arrive(1, 0);
    play.control.branch(1, 0);
    play.control.answer(1, 0);
    assert!(play.control.take_effects().is_empty());
    play.advance(0);
    assert!(play
        .control
        .take_effects()
        .iter()
        .any(|effect| matches!(effect, Effect::Go(_))));
    play.control.join(1, 0);
    assert!(matches!(
        &play.control.take_effects()[..],
        [Effect::Ended(Trace { end: End::Done, .. })]
    ));
}

#[test]
fn a_detached_branch_that_only_waits_does_not_hold_up_the_end() {
    let mut play = Play::new(&[&[]]);
    play.control.announce(play.order(&[], 0));
    play.control.arrive(1, 0);
    play.control.branch(1, 0);
    play.control.answer(1, 0);
    assert_eq!(play.ticks(BLOCKED_AFTER).unwrap().end, End::Done);
}

#[test]
fn two_parts_of_one_actor_take_turns() {
    let mut play = Play::new(&[&[], &[]]);
    let spot = |point| Spot {
        actor: 0,
        point,
        place: 1,
        lock: false,
        world: World::default(),
    };
    play.control.announce(play.order(&[], 0));
    play.control.arrive(1, 0);
    play.control.branch(1, 0);
    assert!(play.control.hold(1, 0, spot(1)).is_ok());
    assert!(play.control.hold(1, 0, spot(2)).is_ok());
    play.control.answer(1, 1);
    assert_eq!(play.control.take_effects(), [Effect::Go(spot(1))]);
    play.control.join(1, 0);
    assert_eq!(play.control.take_effects(), [Effect::Go(spot(2))]);
    play.control.answer(1, 0);
    assert!(matches!(
        play.control.take_effects()[..],
        [Effect::Ended(_)]
    ));
}

#[test]
fn release_without_anything_to_release_is_free_at_once() {
    let mut control = Control::<Spot>::new();
    control.release();
    assert_eq!(control.take_effects(), [Effect::Free]);
}

#[test]
fn release_in_the_middle_of_a_run_ends_it_first() {
    let mut play = Play::new(&[&[Touch(1), Hide], &[]]);
    play.start(&[], 0);
    play.play();
    play.control.release();
    assert!(matches!(
        play.control.take_effects()[..],
        [Effect::Ended(Trace { end: End::Hung, .. })]
    ));
    assert_eq!(play.control.pace(), Pace::Releasing);
    play.control.answer(1, 0);
    assert_eq!(play.control.take_effects(), [Effect::Free]);
}

#[test]
fn when_the_application_ends_everybody_goes_on_in_silence() {
    let mut play = Play::new(&[&[Touch(1), Touch(1)], &[Touch(1)]]);
    play.start(&[], 0);
    play.control.close();
    assert!(play
        .control
        .take_effects()
        .iter()
        .all(|effect| matches!(effect, Effect::Go(_))));
    assert_eq!(play.control.pace(), Pace::Idle);
}
