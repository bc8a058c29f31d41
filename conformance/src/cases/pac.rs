//! PACs of Samba's Active Directory domain controller, as a service reads them, beside what Samba's own decoder reads.

use std::cell::OnceCell;
use std::collections::BTreeSet;

use kerbside_asn1::{EncTicketPart, Principal, Ticket, decode};
use kerbside_crypto::{EnctypePolicy, Key, KeyUsage, Zeroizing};
use kerbside_formats::{CredentialCache, Keytab};
use kerbside_pac::{
    AccountMatch, AccountPolicy, Demand, KdcVerifiedPac, Pac, PacAttributesInfo, PacBufferType, Sid,
    TicketClient, VerifiedPac,
};

use super::{expect, full_case};
use crate::run::{Env, Program};
use crate::samba::Samba;
use crate::{Case, Suite};

/// Accounts, and how many global, domain local and universal groups each is in.
const ACCOUNTS: &str = "seventy Passw0rd-seventy 50 12 8\nthousand Passw0rd-thousand 940 40 20\n";

/// What `samba_groups.py` printed: made once, by the case that is first.
type Made = OnceCell<Result<String, String>>;

pub(super) fn cases() -> Vec<Case> {
    let made = std::rc::Rc::new(Made::new());
    let mut cases = Vec::new();
    let mut add = |name: &str, run: fn(&World<'_>) -> Result<(), String>| {
        let made = made.clone();
        cases.push(full_case(&format!("pac: {name}"), move |suite: &Suite| {
            let samba = suite.shared.samba(suite)?;
            let printed = made.get_or_init(|| make_groups(suite, samba)).as_ref();
            run(&World {
                suite,
                samba,
                printed: printed.map_err(Clone::clone)?,
            })
        }));
    };
    add(
        "users in 70 and in 1,000 groups, by services of every enctype",
        many_groups,
    );
    add("Samba's decoder reads the same", second_opinion);
    add(
        "KDC, full and ticket signatures with the krbtgt's key",
        kdc_signatures,
    );
    add("a ticket-granting ticket says who asked for it", requestor);
    add("constrained delegation is told", delegation);
    cases
}

struct World<'a> {
    suite: &'a Suite,
    samba: &'a Samba,
    /// Lines of account, kind and SID.
    printed: &'a str,
}

fn make_groups(suite: &Suite, samba: &Samba) -> Result<String, String> {
    let script = Program::new("/usr/bin/python3")
        .arg(suite.peers.join("samba_groups.py"))
        .arg(samba.path("etc/smb.conf"))
        .arg(samba.path("keytabs/krbtgt.keytab"))
        .stdin(ACCOUNTS)
        .patient(300);
    samba.inside(script).ok(&samba.env).map(|ended| ended.stdout)
}

impl World<'_> {
    /// The SIDs that were printed for an account.
    fn sids(&self, account: &str, kind: &str) -> Result<BTreeSet<Sid>, String> {
        let start = format!("{account} {kind} ");
        let sids = self.printed.lines().filter_map(|line| line.strip_prefix(&start));
        sids.map(|sid| sid.parse().map_err(|e| format!("{sid}: {e}")))
            .collect()
    }

    /// Logs `account` in with our kinit, in a cache of its own.
    fn login(&self, account: &str) -> Result<Env, String> {
        self.login_in(account, &self.samba.env)
    }

    fn login_in(&self, account: &str, env: &Env) -> Result<Env, String> {
        let cache = format!("FILE:{}", self.samba.path(&format!("pac-{account}")).display());
        let env = env.with("KRB5CCNAME", cache);
        self.samba
            .ours("kinit")
            .args(account)
            .stdin(&format!("Passw0rd-{account}\n"))
            .ok(&env)?;
        Ok(env)
    }

    /// The ticket of a cache for `service`, opened with a key of a keytab.
    fn open(&self, cache: &str, service: &str, keytab: &str) -> Result<Opened, String> {
        let policy = EnctypePolicy::ALLOW_ALL;
        let read =
            |path: std::path::PathBuf| std::fs::read(&path).map_err(|e| format!("{}: {e}", path.display()));
        let cache = CredentialCache::parse_with_policy(&read(self.samba.path(cache))?, &policy)
            .map_err(|e| e.to_string())?;
        let server = Principal::parse(&format!("{service}@AD.TEST"), None).map_err(|e| e.to_string())?;
        let credential = cache.find(&server).ok_or(format!("no ticket for {service}"))?;
        let ticket: Ticket<'_> = decode(&credential.ticket).map_err(|e| e.to_string())?;
        let keytab = read(self.samba.path(&format!("keytabs/{keytab}.keytab")))?;
        let keytab = Keytab::parse_with_policy(&keytab, &policy).map_err(|e| e.to_string())?;
        for key in keytab.entries().filter_map(|entry| entry.key.usable()) {
            let opened = key.decrypt(KeyUsage::TICKET, ticket.enc_part.cipher);
            if let (true, Ok(plain)) = (key.enctype() == ticket.enc_part.etype, opened) {
                let key = Key::with_policy(key.enctype(), key.expose_secret(), &policy);
                return Ok(Opened {
                    plain,
                    key: key.map_err(|e| e.to_string())?,
                });
            }
        }
        Err(format!("no key of the keytab opens the ticket for {service}"))
    }
}

