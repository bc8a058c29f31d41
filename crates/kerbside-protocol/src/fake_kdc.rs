//! A KDC for tests: answers what a test tells it to, lies included. The real one is `kerbside-kdc`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails may panic"
)]

pub(crate) mod fast;

use alloc::string::String;
use alloc::vec::Vec;

use kerbside_asn1::{
    self as asn1, AddressType, AsRep, AsReq, AuthorizationData, Checksum, EncAsRepPart, EncKdcRepPart,
    EncTgsRepPart, EncTicketPart, EncryptedData, EncryptionKey, ErrorCode, EtypeInfo2, EtypeInfo2Entry,
    KdcRep, KerberosString, KerberosTime, LastReqEntry, LrType, MethodData, MsgType, PaData, PaDataType,
    Principal, Raw, TgsRep, Ticket, TicketFlags, TransitedEncoding, TransitedType,
};
use kerbside_crypto::{
    CryptoRng, EncryptionType, IterationLimits, Key, KeyUsage, LongTermKey, Password, SessionKey,
};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;

use crate::fast::{Padata, borrowed};
use crate::kdc_request::host_addresses;
use crate::krb_error::ErrorReply;
use crate::time::{Now, at};
use crate::{ApReqParsed, AuthenticatorPolicy, Credential, PVNO, Purpose};

/// The virtual clock's start.
pub(crate) const T0: i64 = 1_700_000_000;

pub(crate) const AES256: EncryptionType = EncryptionType::AES256_CTS_HMAC_SHA1_96;
pub(crate) const AES128: EncryptionType = EncryptionType::AES128_CTS_HMAC_SHA1_96;

pub(crate) fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

/// The moment `seconds` after the virtual clock's start.
pub(crate) fn now(seconds: i64) -> Now {
    Now::new(T0 + seconds, 123_456).unwrap()
}

pub(crate) fn alice() -> Principal {
    Principal::new("EXAMPLE.COM", &["alice"])
}

pub(crate) fn web() -> Principal {
    Principal::new("EXAMPLE.COM", &["HTTP", "www.example.com"])
}

pub(crate) fn tgs() -> Principal {
    Principal::krbtgt("EXAMPLE.COM", "EXAMPLE.COM")
}

/// A key that is the same in each test that names it alike.
pub(crate) fn key(enctype: EncryptionType, name: u64) -> Key {
    Key::generate(enctype, &mut rng(name)).unwrap()
}

pub(crate) fn alice_key() -> LongTermKey {
    LongTermKey::from(key(AES256, 1001))
}

/// Alice's key by password, with the default salt.
pub(crate) fn password_key(password: &str, salt: &[u8]) -> Key {
    Key::from_password(
        AES256,
        &Password::from(password),
        salt,
        None,
        &IterationLimits::default(),
    )
    .unwrap()
}

pub(crate) fn web_key() -> Key {
    key(AES256, 1002)
}

/// What the KDC says of the request in an AS-REP's encrypted part.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Vouch {
    /// No flag, no checksum: an old KDC.
    No,
    Yes,
    /// The flag without the checksum.
    FlagOnly,
    /// A checksum over another request.
    Wrong,
}

/// A reply and its ticket, every field at the test's will.
pub(crate) struct Issue {
    pub(crate) client: Principal,
    pub(crate) client_in_ticket: Principal,
    pub(crate) server: Principal,
    pub(crate) server_on_ticket: Principal,
    pub(crate) nonce: u32,
    pub(crate) flags: TicketFlags,
    pub(crate) authtime: KerberosTime,
    pub(crate) starttime: Option<KerberosTime>,
    pub(crate) endtime: KerberosTime,
    pub(crate) renew_till: Option<KerberosTime>,
    pub(crate) addresses: Vec<(AddressType, Vec<u8>)>,
    pub(crate) session_key: Key,
    pub(crate) ticket_key: Key,
    pub(crate) reply_key: Key,
    pub(crate) reply_usage: KeyUsage,
    pub(crate) vouch: Vouch,
    /// Whether the encrypted part says that the KDC knows FAST, where it vouches for the request.
    pub(crate) knows_fast: bool,
    pub(crate) etype_info2: Option<Vec<u8>>,
    /// Padata of a TGS-REP in clear, and of its encrypted part.
    pub(crate) padata: Vec<(PaDataType, Vec<u8>)>,
    pub(crate) enc_padata: Vec<(PaDataType, Vec<u8>)>,
    /// Tag an AS-REP's encrypted part as MIT does.
    pub(crate) tag_26: bool,
    pub(crate) pvno: i32,
    pub(crate) msg_type: Option<MsgType>,
}

