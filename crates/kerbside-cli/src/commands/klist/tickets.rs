//! The listing of a credential cache, in MIT's columns.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, Ipv6Addr};

use kerbside_asn1::{AddressType, Principal, Ticket, TicketFlags};
use kerbside_client::CacheName;
use kerbside_crypto::EncryptionType;
use kerbside_formats::CredentialCache;
use kerbside_formats::ccache::{CacheEntry, ConfigEntry};

use super::Arguments;
use crate::output::{escape, etype_name, timestamp};

/// What is shown of a ticket, whether or not this build can use its session key.
struct Shown<'a> {
    client: &'a Principal,
    server: &'a Principal,
    start: i64,
    end: i64,
    renew_till: i64,
    flags: TicketFlags,
    session: EncryptionType,
    ticket: &'a [u8],
    addresses: Vec<(AddressType, &'a [u8])>,
    authdata: Vec<i32>,
}

impl<'a> Shown<'a> {
    fn of(entry: &'a CacheEntry) -> Option<Self> {
        match entry {
            CacheEntry::Credential(found) => Some(Self {
                client: &found.client,
                server: &found.server,
                start: found.valid_from().unix_seconds(),
                end: found.end_time.unix_seconds(),
                renew_till: found.renew_till.unix_seconds(),
                flags: found.flags,
                session: found.session_key.enctype(),
                ticket: &found.ticket,
                addresses: found
                    .addresses
                    .iter()
                    .map(|(kind, bytes)| (*kind, bytes.as_slice()))
                    .collect(),
                authdata: found.authdata.iter().map(|(kind, _)| kind.0).collect(),
            }),
            CacheEntry::Unsupported(found) => Some(Self {
                client: &found.client,
                server: &found.server,
                start: i64::from(if found.start_time == 0 {
                    found.auth_time
                } else {
                    found.start_time
                }),
                end: i64::from(found.end_time),
                renew_till: i64::from(found.renew_till),
                flags: TicketFlags(found.flags),
                session: found.enctype,
                ticket: &found.ticket,
                addresses: found
                    .addresses
                    .iter()
                    .map(|(kind, bytes)| (AddressType(*kind), bytes.as_slice()))
                    .collect(),
                authdata: found.authdata.iter().map(|(kind, _)| *kind).collect(),
            }),
            _ => None,
        }
    }
}

/// The whole listing.
pub(super) fn listing(name: &CacheName, cache: &CredentialCache, arguments: &Arguments) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(text, "Ticket cache: {}", escape(&name.to_string()));
    let _ = writeln!(
        text,
        "Default principal: {}\n",
        escape(&cache.primary.to_string())
    );
    text.push_str("Valid starting     Expires            Service principal\n");
    for entry in &cache.entries {
        match entry {
            CacheEntry::Config(config) if arguments.configuration => {
                configuration(&mut text, config, arguments);
            }
            entry => {
                if let Some(shown) = Shown::of(entry) {
                    ticket(&mut text, &shown, &cache.primary, arguments);
                }
            }
        }
    }
    text
}

/// A configuration entry, in MIT's form: the value without control characters and blanks, in lines of at most 76.
fn configuration(text: &mut String, config: &ConfigEntry, arguments: &Arguments) {
    let mut line = format!("config: {}", escape(&String::from_utf8_lossy(config.key())));
    if let Some(server) = config.server() {
        let _ = write!(line, "({})", escape(&String::from_utf8_lossy(server)));
    }
    line.push_str(" = ");
    let mut column = line.len();
    for &byte in config.value() {
        while column < 8 {
            line.push(' ');
            column += 1;
        }
        if byte.is_ascii_graphic() {
            line.push(char::from(byte));
            column += 1;
        } else {
            let _ = write!(line, "\\{byte:03o}");
            column += 4;
        }
        if column > 72 {
            line.push('\n');
            column = 0;
        }
    }
    if column > 0 {
        line.push('\n');
    }
    text.push_str(&line);
    if arguments.authdata {
        text.push_str("\tAD types: \n");
    }
    if arguments.addresses {
        text.push_str("\tAddresses: (none)\n");
    }
}

