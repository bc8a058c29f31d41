//! PACs, their buffers, and claims in each compression.
#![no_main]

use kerbside_asn1::{AdType, EncTicketPart, KerberosTime, Principal, decode};
use kerbside_crypto::{EncryptionType, Key};
use kerbside_pac::{
    ClaimsSet, ClaimsSetMetadata, CompressionFormat, KerbValidationInfo, NtlmSupplementalCredential, Pac,
    PacAttributesInfo, PacBuffer, PacBufferType, PacBuilder, PacClientInfo, PacCredentialData,
    PacCredentialInfo, PacDeviceInfo, PacSignatureData, PacSigning, S4uDelegationInfo, Sid, TicketClient,
    UpnDnsInfo, encode_pac, ticket_signature_input,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    structures(data);
    compressed(data);
    let _ = Pac::find([(AdType::AD_IF_RELEVANT, data)]);
    if let Ok(ticket) = decode::<EncTicketPart<'_>>(data) {
        let _ = ticket_signature_input(&ticket);
    }
    if let Ok(pac) = Pac::parse(data) {
        for buffer in pac.buffers() {
            structures(buffer.bytes);
        }
        // Written again it has the same buffers.
        let buffers: Vec<PacBuffer<'_>> = pac.buffers().collect();
        let again = encode_pac(&buffers).expect("a PAC that was read can be written");
        let again = Pac::parse(&again).expect("and read again");
        assert!(again.buffers().eq(buffers));
        signed(&pac);
    }
});

/// Whatever a KDC signs is verified, and then compared with a ticket without a panic.
fn signed(pac: &Pac<'_>) {
    let key = Key::new(EncryptionType::AES256_CTS_HMAC_SHA1_96, &[7; 32]).expect("a key of 32 octets");
    let mut builder = PacBuilder::new();
    for buffer in pac.buffers() {
        builder = builder.with(buffer.buffer_type, buffer.bytes.to_vec());
    }
    let signing = PacSigning {
        server: &key,
        kdc: &key,
        rodc_identifier: None,
        full_signature: false,
        ticket: None,
    };
    let bytes = builder.sign(&signing).expect("a PAC that was read can be signed");
    let signed = Pac::parse(&bytes).expect("and read again");
    let (name, authtime) = match pac
        .buffer(PacBufferType::CLIENT_INFO)
        .map(PacClientInfo::from_bytes)
    {
        Some(Ok(info)) => (info.name, info.client_id.to_kerberos_time()),
        _ => (String::new(), None),
    };
    let client = Principal::new("EXAMPLE.COM", &[name]);
    let verified = signed.verify_server(&key).expect("with its own key it verifies");
    let client = TicketClient::new(&client, authtime.unwrap_or(KerberosTime::EPOCH));
    if let Ok(pac) = verified.check_client(&client) {
        let _ = (
            pac.client_claims(),
            pac.device_claims(),
            pac.device_info(),
            pac.delegation_info(),
        );
        let _ = (pac.attributes(), pac.requestor_guid(), pac.credentials());
        let _ = pac.account().map(|account| account.enabled_groups());
    }
}

/// What is read can be written, and reads the same.
fn structures(data: &[u8]) {
    if let Ok(info) = KerbValidationInfo::from_bytes(data) {
        let bytes = info.to_bytes().expect("what was read can be written");
        let again = KerbValidationInfo::from_bytes(&bytes).expect("and read again");
        assert_eq!(again.to_bytes().as_ref(), Ok(&bytes));
    }
    if let Ok(info) = PacClientInfo::from_bytes(data) {
        assert_eq!(info.to_bytes().as_deref(), Ok(data));
    }
    if let Ok(info) = UpnDnsInfo::from_bytes(data)
        && let Ok(bytes) = info.to_bytes()
    {
        assert_eq!(UpnDnsInfo::from_bytes(&bytes), Ok(info));
    }
    if let Ok(info) = S4uDelegationInfo::from_bytes(data) {
        let bytes = info.to_bytes().expect("what was read can be written");
        assert_eq!(S4uDelegationInfo::from_bytes(&bytes), Ok(info));
    }
    if let Ok(info) = PacDeviceInfo::from_bytes(data) {
        let bytes = info.to_bytes().expect("what was read can be written");
        assert_eq!(PacDeviceInfo::from_bytes(&bytes), Ok(info));
    }
    if let Ok(set) = ClaimsSet::from_bytes(data) {
        let bytes = set.to_bytes().expect("what was read can be written");
        assert_eq!(ClaimsSet::from_bytes(&bytes), Ok(set));
    }
    if let Ok(metadata) = ClaimsSetMetadata::from_bytes(data) {
        let bytes = metadata.to_bytes().expect("what was read can be written");
        assert_eq!(ClaimsSetMetadata::from_bytes(&bytes).as_ref(), Ok(&metadata));
        let _ = metadata.claims_set();
    }
    if let Ok(sid) = Sid::from_bytes(data) {
        assert_eq!(sid.to_bytes(), data);
        assert_eq!(sid.to_string().parse(), Ok(sid));
    }
    if let Ok(signature) = PacSignatureData::from_bytes(data) {
        assert_eq!(signature.to_bytes(), data);
    }
    if let Ok(attributes) = PacAttributesInfo::from_bytes(data) {
        assert_eq!(attributes.to_bytes(), data);
    }
    let _ = PacCredentialInfo::from_bytes(data);
    let _ = PacCredentialData::from_bytes(data);
    let _ = NtlmSupplementalCredential::from_bytes(data);
}

/// The first octet chooses the compression, two more the length.
fn compressed(data: &[u8]) {
    let [format, low, high, stream @ ..] = data else {
        return;
    };
    let length = u32::from(u16::from_le_bytes([*low, *high]));
    let metadata = ClaimsSetMetadata {
        claims_set: stream.to_vec(),
        compression_format: CompressionFormat(2 + u16::from(format % 3)),
        uncompressed_claims_set_size: length,
        reserved_field: Vec::new(),
    };
    let _ = metadata.claims_set();
}
