//! The last step: keys, ticket and reply of an approved request.

use alloc::string::ToString;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use kerbside_asn1::{
    AddressType, AsRep, AuthorizationData, AuthorizationDataElement, Checksum, EncAsRepPart, EncKdcRepPart,
    EncTgsRepPart, EncTicketPart, EncryptedData, EncryptionKey, ErrorCode, HostAddress, HostAddresses,
    KdcRep, KerberosTime, LastReqEntry, LrType, MsgType, PaData, PaDataType, Principal, Raw, TgsRep, Ticket,
    TicketFlags, TransitedEncoding, TransitedType,
};
use kerbside_crypto::{CryptoRng, EncryptionType, EnctypePolicy, Key, KeyUsage, Zeroizing};
use kerbside_protocol::AuthenticatorVerified;

use crate::audit::{AuditResult, RequestKind};
use crate::authorization_data::Element;
use crate::kdc::PVNO;
use crate::lifetime::TicketTimes;
use crate::options::Address;
use crate::principal_entry::KeyData;
use crate::refusal::{Denial, Refusal};
use crate::request_context::fit_transport;
use crate::subject::Subject;
use crate::{Outcome, PrincipalEntry, StoreUpdate};

/// A request that passed every check. Only [`Facts::check`](crate::Facts::check) makes one, and
/// only from one is a ticket issued.
pub struct Approved<'a> {
    subject: Subject,
    grant: Grant<'a>,
    updates: Vec<StoreUpdate>,
}

/// What is granted.
pub(crate) struct Grant<'a> {
    /// The request as received.
    pub(crate) request: &'a [u8],
    pub(crate) nonce: u32,
    /// The client asked for a checksum over its request (RFC 6806 section 11).
    pub(crate) enc_pa_rep: bool,
    /// Names in the ticket.
    pub(crate) client: Principal,
    pub(crate) server: Principal,
    /// The encoded ETYPE-INFO2 of an AS-REP.
    pub(crate) padata: Option<Vec<u8>>,
    pub(crate) reply_key: ReplyKeySource,
    pub(crate) ticket_key: HeldKey,
    pub(crate) session_enctype: EncryptionType,
    pub(crate) flags: TicketFlags,
    /// Seconds since 1970.
    pub(crate) authtime: i64,
    pub(crate) times: TicketTimes,
    /// Realms on the way, in DOMAIN-X500-COMPRESS form.
    pub(crate) transited: Vec<u8>,
    pub(crate) addresses: Vec<Address>,
    pub(crate) authorization_data: Vec<Element>,
    /// Seconds since 1970; of an AS-REP only.
    pub(crate) key_expiration: Option<i64>,
}

/// What encrypts the reply.
pub(crate) enum ReplyKeySource {
    /// The client's long-term key.
    Client(HeldKey),
    /// The authenticator's subkey, else the TGT's session key (RFC 4120 3.3.3).
    Session(Arc<AuthenticatorVerified>),
}

/// A key of an entry, kept where it is, together with what was derived from it.
pub(crate) struct HeldKey {
    entry: Arc<PrincipalEntry>,
    kvno: u32,
    enctype: EncryptionType,
}

impl HeldKey {
    /// Holds `key`, which is one of `entry`'s.
    pub(crate) fn new(entry: Arc<PrincipalEntry>, key: &KeyData) -> HeldKey {
        HeldKey {
            kvno: key.kvno,
            enctype: key.key.enctype(),
            entry,
        }
    }

    fn key(&self) -> Result<&Key, IssueError> {
        self.entry
            .key(self.kvno, self.enctype)
            .map(|data| &*data.key)
            .ok_or(IssueError("a key is gone".into()))
    }
}

/// Something that cannot happen with keys and names that passed the checks, but is no reason to
/// panic: an encoding or encryption failed.
struct IssueError(alloc::string::String);

impl From<kerbside_asn1::EncodeError> for IssueError {
    fn from(error: kerbside_asn1::EncodeError) -> IssueError {
        IssueError(error.to_string())
    }
}

impl From<kerbside_asn1::DecodeError> for IssueError {
    fn from(error: kerbside_asn1::DecodeError) -> IssueError {
        IssueError(error.to_string())
    }
}

