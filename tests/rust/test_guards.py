"""How long guards live, and through whose hands they go."""

import pytest

from deadheat.rust import Kind
from tests.rust.programs import program

STATE = """\
use rocket::{get, State};
use std::sync::{Mutex, MutexGuard, RwLock};
struct S { a: Mutex<Vec<u32>>, b: Mutex<u32>, r: RwLock<u32> }
fn touch(s: &S) { s.b.lock().unwrap(); }
fn enter(s: &S) -> MutexGuard<'_, Vec<u32>> { s.a.lock().unwrap() }
fn leave(guard: MutexGuard<'_, Vec<u32>>) { guard.len(); }
fn pass(guard: MutexGuard<'_, Vec<u32>>) -> MutexGuard<'_, Vec<u32>> { guard }
struct Held<'a> { guard: MutexGuard<'a, Vec<u32>> }
"""

# In each body: is `a` (surely) held when `touch` acquires `b`?
HELD = {
    "named": "let g = s.a.lock().unwrap(); touch(s);",
    "underscore name": "let _g = s.a.lock().unwrap(); touch(s);",
    "expect": 'let g = s.a.lock().expect("lock"); touch(s);',
    "poison ignored": "let g = s.a.lock().unwrap_or_else(|e| e.into_inner()); touch(s);",
    "question mark": "let g = s.a.lock().map_err(|_| ()).ok()?; touch(s);",
    "if let Ok": "if let Ok(g) = s.a.lock() { touch(s); }",
    "match Ok": "let g = match s.a.lock() { Ok(g) => g, Err(e) => e.into_inner() }; touch(s);",
    "match scrutinee": "match s.a.lock().unwrap().first() { Some(_) => touch(s), None => () }",
    "if let scrutinee": "if let Some(_) = s.a.lock().unwrap().first() { touch(s); }",
    "while let": "while let Some(_) = s.a.lock().unwrap().pop() { touch(s); }",
    "for header": "for _x in s.a.lock().unwrap().iter() { touch(s); }",
    "call argument": "let n = (s.a.lock().unwrap().len(), touch(s));",
    "extended temporary": "let v = &*s.a.lock().unwrap(); touch(s);",
    "moved": "let g = s.a.lock().unwrap(); let h = g; touch(s);",
    "shadowed": "let g = s.a.lock().unwrap(); let g = g.len(); touch(s);",
    "block value": "let g = { let g = s.a.lock().unwrap(); g }; touch(s);",
    "both arms": "let g = if true { s.a.lock().unwrap() } else { s.a.lock().unwrap() }; touch(s);",
    "tuple": "let (g, n) = (s.a.lock().unwrap(), 1); touch(s);",
    "struct": "let h = Held { guard: s.a.lock().unwrap() }; touch(s);",
    "from a helper": "let g = enter(s); touch(s);",
    "through a helper": "let g = pass(enter(s)); touch(s);",
    "read lock": "let g = s.r.read().unwrap(); touch(s);",
    "in a closure": "let g = s.a.lock().unwrap(); [1].iter().for_each(|_| touch(s));",
    "in a macro": 'println!("{} {:?}", s.a.lock().unwrap().len(), touch(s));',
}
FREE = {
    "statement": "s.a.lock().unwrap().push(1); touch(s);",
    "copied out": "let n = s.a.lock().unwrap().len(); touch(s);",
    "dropped": "let g = s.a.lock().unwrap(); drop(g); touch(s);",
    "std::mem::drop": "let g = s.a.lock().unwrap(); std::mem::drop(g); touch(s);",
    "underscore": "let _ = s.a.lock().unwrap(); touch(s);",
    "block": "{ let g = s.a.lock().unwrap(); } touch(s);",
    "plain if": "if s.a.lock().unwrap().is_empty() { touch(s); }",
    "while condition": "while s.a.lock().unwrap().is_empty() { touch(s); }",
    "let else": "let Some(n) = s.a.lock().unwrap().first().copied() else { touch(s); return None };",
    "and": "if s.a.lock().unwrap().is_empty() && s.a.lock().unwrap().len() > 2 { touch(s); }",
    "given away": "let g = s.a.lock().unwrap(); leave(g); touch(s);",
    "given away by a helper": "leave(enter(s)); touch(s);",
    "assigned over": "let mut v = s.a.lock().unwrap().clone(); v.push(1); touch(s);",
    "returned first": "if true { let g = s.a.lock().unwrap(); return None; } touch(s);",
    "dropped in every arm": "let g = s.a.lock().unwrap(); match 1 { 0 => drop(g), _ => drop(g) } touch(s);",
    "temporary from a helper": "let n = enter(s).len(); touch(s);",
    "loop": "loop { let g = s.a.lock().unwrap(); if g.is_empty() { break; } } touch(s);",
}


def held(body: str, edition: str = "2021", *, surely: bool = False) -> list[bool]:
    source = f'{STATE}#[get("/")]\nfn h(s: &State<S>) -> Option<()> {{ {body} None }}'
    root = next(root for root in program(source, edition=edition).roots if root.handler is not None)
    found = [
        event
        for event in root.events
        if event.kind is Kind.ACQUIRE and event.place is not None and event.place.path == ("b",)
    ]
    assert found
    return [
        any(
            guard.place is not None and guard.place.path != ("b",)
            for guard in root.flow.held(event, surely=surely)
        )
        for event in found
        if root.flow.is_live(event)
    ]


@pytest.mark.parametrize("name", HELD)
def test_guards_that_live(name: str) -> None:
    # Of two guards on two paths neither is held on both, though the lock is.
    assert all(held(HELD[name], surely=name != "both arms"))


@pytest.mark.parametrize("body", FREE.values(), ids=FREE)
def test_guards_that_have_ended(body: str) -> None:
    assert not any(held(body))


def test_temporaries_of_a_tail_expression_end_earlier_in_edition_2024() -> None:
    body = "let n = { s.a.lock().unwrap().len() } + { touch(s); 1 };"
    assert held(body, "2021", surely=True) == [True]
    assert held(body, "2024") == [False]
