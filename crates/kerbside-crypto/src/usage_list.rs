//! What a key derived for each usage, kept for as long as the key lives.

use alloc::boxed::Box;

use once_cell::race::OnceBox;

use crate::key_usage::KeyUsage;

/// An append-only list without locks: a reader walks it, the first to miss a usage appends it, and of two that derive
/// the same usage at once one result is dropped. A key has a handful of usages, chosen by the program and never by a
/// peer, so walking it costs less than any map.
pub(crate) struct UsageList<T> {
    head: OnceBox<Node<T>>,
}

struct Node<T> {
    usage: KeyUsage,
    value: T,
    next: OnceBox<Node<T>>,
}

impl<T> UsageList<T> {
    pub(crate) const fn new() -> Self {
        Self { head: OnceBox::new() }
    }

    /// The value of `usage`, derived now if this is its first use.
    pub(crate) fn get_or_derive(&self, usage: KeyUsage, derive: impl Fn() -> T) -> &T {
        let mut slot = &self.head;
        loop {
            let node = slot.get_or_init(|| {
                Box::new(Node {
                    usage,
                    value: derive(),
                    next: OnceBox::new(),
                })
            });
            if node.usage == usage {
                return &node.value;
            }
            slot = &node.next;
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use core::sync::atomic::{AtomicU32, Ordering};

    #[test]
    fn a_usage_is_derived_once_and_found_again_at_the_same_place() {
        let list = UsageList::new();
        let derived = AtomicU32::new(0);
        let get = |usage: i32| {
            list.get_or_derive(KeyUsage(usage), || {
                derived.fetch_add(1, Ordering::Relaxed);
                usage
            })
        };
        let first = core::ptr::from_ref(get(7));
        for usage in [7, 8, 9, 8, 7, 9] {
            assert_eq!(*get(usage), usage);
        }
        assert_eq!(derived.load(Ordering::Relaxed), 3);
        assert_eq!(first, core::ptr::from_ref(get(7)));
    }

    #[test]
    fn threads_that_race_see_one_value_for_each_usage() {
        let list = UsageList::new();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for usage in 0..100 {
                        assert_eq!(*list.get_or_derive(KeyUsage(usage), || usage), usage);
                    }
                });
            }
        });
        let mut count = 0;
        let mut slot = &list.head;
        while let Some(node) = slot.get() {
            count += 1;
            slot = &node.next;
        }
        assert_eq!(count, 100);
    }
}
