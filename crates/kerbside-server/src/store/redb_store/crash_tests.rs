//! What was acknowledged survives the loss of everything that was not synced

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

use std::sync::{Arc, Mutex};

use redb::StorageBackend;

use super::tests::{REALM, entry, master, named};
use super::*;

/// A disk: what was synced, and the writes since, in their order
#[derive(Debug, Default)]
struct Disk {
    durable: Vec<u8>,
    cached: Vec<u8>,
    since_sync: Vec<Write>,
}

#[derive(Clone, Debug)]
enum Write {
    Data(usize, Vec<u8>),
    Length(usize),
}

fn apply(image: &mut Vec<u8>, write: &Write) {
    match write {
        Write::Length(length) => image.resize(*length, 0),
        Write::Data(at, data) => image[*at..*at + data.len()].copy_from_slice(data),
    }
}

impl Disk {
    /// What a reader may find after a power cut: the synced state, and of the later writes those
    /// for which `kept` says so
    fn after_power_cut(&self, kept: impl Fn(usize) -> bool) -> Vec<u8> {
        let mut image = self.durable.clone();
        for (number, write) in self.since_sync.iter().enumerate() {
            match write {
                // A length change is kept when something behind the old end was.
                Write::Length(length) if image.len() < *length => image.resize(*length, 0),
                Write::Length(_) => {}
                Write::Data(..) if kept(number) => apply(&mut image, write),
                Write::Data(..) => {}
            }
        }
        image
    }
}

#[derive(Clone, Debug, Default)]
struct Backend(Arc<Mutex<Disk>>);

impl Backend {
    fn holding(image: Vec<u8>) -> Backend {
        Backend(Arc::new(Mutex::new(Disk {
            durable: image.clone(),
            cached: image,
            since_sync: Vec::new(),
        })))
    }
}

