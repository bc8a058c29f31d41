//! Requests made by hand, right or wrong.

use kerbside_asn1::{AdType, AddressType};
use kerbside_asn1::{
    ApOptions, ApReq, AsReq, Authenticator, AuthorizationData, AuthorizationDataElement, Checksum,
    EncryptedData, EncryptionKey, HostAddress, HostAddresses, KdcOptions, KdcReq, KdcReqBody, MsgType,
    PaData, PaDataType, Principal, Raw, TgsReq, encode,
};
use kerbside_crypto::{ChecksumType, EncryptionType, Key, KeyUsage};
use kerbside_protocol::{Credential, Now, enc_timestamp};
use rand_chacha::ChaCha20Rng;

use crate::world::{ENCTYPES, HOUR, NOW, REALM, principal, time};

/// An AS-REQ in the making.
pub(crate) struct AsRequest {
    pub(crate) pvno: i32,
    pub(crate) msg_type: MsgType,
    pub(crate) options: KdcOptions,
    pub(crate) client: Option<Principal>,
    pub(crate) server: Option<Principal>,
    pub(crate) etypes: Vec<EncryptionType>,
    pub(crate) padata: Vec<(PaDataType, Vec<u8>)>,
}

impl AsRequest {
    pub(crate) fn new(client: &str) -> AsRequest {
        AsRequest {
            pvno: 5,
            msg_type: MsgType::AS_REQ,
            options: KdcOptions::NONE,
            client: Some(principal(client)),
            server: Some(Principal::krbtgt(REALM, REALM)),
            etypes: ENCTYPES.to_vec(),
            padata: Vec::new(),
        }
    }

    pub(crate) fn timestamp(mut self, key: &Key, at: i64, rng: &mut ChaCha20Rng) -> AsRequest {
        let stamp = enc_timestamp(key, Now::new(at, 0).unwrap(), rng).unwrap();
        self.padata.push((PaDataType::PA_ENC_TIMESTAMP, stamp));
        self
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let realm = self
            .client
            .as_ref()
            .or(self.server.as_ref())
            .map_or(REALM.into(), |p| p.realm.to_wire());
        let body = encode(&KdcReqBody {
            kdc_options: self.options,
            cname: self.client.as_ref().map(|client| client.name.to_wire()),
            realm,
            sname: self.server.as_ref().map(|server| server.name.to_wire()),
            from: None,
            till: time(NOW + 8 * HOUR),
            rtime: None,
            nonce: 4711,
            etype: self.etypes.clone(),
            addresses: None,
            enc_authorization_data: None,
            additional_tickets: None,
        })
        .unwrap();
        encode(&AsReq(KdcReq {
            pvno: self.pvno,
            msg_type: self.msg_type,
            padata: (!self.padata.is_empty()).then(|| padata(&self.padata)),
            req_body: Raw::parse(&body).unwrap(),
        }))
        .unwrap()
    }
}

fn padata(list: &[(PaDataType, Vec<u8>)]) -> Vec<PaData<'_>> {
    list.iter()
        .map(|(padata_type, padata_value)| PaData {
            padata_type: *padata_type,
            padata_value,
        })
        .collect()
}

/// What stands as checksum in the authenticator.
pub(crate) enum Sum {
    /// The right one over the body.
    Right,
    Missing,
    Given(ChecksumType, Vec<u8>),
    /// A right one, but for another usage.
    Usage(KeyUsage),
}

/// The body of a TGS-REQ in the making.
#[derive(Clone)]
pub(crate) struct Body {
    pub(crate) options: KdcOptions,
    pub(crate) server: Option<Principal>,
    pub(crate) addresses: Vec<(AddressType, Vec<u8>)>,
    pub(crate) etypes: Vec<EncryptionType>,
    pub(crate) nonce: u32,
    pub(crate) enc_authorization_data: Option<(EncryptionType, Vec<u8>)>,
}

impl Body {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let list =
            |addresses: &'_ [(AddressType, Vec<u8>)]| -> Vec<(AddressType, Vec<u8>)> { addresses.to_vec() };
        let addresses = list(&self.addresses);
        encode(&KdcReqBody {
            kdc_options: self.options,
            cname: None,
            realm: self
                .server
                .as_ref()
                .map_or(REALM.into(), |server| server.realm.to_wire()),
            sname: self.server.as_ref().map(|server| server.name.to_wire()),
            from: None,
            till: time(NOW + 8 * HOUR),
            rtime: None,
            nonce: self.nonce,
            etype: self.etypes.clone(),
            addresses: (!addresses.is_empty()).then(|| {
                HostAddresses(
                    addresses
                        .iter()
                        .map(|(addr_type, address)| HostAddress {
                            addr_type: *addr_type,
                            address,
                        })
                        .collect(),
                )
            }),
            enc_authorization_data: self.enc_authorization_data.as_ref().map(|(etype, cipher)| {
                EncryptedData {
                    etype: *etype,
                    kvno: None,
                    cipher,
                }
            }),
            additional_tickets: None,
        })
        .unwrap()
    }
}

