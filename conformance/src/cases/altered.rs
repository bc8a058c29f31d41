//! A real KDC's answers, each octet altered once on the way: refused, or without effect where the protocol proves nothing.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kerbside_client::{CacheName, Client, Config, Environment, Secret, TgtRequest, Timing};
use kerbside_crypto::Password;
use kerbside_formats::Credential;

use super::{expect, full_case};
use crate::fault::{Datagrams, Relay, Streams, Way};
use crate::realm::{Options, PASSWORD, Realm, Side};
use crate::{Case, Suite};

/// An answer that cannot be used must not be waited for twice.
const TIMING: Timing = Timing {
    per_address: Duration::from_millis(100),
    first_pause: Duration::from_millis(1),
    passes: 1,
    total: Duration::from_millis(100),
};

/// What an AS-REP and a TGS-REP leave unauthenticated without FAST, by [`field`]: the name types of the client and of the
/// ticket's service, all that the ticket's encryption says and holds, and the key version of the reply. Only whoever
/// reads the ticket finds these altered.
const FREE: &[&str] = &["4.0", "5.2.0", "5.3.0", "5.3.1", "5.3.2", "6.1"];
/// What pre-authentication data beside an AS-REP says about the key that was used already (RFC 4120 section 5.2.7.5).
const FREE_HINTS: &str = "2.";

/// What MIT's TGS-REP leaves unauthenticated: it comes in armor (FAST), whose checksums cover the ticket and say the
/// client's name again; the name in clear beside it is not used.
const FREE_IN_ARMOR: &[&str] = &["3", "4.0", "4.1", "6.1"];

pub(super) fn cases() -> Vec<Case> {
    vec![
        full_case("altered: each octet of MIT's AS-REP", as_rep),
        full_case("altered: each octet of MIT's TGS-REP", tgs_rep),
        full_case(
            "altered: each octet of MIT's demand for pre-authentication",
            krb_error,
        ),
    ]
}

/// The octet to alter in answers that begin with `tag`, and what the last one altered was.
#[derive(Debug, Default)]
struct Plan {
    tag: u8,
    index: Option<usize>,
    /// The field of the octet that was altered; `None` when the answer was shorter, or none came.
    hit: Option<String>,
    /// The octet to alter next.
    next: usize,
}

type Shared = Arc<Mutex<Plan>>;

struct Lab {
    plan: Shared,
    client: Client,
    _relay: Relay,
    _realm: Realm,
}

impl Lab {
    fn start(suite: &Suite) -> Result<Self, String> {
        let realm = Realm::start(&suite.bin, &Options::new(Side::Mit))?;
        let plan = Shared::default();
        let shared = Arc::clone(&plan);
        let faults: Datagrams = Box::new(move |way, _, bytes| {
            let mut bytes = bytes.to_vec();
            let mut plan = shared.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(index) = plan.index
                && way == Way::ToClient
                && bytes.first() == Some(&plan.tag)
                && index < bytes.len()
            {
                let (name, end) = field(&bytes, index);
                // One octet in sixteen of what is encrypted: the pair tests of kerbside-protocol alter each.
                let encrypted = ["5.3.2", "6.2"].contains(&name.as_str());
                plan.next = if encrypted {
                    (index + 16).min(end)
                } else {
                    index + 1
                };
                plan.hit = Some(name);
                if let Some(octet) = bytes.get_mut(index) {
                    *octet ^= 1 << (index % 8);
                }
            }
            vec![(0, bytes)]
        });
        let relay = Relay::start(realm.port, faults, Streams::Refused)?;
        let text = std::fs::read_to_string(realm.path("krb5.conf")).map_err(|e| e.to_string())?;
        let text = text.replace(
            &format!("kdc = 127.0.0.1:{}", realm.port),
            &format!("kdc = 127.0.0.1:{}", relay.port),
        );
        let config =
            Config::from_text(&text, "krb5.conf", Environment::default()).map_err(|e| e.to_string())?;
        Ok(Self {
            plan,
            client: Client::new(Arc::new(config)).with_timing(TIMING),
            _relay: relay,
            _realm: realm,
        })
    }

    fn login(&self) -> Result<Credential, String> {
        let alice = self
            .client
            .config()
            .parse_principal("alice")
            .map_err(|e| e.to_string())?;
        let mut secret = Secret::Password(Password::from(PASSWORD));
        let tgt = self
            .client
            .get_tgt(&TgtRequest::new(alice), &mut secret)
            .map_err(|e| e.to_string())?;
        let cache = CacheName::Memory("altered".to_owned());
        self.client
            .initialize_cache(&cache, &tgt)
            .map_err(|e| e.to_string())?;
        Ok(tgt.credential)
    }

