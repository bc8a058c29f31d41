#![allow(clippy::unwrap_used, clippy::panic)] // a failure here is the test's failure

use kerbside_asn1::Principal;
use kerbside_crypto::{EncryptionType, Key, LongTermKey};
use kerbside_formats::keytab::KeytabEntry;

use super::*;

fn entry(name: &str, kvno: u32) -> KeytabEntry {
    let key = Key::new(EncryptionType::AES128_CTS_HMAC_SHA1_96, &[0xa1; 16]).unwrap();
    KeytabEntry::new(
        Principal::new("R", &[name]),
        kvno,
        1_795_561_886,
        LongTermKey::from(key),
    )
}

fn ask(list: &mut KeyList, line: &str) -> Result<Next, String> {
    perform(list, &words::split(line).unwrap()).map_err(|refused| match refused {
        Refused::Line(line) => line,
        Refused::Report(report) => report.text("report"),
    })
}

fn shown(list: &KeyList, options: &[&str]) -> String {
    let words: Vec<String> = options.iter().map(|&word| word.to_owned()).collect();
    let columns = keylist::columns("list", &words).unwrap_or_else(|_| panic!("{options:?}"));
    list.listing(columns).to_string()
}

#[test]
fn listings_are_in_mits_columns() {
    let mut list = KeyList::default();
    list.add(entry("alice", 3));
    let key = "a1".repeat(16);
    let principal = "                                 alice@R";
    assert_eq!(
        shown(&list, &[]),
        format!(
            "slot KVNO Principal\n---- ---- ---------------------------------------------------------------------\n   1    3 {principal}\n"
        )
    );
    let full = shown(&list, &["-t", "-k", "-e"]);
    assert!(
        full.starts_with("slot KVNO Timestamp         Principal\n---- ---- ----------------- ---------------------------------------------------\n   1    3 11/2"),
        "{full}"
    );
    assert!(
        full.ends_with(&format!("{principal} (aes128-cts-hmac-sha1-96)  (0x{key})\n")),
        "{full}"
    );
}

#[test]
fn slots_are_deleted_and_the_list_is_cleared() {
    let mut list = KeyList::default();
    list.add(entry("alice", 1));
    list.add(entry("bob", 1));
    for slot in ["0", "3", "x", "-1"] {
        assert_eq!(
            ask(&mut list, &format!("delent {slot}")),
            Err(format!("delent: Invalid argument while deleting entry {slot}"))
        );
    }
    assert_eq!(ask(&mut list, "delete_entry 1"), Ok(Next::Continue));
    assert!(shown(&list, &[]).contains(&format!("   1    1 {:>40}\n", "bob@R")));
    assert_eq!(ask(&mut list, "clear"), Ok(Next::Continue));
    assert_eq!(shown(&list, &[]).lines().count(), 2);
}

#[test]
fn keytabs_are_read_and_added_to() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("keytab").display().to_string();
    let mut list = KeyList::default();
    // An empty list makes no file, as with MIT.
    assert_eq!(ask(&mut list, &format!("wkt {path}")), Ok(Next::Continue));
    assert_eq!(
        ask(&mut list, &format!("rkt {path}")),
        Err(format!(
            "report: error: No such file or directory while reading keytab \"{path}\"\n"
        ))
    );
    list.add(entry("alice", 1));
    for _ in 0..2 {
        assert_eq!(ask(&mut list, &format!("write_kt {path}")), Ok(Next::Continue));
    }
    assert_eq!(ask(&mut list, "clear_list"), Ok(Next::Continue));
    assert_eq!(ask(&mut list, &format!("read_kt {path}")), Ok(Next::Continue));
    assert_eq!(shown(&list, &[]).lines().count(), 4);
    std::fs::write(&path, "my notes").unwrap();
    for request in ["rkt", "wkt"] {
        assert!(ask(&mut list, &format!("{request} {path}")).is_err());
    }
    assert_eq!(std::fs::read(&path).unwrap(), b"my notes");
}

#[test]
fn refusals_are_in_mits_words() {
    let mut list = KeyList::default();
    for (line, text) in [
        ("rkt", "rkt: must specify keytab to read"),
        ("wkt a b", "wkt: must specify keytab to write"),
        ("delent", "delent: must specify entry to delete"),
        ("clear x", "clear: invalid arguments"),
        ("l -x", "l: usage: l [-t] [-k] [-e]"),
        ("rst x", "rst: reading srvtabs is no longer supported"),
        ("write_st x", "write_st: writing srvtabs is no longer supported"),
        (
            "addent",
            "usage: addent (-key | -password) -p principal -k kvno [-e enctype] [-f|-s salt]",
        ),
        (
            "addent -key -p a -k 1",
            "enctype must be specified if not using -f",
        ),
        (
            "nonsense",
            "ktutil: Unknown request \"nonsense\".  Type \"?\" for a request list.",
        ),
    ] {
        assert_eq!(ask(&mut list, line), Err(text.to_owned()));
    }
    assert_eq!(ask(&mut list, ""), Ok(Next::Continue));
    for line in ["q", "exit", "quit x"] {
        assert_eq!(ask(&mut list, line), Ok(Next::Quit));
    }
}
