//! A context in octets, for another process or another time (`GSS_Export_sec_context`).
//!
//! ```text
//!  "KSCX"  version 1  form: 0 open, 1 encrypted | facts, state of the messages (encrypted as a whole in form 1)
//! ```

use alloc::boxed::Box;
use alloc::vec::Vec;

use kerbside_asn1::{AdType, ObjectIdentifier, TicketFlags};
use kerbside_crypto::{CryptoRng, EncryptionType, EnctypePolicy, Key, KeyUsage};
use kerbside_formats::ccache::CacheEntry;
use zeroize::Zeroizing;

use super::{ContextFacts, KerberosFacts, SecurityContext};
use crate::channel_bindings::BindingState;
use crate::delegation::DelegatedCredential;
use crate::error::{Cause, GssError};
use crate::exported::{Reader, Writer, bad};
use crate::flags::ContextFlags;
use crate::message::{self, Role};

/// The longest exported context that is looked at: tickets of users in many groups reach 48 kB, and a delegated
/// credential is a ticket as well.
pub const MAX_EXPORTED_LEN: usize = 1 << 20;

const MAGIC: &[u8; 4] = b"KSCX";
const VERSION: u8 = 1;
const OPEN: u8 = 0;
const ENCRYPTED: u8 = 1;
/// Of the numbers that RFC 4120 7.5.1 leaves to implementations, so that nothing else made with the key is taken for a
/// context.
const USAGE: KeyUsage = KeyUsage(663);

impl SecurityContext {
    /// Whether [`Self::export`] is possible: it is with Kerberos, negotiated or not, and not with NTLM.
    #[must_use]
    pub fn is_exportable(&self) -> bool {
        self.messages.is_exportable()
    }

    /// The context in octets, for [`Self::import`] in this or another process, now or later
    /// (`GSS_Export_sec_context`). It is used up by that, since no two ends may use the same sequence numbers. All keys are
    /// in it: without `key` in clear, with `key`, which must be of an AES or Camellia type, encrypted and safe from changes.
    ///
    /// Everything comes back but the verified PAC, which [`KerberosFacts::authorization_data`] still has: it can be
    /// verified again where the service's key is.
    ///
    /// # Errors
    /// When the mechanism cannot, or `key` is of an old type.
    pub fn export(self, key: Option<&Key>, rng: &mut dyn CryptoRng) -> Result<Zeroizing<Vec<u8>>, GssError> {
        let mut body = Writer::new();
        put_facts(&mut body, &self.facts)?;
        body.put(&self.messages.export()?);
        let body = body.finish();
        let mut out = Writer::new();
        out.put(MAGIC);
        out.octet(VERSION);
        let Some(key) = key else {
            out.octet(OPEN);
            out.put(&body);
            return Ok(out.finish());
        };
        check(key)?;
        out.octet(ENCRYPTED);
        out.put(&key.encrypt(USAGE, &body, rng)?);
        Ok(out.finish())
    }

    /// The context that [`Self::export`] wrote. With `key` it must have been encrypted with that key, without it must be
    /// in clear; then it has to come from where nobody else can write.
    ///
    /// # Errors
    /// [`Cause::ExportedContext`] for octets that are no exported context of this version, [`Cause::BadMic`] for altered
    /// ones and for another key.
    pub fn import(exported: &[u8], key: Option<&Key>) -> Result<Self, GssError> {
        if exported.len() > MAX_EXPORTED_LEN {
            return Err(Cause::TokenTooLong {
                token: "exported context",
                length: exported.len(),
                most: MAX_EXPORTED_LEN,
            }
            .into());
        }
        let body = exported
            .strip_prefix(MAGIC)
            .ok_or_else(|| bad("expected it to begin with KSCX"))?;
        let (head, body) = body
            .split_first_chunk()
            .ok_or_else(|| bad("shorter than its header"))?;
        match (*head, key) {
            ([VERSION, OPEN], None) => read(body),
            ([VERSION, ENCRYPTED], Some(key)) => {
                check(key)?;
                read(&key.decrypt(USAGE, body)?)
            }
            ([VERSION, OPEN], Some(_)) => Err(bad("expected it encrypted, but found it in clear")),
            ([VERSION, ENCRYPTED], None) => Err(bad("it is encrypted, and no key is given")),
            ([VERSION, _], _) => Err(bad("expected form 0 or 1")),
            _ => Err(bad("expected version 1")),
        }
    }
}

/// The old types' checksums are of another time, and triple DES leaves padding behind.
fn check(key: &Key) -> Result<(), GssError> {
    if key.enctype().is_deprecated() {
        return Err(Cause::KeyNotSupported {
            key: "the key of an exported context",
            enctype: key.enctype(),
        }
        .into());
    }
    Ok(())
}

