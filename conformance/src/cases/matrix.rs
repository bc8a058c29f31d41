//! What the peers do with each other: shows that a setup works before our side is tried in it.

use super::{case, expect};
use crate::realm::PASSWORD;
use crate::realms::{Realms, mit_realms};
use crate::{Case, Suite};

pub(super) fn cases() -> Vec<Case> {
    vec![case(
        "matrix: three MIT realms, MIT's client, one and two hops",
        hops,
    )]
}

/// A trusts B, B trusts C: the client of A finds its way to C by capaths, and to B by its KDC's referral alone.
fn hops(suite: &Suite) -> Result<(), String> {
    let mut options = mit_realms(&["A.TEST", "B.TEST", "C.TEST"]);
    for options in &mut options {
        options.krb5_conf = "[capaths]\n  A.TEST = {\n    C.TEST = B.TEST\n  }\n".to_owned();
    }
    let realms = Realms::start(
        &suite.bin,
        &options,
        &[("A.TEST", "B.TEST"), ("B.TEST", "C.TEST")],
    )?;
    realms
        .mit("kinit")?
        .args("alice@A.TEST")
        .stdin(&format!("{PASSWORD}\n"))
        .ok(&realms.env)?;
    realms
        .mit("kvno")?
        .args("-S HTTP www.c.test")
        .ok(&realms.env)?
        .prints(&["HTTP/www.c.test@C.TEST: kvno = 2"])?;
    realms
        .mit("kvno")?
        .args("HTTP/www.b.test@")
        .ok(&realms.untold)?
        .prints(&["HTTP/www.b.test@"])?;
    let listed = realms.mit("klist")?.ok(&realms.env)?;
    listed.prints(&["krbtgt/C.TEST@B.TEST", "HTTP/www.b.test@"])?;
    // Ours reads what MIT's wrote.
    realms
        .ours("klist")?
        .ok(&realms.env)?
        .prints(&["krbtgt/C.TEST@B.TEST", "HTTP/www.c.test@C.TEST"])?;
    // The last KDC saw the whole way.
    let log = realms.of("C.TEST")?.log();
    expect(
        log.contains("alice@A.TEST for HTTP/www.c.test@C.TEST"),
        &format!("C.TEST's KDC did not issue the ticket: {log}"),
    )
}
