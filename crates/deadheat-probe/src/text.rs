//! Values as text that is equal when the values are, and short.
//!
//! `Debug` shows a `HashMap` or `HashSet` in table order: two equal maps may read differently. So the
//! entries of every `{…}` that is not a struct's are sorted. A long text is cut, and a hash of the whole
//! follows, so that a difference behind the cut still makes a difference.

use std::fmt::{self, Debug, Write};
use std::panic::{catch_unwind, AssertUnwindSafe};

/// Longest text given, in characters, without the mark of the cut.
const SHOWN: usize = 400;
/// Longest text formatted, in bytes: a large state must not make each step slow.
const FORMATTED: usize = 64 * 1024;

struct Bounded {
    text: String,
    full: bool,
}

impl Write for Bounded {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        if self.text.len() + part.len() > FORMATTED {
            self.full = true;
            return Err(fmt::Error);
        }
        self.text.push_str(part);
        Ok(())
    }
}

/// The text of a value; empty when its `Debug` panics.
pub fn of(value: &dyn Debug) -> String {
    let mut out = Bounded {
        text: String::new(),
        full: false,
    };
    let ok = catch_unwind(AssertUnwindSafe(|| {
        // An error means that the text is full: what is there is what we want.
        let _ = write!(out, "{value:?}");
    }));
    if ok.is_err() {
        return String::new();
    }
    if out.full {
        return cut(&out.text);
    }
    cut(&sorted(&out.text).unwrap_or(out.text))
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…{:08x}", &text[..end], hash(text)),
    }
}

/// FNV-1a, folded to 32 bits: equal in every process, unlike the standard hasher.
fn hash(text: &str) -> u32 {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    (hash ^ (hash >> 32)) as u32
}

/// The text with the entries of maps and sets in order; None when its brackets do not match.
fn sorted(text: &str) -> Option<String> {
    if !text.contains('{') {
        return Some(text.to_owned());
    }
    let mut levels = vec![Level::new(None, false)];
    let mut previous = ' ';
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        match c {
            '"' | '\'' => {
                let level = levels.last_mut()?;
                level.entry.push(c);
                copy_literal(&mut rest, c, &mut level.entry);
            }
            '{' | '[' | '(' => {
                // `Name { field: … }` is a struct: its fields have an order already.
                let map =
                    c == '{' && !(previous.is_alphanumeric() || previous == '_' || previous == '>');
                levels.push(Level::new(Some(c), map));
            }
            '}' | ']' | ')' => {
                let level = levels.pop()?;
                let inner = level.close(c)?;
                levels.last_mut()?.entry.push_str(&inner);
            }
            ',' if levels.last()?.map => levels.last_mut()?.next_entry(),
            _ => levels.last_mut()?.entry.push(c),
        }
        if !c.is_whitespace() {
            previous = c;
        }
    }
    (levels.len() == 1).then(|| levels.remove(0).entry)
}

/// Copies up to and with the closing quote. A lone apostrophe (text that is no literal) ends nowhere:
/// then a character literal's length tells, and nothing more is taken.
fn copy_literal(rest: &mut std::str::Chars<'_>, quote: char, into: &mut String) {
    if quote == '\'' {
        let ahead = rest.as_str();
        let literal = ahead.starts_with('\\') || ahead.chars().nth(1) == Some('\'');
        if !literal {
            return;
        }
    }
    while let Some(c) = rest.next() {
        into.push(c);
        if c == '\\' {
            into.extend(rest.next());
        } else if c == quote {
            return;
        }
    }
}

struct Level {
    open: Option<char>,
    map: bool,
    entries: Vec<String>,
    entry: String,
}

impl Level {
    fn new(open: Option<char>, map: bool) -> Self {
        Level {
            open,
            map,
            entries: Vec::new(),
            entry: String::new(),
        }
    }

    fn next_entry(&mut self) {
        let entry = std::mem::take(&mut self.entry);
        self.entries.push(entry.trim().to_owned());
    }

    fn close(mut self, with: char) -> Option<String> {
        let open = self.open?;
        if !matches!((open, with), ('{', '}') | ('[', ']') | ('(', ')')) {
            return None;
        }
        if !self.map {
            return Some(format!("{open}{}{with}", self.entry));
        }
        if !self.entry.trim().is_empty() {
            self.next_entry();
        }
        self.entries.sort_unstable();
        Some(format!("{{{}}}", self.entries.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{HashMap, HashSet};

    #[test]
    fn equal_maps_read_equal() {
        let forward: HashMap<u32, String> = (0..20).map(|n| (n, format!("a, {{{n}"))).collect();
        let backward: HashMap<u32, String> =
            (0..20).rev().map(|n| (n, format!("a, {{{n}"))).collect();
        assert_eq!(of(&forward), of(&backward));
        assert!(of(&HashMap::from([(2, 'b'), (1, '}')])) == "{1: '}', 2: 'b'}");
        assert_eq!(of(&HashSet::from(["z", "a"])), r#"{"a", "z"}"#);
        assert_eq!(of(&HashMap::<u8, u8>::new()), "{}");
    }

    #[test]
    fn structs_and_lists_keep_their_order() {
        #[derive(Debug)]
        #[allow(dead_code)]
        struct Pair {
            z: Vec<u8>,
            a: Option<(u8, char)>,
        }
        let pair = Pair {
            z: vec![3, 1],
            a: Some((1, '\'')),
        };
        assert_eq!(of(&pair), r"Pair { z: [3, 1], a: Some((1, '\'')) }");
        assert_eq!(
            of(&HashMap::from([(2, pair)])),
            r"{2: Pair { z: [3, 1], a: Some((1, '\'')) }}"
        );
    }

    #[test]
    fn text_that_is_no_debug_output_stays() {
        struct Odd;
        impl Debug for Odd {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("don't {close, me")
            }
        }
        assert_eq!(of(&Odd), "don't {close, me");
    }

    #[test]
    fn a_difference_behind_the_cut_shows() {
        let (mut one, mut two) = (vec![0_u8; 400], vec![0_u8; 400]);
        assert_eq!(of(&one), of(&two));
        assert!(of(&one).chars().count() < SHOWN + 12);
        two[399] = 1;
        assert_ne!(of(&one), of(&two));
        one.resize(100_000, 7);
        assert!(of(&one).contains('…'));
    }
}
