//! `KRB-CRED` messages as files (`kirbi`): tickets with their session keys, handed on whole
//! (RFC 4120 5.8, RFC 6448).
//!
//! The encrypted part is plain (encryption type 0, RFC 6448) in files, and under a key that both sides
//! chose when it travels. Both are read and written. Lengths that are not in their shortest form are read
//! too: mimikatz's files have only such. Then [`Credential::ticket`] holds the ticket in its shortest form.

mod lengths;

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use kerbside_asn1::{
    AddressType, DecodeError, EncKrbCredPart, EncodeError, EncryptedData, EncryptionKey, HostAddress,
    HostAddresses, KerberosTime, KrbCred, KrbCredInfo, Microseconds, MsgType, Principal, Raw, Ticket,
    TicketFlags, decode, encode,
};
use kerbside_crypto::{CryptoError, CryptoRng, EncryptionType, EnctypePolicy, Key, KeyUsage, SessionKey};
use zeroize::Zeroizing;

use crate::ccache::{CacheEntry, CredentialCache, RawCredential};
use crate::credential::Credential;
use crate::error::{FileFormat, FormatError};
use crate::reader::permitted_key;

/// The longest message that is read, in bytes: as of every message.
pub const MAX_KIRBI_LEN: usize = 1024 * 1024;

/// "No encryption" (RFC 6448).
const PLAIN: EncryptionType = EncryptionType(0);

/// A network address with its type.
pub type Address = (AddressType, Vec<u8>);

/// The contents of one `KRB-CRED` message.
#[derive(Debug, Clone, Default)]
pub struct Kirbi {
    /// The tickets in their order: [`CacheEntry::Credential`], or [`CacheEntry::Unsupported`] when the session
    /// key is of a type that cannot be used. Entries of other kinds are left out when written.
    pub entries: Vec<CacheEntry>,
    /// A number given by the receiver.
    pub nonce: Option<u32>,
    /// When the sender wrote it.
    pub timestamp: Option<KerberosTime>,
    /// Microseconds of [`timestamp`](Self::timestamp).
    pub usec: Option<Microseconds>,
    /// The sender's address.
    pub sender: Option<Address>,
    /// The receiver's address.
    pub receiver: Option<Address>,
}

/// What is wrong with a `KRB-CRED` message, inside [`FormatError::KrbCred`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum KrbCredCause {
    /// The bytes are not DER of the type that is named.
    Decode(DecodeError),
    /// A value that has no encoding.
    Encode(EncodeError),
    /// Not protocol version 5.
    Version {
        /// The version.
        found: i32,
    },
    /// Another kind of message.
    MessageType {
        /// Its type.
        found: MsgType,
    },
    /// Not as many descriptions as tickets.
    Count {
        /// Tickets.
        tickets: usize,
        /// Descriptions.
        descriptions: usize,
    },
    /// A description that does not say whose ticket it is.
    NoClient {
        /// Which ticket, from 0.
        index: usize,
    },
    /// It is encrypted, and no key was given.
    Encrypted {
        /// The encryption type.
        enctype: EncryptionType,
    },
    /// It is encrypted under another type of key.
    OtherKey {
        /// The encryption type.
        enctype: EncryptionType,
        /// The given key's type.
        found: EncryptionType,
    },
    /// Encrypting or decrypting failed, or a session key is not one of its type.
    Crypto(CryptoError),
}

impl fmt::Display for KrbCredCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Decode(error) => error.fmt(f),
            Self::Encode(error) => error.fmt(f),
            Self::Version { found } => write!(f, "expected protocol version 5, but found {found}"),
            Self::MessageType { found } => {
                write!(f, "expected KRB-CRED (22), but found {found} ({})", found.0)
            }
            Self::Count {
                tickets,
                descriptions,
            } => write!(
                f,
                "expected a description of each of {tickets} tickets, but found {descriptions}"
            ),
            Self::NoClient { index } => write!(
                f,
                "expected the client of ticket {index}, but found no realm or no name"
            ),
            Self::Encrypted { enctype } => {
                write!(
                    f,
                    "encrypted with {enctype} ({}), and no key was given",
                    enctype.0
                )
            }
            Self::OtherKey { enctype, found } => write!(
                f,
                "encrypted with {enctype} ({}), but the key given is {found} ({})",
                enctype.0, found.0
            ),
            Self::Crypto(error) => error.fmt(f),
        }
    }
}

