//! Requests and replies, and their bytes on the administration socket
//!
//! Each message is one frame: a length of four octets and as many octets. The first octet of a
//! request is the protocol's version. Messages carry passwords and keys: their buffers are wiped.

use std::collections::BTreeMap;

use kerbside_asn1::{KerberosTime, Principal};
use kerbside_crypto::{EncryptionType, Password};
use kerbside_kdc::{Attributes, KeyData, PrincipalEntry};
use zeroize::Zeroizing;

use crate::admin::{AdminError, KeyChoice, KeySalt, NewPrincipal, PrincipalChange, SaltType};
use crate::codec::{Malformed, Reader, Writer};
use crate::store::{read_key, write_key};

/// Version of the messages
pub(crate) const MESSAGE_VERSION: u8 = 1;
/// Octets of one message at most
pub(crate) const MESSAGE_BYTES_MAX: usize = 256 * 1024;

/// What an administrator asks
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Request {
    /// Which realm is this
    Realm,
    /// Add a principal
    Create(Box<NewPrincipal>),
    /// Remove a principal
    Delete(Principal),
    /// Change what is not a key
    Modify {
        /// whose
        principal: Principal,
        /// what
        change: PrincipalChange,
    },
    /// Give new keys
    ChangeKeys {
        /// to whom
        principal: Principal,
        /// from where
        keys: KeyChoice,
        /// which; `None`: as configured
        keysalts: Option<Vec<KeySalt>>,
        /// whether the old ones stay valid
        keep_old: bool,
        /// whether the new ones are handed out
        extract: bool,
    },
    /// Hand out the current keys
    Extract(Principal),
    /// Forget old keys
    PurgeKeys {
        /// whose
        principal: Principal,
        /// keys from this version on stay; `None`: the current ones
        keep_kvno: Option<u32>,
    },
    /// Show a principal
    Get(Principal),
    /// Names, a page at a time
    List {
        /// the last name of the page before
        after: Option<Principal>,
    },
}

/// What comes back
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Reply {
    /// It is done, and durable
    Done,
    /// The realm
    Realm(String),
    /// A principal
    Facts(Box<PrincipalFacts>),
    /// Keys with their secrets
    Keys(Vec<KeyData>),
    /// Names; an empty list ends
    Names(Vec<Principal>),
}

/// A key without its secret
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyFacts {
    /// Its version
    pub kvno: u32,
    /// Its enctype
    pub enctype: EncryptionType,
    /// MIT's name of its salt type; empty for the normal one
    pub salt: String,
}

/// What `getprinc` shows
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrincipalFacts {
    /// The canonical name
    pub principal: Principal,
    /// Other names
    pub aliases: Vec<Principal>,
    /// Its keys, the newest first
    pub keys: Vec<KeyFacts>,
    /// Version of the master key
    pub master_kvno: u32,
    /// Attributes
    pub attributes: Attributes,
    /// Longest ticket life, seconds
    pub max_life: i64,
    /// Longest renewable life, seconds
    pub max_renewable_life: i64,
    /// When it expires
    pub expiration: Option<KerberosTime>,
    /// When its password expires
    pub pw_expiration: Option<KerberosTime>,
    /// When its password was last changed
    pub last_pw_change: Option<KerberosTime>,
    /// Last successful login
    pub last_success: Option<KerberosTime>,
    /// Last failed login
    pub last_failed: Option<KerberosTime>,
    /// Failed logins since
    pub fail_auth_count: u32,
    /// When it was changed
    pub mod_time: KerberosTime,
    /// By whom
    pub mod_by: Option<Principal>,
    /// Its policy
    pub policy: Option<String>,
    /// String attributes
    pub strings: BTreeMap<String, String>,
}

impl PrincipalFacts {
    pub(crate) fn of(entry: &PrincipalEntry, master_kvno: u32) -> PrincipalFacts {
        let mut keys: Vec<KeyFacts> = entry
            .keys
            .iter()
            .map(|data| KeyFacts {
                kvno: data.kvno,
                enctype: data.key.enctype(),
                salt: data
                    .salt
                    .as_ref()
                    .map_or(String::new(), |salt| salt.name().to_owned()),
            })
            .collect();
        keys.sort_by_key(|key| core::cmp::Reverse(key.kvno));
        PrincipalFacts {
            principal: entry.principal.clone(),
            aliases: entry.aliases.clone(),
            keys,
            master_kvno,
            attributes: entry.attributes,
            max_life: entry.max_life,
            max_renewable_life: entry.max_renewable_life,
            expiration: entry.expiration,
            pw_expiration: entry.pw_expiration,
            last_pw_change: entry.last_pw_change,
            last_success: entry.last_success,
            last_failed: entry.last_failed,
            fail_auth_count: entry.fail_auth_count,
            mod_time: entry.mod_time,
            mod_by: entry.mod_by.clone(),
            policy: entry.policy.clone(),
            strings: entry.strings.clone(),
        }
    }
}

