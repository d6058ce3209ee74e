//! DashMap: many small maps, each behind a lock of its own, seen without waiting for any.
//!
//! An operation with a key waits for that key's shard only, so its probe shows the key as well
//! (`Keyed`); one without walks through all shards. What is compared and restored is the whole map.

use std::borrow::Borrow;
use std::hash::{BuildHasher, Hash};

use dashmap::DashMap;

use crate::place::{AsPlace, Mode};

/// A place whose steps wait for a part of it, named by a key.
pub trait Keyed<Q: ?Sized> {
    /// Whether a step of this mode at the key's part would go on at once.
    fn deadheat_free(&self, key: &Q, mode: Mode) -> bool;
}

impl<K, V, S, Q> Keyed<Q> for DashMap<K, V, S>
where
    K: Eq + Hash + Borrow<Q>,
    S: BuildHasher + Clone,
    Q: Eq + Hash + ?Sized,
{
    fn deadheat_free(&self, key: &Q, mode: Mode) -> bool {
        let shard = &self.shards()[self.determine_map(key)];
        match mode {
            Mode::Write | Mode::Upgrade => shard.try_write().is_some(),
            Mode::Read => shard.try_read().is_some(),
            Mode::Free => true,
        }
    }
}

impl<K, V, S> AsPlace for DashMap<K, V, S>
where
    K: Eq + Hash,
    S: BuildHasher + Clone,
{
    type Content = Self;

    fn free(&self, mode: Mode) -> bool {
        match mode {
            Mode::Write | Mode::Upgrade => self.shards().iter().all(|s| s.try_write().is_some()),
            Mode::Read => self.shards().iter().all(|s| s.try_read().is_some()),
            Mode::Free => true,
        }
    }

    fn look(&self, see: &mut dyn FnMut(&Self)) -> bool {
        // Nobody takes a lock while the runtime looks: whoever could is held.
        let free = AsPlace::free(self, Mode::Read);
        if free {
            see(self);
        }
        free
    }

    fn put(&self, content: Self) -> bool {
        let free = AsPlace::free(self, Mode::Write);
        if free {
            self.clear();
            content.into_iter().for_each(|(key, value)| {
                self.insert(key, value);
            });
        }
        free
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::{Look, ViewBoth as _};

    #[test]
    fn only_the_shard_of_a_key_is_waited_for() {
        let map: DashMap<u32, u32> = (0..200).map(|n| (n, n)).collect();
        let guard = map.get_mut(&0).unwrap();
        assert!(!map.deadheat_free(&0, Mode::Read) && map.deadheat_free(&0, Mode::Free));
        let others = (1..200).filter(|key| map.deadheat_free(key, Mode::Write));
        assert!(others.count() > 0);
        assert!(
            !AsPlace::free(&map, Mode::Read) && !map.look(&mut |_| ()) && !map.put(DashMap::new())
        );
        drop(guard);
        let shared = map.get(&0).unwrap();
        assert!(map.deadheat_free(&0, Mode::Read) && !map.deadheat_free(&0, Mode::Write));
        drop(shared);
    }

    #[test]
    fn the_whole_map_is_shown_in_order_and_restored() {
        let map: DashMap<String, u32> = DashMap::new();
        map.insert("b".into(), 2);
        map.insert("a".into(), 1);
        let view = (&&&Look::at(map.deadheat_place())).deadheat_view();
        assert_eq!(view.show().as_deref(), Some(r#"{"a": 1, "b": 2}"#));
        let kept = view.keep().unwrap();
        map.remove("a");
        assert!(kept.restore());
        assert_eq!(view.show().as_deref(), Some(r#"{"a": 1, "b": 2}"#));
    }
}