/// A decrypted ticket and the key that opened it.
struct Opened {
    plain: Zeroizing<Vec<u8>>,
    key: Key,
}

impl Opened {
    /// RC4 and triple DES may leave octets behind the message.
    fn ticket(&self) -> Result<EncTicketPart<'_>, String> {
        decode(&self.plain).map_err(|e| e.to_string())
    }

    fn pac_bytes(&self) -> Result<Vec<u8>, String> {
        let ticket = self.ticket()?;
        find(&ticket).map(|pac| pac.bytes().to_vec())
    }

    /// As a service does: the server signature, and the names.
    fn verified(&self) -> Result<VerifiedPac, String> {
        let ticket = self.ticket()?;
        let (client, authtime) = client(&ticket);
        let mut client = TicketClient::new(&client, authtime);
        client.account = AccountPolicy::MustMatch;
        find(&ticket)?
            .verify_server(&self.key)
            .and_then(|pac| pac.check_client(&client))
            .map_err(|e| e.to_string())
    }

    /// As a KDC does: each signature that there is, and those demanded.
    fn verified_by_kdc(&self, krbtgt: &Key, demand: Demand) -> Result<KdcVerifiedPac, String> {
        let ticket = self.ticket()?;
        let (client, authtime) = client(&ticket);
        find(&ticket)?
            .verify_server(&self.key)
            .and_then(|pac| pac.verify_kdc(krbtgt, demand))
            .and_then(|pac| pac.verify_ticket(&ticket, demand))
            .and_then(|pac| pac.check_client(&TicketClient::new(&client, authtime)))
            .map_err(|e| e.to_string())
    }
}

fn find<'a>(ticket: &EncTicketPart<'a>) -> Result<Pac<'a>, String> {
    let elements = ticket.authorization_data.iter().flat_map(|data| &data.0);
    Pac::find(elements.map(|element| (element.ad_type, element.ad_data)))
        .map_err(|e| e.to_string())?
        .ok_or("the ticket has no PAC".to_owned())
}

fn client(ticket: &EncTicketPart<'_>) -> (Principal, kerbside_asn1::KerberosTime) {
    (
        Principal::from_wire(ticket.crealm, &ticket.cname),
        ticket.authtime,
    )
}

/// Services of each enctype and the keytab with their keys.
const SERVICES: &[(&str, &str)] = &[
    ("HTTP/web.ad.test", "svc-http"),
    ("HTTP/aes128.ad.test", "svc-aes128"),
    ("HTTP/rc4.ad.test", "svc-rc4"),
];

fn many_groups(world: &World<'_>) -> Result<(), String> {
    for (account, groups) in [("seventy", 70), ("thousand", 1000)] {
        let trace = world.samba.path(&format!("pac-{account}.trace"));
        let env = world.login_in(account, &world.samba.env.with("KRB5_TRACE", &trace))?;
        for (service, keytab) in SERVICES {
            world.samba.ours("kvno").args(service).ok(&env)?;
            let pac = world
                .open(&format!("pac-{account}"), service, keytab)?
                .verified()?;
            check_account(world, account, groups, &pac).map_err(|e| format!("{account}, {service}: {e}"))?;
        }
        let trace = std::fs::read_to_string(trace).unwrap_or_default();
        // A small request goes by UDP; its answer does not fit, and the client goes to TCP by itself.
        let (_, after) = trace
            .split_once("Sending initial UDP request")
            .unwrap_or_default();
        let (_, after) = after
            .split_once("too big for UDP; retrying with TCP")
            .unwrap_or_default();
        expect(
            after.contains("Sending TCP request"),
            &format!("{account} did not go from UDP to TCP: {trace}"),
        )?;
    }
    Ok(())
}

