//! Are all other threads of this process asleep? Linux tells in `/proc/self/task` (proc(5)).
//!
//! Elsewhere the answer is always no: then nothing is ever called blocked or stuck, and it is the
//! controller's deadline that gives up. No answer is better than a wrong one.

use std::fs;

/// This thread's number, as the kernel counts.
pub fn own_thread() -> Option<String> {
    let link = fs::read_link("/proc/thread-self").ok()?;
    Some(link.file_name()?.to_str()?.to_owned())
}

/// Whether every thread but `own` sleeps.
pub fn all_asleep_but(own: Option<&str>) -> bool {
    let Ok(tasks) = fs::read_dir("/proc/self/task") else {
        return false;
    };
    for task in tasks.flatten() {
        if task.file_name().to_str() == own {
            continue;
        }
        // A thread that ended between the listing and the look is asleep for good.
        let stat = fs::read(task.path().join("stat")).unwrap_or_default();
        if state(&stat).is_some_and(|state| matches!(state, b'R' | b'D')) {
            return false;
        }
    }
    true
}

/// The state letter: the field after the command name, which may itself contain anything.
fn state(stat: &[u8]) -> Option<u8> {
    let end = stat.iter().rposition(|&byte| byte == b')')?;
    stat.get(end + 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_follows_the_last_parenthesis() {
        assert_eq!(state(b"12 (a) R (b) S 1 2"), Some(b'S'));
        assert_eq!(state(b""), None);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_busy_thread_is_seen() {
        use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
        static STOP: AtomicBool = AtomicBool::new(false);
        let busy = std::thread::spawn(|| {
            while !STOP.load(SeqCst) {
                std::hint::spin_loop();
            }
        });
        assert!(!all_asleep_but(own_thread().as_deref()));
        STOP.store(true, SeqCst);
        busy.join().unwrap();
    }
}