impl Issue {
    /// An honest ticket for Alice from the virtual clock's start on, for ten hours.
    pub(crate) fn honest(server: Principal) -> Self {
        Self {
            client: alice(),
            client_in_ticket: alice(),
            server_on_ticket: server.clone(),
            server,
            nonce: 0,
            flags: TicketFlags::INITIAL | TicketFlags::PRE_AUTHENT,
            authtime: at(T0),
            starttime: Some(at(T0)),
            endtime: at(T0 + 36_000),
            renew_till: None,
            addresses: Vec::new(),
            session_key: key(AES256, 1003),
            ticket_key: key(AES256, 1004),
            reply_key: alice_key().into_inner(),
            reply_usage: KeyUsage::AS_REP_ENC_PART,
            vouch: Vouch::Yes,
            knows_fast: false,
            etype_info2: None,
            padata: Vec::new(),
            enc_padata: Vec::new(),
            tag_26: false,
            pvno: PVNO,
            msg_type: None,
        }
    }

    /// The honest answer to an AS-REQ.
    pub(crate) fn to_as_req(request: &[u8]) -> Self {
        let request: AsReq<'_> = asn1::decode(request).unwrap();
        let sname = request.req_body.sname.as_ref().unwrap();
        let server = Principal::from_wire(request.req_body.realm, sname);
        Self {
            nonce: request.req_body.nonce,
            endtime: request.req_body.till,
            ..Self::honest(server)
        }
    }

    pub(crate) fn ticket(&self, rng: &mut dyn CryptoRng) -> Vec<u8> {
        let part = EncTicketPart {
            flags: self.flags,
            key: wire_key(&self.session_key),
            crealm: self.client_in_ticket.realm.to_wire(),
            cname: self.client_in_ticket.name.to_wire(),
            transited: TransitedEncoding {
                tr_type: TransitedType::DOMAIN_X500_COMPRESS,
                contents: &[],
            },
            authtime: self.authtime,
            starttime: self.starttime,
            endtime: self.endtime,
            renew_till: self.renew_till,
            caddr: host_addresses(&self.addresses),
            authorization_data: None::<AuthorizationData<'_>>,
        };
        let cipher = self
            .ticket_key
            .encrypt(KeyUsage::TICKET, &asn1::encode(&part).unwrap(), rng)
            .unwrap();
        let ticket = Ticket {
            tkt_vno: PVNO,
            realm: self.server_on_ticket.realm.to_wire(),
            sname: self.server_on_ticket.name.to_wire(),
            enc_part: EncryptedData {
                etype: self.ticket_key.enctype(),
                kvno: Some(1),
                cipher: &cipher,
            },
        };
        asn1::encode(&ticket).unwrap()
    }

    /// The credential that an honest exchange would give.
    pub(crate) fn credential(&self, rng: &mut dyn CryptoRng) -> Credential {
        Credential {
            client: self.client.clone(),
            server: self.server.clone(),
            session_key: SessionKey::from(self.session_key.clone()),
            auth_time: self.authtime,
            start_time: self.starttime.unwrap_or_default(),
            end_time: self.endtime,
            renew_till: self.renew_till.unwrap_or_default(),
            is_skey: false,
            flags: self.flags,
            addresses: self.addresses.clone(),
            authdata: Vec::new(),
            ticket: self.ticket(rng),
            second_ticket: Vec::new(),
        }
    }

