//! Locks and atomics, seen without ever waiting for them.
//!
//! A lock is free for a mode when a non-blocking attempt succeeds right now; the guard is dropped at
//! once. A poisoned lock can be acquired, so it counts as free, and its content is looked at.

use std::sync::atomic::Ordering::SeqCst;
use std::sync::TryLockError;

/// What a step needs from the lock at its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Exclusive access: it waits for everybody.
    Write,
    /// Shared access: it waits for a writer.
    Read,
    /// Shared access that may become exclusive: it waits for a writer and for another of its kind.
    Upgrade,
    /// Nothing: the step never waits (atomics, `try_lock`).
    Free,
}

/// Something that requests share and that can be looked at from outside.
///
/// The macros find it through method autoderef: `users.count.deadheat_place()` resolves through
/// `State`, `Arc`, `LazyLock` and their like.
pub trait AsPlace {
    /// What is inside.
    type Content;

    /// The place itself.
    fn deadheat_place(&self) -> &Self {
        self
    }

    /// Whether a step of this mode would go on at once.
    fn free(&self, mode: Mode) -> bool;

    /// Shows the content, if that is possible without waiting.
    fn look(&self, see: &mut dyn FnMut(&Self::Content)) -> bool;

    /// Replaces the content, if that is possible without waiting.
    fn put(&self, content: Self::Content) -> bool;

    /// Whether a panic left the lock poisoned.
    fn poisoned(&self) -> bool {
        false
    }

    /// Clears the poison.
    fn heal(&self) {}
}