/// One ticket: its line, and what was asked for on lines below.
fn ticket(text: &mut String, shown: &Shown<'_>, primary: &Principal, arguments: &Arguments) {
    let _ = writeln!(
        text,
        "{}  {}  {}",
        timestamp(shown.start),
        timestamp(shown.end),
        escape(&shown.server.to_string())
    );
    let ticket = kerbside_asn1::decode::<Ticket<'_>>(shown.ticket);
    let mut extra = Extra { text, fields: 0 };
    if shown.client != primary {
        extra.field(&format!("for client {}", escape(&shown.client.to_string())));
    }
    if shown.renew_till != 0 {
        extra.field(&format!("renew until {}", timestamp(shown.renew_till)));
        // It fills half of a line.
        extra.fields += 1;
    }
    if arguments.flags && !letters(shown.flags).is_empty() {
        extra.field(&format!("Flags: {}", letters(shown.flags)));
    }
    if extra.fields > 2 {
        extra.end();
    }
    if let (true, Ok(ticket)) = (arguments.etypes, &ticket) {
        extra.field(&format!(
            "Etype (skey, tkt): {}, {} ",
            etype_name(shown.session),
            etype_name(ticket.enc_part.etype)
        ));
    }
    if arguments.authdata {
        let types: Vec<String> = shown.authdata.iter().map(ToString::to_string).collect();
        extra.field(&format!("AD types: {}", types.join(", ")));
    }
    if extra.fields > 0 {
        extra.end();
    }
    if arguments.addresses {
        let addresses: Vec<String> = shown
            .addresses
            .iter()
            .map(|(kind, bytes)| address(*kind, bytes))
            .collect();
        let addresses = if addresses.is_empty() {
            "(none)".to_owned()
        } else {
            addresses.join(", ")
        };
        let _ = writeln!(text, "\tAddresses: {addresses}");
    }
    // A referral's ticket is cached under the name that was asked for.
    if let Ok(ticket) = &ticket {
        let server = Principal::from_wire(ticket.realm, &ticket.sname);
        if server != *shown.server {
            let _ = writeln!(text, "\tTicket server: {}", escape(&server.to_string()));
        }
    }
}

/// The lines below a ticket: fields apart by commas, after a tab.
struct Extra<'a> {
    text: &'a mut String,
    fields: u32,
}

impl Extra<'_> {
    fn field(&mut self, field: &str) {
        self.text.push_str(if self.fields == 0 { "\t" } else { ", " });
        self.text.push_str(field);
        self.fields += 1;
    }

    fn end(&mut self) {
        self.text.push('\n');
        self.fields = 0;
    }
}

/// The flags by MIT's letters, in MIT's order.
fn letters(flags: TicketFlags) -> String {
    [
        (TicketFlags::FORWARDABLE, 'F'),
        (TicketFlags::FORWARDED, 'f'),
        (TicketFlags::PROXIABLE, 'P'),
        (TicketFlags::PROXY, 'p'),
        (TicketFlags::MAY_POSTDATE, 'D'),
        (TicketFlags::POSTDATED, 'd'),
        (TicketFlags::INVALID, 'i'),
        (TicketFlags::RENEWABLE, 'R'),
        (TicketFlags::INITIAL, 'I'),
        (TicketFlags::HW_AUTHENT, 'H'),
        (TicketFlags::PRE_AUTHENT, 'A'),
        (TicketFlags::TRANSITED_POLICY_CHECKED, 'T'),
        (TicketFlags::OK_AS_DELEGATE, 'O'),
        (TicketFlags::ANONYMOUS, 'a'),
    ]
    .into_iter()
    .filter(|(flag, _)| flags.contains(*flag))
    .map(|(_, letter)| letter)
    .collect()
}

/// Addresses are always shown as numbers, as with `-n`: a name server's word is no fact.
fn address(kind: AddressType, bytes: &[u8]) -> String {
    if let (AddressType::IPV4, Ok(octets)) = (kind, <[u8; 4]>::try_from(bytes)) {
        return Ipv4Addr::from(octets).to_string();
    }
    if let (AddressType::IPV6, Ok(octets)) = (kind, <[u8; 16]>::try_from(bytes)) {
        return Ipv6Addr::from(octets).to_string();
    }
    format!("unknown address type {}", kind.0)
}

/// What `-l` begins with.
pub(super) fn heading() -> String {
    format!(
        "{:<30} {}\n{:<30} {}\n",
        "Principal name", "Cache name", "--------------", "----------"
    )
}

/// A line of `-l`. As with MIT, a name longer than its column is cut.
pub(super) fn summary(name: &CacheName, cache: &CredentialCache, now: i64) -> String {
    let primary = escape(&cache.primary.to_string());
    let expired = if current(cache, now) { "" } else { " (Expired)" };
    format!("{primary:<30.30} {}{expired}\n", escape(&name.to_string()))
}

/// Whether the cache is of use: its realm's ticket-granting ticket has not ended; without one, any
/// ticket has not.
pub(super) fn current(cache: &CredentialCache, now: i64) -> bool {
    let realm = &cache.primary.realm;
    let tgt = Principal::krbtgt(realm, realm);
    let shown = || cache.entries.iter().filter_map(Shown::of);
    let mut tgts = shown().filter(|shown| *shown.server == tgt).peekable();
    if tgts.peek().is_some() {
        tgts.any(|shown| shown.end > now)
    } else {
        shown().any(|shown| shown.end > now)
    }
}

#[cfg(test)]
mod tests;