impl From<KrbCredCause> for FormatError {
    fn from(cause: KrbCredCause) -> Self {
        Self::KrbCred(Box::new(cause))
    }
}

fn damaged(error: DecodeError) -> FormatError {
    KrbCredCause::Decode(error).into()
}

fn not_encoded(error: EncodeError) -> FormatError {
    KrbCredCause::Encode(error).into()
}

fn refused(error: CryptoError) -> FormatError {
    KrbCredCause::Crypto(error).into()
}

impl Kirbi {
    /// The given credentials as one message, without the optional facts of the sender.
    pub fn new(credentials: impl IntoIterator<Item = Credential>) -> Self {
        let entries = credentials
            .into_iter()
            .map(|credential| CacheEntry::Credential(credential.into()));
        Self {
            entries: entries.collect(),
            ..Self::default()
        }
    }

    /// Reads a message. `key` opens an encrypted one; it is not needed, and not used, for a plain one.
    ///
    /// # Errors
    /// [`FormatError::TooLong`], [`FormatError::KrbCred`].
    pub fn parse(bytes: &[u8], key: Option<&Key>) -> Result<Self, FormatError> {
        Self::parse_with_policy(bytes, key, &EnctypePolicy::DEFAULT)
    }

    /// As [`parse`](Self::parse); session keys of the types that `policy` permits can be used.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub fn parse_with_policy(
        bytes: &[u8],
        key: Option<&Key>,
        policy: &EnctypePolicy,
    ) -> Result<Self, FormatError> {
        if bytes.len() > MAX_KIRBI_LEN {
            return Err(FormatError::TooLong {
                format: FileFormat::KrbCred,
                len: bytes.len(),
                max: MAX_KIRBI_LEN,
            });
        }
        let rewritten = lengths::shortest(bytes);
        let bytes = rewritten.as_ref().map_or(bytes, |bytes| bytes);
        let message: KrbCred<'_> = decode(bytes).map_err(damaged)?;
        if message.pvno != 5 {
            return Err(KrbCredCause::Version { found: message.pvno }.into());
        }
        if message.msg_type != MsgType::KRB_CRED {
            let found = message.msg_type;
            return Err(KrbCredCause::MessageType { found }.into());
        }
        let enctype = message.enc_part.etype;
        if enctype == PLAIN {
            return Self::open(&message.tickets, message.enc_part.cipher, policy);
        }
        let key = key.ok_or(KrbCredCause::Encrypted { enctype })?;
        if key.enctype() != enctype {
            let found = key.enctype();
            return Err(KrbCredCause::OtherKey { enctype, found }.into());
        }
        let plain = key
            .decrypt(KeyUsage::KRB_CRED, message.enc_part.cipher)
            .map_err(refused)?;
        Self::open(&message.tickets, der_value(&plain), policy)
    }

    fn open(
        tickets: &[Raw<'_, Ticket<'_>>],
        part: &[u8],
        policy: &EnctypePolicy,
    ) -> Result<Self, FormatError> {
        let rewritten = lengths::shortest(part);
        let part = rewritten.as_ref().map_or(part, |part| part);
        let part: EncKrbCredPart<'_> = decode(part).map_err(damaged)?;
        if part.ticket_info.len() != tickets.len() {
            return Err(KrbCredCause::Count {
                tickets: tickets.len(),
                descriptions: part.ticket_info.len(),
            }
            .into());
        }
        let mut entries = Vec::with_capacity(tickets.len());
        for (index, (info, ticket)) in part.ticket_info.iter().zip(tickets).enumerate() {
            entries.push(entry(index, info, ticket, policy)?);
        }
        Ok(Self {
            entries,
            nonce: part.nonce,
            timestamp: part.timestamp,
            usec: part.usec,
            sender: part
                .s_address
                .map(|address| (address.addr_type, address.address.to_vec())),
            receiver: part
                .r_address
                .map(|address| (address.addr_type, address.address.to_vec())),
        })
    }

    /// The usable credentials in their order.
    pub fn credentials(&self) -> impl Iterator<Item = &Credential> {
        self.entries.iter().filter_map(CacheEntry::credential)
    }

    /// A cache of all tickets, which belongs to the first ticket's client; none when there is no ticket.
    pub fn into_cache(self) -> Option<CredentialCache> {
        let primary = match self.entries.first()? {
            CacheEntry::Credential(credential) => credential.client.clone(),
            CacheEntry::Unsupported(raw) | CacheEntry::Removed(raw) => raw.client.clone(),
            CacheEntry::Config(config) => config.as_raw().client.clone(),
        };
        let mut cache = CredentialCache::new(primary);
        cache.entries = self.entries;
        Some(cache)
    }

    /// The message with a plain inner part (RFC 6448): whoever reads it has the tickets.
    ///
    /// # Errors
    /// [`FormatError::KrbCred`]: a ticket that is none, a time without encoding, too many tickets.
    pub fn to_plain_bytes(&self) -> Result<Zeroizing<Vec<u8>>, FormatError> {
        let part = self.part()?;
        self.message(PLAIN, &part)
    }

    /// The message encrypted under `key`.
    ///
    /// # Errors
    /// As [`to_plain_bytes`](Self::to_plain_bytes).
    pub fn to_encrypted_bytes(&self, key: &Key, rng: &mut dyn CryptoRng) -> Result<Vec<u8>, FormatError> {
        let part = self.part()?;
        let cipher = key.encrypt(KeyUsage::KRB_CRED, &part, rng).map_err(refused)?;
        self.message(key.enctype(), &cipher).map(|bytes| bytes.to_vec())
    }

    fn items(&self) -> impl Iterator<Item = Item<'_>> {
        self.entries.iter().filter_map(Item::of)
    }

    fn part(&self) -> Result<Zeroizing<Vec<u8>>, FormatError> {
        let items: Vec<Item<'_>> = self.items().collect();
        let address = |(addr_type, address)| HostAddress { addr_type, address };
        let part = EncKrbCredPart {
            ticket_info: items.iter().map(Item::info).collect(),
            nonce: self.nonce,
            timestamp: self.timestamp,
            usec: self.usec,
            s_address: self
                .sender
                .as_ref()
                .map(|(kind, data)| address((*kind, data.as_slice()))),
            r_address: self
                .receiver
                .as_ref()
                .map(|(kind, data)| address((*kind, data.as_slice()))),
        };
        encode(&part).map(Zeroizing::new).map_err(not_encoded)
    }

    fn message(&self, etype: EncryptionType, cipher: &[u8]) -> Result<Zeroizing<Vec<u8>>, FormatError> {
        let tickets: Result<Vec<_>, _> = self.items().map(|item| Raw::parse(item.ticket)).collect();
        let message = KrbCred {
            pvno: 5,
            msg_type: MsgType::KRB_CRED,
            tickets: tickets.map_err(damaged)?,
            enc_part: EncryptedData {
                etype,
                kvno: None,
                cipher,
            },
        };
        encode(&message).map(Zeroizing::new).map_err(not_encoded)
    }
}

