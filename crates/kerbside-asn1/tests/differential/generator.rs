//! Random valid messages from a seed.

use kerbside_asn1::*;
use kerbside_crypto::{ChecksumType, EncryptionType};

/// A source of values. Octets live as long as the test: the messages borrow them.
pub(crate) struct Generator {
    state: u64,
}

impl Generator {
    /// The same sequence for the same name.
    pub(crate) fn new(name: &str) -> Self {
        let seed = name.bytes().fold(0x9e37_79b9_7f4a_7c15_u64, |state, octet| {
            (state ^ u64::from(octet)).wrapping_mul(0x0100_0000_01b3)
        });
        Self { state: seed | 1 }
    }

    fn next(&mut self) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state
    }

    /// A number below `end`.
    fn below(&mut self, end: u64) -> usize {
        (self.next() % end) as usize
    }

    /// Keeps octets for the rest of the test.
    pub(crate) fn keep(&self, octets: Vec<u8>) -> &'static [u8] {
        octets.leak()
    }

    /// Octets of every form of length there is up to some hundreds, rarely up to 70,000.
    fn octets(&mut self) -> &'static [u8] {
        let len = match self.below(40) {
            0 => 0,
            1..25 => self.below(20),
            25..36 => self.below(300),
            36..39 => self.below(2000),
            _ => self.below(70_000),
        };
        let octets = (0..len).map(|_| self.next() as u8).collect();
        self.keep(octets)
    }

    /// Printable ASCII, which all three hold for a string.
    fn text(&mut self) -> &'static str {
        let len = self.below(20);
        let text: String = (0..len)
            .map(|_| char::from(b' ' + self.below(95) as u8))
            .collect();
        text.leak()
    }

    fn list<T: Generate>(&mut self, max: u64) -> Vec<T> {
        (0..self.below(max + 1)).map(|_| T::generate(self)).collect()
    }
}

pub(crate) trait Generate {
    fn generate(generator: &mut Generator) -> Self;
}

impl<T: Generate> Generate for Option<T> {
    fn generate(generator: &mut Generator) -> Self {
        (generator.below(2) == 0).then(|| T::generate(generator))
    }
}

impl<T: Generate> Generate for Vec<T> {
    fn generate(generator: &mut Generator) -> Self {
        generator.list(4)
    }
}

impl<T: Generate + Encode + Decode<'static>> Generate for Raw<'static, T> {
    fn generate(generator: &mut Generator) -> Self {
        let encoded = encode(&T::generate(generator)).unwrap();
        Raw::parse(generator.keep(encoded)).unwrap()
    }
}

impl Generate for i32 {
    /// All lengths an INTEGER of 32 bits has, both signs.
    fn generate(generator: &mut Generator) -> Self {
        (generator.next() as i32) >> generator.below(32)
    }
}

impl Generate for u32 {
    fn generate(generator: &mut Generator) -> Self {
        (generator.next() as u32) >> generator.below(32)
    }
}

impl Generate for bool {
    fn generate(generator: &mut Generator) -> Self {
        generator.below(2) == 0
    }
}

impl Generate for &'static [u8] {
    fn generate(generator: &mut Generator) -> Self {
        generator.octets()
    }
}

impl Generate for &'static str {
    fn generate(generator: &mut Generator) -> Self {
        generator.text()
    }
}

impl Generate for KerberosString<'static> {
    fn generate(generator: &mut Generator) -> Self {
        generator.text().into()
    }
}

impl Generate for KerberosTime {
    fn generate(generator: &mut Generator) -> Self {
        let end = KerberosTime::MAX.unix_seconds() as u64 + 1;
        // Mostly times of our days.
        let end = if generator.below(4) == 0 { end } else { 1 << 32 };
        Self::from_unix_seconds(generator.below(end) as i64)
    }
}

impl Generate for Microseconds {
    fn generate(generator: &mut Generator) -> Self {
        Self::new(generator.below(1_000_000) as u32).unwrap()
    }
}

impl Generate for BitString<'static> {
    fn generate(generator: &mut Generator) -> Self {
        Self::new(generator.octets())
    }
}

impl Generate for ObjectIdentifier {
    fn generate(generator: &mut Generator) -> Self {
        [
            oids::KRB5,
            oids::SPNEGO,
            oids::NTLMSSP,
            oids::PKINIT_KDF_AH_SHA256,
        ][generator.below(4)]
    }
}

impl Generate for NegState {
    fn generate(generator: &mut Generator) -> Self {
        Self(generator.below(4) as u8)
    }
}

impl Generate for PaPkAsRep<'static> {
    fn generate(generator: &mut Generator) -> Self {
        if generator.below(2) == 0 {
            Self::DhInfo(Generate::generate(generator))
        } else {
            Self::EncKeyPack(generator.octets())
        }
    }
}

impl Generate for Verifier<'static> {
    fn generate(generator: &mut Generator) -> Self {
        Self::Mac(Generate::generate(generator))
    }
}

macro_rules! newtypes {
    ($($ty:ident$(<$lt:lifetime>)?),+ $(,)?) => {
        $(impl Generate for $ty$(<$lt>)? {
            fn generate(generator: &mut Generator) -> Self {
                Self(Generate::generate(generator))
            }
        })+
    };
}