    fn enc_part<'a>(&'a self, padata: Option<Vec<PaData<'a>>>) -> EncKdcRepPart<'a> {
        EncKdcRepPart {
            key: wire_key(&self.session_key),
            last_req: alloc::vec![LastReqEntry {
                lr_type: LrType::LR_NONE,
                lr_value: self.authtime
            }],
            nonce: self.nonce,
            key_expiration: None,
            flags: self.flags,
            authtime: self.authtime,
            starttime: self.starttime,
            endtime: self.endtime,
            renew_till: self.renew_till,
            srealm: self.server.realm.to_wire(),
            sname: self.server.name.to_wire(),
            caddr: host_addresses(&self.addresses),
            encrypted_pa_data: padata,
        }
    }

    fn kdc_rep<'a>(
        &'a self,
        msg_type: MsgType,
        ticket: &'a [u8],
        padata: &'a [Padata],
        cipher: &'a [u8],
    ) -> KdcRep<'a> {
        KdcRep {
            pvno: self.pvno,
            msg_type: self.msg_type.unwrap_or(msg_type),
            padata: (!padata.is_empty()).then(|| borrowed(padata)),
            crealm: self.client.realm.to_wire(),
            cname: self.client.name.to_wire(),
            ticket: Raw::parse(ticket).unwrap(),
            enc_part: EncryptedData {
                etype: self.reply_key.enctype(),
                kvno: Some(1),
                cipher,
            },
        }
    }

    pub(crate) fn as_rep(&self, request: &[u8], rng: &mut dyn CryptoRng) -> Vec<u8> {
        let info = self.etype_info2.clone();
        let info = info.map(|info| (PaDataType::PA_ETYPE_INFO2, info));
        let ticket = self.ticket(rng);
        self.as_rep_with(request, &ticket, info.as_slice(), &self.reply_key, rng)
    }

    /// An AS-REP with this ticket, padata and reply key.
    fn as_rep_with(
        &self,
        request: &[u8],
        ticket: &[u8],
        padata: &[Padata],
        reply_key: &Key,
        rng: &mut dyn CryptoRng,
    ) -> Vec<u8> {
        let covered = if self.vouch == Vouch::Wrong {
            &b"another request"[..]
        } else {
            request
        };
        let mac = reply_key.checksum(KeyUsage::AS_REQ_CHECKSUM, &[covered]).unwrap();
        let checksum = Checksum {
            cksumtype: reply_key.checksum_type(),
            checksum: mac.as_bytes(),
        };
        let mut vouching = Vec::new();
        if matches!(self.vouch, Vouch::Yes | Vouch::Wrong) {
            vouching.push((PaDataType::PA_REQ_ENC_PA_REP, asn1::encode(&checksum).unwrap()));
        }
        if self.knows_fast {
            vouching.push((PaDataType::PA_FX_FAST, Vec::new()));
        }
        let mut part = self.enc_part((!vouching.is_empty()).then(|| borrowed(&vouching)));
        part.flags.set(TicketFlags::ENC_PA_REP, self.vouch != Vouch::No);
        let plain = if self.tag_26 {
            asn1::encode(&EncTgsRepPart(part)).unwrap()
        } else {
            asn1::encode(&EncAsRepPart(part)).unwrap()
        };
        let cipher = reply_key.encrypt(self.reply_usage, &plain, rng).unwrap();
        asn1::encode(&AsRep(self.kdc_rep(MsgType::AS_REP, ticket, padata, &cipher))).unwrap()
    }

    pub(crate) fn tgs_rep(&self, rng: &mut dyn CryptoRng) -> Vec<u8> {
        let ticket = self.ticket(rng);
        self.tgs_rep_with(&ticket, &self.padata, &self.reply_key, rng)
    }

    /// A TGS-REP with this ticket, padata and reply key.
    fn tgs_rep_with(
        &self,
        ticket: &[u8],
        padata: &[Padata],
        reply_key: &Key,
        rng: &mut dyn CryptoRng,
    ) -> Vec<u8> {
        let encrypted = (!self.enc_padata.is_empty()).then(|| borrowed(&self.enc_padata));
        let plain = asn1::encode(&EncTgsRepPart(self.enc_part(encrypted))).unwrap();
        let cipher = reply_key.encrypt(self.reply_usage, &plain, rng).unwrap();
        asn1::encode(&TgsRep(self.kdc_rep(MsgType::TGS_REP, ticket, padata, &cipher))).unwrap()
    }

    /// The honest answer to a TGS-REQ made with a ticket under `tgs_key`, checked as a KDC checks it.
    pub(crate) fn to_tgs_req(request: &[u8], tgs_key: &Key, now: Now) -> Self {
        let request: asn1::TgsReq<'_> = asn1::decode(request).unwrap();
        let parsed = ApReqParsed::parse(request.padata.as_ref().unwrap()[0].padata_value).unwrap();
        let purpose = Purpose::TgsReq {
            req_body: request.req_body.bytes(),
        };
        let policy = AuthenticatorPolicy {
            purpose,
            accept_invalid_ticket: true,
            ..AuthenticatorPolicy::default()
        };
        let verified = parsed
            .decrypt_ticket(tgs_key)
            .unwrap()
            .verify(&policy, now)
            .unwrap();
        let sname = request.req_body.sname.as_ref().unwrap();
        let mut flags = verified.ticket().flags();
        flags.remove(TicketFlags::INITIAL | TicketFlags::ENC_PA_REP);
        Self {
            nonce: request.req_body.nonce,
            flags,
            starttime: Some(now.time),
            endtime: verified.ticket().endtime(),
            session_key: key(AES256, 1005),
            ticket_key: web_key(),
            reply_key: verified.authenticator().subkey.clone().unwrap().into_inner(),
            reply_usage: KeyUsage::TGS_REP_ENC_PART_SUBKEY,
            ..Self::honest(Principal::from_wire(request.req_body.realm, sname))
        }
    }
}

