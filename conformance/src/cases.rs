//! The cases, by what they are about.

mod altered;
mod caches;
mod client_keytab;
mod collections;
mod contexts;
mod cross_realm;
mod daily_use;
mod dns;
mod enctypes;
mod failover;
mod fast;
mod faults;
mod files;
pub(crate) mod gss;
mod gss_altered;
mod gss_delegation;
mod gss_iov;
mod gss_peers;
mod gss_programs;
mod heimdal;
mod kkdcp;
mod kpasswd;
mod ktutil;
mod ldap_kdc;
mod login;
mod made;
mod matrix;
mod ntlm;
mod ntlm_auth;
mod ntlm_http;
mod pac;
mod programs;
mod referrals;
mod refusals;
mod renewer;
mod replay;
mod s4u;
mod samba;
mod spake;
mod spnego;
mod trace;
mod up;
mod user_to_user;
mod walkthroughs;

use crate::{Case, Suite};

/// Every case.
pub(crate) fn all() -> Vec<Case> {
    let mut cases = Vec::new();
    cases.extend(login::cases());
    cases.extend(programs::cases());
    cases.extend(fast::cases());
    cases.extend(daily_use::cases());
    cases.extend(files::cases());
    cases.extend(collections::cases());
    cases.extend(caches::cases());
    cases.extend(client_keytab::cases());
    cases.extend(renewer::cases());
    cases.extend(ktutil::cases());
    cases.extend(enctypes::cases());
    cases.extend(referrals::cases());
    cases.extend(refusals::cases());
    cases.extend(kpasswd::cases());
    cases.extend(spake::cases());
    cases.extend(failover::cases());
    cases.extend(kkdcp::cases());
    cases.extend(dns::cases());
    cases.extend(trace::cases());
    cases.extend(walkthroughs::cases());
    cases.extend(gss::cases());
    cases.extend(gss_delegation::cases());
    cases.extend(gss_iov::cases());
    cases.extend(gss_peers::cases());
    cases.extend(gss_programs::cases());
    cases.extend(gss_altered::cases());
    cases.extend(ntlm::cases());
    cases.extend(spnego::cases());
    cases.extend(replay::cases());
    cases.extend(contexts::cases());
    cases.extend(matrix::cases());
    cases.extend(cross_realm::cases());
    cases.extend(user_to_user::cases());
    cases.extend(s4u::cases());
    cases.extend(faults::cases());
    cases.extend(altered::cases());
    cases.extend(made::cases());
    cases.extend(heimdal::cases());
    cases.extend(ldap_kdc::cases());
    cases.extend(samba::cases());
    cases.extend(pac::cases());
    cases.extend(up::cases());
    cases
}

/// A case that every change must pass.
fn case(name: &str, run: impl Fn(&Suite) -> Result<(), String> + 'static) -> Case {
    Case {
        name: name.to_owned(),
        full: false,
        known_failure: None,
        run: Box::new(run),
    }
}

/// A case of the whole matrix.
fn full_case(name: &str, run: impl Fn(&Suite) -> Result<(), String> + 'static) -> Case {
    Case {
        full: true,
        ..case(name, run)
    }
}

/// Fails with `text` unless `holds`.
fn expect(holds: bool, text: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(text.to_owned()) }
}