newtypes!(
    EncryptionType,
    ChecksumType,
    NameType,
    PaDataType,
    AdType,
    AddressType,
    LrType,
    TransitedType,
    ErrorCode,
    MsgType,
    TicketFlags,
    KdcOptions,
    ApOptions,
    PacOptions,
    IakerbHeaderFlags,
    AsReq<'static>,
    TgsReq<'static>,
    AsRep<'static>,
    TgsRep<'static>,
    EncAsRepPart<'static>,
    EncTgsRepPart<'static>,
    MethodData<'static>,
    EtypeInfo<'static>,
    EtypeInfo2<'static>,
    AuthorizationData<'static>,
    HostAddresses<'static>,
    EtypeList,
);

macro_rules! fields {
    ($($ty:ident$(<$lt:lifetime>)? { $($field:ident),+ $(,)? })+) => {
        $(impl Generate for $ty$(<$lt>)? {
            fn generate(generator: &mut Generator) -> Self {
                Self { $($field: Generate::generate(generator)),+ }
            }
        })+
    };
}

fields! {
    PrincipalName<'static> { name_type, name_string }
    EncryptedData<'static> { etype, kvno, cipher }
    EncryptionKey<'static> { keytype, keyvalue }
    Checksum<'static> { cksumtype, checksum }
    HostAddress<'static> { addr_type, address }
    AuthorizationDataElement<'static> { ad_type, ad_data }
    AdKdcIssued<'static> { ad_checksum, i_realm, i_sname, elements }
    AdAndOr<'static> { condition_count, elements }
    AdCammac<'static> { elements, kdc_verifier, svc_verifier, other_verifiers }
    VerifierMac<'static> { identifier, kvno, enctype, mac }
    PaData<'static> { padata_type, padata_value }
    EtypeInfoEntry<'static> { etype, salt }
    EtypeInfo2Entry<'static> { etype, salt, s2kparams }
    PaEncTsEnc { patimestamp, pausec }
    Ticket<'static> { tkt_vno, realm, sname, enc_part }
    TransitedEncoding<'static> { tr_type, contents }
    EncTicketPart<'static> {
        flags, key, crealm, cname, transited, authtime, starttime, endtime, renew_till, caddr, authorization_data,
    }
    KdcReq<'static> { pvno, msg_type, padata, req_body }
    KdcReqBody<'static> {
        kdc_options, cname, realm, sname, from, till, rtime, nonce, etype, addresses, enc_authorization_data,
        additional_tickets,
    }
    KdcRep<'static> { pvno, msg_type, padata, crealm, cname, ticket, enc_part }
    EncKdcRepPart<'static> {
        key, last_req, nonce, key_expiration, flags, authtime, starttime, endtime, renew_till, srealm, sname, caddr,
        encrypted_pa_data,
    }
    LastReqEntry { lr_type, lr_value }
    ApReq<'static> { pvno, msg_type, ap_options, ticket, authenticator }
    Authenticator<'static> {
        authenticator_vno, crealm, cname, cksum, cusec, ctime, subkey, seq_number, authorization_data,
    }
    ApRep<'static> { pvno, msg_type, enc_part }
    EncApRepPart<'static> { ctime, cusec, subkey, seq_number }
    KrbError<'static> {
        pvno, msg_type, ctime, cusec, stime, susec, error_code, crealm, cname, realm, sname, e_text, e_data,
    }
    KrbCred<'static> { pvno, msg_type, tickets, enc_part }
    EncKrbCredPart<'static> { ticket_info, nonce, timestamp, usec, s_address, r_address }
    KrbCredInfo<'static> {
        key, prealm, pname, flags, authtime, starttime, endtime, renew_till, srealm, sname, caddr,
    }
    KrbSafe<'static> { pvno, msg_type, safe_body, cksum }
    KrbSafeBody<'static> { user_data, timestamp, usec, seq_number, s_address, r_address }
    KrbPriv<'static> { pvno, msg_type, enc_part }
    EncKrbPrivPart<'static> { user_data, timestamp, usec, seq_number, s_address, r_address }
    KerbPaPacRequest { include_pac }
    PaPacOptions { flags }
    ChangePasswdData<'static> { newpasswd, targname, targrealm }
    KerbAdRestrictionEntry<'static> { restriction_type, restriction }
    KdcProxyMessage<'static> { kerb_message, target_domain, dclocator_hint }
    KerbTgtReply<'static> { pvno, msg_type, ticket }
    IakerbHeader<'static> { target_realm, cookie, header_flags }
    ExternalPrincipalIdentifier<'static> { subject_name, issuer_and_serial_number, subject_key_identifier }
    PaPkAsReq<'static> { signed_auth_pack, trusted_certifiers, kdc_pk_id }
    DhRepInfo<'static> { dh_signed_data, server_dh_nonce, kdf }
    KdfAlgorithmId { kdf_id }
    KdcDhKeyInfo<'static> { subject_public_key, nonce, dh_key_expiration }
    NegTokenResp<'static> { neg_state, supported_mech, response_token, mech_list_mic }
}
