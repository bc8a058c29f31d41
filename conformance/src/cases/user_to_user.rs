//! Tickets under the session key of another user's ticket, from MIT's KDC.

use super::{case, expect};
use crate::realm::{Options, Realm, Side};
use crate::twins::Twins;
use crate::{Case, Suite};

pub(super) fn cases() -> Vec<Case> {
    vec![case(
        "user-to-user: granted and refused by MIT's KDC, as MIT's kvno",
        user_to_user,
    )]
}

fn user_to_user(suite: &Suite) -> Result<(), String> {
    let realm = Realm::start(&suite.bin, &Options::new(Side::Mit))?;
    let bob = realm.path("bob.cc");
    for (user, password, cache) in [
        ("alice", "Passw0rd-alice", realm.path("cc")),
        ("bob", "Passw0rd-bob", bob.clone()),
    ] {
        realm
            .ours("kinit")
            .args("-c")
            .arg(&cache)
            .args(user)
            .stdin(&format!("{password}\n"))
            .ok(&realm.env)?;
    }
    let twins = Twins {
        mit: realm.mit("kvno"),
        ours: realm.ours("kvno"),
        klist: realm.mit("klist"),
        env: &realm.env,
        cache: realm.path("cc"),
        dir: realm.path(""),
    };
    let with_bob = |service: &str| format!("--u2u {} {service}", bob.display());
    let (granted, cache) = twins.agree(&with_bob("bob"))?;
    granted.prints(&["bob@CONFORM.TEST: kvno = 0"])?;
    // Of the cache: the ticket is bob's ticket's, and nobody else's.
    let env = realm.env.with("KRB5CCNAME", format!("FILE:{}", cache.display()));
    let again = with_bob("bob");
    for program in [realm.mit("kvno"), realm.ours("kvno")] {
        program.args("--cached-only").args(&again).ok(&env)?;
    }
    realm.ours("kvno").args("--cached-only bob").fails(&env)?;
    // bob's ticket is no ticket of alice's or of a service's.
    for service in ["alice", "HTTP/localhost", "nobody"] {
        let (refused, _) = twins.agree(&with_bob(service))?;
        expect(refused.code == Some(1), "the KDC should have refused")?;
    }
    let (missing, _) = twins.agree(&format!("--u2u {}/none bob", realm.path("").display()))?;
    missing.complains(&["while getting user-to-user ticket from"])?;
    Ok(())
}
