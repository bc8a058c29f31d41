//! User files.

use alloc::string::ToString;

use crate::{NtHash, NtHashSource, NtlmAccount, NtlmError, UserFile};
use kerbside_crypto::Password;

fn find(file: &UserFile, domain: &str, user: &str) -> Option<NtlmAccount> {
    file.find(domain, user).unwrap()
}

fn is(account: &Option<NtlmAccount>, domain: &str, user: &str, password: &str) {
    let account = account.as_ref().unwrap();
    assert_eq!((account.domain.as_str(), account.user.as_str()), (domain, user));
    let hash = NtHash::from_password(&Password::from(password)).unwrap();
    assert_eq!(account.hash.expose_secret(), hash.expose_secret());
}

const FILE: &[u8] =
    b"# a comment\r\n\nDOM:alice:secret\r\n:carol@example.com:hers\nDOM:bob:with:colons:in:it:all\n\
OTHER:alice:else\n\
root:0:XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX:8846F7EAEE8FB117AD06BDD830B7586C:[U          ]:LCT-54EE48FC:\n\
DOM\\dave:1000:NO PASSWORDXXXXXXXXXXXXXXXXXXXXX:8846f7eaee8fb117ad06bdd830b7586c:[U]:LCT-1589398321\n\
gone:1001:XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX:8846F7EAEE8FB117AD06BDD830B7586C:[UD         ]:LCT-00000000:\n\
empty:1002:XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX:XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX:[U          ]:LCT-00000000:\n";

#[test]
fn both_formats_in_one_file() {
    let file = UserFile::parse(FILE, "HERE").unwrap();
    assert_eq!(file.len(), 6);
    is(&find(&file, "DOM", "alice"), "DOM", "alice", "secret");
    is(&find(&file, "other", "ALICE"), "OTHER", "alice", "else");
    is(&find(&file, "DOM", "bob"), "DOM", "bob", "with:colons:in:it:all");
    is(&find(&file, "HERE", "root"), "HERE", "root", "password");
    is(&find(&file, "DOM", "dave"), "DOM", "dave", "password");
    is(
        &find(&file, "", "carol@EXAMPLE.com"),
        "HERE",
        "carol@example.com",
        "hers",
    );
    for (domain, user) in [
        ("HERE", "gone"),
        ("HERE", "empty"),
        ("HERE", "alice"),
        ("DOM", ""),
        ("", ""),
    ] {
        assert!(find(&file, domain, user).is_none(), "{domain} {user}");
    }
}

#[test]
fn without_a_domain_a_user_must_be_the_only_one() {
    let file = UserFile::parse(FILE, "HERE").unwrap();
    assert!(find(&file, "", "alice").is_none(), "there are two");
    is(&find(&file, "", "bob"), "DOM", "bob", "with:colons:in:it:all");
    is(&find(&file, "", "alice@other"), "OTHER", "alice", "else");
    assert!(find(&file, "", "alice@").is_none());
    assert!(find(&file, "DOM", "alice@other").is_none());
}

#[test]
fn lines_that_are_no_users_are_named() {
    for (file, line) in [
        (&b"DOM:alice:secret\nnothing\n"[..], 2),
        (b"DOM:alice\n", 1),
        (b"DOM::secret\n", 1),
        (b"\n\nDOM:\xff:secret\n", 3),
        (
            b"x:1:XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX:8846F7EAEE8FB117AD06BDD830B7586G:[U]:LCT-0:\n",
            1,
        ),
    ] {
        match UserFile::parse(file, "HERE") {
            Err(NtlmError::UserFile { line: found, .. }) => assert_eq!(found, line),
            other => panic!("expected a refusal, but found {other:?}"),
        }
    }
    let long = [b"DOM:alice:".as_slice(), &[b'x'; 1025]].concat();
    assert!(UserFile::parse(&long, "HERE").is_err(), "the password");
    let long = [b"#".as_slice(), &[b'x'; 4096]].concat();
    assert!(UserFile::parse(&long, "HERE").is_err(), "the line");
}

/// Section 10 row 17 of the pitfalls: nothing that holds a key shows it.
#[test]
fn pitfall_10_17_secrets_do_not_show_themselves() {
    let file = UserFile::parse(FILE, "HERE").unwrap();
    let account = find(&file, "HERE", "root").unwrap();
    let shown = alloc::format!("{file:?} {account:?} {:?}", account.hash);
    assert!(
        !shown.to_lowercase().contains("8846") && !shown.contains("136"),
        "{shown}"
    );
    let params = super::client();
    let shown = alloc::format!("{params:?}").to_string();
    assert!(shown.contains("alice") && !shown.contains("Passw0rd"), "{shown}");
}