fn acquired<G>(attempt: Result<G, TryLockError<G>>) -> Option<G> {
    match attempt {
        Ok(guard) => Some(guard),
        Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}

impl<T> AsPlace for std::sync::Mutex<T> {
    type Content = T;

    fn free(&self, mode: Mode) -> bool {
        mode == Mode::Free || acquired(self.try_lock()).is_some()
    }

    fn look(&self, see: &mut dyn FnMut(&T)) -> bool {
        acquired(self.try_lock())
            .map(|content| see(&content))
            .is_some()
    }

    fn put(&self, content: T) -> bool {
        acquired(self.try_lock())
            .map(|mut old| *old = content)
            .is_some()
    }

    fn poisoned(&self) -> bool {
        self.is_poisoned()
    }

    fn heal(&self) {
        self.clear_poison();
    }
}

impl<T> AsPlace for std::sync::RwLock<T> {
    type Content = T;

    fn free(&self, mode: Mode) -> bool {
        match mode {
            Mode::Write => acquired(self.try_write()).is_some(),
            Mode::Read | Mode::Upgrade => acquired(self.try_read()).is_some(),
            Mode::Free => true,
        }
    }

    fn look(&self, see: &mut dyn FnMut(&T)) -> bool {
        acquired(self.try_read())
            .map(|content| see(&content))
            .is_some()
    }

    fn put(&self, content: T) -> bool {
        acquired(self.try_write())
            .map(|mut old| *old = content)
            .is_some()
    }

    fn poisoned(&self) -> bool {
        self.is_poisoned()
    }

    fn heal(&self) {
        self.clear_poison();
    }
}

impl<T> AsPlace for tokio::sync::Mutex<T> {
    type Content = T;

    fn free(&self, mode: Mode) -> bool {
        mode == Mode::Free || self.try_lock().is_ok()
    }

    fn look(&self, see: &mut dyn FnMut(&T)) -> bool {
        self.try_lock().map(|content| see(&content)).is_ok()
    }

    fn put(&self, content: T) -> bool {
        self.try_lock().map(|mut old| *old = content).is_ok()
    }
}

impl<T> AsPlace for tokio::sync::RwLock<T> {
    type Content = T;

    fn free(&self, mode: Mode) -> bool {
        match mode {
            Mode::Write => self.try_write().is_ok(),
            Mode::Read | Mode::Upgrade => self.try_read().is_ok(),
            Mode::Free => true,
        }
    }

    fn look(&self, see: &mut dyn FnMut(&T)) -> bool {
        self.try_read().map(|content| see(&content)).is_ok()
    }

    fn put(&self, content: T) -> bool {
        self.try_write().map(|mut old| *old = content).is_ok()
    }
}

#[cfg(feature = "parking_lot")]
impl<T> AsPlace for parking_lot::Mutex<T> {
    type Content = T;

    fn free(&self, mode: Mode) -> bool {
        mode == Mode::Free || self.try_lock().is_some()
    }

    fn look(&self, see: &mut dyn FnMut(&T)) -> bool {
        self.try_lock().map(|content| see(&content)).is_some()
    }

    fn put(&self, content: T) -> bool {
        self.try_lock().map(|mut old| *old = content).is_some()
    }
}

#[cfg(feature = "parking_lot")]
impl<T> AsPlace for parking_lot::RwLock<T> {
    type Content = T;

    fn free(&self, mode: Mode) -> bool {
        match mode {
            Mode::Write => self.try_write().is_some(),
            Mode::Read => self.try_read().is_some(),
            Mode::Upgrade => self.try_upgradable_read().is_some(),
            Mode::Free => true,
        }
    }

    fn look(&self, see: &mut dyn FnMut(&T)) -> bool {
        self.try_read().map(|content| see(&content)).is_some()
    }

    fn put(&self, content: T) -> bool {
        self.try_write().map(|mut old| *old = content).is_some()
    }
}

/// Cells that are set once: what is inside can be seen and never put back.
macro_rules! once_cells {
    ($($cell:ty),* $(,)?) => {$(
        impl<T> AsPlace for $cell {
            type Content = Self;

            fn free(&self, _mode: Mode) -> bool {
                true
            }

            fn look(&self, see: &mut dyn FnMut(&Self)) -> bool {
                see(self);
                true
            }

            fn put(&self, content: Self) -> bool {
                self.get().is_some() == content.get().is_some()
            }
        }
    )*};
}

once_cells!(std::sync::OnceLock<T>, tokio::sync::OnceCell<T>);

/// A watch channel is a cell: its latest value.
impl<T> AsPlace for tokio::sync::watch::Sender<T> {
    type Content = T;

    fn free(&self, _mode: Mode) -> bool {
        true
    }

    fn look(&self, see: &mut dyn FnMut(&T)) -> bool {
        see(&self.borrow());
        true
    }

    fn put(&self, content: T) -> bool {
        self.send_replace(content);
        true
    }
}

impl AsPlace for tokio::sync::Semaphore {
    type Content = usize;

    fn free(&self, mode: Mode) -> bool {
        // A closed one answers at once, with an error.
        mode == Mode::Free || self.is_closed() || self.available_permits() > 0
    }

    fn look(&self, see: &mut dyn FnMut(&usize)) -> bool {
        see(&self.available_permits());
        true
    }

    fn put(&self, content: usize) -> bool {
        let now = self.available_permits();
        if now < content {
            self.add_permits(content - now);
        }
        now <= content || self.forget_permits(now - content) == now - content
    }
}

macro_rules! atomics {
    ($($atomic:ident $content:ty),* $(,)?) => {$(
        impl AsPlace for std::sync::atomic::$atomic {
            type Content = $content;

            fn free(&self, _mode: Mode) -> bool {
                true
            }

            fn look(&self, see: &mut dyn FnMut(&$content)) -> bool {
                see(&self.load(SeqCst));
                true
            }

            fn put(&self, content: $content) -> bool {
                self.store(content, SeqCst);
                true
            }
        }
    )*};
}

atomics! {
    AtomicBool bool,
    AtomicI8 i8, AtomicI16 i16, AtomicI32 i32, AtomicI64 i64, AtomicIsize isize,
    AtomicU8 u8, AtomicU16 u16, AtomicU32 u32, AtomicU64 u64, AtomicUsize usize,
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex, RwLock};

    #[test]
    fn a_held_mutex_is_neither_free_nor_seen() {
        let place = Mutex::new(1);
        assert!(place.free(Mode::Write));
        let guard = place.lock().unwrap();
        assert!(!place.free(Mode::Write));
        assert!(place.free(Mode::Free));
        assert!(!place.look(&mut |_| ()));
        assert!(!place.put(2));
        drop(guard);
        assert!(place.put(2));
        assert_eq!(*place.lock().unwrap(), 2);
    }

    #[test]
    fn readers_share() {
        let place = RwLock::new(1);
        let guard = place.read().unwrap();
        assert!(place.free(Mode::Read));
        assert!(!place.free(Mode::Write));
        let mut seen = 0;
        assert!(place.look(&mut |content| seen = *content));
        assert_eq!(seen, 1);
        drop(guard);
    }

    #[test]
    fn a_poisoned_lock_can_be_acquired_and_healed() {
        let place = Arc::new(Mutex::new(1));
        let shared = Arc::clone(&place);
        let _ = std::thread::spawn(move || {
            let _guard = shared.lock().unwrap();
            std::panic::resume_unwind(Box::new("poison"));
        })
        .join();
        assert!(place.poisoned());
        assert!(place.free(Mode::Write));
        assert!(place.look(&mut |content| assert_eq!(*content, 1)));
        place.heal();
        assert!(!place.poisoned());
    }

    #[test]
    fn tokio_locks_too() {
        let place = tokio::sync::RwLock::new(1);
        let guard = place.try_read().unwrap();
        assert!(place.free(Mode::Read) && !place.free(Mode::Write));
        drop(guard);
        assert!(place.put(7));
        let mutex = tokio::sync::Mutex::new(());
        let guard = mutex.try_lock().unwrap();
        assert!(!mutex.free(Mode::Write));
        drop(guard);
    }

    #[test]
    fn permits_are_counted_and_given_back() {
        let place = tokio::sync::Semaphore::new(2);
        let held = place.try_acquire_many(2).unwrap();
        assert!(!place.free(Mode::Write));
        held.forget();
        assert!(place.put(2) && place.free(Mode::Write));
        assert!(place.put(1));
        assert!(place.look(&mut |permits| assert_eq!(*permits, 1)));
    }

    #[test]
    fn a_cell_that_was_set_cannot_be_put_back() {
        let place = std::sync::OnceLock::new();
        let before = place.clone();
        assert!(place.put(before.clone()));
        place.set(1).unwrap();
        assert!(!place.put(before) && place.put(place.clone()));
    }
}
