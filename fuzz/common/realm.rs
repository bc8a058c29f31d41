//! A service, its ticket, and a moment, for the targets that establish contexts.

use kerbside_asn1::{
    EncTicketPart, EncryptedData, EncryptionKey, KerberosTime, Principal, Ticket, TicketFlags,
    TransitedEncoding, TransitedType, encode,
};
use kerbside_crypto::{Key, KeyUsage, SessionKey};
use kerbside_protocol::{Credential, Now, ReplayCache, ReplayTag, Verdict};
use rand_chacha::ChaCha20Rng;

/// The moment of the seeds' authenticators, so that their tickets are good.
pub const NOW: i64 = 1_231_521_000;

/// Everything is fresh: the same request is made over and over here.
pub struct AlwaysFresh;

impl ReplayCache for AlwaysFresh {
    fn check(&self, _: &ReplayTag, _: KerberosTime) -> Verdict {
        Verdict::Fresh
    }
}

pub fn now() -> Now {
    Now::new(NOW, 1).unwrap()
}

/// A ticket of alice's for a web server with this key.
pub fn credential(service_key: &Key, rng: &mut ChaCha20Rng) -> Credential {
    let client = Principal::new("EXAMPLE.COM", &["alice"]);
    let server = Principal::new("EXAMPLE.COM", &["HTTP", "www.example.com"]);
    let session_key = Key::generate(service_key.enctype(), rng).unwrap();
    let (start, end) = (
        KerberosTime::from_unix_seconds(NOW - 60),
        KerberosTime::from_unix_seconds(NOW + 60),
    );
    let part = EncTicketPart {
        flags: TicketFlags::INITIAL,
        key: EncryptionKey {
            keytype: session_key.enctype(),
            keyvalue: session_key.expose_secret(),
        },
        crealm: client.realm.to_wire(),
        cname: client.name.to_wire(),
        transited: TransitedEncoding {
            tr_type: TransitedType(1),
            contents: b"",
        },
        authtime: start,
        starttime: None,
        endtime: end,
        renew_till: None,
        caddr: None,
        authorization_data: None,
    };
    let cipher = service_key
        .encrypt(KeyUsage::TICKET, &encode(&part).unwrap(), rng)
        .unwrap();
    let ticket = Ticket {
        tkt_vno: 5,
        realm: server.realm.to_wire(),
        sname: server.name.to_wire(),
        enc_part: EncryptedData {
            etype: service_key.enctype(),
            kvno: Some(1),
            cipher: &cipher,
        },
    };
    Credential {
        ticket: encode(&ticket).unwrap(),
        client: client.clone(),
        server: server.clone(),
        session_key: SessionKey::from(session_key.clone()),
        auth_time: start,
        start_time: start,
        end_time: end,
        renew_till: KerberosTime::EPOCH,
        is_skey: false,
        flags: TicketFlags::INITIAL,
        addresses: Vec::new(),
        authdata: Vec::new(),
        second_ticket: Vec::new(),
    }
}