impl StorageBackend for Backend {
    fn len(&self) -> std::io::Result<u64> {
        Ok(self.0.lock().unwrap().cached.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> std::io::Result<()> {
        let disk = self.0.lock().unwrap();
        let at = usize::try_from(offset).unwrap();
        let from = disk
            .cached
            .get(at..at + out.len())
            .ok_or_else(|| std::io::Error::new(std::io::ErrorKind::UnexpectedEof, "behind the end"))?;
        out.copy_from_slice(from);
        Ok(())
    }

    fn set_len(&self, len: u64) -> std::io::Result<()> {
        let mut disk = self.0.lock().unwrap();
        let write = Write::Length(usize::try_from(len).unwrap());
        apply(&mut disk.cached, &write);
        disk.since_sync.push(write);
        Ok(())
    }

    fn sync_data(&self) -> std::io::Result<()> {
        let mut disk = self.0.lock().unwrap();
        disk.durable = disk.cached.clone();
        disk.since_sync.clear();
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> std::io::Result<()> {
        let mut disk = self.0.lock().unwrap();
        let write = Write::Data(usize::try_from(offset).unwrap(), data.to_vec());
        apply(&mut disk.cached, &write);
        disk.since_sync.push(write);
        Ok(())
    }
}

fn reopened(image: Vec<u8>, master: &MasterKey) -> RedbStore {
    let opened = file::open_with_backend(Path::new("disk"), Backend::holding(image), true)
        .expect("the file opens after a crash");
    RedbStore::open_opened(opened, Path::new("disk"), Some(REALM), |_| Ok(master.clone()))
        .expect("the database opens after a crash")
}

fn populated(backend: &Backend, master: &MasterKey) -> RedbStore {
    let opened = file::create_with_backend(Path::new("disk"), backend.clone()).unwrap();
    populate(&opened, REALM, master, &[entry("alice")]).unwrap();
    RedbStore::serve(opened, REALM.to_owned(), master.clone()).unwrap()
}

/// Which of the writes since the last sync a power cut leaves
fn cuts() -> Vec<Box<dyn Fn(usize) -> bool>> {
    let mut cuts: Vec<Box<dyn Fn(usize) -> bool>> = vec![Box::new(|_| false), Box::new(|_| true)];
    for first in 0..8 {
        cuts.push(Box::new(move |number| number < first));
        cuts.push(Box::new(move |number| number >= first));
        cuts.push(Box::new(move |number| number % 8 == first));
    }
    cuts
}

#[test]
fn each_acknowledged_change_survives_a_power_cut_right_after_it() {
    let master = master();
    let backend = Backend::default();
    let store = populated(&backend, &master);
    for number in 0..12_i64 {
        store.insert(entry(&format!("user{number}"))).unwrap();
        store
            .modify(
                &named("alice"),
                Box::new(move |entry| {
                    entry.max_life = number;
                    Ok(())
                }),
            )
            .unwrap();
        if number % 3 == 2 {
            store.remove(&named(&format!("user{}", number - 1))).unwrap();
        }
        for cut in cuts() {
            let image = backend.0.lock().unwrap().after_power_cut(cut);
            let after = reopened(image, &master);
            assert_eq!(after.entry(&named("alice")).unwrap().unwrap().max_life, number);
            assert!(after.entry(&named(&format!("user{number}"))).unwrap().is_some());
            let removed = after
                .entry(&named(&format!("user{}", number - 1)))
                .unwrap()
                .is_none();
            assert_eq!(removed, number % 3 == 2 || number == 0, "user{}", number - 1);
        }
    }
}

#[test]
fn a_power_cut_in_the_middle_of_a_change_leaves_all_of_it_or_nothing() {
    // The disk as it is at every single write of the change, not only at its end.
    #[derive(Clone, Debug, Default)]
    struct Watching {
        inner: Backend,
        images: Arc<Mutex<Vec<Vec<u8>>>>,
    }
    impl Watching {
        fn watch(&self) {
            let disk = self.inner.0.lock().unwrap();
            let count = disk.since_sync.len();
            let mut images = self.images.lock().unwrap();
            images.push(disk.after_power_cut(|_| true));
            images.push(disk.after_power_cut(|number| number + 1 == count));
            images.push(disk.after_power_cut(|number| number % 2 == 0));
        }
    }
    impl StorageBackend for Watching {
        fn len(&self) -> std::io::Result<u64> {
            self.inner.len()
        }
        fn read(&self, offset: u64, out: &mut [u8]) -> std::io::Result<()> {
            self.inner.read(offset, out)
        }
        fn set_len(&self, len: u64) -> std::io::Result<()> {
            self.inner.set_len(len)
        }
        fn sync_data(&self) -> std::io::Result<()> {
            self.watch();
            self.inner.sync_data()
        }
        fn write(&self, offset: u64, data: &[u8]) -> std::io::Result<()> {
            self.inner.write(offset, data)?;
            self.watch();
            Ok(())
        }
    }

    let master = master();
    let backend = Watching::default();
    let opened = file::create_with_backend(Path::new("disk"), backend.clone()).unwrap();
    populate(&opened, REALM, &master, &[entry("alice")]).unwrap();
    let store = RedbStore::serve(opened, REALM.to_owned(), master.clone()).unwrap();
    store
        .modify(
            &named("alice"),
            Box::new(|entry| {
                entry.max_life = 1;
                Ok(())
            }),
        )
        .unwrap();
    backend.images.lock().unwrap().clear();
    let mut bob = entry("bob");
    bob.aliases.push(named("robert"));
    store.insert(bob).unwrap();
    let images = core::mem::take(&mut *backend.images.lock().unwrap());
    assert!(images.len() > 6);
    let (mut before, mut after) = (0, 0);
    for image in images {
        let store = reopened(image, &master);
        assert_eq!(store.entry(&named("alice")).unwrap().unwrap().max_life, 1);
        let (bob, robert) = (
            store.entry(&named("bob")).unwrap(),
            store.entry(&named("robert")).unwrap(),
        );
        assert_eq!(bob.is_some(), robert.is_some(), "half a change");
        if bob.is_some() { after += 1 } else { before += 1 }
    }
    assert!(before > 0 && after > 0, "{before} before, {after} after");
}

#[test]
fn login_counters_survive_once_their_group_is_written() {
    let master = master();
    let backend = Backend::default();
    let store = populated(&backend, &master);
    let at = KerberosTime::from_unix_seconds(1_800_000_000);
    let note = || {
        let entry = store.lookup(&named("alice")).unwrap().unwrap();
        store.note(&StoreUpdate::PreAuthFailed { entry, at });
    };
    note();
    store.flush().unwrap();
    note();
    let image = backend.0.lock().unwrap().after_power_cut(|_| false);
    assert_eq!(
        reopened(image, &master)
            .entry(&named("alice"))
            .unwrap()
            .unwrap()
            .fail_auth_count,
        1
    );
    store.flush().unwrap();
    let image = backend.0.lock().unwrap().after_power_cut(|_| false);
    assert_eq!(
        reopened(image, &master)
            .entry(&named("alice"))
            .unwrap()
            .unwrap()
            .fail_auth_count,
        2
    );
}

#[test]
fn a_disk_that_fails_acknowledges_nothing() {
    #[derive(Clone, Debug, Default)]
    struct Failing {
        inner: Backend,
        broken: Arc<std::sync::atomic::AtomicBool>,
    }
    impl StorageBackend for Failing {
        fn len(&self) -> std::io::Result<u64> {
            self.inner.len()
        }
        fn read(&self, offset: u64, out: &mut [u8]) -> std::io::Result<()> {
            self.inner.read(offset, out)
        }
        fn set_len(&self, len: u64) -> std::io::Result<()> {
            self.inner.set_len(len)
        }
        fn sync_data(&self) -> std::io::Result<()> {
            if self.broken.load(std::sync::atomic::Ordering::SeqCst) {
                return Err(std::io::Error::other("the disk is full"));
            }
            self.inner.sync_data()
        }
        fn write(&self, offset: u64, data: &[u8]) -> std::io::Result<()> {
            self.inner.write(offset, data)
        }
    }
    let master = master();
    let backend = Failing::default();
    let opened = file::create_with_backend(Path::new("disk"), backend.clone()).unwrap();
    populate(&opened, REALM, &master, &[entry("alice")]).unwrap();
    let store = RedbStore::serve(opened, REALM.to_owned(), master.clone()).unwrap();
    backend.broken.store(true, std::sync::atomic::Ordering::SeqCst);
    let error = store.insert(entry("bob")).unwrap_err();
    assert!(error.to_string().contains("the disk is full"), "{error}");
    // Whoever logs in meanwhile is still served from memory or from the file.
    let _ = store.lookup(&named("alice"));
    let image = backend.inner.0.lock().unwrap().after_power_cut(|_| false);
    let after = reopened(image, &master);
    assert!(after.entry(&named("alice")).unwrap().is_some());
    assert!(after.entry(&named("bob")).unwrap().is_none());
}

#[test]
fn a_disk_that_was_full_for_a_moment_ends_nothing() {
    use std::sync::atomic::{AtomicBool, Ordering};
    #[derive(Clone, Debug, Default)]
    struct Full {
        inner: Backend,
        full: Arc<AtomicBool>,
    }
    impl StorageBackend for Full {
        fn len(&self) -> std::io::Result<u64> {
            self.inner.len()
        }
        fn read(&self, offset: u64, out: &mut [u8]) -> std::io::Result<()> {
            self.inner.read(offset, out)
        }
        fn set_len(&self, len: u64) -> std::io::Result<()> {
            self.inner.set_len(len)
        }
        fn sync_data(&self) -> std::io::Result<()> {
            self.inner.sync_data()
        }
        fn write(&self, offset: u64, data: &[u8]) -> std::io::Result<()> {
            if self.full.load(Ordering::SeqCst) {
                return Err(std::io::Error::other("the disk is full"));
            }
            self.inner.write(offset, data)
        }
    }
    let master = master();
    let backend = Full::default();
    let mut opened = file::create_with_backend(Path::new("disk"), backend.clone()).unwrap();
    populate(&opened, REALM, &master, &[entry("alice")]).unwrap();
    let again = backend.clone();
    opened.reopen = Some(Box::new(move || {
        file::open_with_backend(Path::new("disk"), again.clone(), true).map(|opened| opened.database)
    }));
    let store = RedbStore::serve(opened, REALM.to_owned(), master).unwrap();
    for round in 0..3 {
        backend.full.store(true, Ordering::SeqCst);
        for name in ["bob", "carol"] {
            let error = store.insert(entry(name)).unwrap_err().to_string();
            assert!(
                error.starts_with("the database disk: ") && !error.contains("thread"),
                "{error}"
            );
        }
        backend.full.store(false, Ordering::SeqCst);
        std::thread::sleep(crate::store::live::READER_PAUSE);
        // Not from the cache, which is empty after a failure.
        assert!(store.lookup(&named("alice")).unwrap().is_some(), "round {round}");
        assert!(store.lookup(&named("bob")).unwrap().is_none(), "round {round}");
        store.insert(entry(&format!("after{round}"))).unwrap();
    }
    assert_eq!(store.names(None, 100).unwrap().len(), 5);
}