impl From<kerbside_crypto::CryptoError> for IssueError {
    fn from(error: kerbside_crypto::CryptoError) -> IssueError {
        IssueError(error.to_string())
    }
}

impl fmt::Debug for Approved<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Approved")
            .field("subject", &self.subject)
            .finish_non_exhaustive()
    }
}

impl<'a> Approved<'a> {
    pub(crate) fn new(subject: Subject, grant: Grant<'a>, updates: Vec<StoreUpdate>) -> Approved<'a> {
        Approved {
            subject,
            grant,
            updates,
        }
    }

    /// Makes session key, ticket and reply.
    #[must_use]
    pub fn issue(self, rng: &mut dyn CryptoRng) -> Outcome {
        let Approved {
            mut subject,
            grant,
            updates,
        } = self;
        subject.authtime = Some(time(grant.authtime));
        match grant.reply(subject.kind, rng) {
            Ok((bytes, result)) => {
                let reply = Some(fit_transport(bytes, &subject));
                Outcome {
                    reply,
                    audit: subject.into_audit(result),
                    updates,
                }
            }
            Err(IssueError(what)) => {
                let denial = Denial::new(ErrorCode::KRB_ERR_GENERIC, "ISSUE_FAILED").detail(what);
                Refusal::new(subject, denial, updates).into_outcome()
            }
        }
    }
}

impl Grant<'_> {
    fn reply(
        &self,
        kind: RequestKind,
        rng: &mut dyn CryptoRng,
    ) -> Result<(Vec<u8>, AuditResult), IssueError> {
        let (reply_key, usage, kvno): (&Key, _, _) = match &self.reply_key {
            ReplyKeySource::Client(held) => (held.key()?, KeyUsage::AS_REP_ENC_PART, Some(held.kvno)),
            ReplyKeySource::Session(tgt) => match &tgt.authenticator().subkey {
                Some(subkey) => (subkey, KeyUsage::TGS_REP_ENC_PART_SUBKEY, None),
                None => (
                    tgt.ticket().session_key(),
                    KeyUsage::TGS_REP_ENC_PART_SESSKEY,
                    None,
                ),
            },
        };
        // `enctype_choice` took the type from what the realm's policy permits.
        let session_key = Key::generate_with_policy(self.session_enctype, rng, &EnctypePolicy::ALLOW_ALL)?;
        let ticket = self.ticket(&session_key, rng)?;
        let enc_part = self.enc_part(kind, &session_key, reply_key)?;
        let cipher = reply_key.encrypt(usage, &enc_part, rng)?;
        let padata = self.padata.as_deref().map(|padata_value| {
            alloc::vec![PaData {
                padata_type: PaDataType::PA_ETYPE_INFO2,
                padata_value
            }]
        });
        let message = KdcRep {
            pvno: PVNO,
            msg_type: if kind == RequestKind::As {
                MsgType::AS_REP
            } else {
                MsgType::TGS_REP
            },
            padata,
            crealm: self.client.realm.to_wire(),
            cname: self.client.name.to_wire(),
            ticket: Raw::parse(&ticket)?,
            enc_part: EncryptedData {
                etype: reply_key.enctype(),
                kvno,
                cipher: &cipher,
            },
        };
        let bytes = match kind {
            RequestKind::As => kerbside_asn1::encode(&AsRep(message))?,
            _ => kerbside_asn1::encode(&TgsRep(message))?,
        };
        let result = AuditResult::Issued {
            reply: reply_key.enctype(),
            ticket: self.ticket_key.enctype,
            session: self.session_enctype,
        };
        Ok((bytes, result))
    }

    /// The ticket: its inner part is encoded from a list of authorization data, so that an element
    /// that covers the ticket itself (a PAC's ticket signature) can be put in on a second pass.
    fn ticket(&self, session_key: &Key, rng: &mut dyn CryptoRng) -> Result<Vec<u8>, IssueError> {
        let plain = self.ticket_part(session_key, &self.authorization_data)?;
        let key = self.ticket_key.key()?;
        let cipher = key.encrypt(KeyUsage::TICKET, &plain, rng)?;
        let ticket = Ticket {
            tkt_vno: PVNO,
            realm: self.server.realm.to_wire(),
            sname: self.server.name.to_wire(),
            enc_part: EncryptedData {
                etype: key.enctype(),
                kvno: Some(self.ticket_key.kvno),
                cipher: &cipher,
            },
        };
        Ok(kerbside_asn1::encode(&ticket)?)
    }