fn write_choice(w: &mut Writer, keys: &KeyChoice, keysalts: Option<&[KeySalt]>) {
    match keys {
        KeyChoice::NoKey => w.u8(0),
        KeyChoice::Random => w.u8(1),
        KeyChoice::Password(password) => {
            w.u8(2);
            w.bytes(password.expose_secret());
        }
    }
    w.option(keysalts, |w, list| {
        w.list(list, |w, keysalt| {
            w.i32(keysalt.enctype.0);
            w.u8(match keysalt.salt_type {
                SaltType::Normal => 0,
                SaltType::NoRealm => 2,
                SaltType::OnlyRealm => 3,
                SaltType::Special => 4,
                // A type that this version does not know is refused by the reader.
                _ => 0xff,
            });
        });
    });
}

type Choice = (KeyChoice, Option<Vec<KeySalt>>);

fn read_choice(r: &mut Reader<'_>) -> Result<Choice, Malformed> {
    let malformed = r.malformed("keys");
    let keys = match r.u8("keys")? {
        0 => KeyChoice::NoKey,
        1 => KeyChoice::Random,
        2 => KeyChoice::Password(Password::from(r.bytes("password")?.to_vec())),
        _ => return Err(malformed),
    };
    let keysalts = r.option("keysalts", |r| {
        r.list("keysalts", |r| {
            let malformed = r.malformed("keysalt");
            let enctype = EncryptionType(r.i32("enctype")?);
            let salt_type = match r.u8("salt type")? {
                0 => SaltType::Normal,
                2 => SaltType::NoRealm,
                3 => SaltType::OnlyRealm,
                4 => SaltType::Special,
                _ => return Err(malformed),
            };
            Ok(KeySalt { enctype, salt_type })
        })
    })?;
    Ok((keys, keysalts))
}

/// The bytes of a request made by `by`
pub(crate) fn encode_request(by: &Principal, request: &Request) -> Zeroizing<Vec<u8>> {
    let mut w = Writer::new();
    w.u8(MESSAGE_VERSION);
    w.principal(by);
    match request {
        Request::Realm => w.u8(0),
        Request::Create(new) => {
            w.u8(1);
            w.principal(&new.principal);
            write_choice(&mut w, &new.keys, new.keysalts.as_deref());
            new.change.write(&mut w);
        }
        Request::Delete(principal) => {
            w.u8(2);
            w.principal(principal);
        }
        Request::Modify { principal, change } => {
            w.u8(3);
            w.principal(principal);
            change.write(&mut w);
        }
        Request::ChangeKeys {
            principal,
            keys,
            keysalts,
            keep_old,
            extract,
        } => {
            w.u8(4);
            w.principal(principal);
            write_choice(&mut w, keys, keysalts.as_deref());
            w.bool(*keep_old);
            w.bool(*extract);
        }
        Request::Extract(principal) => {
            w.u8(5);
            w.principal(principal);
        }
        Request::PurgeKeys { principal, keep_kvno } => {
            w.u8(6);
            w.principal(principal);
            w.option(*keep_kvno, Writer::u32);
        }
        Request::Get(principal) => {
            w.u8(7);
            w.principal(principal);
        }
        Request::List { after } => {
            w.u8(8);
            w.option(after.as_ref(), Writer::principal);
        }
    }
    w.into_bytes()
}

/// Reads a request
pub(crate) fn decode_request(bytes: &[u8]) -> Result<(Principal, Request), Malformed> {
    let mut r = Reader::new(bytes);
    let malformed = r.malformed("version");
    if r.u8("version")? != MESSAGE_VERSION {
        return Err(malformed);
    }
    let by = r.principal("by")?;
    let malformed = r.malformed("request");
    let request = match r.u8("request")? {
        0 => Request::Realm,
        1 => {
            let principal = r.principal("principal")?;
            let (keys, keysalts) = read_choice(&mut r)?;
            let change = PrincipalChange::read(&mut r)?;
            Request::Create(Box::new(NewPrincipal {
                principal,
                keys,
                keysalts,
                change,
            }))
        }
        2 => Request::Delete(r.principal("principal")?),
        3 => Request::Modify {
            principal: r.principal("principal")?,
            change: PrincipalChange::read(&mut r)?,
        },
        4 => {
            let principal = r.principal("principal")?;
            let (keys, keysalts) = read_choice(&mut r)?;
            let (keep_old, extract) = (r.bool("keep_old")?, r.bool("extract")?);
            Request::ChangeKeys {
                principal,
                keys,
                keysalts,
                keep_old,
                extract,
            }
        }
        5 => Request::Extract(r.principal("principal")?),
        6 => Request::PurgeKeys {
            principal: r.principal("principal")?,
            keep_kvno: r.option("keep_kvno", |r| r.u32("keep_kvno"))?,
        },
        7 => Request::Get(r.principal("principal")?),
        8 => Request::List {
            after: r.option("after", |r| r.principal("after"))?,
        },
        _ => return Err(malformed),
    };
    r.end()?;
    Ok((by, request))
}

