#![allow(clippy::unwrap_used)] // a failure here is the test's failure

use std::os::unix::fs::PermissionsExt;

use kerbside_crypto::EncryptionType;
use kerbside_protocol::Now;

use super::*;

const SKEW: i64 = 300;

fn at(seconds: i64) -> KerberosTime {
    Now::new(seconds, 0).unwrap().time
}

fn tag(number: u32, seconds: i64) -> ReplayTag {
    let cipher = [
        &number.to_be_bytes()[..],
        &[0; 12],
        &number.to_be_bytes(),
        &[9; 8],
    ]
    .concat();
    let made = Now::new(seconds, 0).unwrap();
    ReplayTag::new(EncryptionType::AES256_CTS_HMAC_SHA1_96, &cipher, made, SKEW)
}

/// The time now, in whole seconds.
fn clock() -> i64 {
    crate::now().parts().0
}

/// A file that was there before: nothing in it is younger than the process.
fn old_file(dir: &Path) -> PathBuf {
    let path = dir.join("rcache");
    std::fs::write(&path, [7; SEED_LEN]).unwrap();
    path
}

#[test]
fn two_processes_caches_see_what_the_other_took() {
    let dir = tempfile::tempdir().unwrap();
    let path = old_file(dir.path());
    let (one, two) = (
        FileReplayCache::open(&path, SKEW).unwrap(),
        FileReplayCache::open(&path, SKEW).unwrap(),
    );
    for number in 0..3000 {
        let (first, second) = if number % 2 == 0 {
            (&one, &two)
        } else {
            (&two, &one)
        };
        assert_eq!(
            first.check(&tag(number, 1000), at(1000)),
            Verdict::Fresh,
            "{number}"
        );
        assert_eq!(
            second.check(&tag(number, 1000), at(1010)),
            Verdict::Replayed,
            "{number}"
        );
    }
    assert_eq!(two.check(&tag(5, 1000), at(1300)), Verdict::Replayed);
    let reopened = FileReplayCache::open(&path, SKEW).unwrap();
    assert_eq!(
        reopened.check(&tag(17, 1000), at(1300)),
        Verdict::Replayed,
        "after a restart"
    );
}

#[test]
fn of_many_threads_with_one_authenticator_one_alone_is_fresh() {
    let dir = tempfile::tempdir().unwrap();
    let path = old_file(dir.path());
    let verdicts: Vec<Verdict> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    FileReplayCache::open(&path, SKEW)
                        .unwrap()
                        .check(&tag(1, 1000), at(1000))
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let fresh = verdicts
        .iter()
        .filter(|verdict| **verdict == Verdict::Fresh)
        .count();
    assert_eq!(fresh, 1, "{verdicts:?}");
}

/// Pitfalls, section 10 row 1: who removes the file has not made its authenticators fresh.
#[test]
fn a_file_that_had_to_be_made_takes_nothing_older_for_one_skew() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("rcache");
    let start = clock();
    let cache = FileReplayCache::open(&path, SKEW).unwrap();
    assert_eq!(
        std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let old = tag(1, start - 10);
    assert_eq!(cache.check(&old, at(start)), Verdict::Unavailable);
    assert_eq!(cache.check(&tag(2, start + 10), at(start + 10)), Verdict::Fresh);
    std::fs::remove_file(&path).unwrap();
    assert_eq!(
        cache.check(&tag(2, start + 10), at(start + 20)),
        Verdict::Unavailable
    );
    assert_eq!(cache.check(&tag(3, start + 20), at(start + 20)), Verdict::Fresh);
    let later = start + 21 + SKEW;
    assert_eq!(cache.check(&tag(4, later - 200), at(later)), Verdict::Fresh);
}

/// MIT's record of a client whose clock is ahead is over before the authenticator is.
#[test]
fn a_clients_clock_ahead_of_ours_is_remembered_as_long_as_it_counts() {
    let dir = tempfile::tempdir().unwrap();
    let path = old_file(dir.path());
    let cache = FileReplayCache::open(&path, SKEW).unwrap();
    let ahead = tag(1, 1200);
    assert_eq!(cache.check(&ahead, at(1000)), Verdict::Fresh);
    // Others fill the tables; what is over makes room for them.
    for number in 10..3000 {
        assert_eq!(cache.check(&tag(number, 1400), at(1400)), Verdict::Fresh);
    }
    assert_eq!(cache.check(&ahead, at(1400)), Verdict::Replayed);
}

#[test]
fn what_is_no_file_or_cannot_be_written_refuses_everybody() {
    let dir = tempfile::tempdir().unwrap();
    let error = FileReplayCache::open(dir.path(), SKEW).unwrap_err().to_string();
    assert!(
        error.starts_with(&format!("replay cache file2:{}: ", dir.path().display())),
        "{error}"
    );
    let missing = dir.path().join("none/rcache");
    assert_eq!(
        FileReplayCache::open(&missing, SKEW).unwrap_err().to_string(),
        format!("replay cache file2:{}: not found", missing.display())
    );
    let path = old_file(dir.path());
    let cache = FileReplayCache::open(&path, SKEW).unwrap();
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    assert_eq!(cache.check(&tag(1, 1000), at(1000)), Verdict::Unavailable);
}

#[test]
fn any_bytes_are_a_file_and_none_is_trusted() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("rcache");
    // Every record of the first tables in use by others for ever.
    std::fs::write(&path, vec![0xff; 114_688]).unwrap();
    let cache = FileReplayCache::open(&path, SKEW).unwrap();
    assert_eq!(cache.check(&tag(1, 1000), at(1000)), Verdict::Fresh);
    assert_eq!(cache.check(&tag(1, 1000), at(1000)), Verdict::Replayed);
    // Half a seed is no seed, and no memory.
    std::fs::write(&path, [1; 7]).unwrap();
    assert_eq!(cache.check(&tag(2, 999), at(1000)), Verdict::Unavailable);
    assert_eq!(cache.check(&tag(3, 1000), at(1000)), Verdict::Fresh);
    assert_eq!(cache.check(&tag(3, 1000), at(1000)), Verdict::Replayed);
}