fn check_account(world: &World<'_>, name: &str, groups: usize, pac: &VerifiedPac) -> Result<(), String> {
    let account = pac.account().ok_or("the PAC has no LOGON_INFO")?;
    let user = world.sids(name, "user")?;
    expect(
        user.contains(&account.user_sid()),
        &format!("expected SID {user:?}, but found {}", account.user_sid()),
    )?;
    let put_in = world.sids(name, "group")?;
    // Those that were made, and Domain Users.
    expect(
        put_in.len() == groups + 1,
        &format!("only {} groups were made", put_in.len()),
    )?;
    let found: BTreeSet<Sid> = account.enabled_groups().into_iter().collect();
    let missing: Vec<_> = put_in.difference(&found).collect();
    // What every user is in: nothing of the domain's own groups is among it, but Users of the built-in domain.
    let more: Vec<_> = found.difference(&put_in).collect();
    let usual = |sid: &Sid| sid.to_string() == "S-1-18-1" || sid.to_string() == "S-1-5-32-545";
    expect(
        missing.is_empty() && more.iter().all(|sid| usual(sid)),
        &format!("groups missing: {missing:?}, not expected: {more:?}"),
    )?;
    expect(
        pac.account_match() == AccountMatch::SamAccountName
            && account.sam_account_name() == name
            && account.logon_domain_name() == "AD"
            && account.logon_server() == "DC1"
            && pac.upn() == Some(&format!("{name}@ad.test"))
            && pac.dns_domain_name() == Some("AD.TEST"),
        &format!("names: {account:?} {:?}", pac.upn_dns_info()),
    )
}

/// The lines that `samba_pac.py` should print, made of what we read.
fn lines(pac: &VerifiedPac) -> Result<BTreeSet<String>, String> {
    let account = pac.account().ok_or("the PAC has no LOGON_INFO")?;
    let mut lines: BTreeSet<String> = pac
        .buffers()
        .map(|buffer| format!("buffer {}", buffer.buffer_type.0))
        .collect();
    lines.insert(format!("user {}", account.user_sid()));
    lines.extend(account.primary_group_sid().map(|sid| format!("primary {sid}")));
    lines.insert(format!("name {}", account.sam_account_name()));
    lines.insert(format!("server {}", account.logon_server()));
    lines.insert(format!("domain {}", account.logon_domain_name()));
    for (kind, groups) in [
        ("group", account.groups()),
        ("extra", account.extra_sids()),
        ("resource", account.resource_groups()),
    ] {
        lines.extend(
            groups
                .iter()
                .map(|group| format!("{kind} {} {}", group.sid, group.attributes.0)),
        );
    }
    let info = pac.client_info();
    lines.insert(format!("client {} {}", info.name, info.client_id.0));
    lines.extend(pac.upn().map(|upn| format!("upn {upn}")));
    lines.extend(pac.dns_domain_name().map(|name| format!("dns {name}")));
    lines.extend(pac.requestor_sid().map(|sid| format!("requestor {sid}")));
    if let Some(info) = pac.delegation_info().map_err(|e| e.to_string())? {
        lines.insert(format!("target {}", info.s4u2proxy_target));
        lines.extend(
            info.transited_services
                .iter()
                .map(|service| format!("transited {service}")),
        );
    }
    Ok(lines)
}

/// Samba reads what we read.
fn agree(world: &World<'_>, opened: &Opened, pac: &VerifiedPac) -> Result<(), String> {
    let path = world.samba.path("pac.bin");
    std::fs::write(&path, opened.pac_bytes()?).map_err(|e| e.to_string())?;
    let printed = Program::new("/usr/bin/python3")
        .arg(world.suite.peers.join("samba_pac.py"))
        .arg(&path)
        .ok(&world.samba.env)?
        .stdout;
    let theirs: BTreeSet<String> = printed.lines().map(str::to_owned).collect();
    let ours = lines(pac)?;
    expect(
        ours == theirs,
        &format!(
            "only we read: {:?}, only Samba reads: {:?}",
            ours.difference(&theirs).collect::<Vec<_>>(),
            theirs.difference(&ours).collect::<Vec<_>>()
        ),
    )
}

fn second_opinion(world: &World<'_>) -> Result<(), String> {
    for account in ["seventy", "thousand", "alice", "rc4user"] {
        let env = world.login(account)?;
        for (service, keytab) in SERVICES {
            world.samba.ours("kvno").args(service).ok(&env)?;
            let opened = world.open(&format!("pac-{account}"), service, keytab)?;
            agree(world, &opened, &opened.verified()?).map_err(|e| format!("{account}, {service}: {e}"))?;
        }
    }
    Ok(())
}