/// The DER value that a plaintext begins with: some encryption types pad (RFC 4120 5.2.9).
fn der_value(plain: &[u8]) -> &[u8] {
    let len = match plain {
        [_, short @ 0..=0x7f, ..] => usize::from(*short).saturating_add(2),
        [_, 0x81, a, ..] => usize::from(*a).saturating_add(3),
        [_, 0x82, a, b, ..] => usize::from(u16::from_be_bytes([*a, *b])).saturating_add(4),
        [_, 0x83, a, b, c, ..] => {
            let len = u32::from_be_bytes([0, *a, *b, *c]);
            usize::try_from(len).unwrap_or(usize::MAX).saturating_add(5)
        }
        _ => plain.len(),
    };
    plain.get(..len).unwrap_or(plain)
}

fn entry(
    index: usize,
    info: &KrbCredInfo<'_>,
    ticket: &Raw<'_, Ticket<'_>>,
    policy: &EnctypePolicy,
) -> Result<CacheEntry, FormatError> {
    let (Some(realm), Some(name)) = (info.prealm, &info.pname) else {
        return Err(KrbCredCause::NoClient { index }.into());
    };
    let client = Principal::from_wire(realm, name);
    // Left out, they are the ticket's own.
    let server = Principal::from_wire(
        info.srealm.unwrap_or(ticket.realm),
        info.sname.as_ref().unwrap_or(&ticket.sname),
    );
    let absent = KerberosTime::EPOCH;
    let addresses = info.caddr.iter().flat_map(|list| &list.0);
    let addresses = addresses.map(|address| (address.addr_type, address.address.to_vec()));
    let credential = |key| Credential {
        client: client.clone(),
        server: server.clone(),
        session_key: SessionKey::from(key),
        auth_time: info.authtime.unwrap_or(absent),
        start_time: info.starttime.unwrap_or(absent),
        end_time: info.endtime.unwrap_or(absent),
        renew_till: info.renew_till.unwrap_or(absent),
        is_skey: false,
        flags: info.flags.unwrap_or(TicketFlags(0)),
        addresses: addresses.clone().collect(),
        authdata: Vec::new(),
        ticket: ticket.bytes().to_vec(),
        second_ticket: Vec::new(),
    };
    let (enctype, bytes) = (info.key.keytype, info.key.keyvalue);
    if let Some(key) = permitted_key(enctype, bytes, policy).map_err(refused)? {
        return Ok(CacheEntry::Credential(credential(key).into()));
    }
    let seconds = |time: Option<KerberosTime>| time.unwrap_or(absent).to_u32_saturating();
    let raw = RawCredential {
        client: client.clone(),
        server: server.clone(),
        enctype,
        key: Zeroizing::new(bytes.to_vec()),
        auth_time: seconds(info.authtime),
        start_time: seconds(info.starttime),
        end_time: seconds(info.endtime),
        renew_till: seconds(info.renew_till),
        is_skey: 0,
        flags: info.flags.unwrap_or(TicketFlags(0)).0,
        addresses: addresses.clone().map(|(kind, data)| (kind.0, data)).collect(),
        authdata: Vec::new(),
        ticket: ticket.bytes().to_vec(),
        second_ticket: Vec::new(),
    };
    Ok(CacheEntry::Unsupported(raw.into()))
}