fn wire_key(key: &Key) -> EncryptionKey<'_> {
    EncryptionKey {
        keytype: key.enctype(),
        keyvalue: key.expose_secret(),
    }
}

/// Enctype, salt, s2kparams.
pub(crate) type InfoEntry<'a> = (EncryptionType, Option<&'a [u8]>, Option<&'a [u8]>);

/// ETYPE-INFO2 with these entries.
pub(crate) fn etype_info2(entries: &[InfoEntry<'_>]) -> Vec<u8> {
    let entries = entries.iter().map(|(etype, salt, s2kparams)| EtypeInfo2Entry {
        etype: *etype,
        salt: salt.map(KerberosString),
        s2kparams: *s2kparams,
    });
    asn1::encode(&EtypeInfo2(entries.collect())).unwrap()
}

/// A KRB-ERROR from a KDC whose clock shows `now`.
pub(crate) fn error(code: ErrorCode, now: Now) -> Vec<u8> {
    ErrorReply::new(code, tgs()).to_bytes(now).unwrap()
}

/// PREAUTH_REQUIRED that offers the encrypted timestamp, with this ETYPE-INFO2.
pub(crate) fn preauth_required(info: &[u8], now: Now) -> Vec<u8> {
    preauth_required_with(
        &[
            (PaDataType::PA_ETYPE_INFO2, info),
            (PaDataType::PA_ENC_TIMESTAMP, &[]),
        ],
        now,
    )
}

pub(crate) fn preauth_required_with(methods: &[(PaDataType, &[u8])], now: Now) -> Vec<u8> {
    error_with(ErrorCode::KDC_ERR_PREAUTH_REQUIRED, methods, now)
}

/// A KRB-ERROR with METHOD-DATA.
pub(crate) fn error_with(code: ErrorCode, methods: &[(PaDataType, &[u8])], now: Now) -> Vec<u8> {
    let methods = methods.iter().map(|(padata_type, value)| PaData {
        padata_type: *padata_type,
        padata_value: value,
    });
    let e_data = asn1::encode(&MethodData(methods.collect())).unwrap();
    let e_text = Some(String::from("Additional pre-authentication required"));
    ErrorReply {
        e_data: Some(e_data),
        e_text,
        ..ErrorReply::new(code, tgs())
    }
    .to_bytes(now)
    .unwrap()
}

/// Where `needle` stands in `haystack`.
pub(crate) fn find(haystack: &[u8], needle: &[u8]) -> core::ops::Range<usize> {
    let start = haystack
        .windows(needle.len())
        .position(|window| window == needle)
        .expect("it is in there");
    start..start + needle.len()
}