/// A TGS-REQ in the making.
pub(crate) struct TgsRequest {
    pub(crate) body: Body,
    /// The body as somebody between sends it on.
    pub(crate) body_sent: Option<Body>,
    pub(crate) sum: Sum,
    pub(crate) usage: KeyUsage,
    pub(crate) client: Principal,
    pub(crate) ticket: Vec<u8>,
    pub(crate) session_key: Key,
    pub(crate) subkey: Option<Key>,
    pub(crate) ctime: i64,
    pub(crate) ap_options: ApOptions,
    pub(crate) padata: Vec<(PaDataType, Vec<u8>)>,
    pub(crate) with_tgt: bool,
}

impl TgsRequest {
    pub(crate) fn new(tgt: &Credential, server: &str) -> TgsRequest {
        TgsRequest {
            body: Body {
                options: KdcOptions::NONE,
                server: Some(principal(server)),
                addresses: Vec::new(),
                etypes: ENCTYPES.to_vec(),
                nonce: 4711,
                enc_authorization_data: None,
            },
            body_sent: None,
            sum: Sum::Right,
            usage: KeyUsage::TGS_REQ_AUTH,
            client: tgt.client.clone(),
            ticket: tgt.ticket.clone(),
            session_key: Key::new(tgt.session_key.enctype(), tgt.session_key.expose_secret()).unwrap(),
            subkey: None,
            ctime: NOW,
            ap_options: ApOptions::NONE,
            padata: Vec::new(),
            with_tgt: true,
        }
    }

    /// Puts authorization data into the body, encrypted as RFC 4120 5.4.1 says.
    pub(crate) fn authorization_data(&mut self, elements: &[(AdType, Vec<u8>)], rng: &mut ChaCha20Rng) {
        let plain = authorization_data(elements);
        let (key, usage) = match &self.subkey {
            Some(key) => (key, KeyUsage::TGS_REQ_AD_SUBKEY),
            None => (&self.session_key, KeyUsage::TGS_REQ_AD_SESSKEY),
        };
        let cipher = key.encrypt(usage, &plain, rng).unwrap();
        self.body.enc_authorization_data = Some((key.enctype(), cipher));
    }

    fn checksum(&self, body: &[u8]) -> Option<(ChecksumType, Vec<u8>)> {
        let of = |usage| {
            let tag = self.session_key.checksum(usage, &[body]).unwrap();
            Some((
                self.session_key.enctype().checksum_type().unwrap(),
                tag.as_bytes().to_vec(),
            ))
        };
        match &self.sum {
            Sum::Right => of(KeyUsage::TGS_REQ_AUTH_CKSUM),
            Sum::Missing => None,
            Sum::Given(cksumtype, bytes) => Some((*cksumtype, bytes.clone())),
            Sum::Usage(usage) => of(*usage),
        }
    }

    pub(crate) fn ap_req(&self, rng: &mut ChaCha20Rng) -> Vec<u8> {
        let sum = self.checksum(&self.body.bytes());
        let authenticator = encode(&Authenticator {
            authenticator_vno: 5,
            crealm: self.client.realm.to_wire(),
            cname: self.client.name.to_wire(),
            cksum: sum.as_ref().map(|(cksumtype, checksum)| Checksum {
                cksumtype: *cksumtype,
                checksum,
            }),
            cusec: kerbside_asn1::Microseconds::ZERO,
            ctime: time(self.ctime),
            subkey: self.subkey.as_ref().map(|key| EncryptionKey {
                keytype: key.enctype(),
                keyvalue: key.expose_secret(),
            }),
            seq_number: None,
            authorization_data: None,
        })
        .unwrap();
        let cipher = self.session_key.encrypt(self.usage, &authenticator, rng).unwrap();
        encode(&ApReq {
            pvno: 5,
            msg_type: MsgType::AP_REQ,
            ap_options: self.ap_options,
            ticket: Raw::parse(&self.ticket).unwrap(),
            authenticator: EncryptedData {
                etype: self.session_key.enctype(),
                kvno: None,
                cipher: &cipher,
            },
        })
        .unwrap()
    }

    pub(crate) fn bytes(&self, rng: &mut ChaCha20Rng) -> Vec<u8> {
        let mut list = Vec::new();
        if self.with_tgt {
            list.push((PaDataType::PA_AP_REQ, self.ap_req(rng)));
        }
        list.extend(self.padata.iter().cloned());
        let body = self.body_sent.as_ref().unwrap_or(&self.body).bytes();
        encode(&TgsReq(KdcReq {
            pvno: 5,
            msg_type: MsgType::TGS_REQ,
            padata: (!list.is_empty()).then(|| padata(&list)),
            req_body: Raw::parse(&body).unwrap(),
        }))
        .unwrap()
    }
}

pub(crate) fn authorization_data(elements: &[(AdType, Vec<u8>)]) -> Vec<u8> {
    encode(&AuthorizationData(
        elements
            .iter()
            .map(|(ad_type, ad_data)| AuthorizationDataElement {
                ad_type: *ad_type,
                ad_data,
            })
            .collect(),
    ))
    .unwrap()
}
