//! What holds keys shows none.

use kerbside_asn1::*;

use crate::corpus::samples;

/// The key octets of MIT's reference messages, as derived Debug would write them.
const KEY: &[u8] = b"12345678";

fn shown<'a, T: Decode<'a> + std::fmt::Debug>(bytes: &'a [u8]) -> String {
    format!("{:?}", decode::<T>(bytes).unwrap())
}

#[test]
fn debug_shows_type_and_length_of_a_key_only() {
    let mut checked = 0;
    for sample in samples().iter().filter(|sample| sample.name.starts_with('"')) {
        let shown = match sample.kind {
            "EncryptionKey" => shown::<EncryptionKey<'_>>(&sample.bytes),
            "Authenticator" => shown::<Authenticator<'_>>(&sample.bytes),
            "EncTicketPart" => shown::<EncTicketPart<'_>>(&sample.bytes),
            "EncTGSRepPart" => shown::<EncTgsRepPart<'_>>(&sample.bytes),
            "EncAPRepPart" => shown::<EncApRepPart<'_>>(&sample.bytes),
            "EncKrbCredPart" => shown::<EncKrbCredPart<'_>>(&sample.bytes),
            "EncKrbPrivPart" => shown::<EncKrbPrivPart<'_>>(&sample.bytes),
            _ => continue,
        };
        checked += 1;
        let holds_key = sample.bytes.windows(KEY.len()).any(|window| window == KEY);
        assert_eq!(shown.contains("EncryptionKey("), holds_key, "{shown}");
        assert_eq!(shown.contains("8 octets)"), holds_key, "{shown}");
        for octets in [KEY, b"krb5data"] {
            assert!(!shown.contains(&format!("{octets:?}")), "{shown}");
            assert!(!shown.contains(str::from_utf8(octets).unwrap()), "{shown}");
            assert!(!shown.contains(&hex::encode(octets)), "{shown}");
        }
    }
    assert_eq!(checked, 14);
}