fn read(body: &[u8]) -> Result<SecurityContext, GssError> {
    let mut reader = Reader::new(body);
    let facts = facts(&mut reader)?;
    let messages: Box<dyn message::PerMessage> = message::import(&mut reader, facts.role, facts.flags)?;
    reader.end()?;
    Ok(SecurityContext { facts, messages })
}

fn put_facts(out: &mut Writer, facts: &ContextFacts) -> Result<(), GssError> {
    // All fields are named, so that one more cannot be forgotten here.
    let ContextFacts {
        role,
        client,
        server,
        flags,
        bindings,
        delegated,
        mechanism,
        negotiated,
        expires,
        kerberos,
    } = facts;
    out.bool(*role == Role::Acceptor);
    out.principal(client)?;
    out.principal(server)?;
    out.u32(flags.0);
    out.octet(match bindings {
        BindingState::NotChecked => 0,
        BindingState::Bound => 1,
        BindingState::InitiatorSentNone => 2,
    });
    out.string(mechanism.as_bytes())?;
    out.bool(*negotiated);
    out.option(*expires, Writer::time);
    let handed_on = delegated
        .iter()
        .flat_map(|delegated| core::iter::once(delegated.tgt()).chain(delegated.others()));
    out.count(handed_on.clone().count())?;
    for credential in handed_on {
        let entry = CacheEntry::Credential(Box::new(credential.clone()));
        let octets = entry
            .to_bytes()
            .map_err(|_| bad("a delegated credential that no format holds"))?;
        out.string(&octets)?;
    }
    out.bool(kerberos.is_some());
    kerberos
        .as_ref()
        .map_or(Ok(()), |kerberos| put_kerberos(out, kerberos))
}

fn put_kerberos(out: &mut Writer, kerberos: &KerberosFacts) -> Result<(), GssError> {
    let KerberosFacts {
        auth_time,
        start_time,
        renew_till,
        ticket_flags,
        session_enctype,
        ticket_enctype,
        message_enctype,
        ticket_kvno,
        authorization_data,
        pac: _,
    } = kerberos;
    out.time(*auth_time);
    out.time(*start_time);
    out.option(*renew_till, Writer::time);
    out.u32(ticket_flags.0);
    for enctype in [session_enctype, ticket_enctype, message_enctype] {
        out.i32(enctype.0);
    }
    out.option(*ticket_kvno, Writer::u32);
    out.count(authorization_data.len())?;
    for (kind, data) in authorization_data {
        out.i32(kind.0);
        out.string(data)?;
    }
    Ok(())
}

fn facts(reader: &mut Reader<'_>) -> Result<ContextFacts, GssError> {
    let role = if reader.bool()? {
        Role::Acceptor
    } else {
        Role::Initiator
    };
    let client = reader.principal()?;
    let server = reader.principal()?;
    let flags = ContextFlags(reader.u32()?);
    let bindings = match reader.octet()? {
        0 => BindingState::NotChecked,
        1 => BindingState::Bound,
        2 => BindingState::InitiatorSentNone,
        _ => return Err(bad("expected a state of channel bindings from 0 to 2")),
    };
    let mechanism = ObjectIdentifier::from_bytes(reader.string()?)
        .map_err(|_| bad("expected an object identifier of the mechanism"))?;
    let negotiated = reader.bool()?;
    let expires = reader.option(Reader::time)?;
    let handed_on = reader.list(|reader| {
        let entry = CacheEntry::from_bytes(reader.string()?, &EnctypePolicy::ALLOW_ALL);
        match entry {
            Ok(CacheEntry::Credential(credential)) => Ok(*credential),
            _ => Err(bad("expected a delegated credential")),
        }
    })?;
    let delegated = match handed_on.len() {
        0 => None,
        _ => Some(DelegatedCredential::new(handed_on).ok_or_else(|| bad("delegated tickets without a TGT"))?),
    };
    let kerberos = reader.option(kerberos)?;
    Ok(ContextFacts {
        role,
        client,
        server,
        flags,
        bindings,
        delegated,
        mechanism,
        negotiated,
        expires,
        kerberos,
    })
}

fn kerberos(reader: &mut Reader<'_>) -> Result<KerberosFacts, GssError> {
    Ok(KerberosFacts {
        auth_time: reader.time()?,
        start_time: reader.time()?,
        renew_till: reader.option(Reader::time)?,
        ticket_flags: TicketFlags(reader.u32()?),
        session_enctype: EncryptionType(reader.i32()?),
        ticket_enctype: EncryptionType(reader.i32()?),
        message_enctype: EncryptionType(reader.i32()?),
        ticket_kvno: reader.option(Reader::u32)?,
        authorization_data: reader.list(|reader| {
            let kind = AdType(reader.i32()?);
            Ok((kind, reader.string()?.to_vec()))
        })?,
        pac: None,
    })
}