    /// A service ticket with the TGT of the last login.
    fn service(&self) -> Result<Credential, String> {
        let service = self
            .client
            .config()
            .parse_principal("HTTP/localhost")
            .map_err(|e| e.to_string())?;
        let cache = CacheName::Memory("altered".to_owned());
        let mut options = kerbside_client::ServiceTicketOptions::default();
        options.store = false;
        let ticket = self
            .client
            .get_service_ticket(&cache, &service, &options)
            .map_err(|e| e.to_string())?;
        Ok(ticket.credential)
    }

    /// Alters octet after octet of the answers with `tag`; `attempt` makes one of them come. Returns the fields whose
    /// alteration was not refused, after checking that the outcome is that of `honest`.
    fn each_octet(
        &self,
        tag: u8,
        honest: &Credential,
        attempt: &dyn Fn() -> Result<Credential, String>,
    ) -> Result<Vec<String>, String> {
        let mut passed = Vec::new();
        let mut refused = 0;
        let mut index = 0;
        loop {
            {
                let mut plan = self.plan.lock().unwrap_or_else(PoisonError::into_inner);
                *plan = Plan {
                    tag,
                    index: Some(index),
                    hit: None,
                    next: index,
                };
            }
            let outcome = attempt();
            let (hit, next) = {
                let mut plan = self.plan.lock().unwrap_or_else(PoisonError::into_inner);
                (plan.hit.take(), plan.next)
            };
            let Some(field) = hit else {
                // Lengths differ by some octets from one answer to the next.
                expect(
                    outcome.is_ok(),
                    &format!("nothing was altered, but found {outcome:?}"),
                )?;
                break;
            };
            match outcome {
                Ok(found) => {
                    same(honest, &found).map_err(|e| format!("octet {index}, field {field}: {e}"))?;
                    passed.push(field);
                }
                Err(_) => refused += 1,
            }
            index = next;
        }
        expect(
            refused > 50,
            &format!("only {refused} alterations were refused, {} not", passed.len()),
        )?;
        passed.sort();
        passed.dedup();
        Ok(passed)
    }
}

/// Names, flags and lifetime are what an honest answer gives.
fn same(honest: &Credential, found: &Credential) -> Result<(), String> {
    let life = |one: &Credential| one.end_time.seconds_since(one.auth_time);
    expect(
        honest.client == found.client
            && honest.server == found.server
            && honest.flags == found.flags
            && (life(honest) - life(found)).abs() <= 120,
        &format!("an altered answer was believed: {found:?}"),
    )
}

fn as_rep(suite: &Suite) -> Result<(), String> {
    let lab = Lab::start(suite)?;
    let honest = lab.login()?;
    let passed = lab.each_octet(0x6b, &honest, &|| lab.login())?;
    only(&passed, |field| {
        FREE.contains(&field) || field.starts_with(FREE_HINTS)
    })
}

fn tgs_rep(suite: &Suite) -> Result<(), String> {
    let lab = Lab::start(suite)?;
    lab.login()?;
    let honest = lab.service()?;
    let passed = lab.each_octet(0x6d, &honest, &|| lab.service())?;
    only(&passed, |field| FREE_IN_ARMOR.contains(&field))
}

/// An error is not authenticated at all: whatever it says, a login that succeeds is the honest one.
fn krb_error(suite: &Suite) -> Result<(), String> {
    let lab = Lab::start(suite)?;
    let honest = lab.login()?;
    lab.each_octet(0x7e, &honest, &|| lab.login()).map(drop)
}

fn only(passed: &[String], free: impl Fn(&str) -> bool) -> Result<(), String> {
    let more: Vec<_> = passed.iter().filter(|field| !free(field)).collect();
    expect(
        more.is_empty(),
        &format!("these fields were altered without a refusal: {more:?}"),
    )
}

/// The numbers of the context tags around the octet at `index` of a DER message, outermost first; `#` at the end says
/// that the octet is of a tag or length. With the end of the element that it belongs to.
fn field(bytes: &[u8], index: usize) -> (String, usize) {
    let mut path = Vec::new();
    let mut at = 0;
    let mut end = bytes.len();
    while at < end {
        let Some((tag, start, length)) = element(bytes, at) else {
            break;
        };
        if index >= start + length {
            at = start + length;
            continue;
        }
        if tag & 0xe0 == 0xa0 {
            path.push((tag & 0x1f).to_string());
        }
        if index < start {
            path.push("#".to_owned());
            break;
        }
        end = (start + length).min(bytes.len());
        if tag & 0x20 == 0 {
            break;
        }
        at = start;
    }
    (path.join("."), end)
}

/// Tag, start of the contents and their length.
fn element(bytes: &[u8], at: usize) -> Option<(u8, usize, usize)> {
    let tag = *bytes.get(at)?;
    let first = usize::from(*bytes.get(at + 1)?);
    if first < 0x80 {
        return Some((tag, at + 2, first));
    }
    let octets = bytes.get(at + 2..at + 2 + (first & 0x7f))?;
    let length = octets
        .iter()
        .fold(0_usize, |length, octet| (length << 8) | usize::from(*octet));
    Some((tag, at + 2 + octets.len(), length))
}