/// The krbtgt's key of the type that signs.
fn krbtgt(world: &World<'_>) -> Result<Key, String> {
    let bytes = std::fs::read(world.samba.path("keytabs/krbtgt.keytab")).map_err(|e| e.to_string())?;
    let keytab = Keytab::parse(&bytes).map_err(|e| e.to_string())?;
    let key = keytab
        .entries()
        .filter_map(|entry| entry.key.usable())
        .find(|key| key.enctype().0 == 18);
    let key = key.ok_or("the krbtgt has no AES key")?;
    Key::new(key.enctype(), key.expose_secret()).map_err(|e| e.to_string())
}

fn kdc_signatures(world: &World<'_>) -> Result<(), String> {
    let krbtgt = krbtgt(world)?;
    let env = world.login("seventy")?;
    for (service, keytab) in SERVICES {
        world.samba.ours("kvno").args(service).ok(&env)?;
        let opened = world.open("pac-seventy", service, keytab)?;
        let pac = opened
            .verified_by_kdc(&krbtgt, Demand::Required)
            .map_err(|e| format!("{service}: {e}"))?;
        expect(
            pac.has_full_signature() && pac.has_ticket_signature(),
            "signatures that were demanded were not verified",
        )?;
        // A key that is not the KDC's verifies nothing.
        let refused = opened.verified_by_kdc(&opened.key, Demand::Required).map(drop);
        expect(
            refused
                .as_ref()
                .is_err_and(|e| e.starts_with("KDC_SIGNATURE (7)")),
            &format!("the service's key passed for the KDC's: {refused:?}"),
        )?;
    }
    Ok(())
}

fn requestor(world: &World<'_>) -> Result<(), String> {
    world.login("seventy")?;
    let opened = world.open("pac-seventy", "krbtgt/AD.TEST", "krbtgt")?;
    let pac = opened.verified_by_kdc(&opened.key, Demand::IfPresent)?;
    let account = pac.account().ok_or("the PAC has no LOGON_INFO")?;
    expect(
        pac.requestor_sid() == Some(account.user_sid()),
        &format!("requestor: {:?}", pac.requestor_sid()),
    )?;
    let attributes = pac.attributes().map_err(|e| e.to_string())?;
    expect(
        attributes.as_ref().is_some_and(|attributes| {
            attributes.contains(PacAttributesInfo::PAC_WAS_REQUESTED)
                || attributes.contains(PacAttributesInfo::PAC_WAS_GIVEN_IMPLICITLY)
        }),
        &format!("attributes: {attributes:?}"),
    )?;
    expect(
        pac.buffers()
            .all(|buffer| buffer.buffer_type != PacBufferType::TICKET_SIGNATURE),
        "a ticket-granting ticket has a ticket signature",
    )?;
    agree(world, &opened, &pac)
}

fn delegation(world: &World<'_>) -> Result<(), String> {
    let samba = world.samba;
    let cache = |name: &str| format!("FILE:{}", samba.path(name).display());
    let env = samba.env.with("KRB5CCNAME", cache("pac-service"));
    let keytab = samba.path("keytabs/svc-http.keytab");
    samba
        .mit("kinit")
        .args("-f -k -t")
        .arg(keytab)
        .args("svc-http")
        .ok(&env)?;
    let service = "MSSQLSvc/sql.ad.test:1433";
    // Not alice: Samba 4.17 does not find her by her name for S4U2self, as her UPN is of another domain.
    samba
        .mit("kvno")
        .args(&format!(
            "-U bob -P --out-cache {} {service}",
            cache("pac-delegated")
        ))
        .ok(&env)?;
    let opened = world.open("pac-delegated", service, "svc-sql")?;
    let pac = opened.verified()?;
    expect(
        pac.account()
            .is_some_and(|account| account.sam_account_name() == "bob"),
        &format!("expected bob's PAC, but found {:?}", pac.account()),
    )?;
    let info = pac.delegation_info().map_err(|e| e.to_string())?;
    let info = info.ok_or("the PAC says nothing of delegation")?;
    expect(
        info.s4u2proxy_target.as_str() == service
            && info
                .transited_services
                .iter()
                .any(|service| service.starts_with("svc-http@")),
        &format!("delegation: {info:?}"),
    )?;
    opened.verified_by_kdc(&krbtgt(world)?, Demand::Required)?;
    agree(world, &opened, &pac)
}