    fn ticket_part(
        &self,
        session_key: &Key,
        authorization_data: &[Element],
    ) -> Result<Zeroizing<Vec<u8>>, IssueError> {
        let elements: Vec<_> = authorization_data
            .iter()
            .map(|(ad_type, ad_data)| AuthorizationDataElement {
                ad_type: *ad_type,
                ad_data,
            })
            .collect();
        let part = EncTicketPart {
            flags: self.flags,
            key: encryption_key(session_key),
            crealm: self.client.realm.to_wire(),
            cname: self.client.name.to_wire(),
            transited: TransitedEncoding {
                tr_type: TransitedType::DOMAIN_X500_COMPRESS,
                contents: &self.transited,
            },
            authtime: time(self.authtime),
            starttime: Some(time(self.times.starttime)),
            endtime: time(self.times.endtime),
            renew_till: self.times.renew_till.map(time),
            caddr: host_addresses(&self.addresses),
            authorization_data: if elements.is_empty() {
                None
            } else {
                Some(AuthorizationData(elements))
            },
        };
        Ok(Zeroizing::new(kerbside_asn1::encode(&part)?))
    }

    fn enc_part(
        &self,
        kind: RequestKind,
        session_key: &Key,
        reply_key: &Key,
    ) -> Result<Zeroizing<Vec<u8>>, IssueError> {
        let checksum = if self.enc_pa_rep {
            Some(self.request_checksum(reply_key)?)
        } else {
            None
        };
        let encrypted_pa_data = checksum.as_ref().map(|value| {
            alloc::vec![PaData {
                padata_type: PaDataType::PA_REQ_ENC_PA_REP,
                padata_value: value
            }]
        });
        let part = EncKdcRepPart {
            key: encryption_key(session_key),
            last_req: alloc::vec![LastReqEntry {
                lr_type: LrType::LR_NONE,
                lr_value: KerberosTime::EPOCH
            }],
            nonce: self.nonce,
            key_expiration: self.key_expiration.map(time),
            flags: self.flags,
            authtime: time(self.authtime),
            starttime: Some(time(self.times.starttime)),
            endtime: time(self.times.endtime),
            renew_till: self.times.renew_till.map(time),
            srealm: self.server.realm.to_wire(),
            sname: self.server.name.to_wire(),
            caddr: host_addresses(&self.addresses),
            encrypted_pa_data,
        };
        let bytes = match kind {
            RequestKind::As => kerbside_asn1::encode(&EncAsRepPart(part))?,
            _ => kerbside_asn1::encode(&EncTgsRepPart(part))?,
        };
        Ok(Zeroizing::new(bytes))
    }

    /// PA-REQ-ENC-PA-REP (RFC 6806 section 11): a checksum over the request as received.
    fn request_checksum(&self, reply_key: &Key) -> Result<Vec<u8>, IssueError> {
        let tag = reply_key.checksum(KeyUsage::AS_REQ_CHECKSUM, &[self.request])?;
        let cksumtype =
            reply_key
                .enctype()
                .checksum_type()
                .ok_or(kerbside_crypto::CryptoError::Unsupported {
                    enctype: reply_key.enctype(),
                })?;
        Ok(kerbside_asn1::encode(&Checksum {
            cksumtype,
            checksum: tag.as_bytes(),
        })?)
    }
}

fn encryption_key(key: &Key) -> EncryptionKey<'_> {
    EncryptionKey {
        keytype: key.enctype(),
        keyvalue: key.expose_secret(),
    }
}

fn time(seconds: i64) -> KerberosTime {
    KerberosTime::from_unix_seconds(seconds)
}

fn host_addresses(addresses: &[(AddressType, Vec<u8>)]) -> Option<HostAddresses<'_>> {
    if addresses.is_empty() {
        return None;
    }
    let list = addresses.iter().map(|(addr_type, address)| HostAddress {
        addr_type: *addr_type,
        address,
    });
    Some(HostAddresses(list.collect()))
}