/// A ticket on its way out, of either kind of entry.
struct Item<'a> {
    client: &'a Principal,
    server: &'a Principal,
    key: EncryptionKey<'a>,
    flags: TicketFlags,
    /// authtime, starttime, endtime, renew-till
    times: [KerberosTime; 4],
    addresses: Vec<HostAddress<'a>>,
    ticket: &'a [u8],
}

impl<'a> Item<'a> {
    fn of(entry: &'a CacheEntry) -> Option<Self> {
        match entry {
            CacheEntry::Credential(credential) => Some(Self {
                client: &credential.client,
                server: &credential.server,
                key: EncryptionKey {
                    keytype: credential.session_key.enctype(),
                    keyvalue: credential.session_key.expose_secret(),
                },
                flags: credential.flags,
                times: [
                    credential.auth_time,
                    credential.start_time,
                    credential.end_time,
                    credential.renew_till,
                ],
                addresses: addresses(credential.addresses.iter().map(|(kind, data)| (*kind, data))),
                ticket: &credential.ticket,
            }),
            CacheEntry::Unsupported(raw) => Some(Self {
                client: &raw.client,
                server: &raw.server,
                key: EncryptionKey {
                    keytype: raw.enctype,
                    keyvalue: &raw.key,
                },
                flags: TicketFlags(raw.flags),
                times: [raw.auth_time, raw.start_time, raw.end_time, raw.renew_till]
                    .map(KerberosTime::from_u32),
                addresses: addresses(
                    raw.addresses
                        .iter()
                        .map(|(kind, data)| (AddressType(*kind), data)),
                ),
                ticket: &raw.ticket,
            }),
            CacheEntry::Config(_) | CacheEntry::Removed(_) => None,
        }
    }

    fn info(&self) -> KrbCredInfo<'_> {
        let [authtime, starttime, endtime, renew_till] = self
            .times
            .map(|time| (time != KerberosTime::EPOCH).then_some(time));
        KrbCredInfo {
            key: self.key.clone(),
            prealm: Some(self.client.realm.to_wire()),
            pname: Some(self.client.to_wire()),
            flags: Some(self.flags),
            authtime,
            starttime,
            endtime,
            renew_till,
            srealm: Some(self.server.realm.to_wire()),
            sname: Some(self.server.to_wire()),
            caddr: (!self.addresses.is_empty()).then(|| HostAddresses(self.addresses.clone())),
        }
    }
}

fn addresses<'a>(list: impl Iterator<Item = (AddressType, &'a Vec<u8>)>) -> Vec<HostAddress<'a>> {
    list.map(|(addr_type, address)| HostAddress { addr_type, address })
        .collect()
}
