//! SQLite's writer lock, seen from outside SQLite.
//!
//! A database of SQLite has one writer at a time, from a transaction's first change to its end. The lock
//! is one on a byte of a file: 120 of the write-ahead log's index ("WAL-mode File Format", section 2.3.1,
//! WAL_WRITE_LOCK), or the reserved byte behind the first gigabyte ("File Locking And Concurrency In SQLite
//! Version 3", section 5; `RESERVED_BYTE` in os.h). Linux lists such locks in `/proc/locks` (proc(5)).
//! Whoever must wait for it does so by polling, and which of two is first is chance: a step that needs it
//! is therefore no more enabled than one at a lock of the application's own.
//!
//! Where nothing is listed (another database, another system) every step is free.

use std::fs;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use crate::runtime::Racer;

const WAL_WRITE: u64 = 120;
const PENDING: u64 = 0x4000_0000;
const RESERVED: u64 = PENDING + 1;

/// Whether the application has statements that need the lock: without any nobody need look.
static WATCHED: AtomicBool = AtomicBool::new(false);
/// Who holds the lock, encoded; 0 for nobody.
static OWNER: AtomicU64 = AtomicU64::new(0);

/// From now on the lock matters.
pub fn watch() {
    WATCHED.store(true, Ordering::Relaxed);
}

/// A racer came to rest: if the lock is taken and was not before, it is this racer's.
pub fn settle(racer: Racer) {
    if !WATCHED.load(Ordering::Relaxed) {
        return;
    }
    if !held() {
        OWNER.store(0, Ordering::Relaxed);
    } else if OWNER.load(Ordering::Relaxed) == 0 {
        OWNER.store(encoded(racer), Ordering::Relaxed);
    }
}

/// Whether a step of the racer would get the lock at once.
pub fn free_for(racer: Racer) -> bool {
    OWNER.load(Ordering::Relaxed) == encoded(racer) || !held()
}

/// A racer is about to answer. A transaction that it dropped is rolled back by another thread: that is a
/// part of its last step, so it is waited for, a moment.
pub fn leave(racer: Racer) {
    settle(racer);
    for _ in 0..25 {
        if OWNER.load(Ordering::Relaxed) != encoded(racer) {
            return;
        }
        thread::sleep(Duration::from_millis(2));
        settle(racer);
    }
}

fn encoded((run, actor): Racer) -> u64 {
    (run << 8) + u64::from(actor) + 1
}

fn held() -> bool {
    let own = std::process::id();
    fs::read_to_string("/proc/locks")
        .is_ok_and(|table| table.lines().any(|line| is_writer(line, own)))
}

/// `1: POSIX  ADVISORY  WRITE 4711 fe:00:1234 120 120`: a line of `/proc/locks`.
fn is_writer(line: &str, process: u32) -> bool {
    let fields: Vec<&str> = line.split_ascii_whitespace().collect();
    let [_, "POSIX", _, "WRITE", owner, _, start, end] = fields[..] else {
        return false;
    };
    let (Ok(owner), Ok(start)) = (owner.parse::<u32>(), start.parse::<u64>()) else {
        return false;
    };
    let end = end.parse().unwrap_or(u64::MAX);
    owner == process
        && (start == WAL_WRITE || ((PENDING..=RESERVED).contains(&start) && end >= RESERVED))
}

#[cfg(test)]
mod tests {
    use super::is_writer;

    #[test]
    fn the_writer_is_told_from_others() {
        for (line, writer) in [
            ("1: POSIX  ADVISORY  WRITE 7 fe:00:1234 120 120", true),
            (
                "2: POSIX  ADVISORY  WRITE 7 fe:00:1234 1073741825 1073741825",
                true,
            ),
            (
                "3: POSIX  ADVISORY  WRITE 7 fe:00:1234 1073741824 1073742335",
                true,
            ),
            ("4: POSIX  ADVISORY  READ  7 fe:00:1234 120 120", false),
            ("5: POSIX  ADVISORY  WRITE 7 fe:00:1234 123 123", false),
            ("6: POSIX  ADVISORY  WRITE 8 fe:00:1234 120 120", false),
            ("7: FLOCK  ADVISORY  WRITE 7 fe:00:1234 0 EOF", false),
            ("8: -> POSIX  ADVISORY  WRITE 7 fe:00:1234 120 120", false),
            ("9: POSIX  ADVISORY  WRITE 7 fe:00:1234 0 EOF", false),
        ] {
            assert_eq!(is_writer(line, 7), writer, "{line}");
        }
    }
}