/// The bytes of a reply
pub(crate) fn encode_reply(reply: &Result<Reply, AdminError>) -> Zeroizing<Vec<u8>> {
    let mut w = Writer::new();
    match reply {
        Err(error) => {
            w.u8(0xff);
            error.write(&mut w);
        }
        Ok(Reply::Done) => w.u8(0),
        Ok(Reply::Realm(realm)) => {
            w.u8(1);
            w.text(realm);
        }
        Ok(Reply::Facts(facts)) => {
            w.u8(2);
            write_facts(&mut w, facts);
        }
        Ok(Reply::Keys(keys)) => {
            w.u8(3);
            w.list(keys, write_key);
        }
        Ok(Reply::Names(names)) => {
            w.u8(4);
            w.list(names, Writer::principal);
        }
    }
    w.into_bytes()
}

/// Reads a reply
pub(crate) fn decode_reply(bytes: &[u8]) -> Result<Result<Reply, AdminError>, Malformed> {
    let mut r = Reader::new(bytes);
    let malformed = r.malformed("reply");
    let reply = match r.u8("reply")? {
        0xff => Err(AdminError::read(&mut r)?),
        0 => Ok(Reply::Done),
        1 => Ok(Reply::Realm(r.text("realm")?)),
        2 => Ok(Reply::Facts(Box::new(read_facts(&mut r)?))),
        3 => Ok(Reply::Keys(r.list("keys", read_key)?)),
        4 => Ok(Reply::Names(r.list("names", |r| r.principal("names"))?)),
        _ => return Err(malformed),
    };
    r.end()?;
    Ok(reply)
}

fn write_facts(w: &mut Writer, facts: &PrincipalFacts) {
    w.principal(&facts.principal);
    w.list(&facts.aliases, Writer::principal);
    w.list(&facts.keys, |w, key| {
        w.u32(key.kvno);
        w.i32(key.enctype.0);
        w.text(&key.salt);
    });
    w.u32(facts.master_kvno);
    w.u32(facts.attributes.0);
    w.i64(facts.max_life);
    w.i64(facts.max_renewable_life);
    for time in [
        facts.expiration,
        facts.pw_expiration,
        facts.last_pw_change,
        facts.last_success,
        facts.last_failed,
        Some(facts.mod_time),
    ] {
        w.time(time);
    }
    w.u32(facts.fail_auth_count);
    w.option(facts.mod_by.as_ref(), Writer::principal);
    w.option(facts.policy.as_deref(), Writer::text);
    let strings: Vec<_> = facts.strings.iter().collect();
    w.list(&strings, |w, (name, value)| {
        w.text(name);
        w.text(value);
    });
}

fn read_facts(r: &mut Reader<'_>) -> Result<PrincipalFacts, Malformed> {
    Ok(PrincipalFacts {
        principal: r.principal("principal")?,
        aliases: r.list("aliases", |r| r.principal("aliases"))?,
        keys: r.list("keys", |r| {
            Ok(KeyFacts {
                kvno: r.u32("kvno")?,
                enctype: EncryptionType(r.i32("enctype")?),
                salt: r.text("salt")?,
            })
        })?,
        master_kvno: r.u32("master_kvno")?,
        attributes: Attributes(r.u32("attributes")?),
        max_life: r.i64("max_life")?,
        max_renewable_life: r.i64("max_renewable_life")?,
        expiration: r.time("expiration")?,
        pw_expiration: r.time("pw_expiration")?,
        last_pw_change: r.time("last_pw_change")?,
        last_success: r.time("last_success")?,
        last_failed: r.time("last_failed")?,
        mod_time: r.time("mod_time")?.ok_or(r.malformed("mod_time"))?,
        fail_auth_count: r.u32("fail_auth_count")?,
        mod_by: r.option("mod_by", |r| r.principal("mod_by"))?,
        policy: r.option("policy", |r| r.text("policy"))?,
        strings: r
            .list("strings", |r| {
                Ok((r.text("string name")?, r.text("string value")?))
            })?
            .into_iter()
            .collect(),
    })
}
