//! ktutil beside MIT's: the same session prints the same and makes keytabs that both sides log in with.

use super::{case, expect};
use crate::realm::{Options, PASSWORD, Realm, Side};
use crate::run::{Ended, Program};
use crate::{Case, Suite};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = vec![case("ktutil: the same session prints the same", alike)];
    for kdc in [Side::Mit, Side::Ours] {
        for writer in [Side::Mit, Side::Ours] {
            cases.push(case(
                &format!("ktutil: {writer:?}'s keytab with the salt of {kdc:?}'s KDC, used by both"),
                move |s| fetched(s, kdc, writer),
            ));
        }
    }
    cases
}

fn of(realm: &Realm, side: Side) -> Program {
    if side == Side::Mit {
        realm.mit("ktutil")
    } else {
        realm.ours("ktutil")
    }
}

fn session(realm: &Realm, side: Side, lines: &str) -> Result<Ended, String> {
    of(realm, side).stdin(lines).ok(&realm.env)
}

/// Standard output is the same to the last character. (What was typed wrong goes to standard error, in our form.)
fn alike(suite: &Suite) -> Result<(), String> {
    let realm = Realm::start(&suite.bin, &Options::new(Side::Mit))?;
    let keytab = realm.path("service.keytab");
    let own = |side| realm.path(&format!("{side:?}.keytab"));
    for lines in [
        "?\nlr\nlist_requests\n\nl\nlist -e\nl -t\nquit\n".to_owned(),
        format!(
            "addent -password -p alice -k 7 -e aes256-cts\n{PASSWORD}\naddent -password -p alice -k 8 -e aes128-cts -s \
             \"some salt\"\n{PASSWORD}\nadd_entry -password -p bob@OTHER -k 300 -e aes128-cts-hmac-sha256-128\nx\n\
             addent -password -p alice -k 9 -f\n{PASSWORD}\naddent -password -p alice -k 9 -f -e aes128-cts\n{PASSWORD}\n\
             l\nl -e\nlist -k -e\ndelent 2\nl -k\nclear\nl\nq\n"
        ),
        format!("rkt {0}\nl -e -k -t\nrkt FILE:{0}\nl\n", keytab.display()),
        "delent\ndelent 5\ndelent x\nrkt\nwkt\nrkt /nonexistent\nclear x\nrst x\nwst x\nlist -x\nnonsense\nl \"\naddent\n\
         addent -password -p alice -k 1\naddent -password -p alice -k 1 -s a -f\nexit\n"
            .to_owned(),
    ] {
        let mit = session(&realm, Side::Mit, &lines)?;
        let ours = session(&realm, Side::Ours, &lines)?;
        expect(mit.stdout == ours.stdout, &format!("ktutil differs:\n{mit}{ours}"))?;
    }
    // Both files hold the same keys, in the same order, and can be read by the other.
    let make = format!(
        "addent -password -p alice -k 300 -e aes256-cts\n{PASSWORD}\naddent -password -p bob -k 2 -e \
         aes256-cts-hmac-sha384-192\nx\n"
    );
    let mut listings = Vec::new();
    for (side, other) in [(Side::Mit, Side::Ours), (Side::Ours, Side::Mit)] {
        let name = own(side);
        session(&realm, side, &format!("{make}wkt {}\n", name.display()))?;
        // Written to once more by the other: keys are added.
        let listed = session(
            &realm,
            other,
            &format!("rkt {0}\nwkt {0}\nclear\nrkt {0}\nl -e -k\n", name.display()),
        )?;
        listings.push(listed.stdout.replace(&name.display().to_string(), "KEYTAB"));
    }
    expect(
        listings.first() == listings.last() && listings.iter().all(|text| text.contains("\n   4    2 ")),
        &format!("the keytabs differ: {listings:?}"),
    )
}

/// `addent -password -p USER@REALM -k KVNO -f`, `wkt FILE`, and a login by the file.
fn fetched(suite: &Suite, kdc: Side, writer: Side) -> Result<(), String> {
    let realm = Realm::start(&suite.bin, &Options::new(kdc))?;
    // Alice needs pre-authentication, bob does not: the salt comes with an error, and with a reply.
    for (user, password) in [("alice", PASSWORD), ("bob", "Passw0rd-bob")] {
        let keytab = realm.path(&format!("{user}.made"));
        session(
            &realm,
            writer,
            &format!(
                "addent -password -p {user}@CONFORM.TEST -k 1 -f\n{password}\nwkt {}\nquit\n",
                keytab.display()
            ),
        )?;
        for side in [Side::Mit, Side::Ours] {
            let program = |name| {
                if side == Side::Mit {
                    realm.mit(name)
                } else {
                    realm.ours(name)
                }
            };
            program("klist")
                .args("-k -e")
                .arg(&keytab)
                .ok(&realm.env)?
                .prints(&[&format!("   1 {user}@CONFORM.TEST (aes256-cts-hmac-sha1-96)")])?;
            program("kinit")
                .args("-k -t")
                .arg(&keytab)
                .args(user)
                .ok(&realm.env)?;
        }
    }
    Ok(())
}
