//! The registries against the lists of assigned numbers: none is missing, none is named otherwise.

use kerbside_asn1::*;
use serde_json::Value;

use crate::corpus::json;

/// Compares a registry with its list and gives the length of both, which must be the same.
fn check<T: Copy>(
    file: &Value,
    registry: &str,
    all: &[T],
    number: fn(T) -> i32,
    name: fn(i32) -> Option<&'static str>,
    description: fn(i32) -> Option<&'static str>,
) -> usize {
    let list = file["registries"][registry].as_array().unwrap();
    for entry in list {
        let value = i32::try_from(entry[0].as_i64().unwrap()).unwrap();
        let found = name(value).unwrap_or_else(|| panic!("{registry} {value} is missing"));
        let names = entry[1].as_array().unwrap();
        assert!(
            names
                .iter()
                .any(|name| found.eq_ignore_ascii_case(name.as_str().unwrap())),
            "{registry} {value} is {found}, not one of {names:?}"
        );
        if let Some(text) = entry.get(2) {
            assert_eq!(description(value), text.as_str(), "{registry} {value}");
        }
    }
    let mut numbers: Vec<_> = all.iter().map(|value| number(*value)).collect();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!((numbers.len(), all.len()), (list.len(), list.len()), "{registry}");
    list.len()
}

macro_rules! check {
    ($file:ident, $ty:ident) => {
        check(
            &$file,
            stringify!($ty),
            $ty::ALL,
            |value| value.0,
            |number| $ty(number).name(),
            |number| $ty(number).description(),
        )
    };
}

#[test]
fn registries_are_whole() {
    let file = json("registries.json");
    assert_eq!(check!(file, PaDataType), 70);
    assert_eq!(check!(file, AdType), 32);
    assert_eq!(check!(file, ErrorCode), 80);
    assert_eq!(check!(file, NameType), 14);
    assert_eq!(check!(file, MsgType), 12);
    assert_eq!(check!(file, AddressType), 9);
}

macro_rules! check_flags {
    ($file:ident, $ty:ident, $count:literal) => {
        let list = $file["registries"][stringify!($ty)].as_array().unwrap();
        for entry in list {
            let bit = entry[0].as_u64().unwrap();
            let flag = $ty(1 << (31 - bit));
            let mask = entry[1].as_str().unwrap();
            assert_eq!(format!("{:#010x}", flag.bits()), mask.to_lowercase());
            assert_eq!(
                flag.to_string(),
                entry[2].as_str().unwrap(),
                "{} {bit}",
                stringify!($ty)
            );
        }
        assert_eq!(
            ($ty(u32::MAX).names().count(), list.len()),
            ($count, $count),
            "{}",
            stringify!($ty)
        );
    };
}

#[test]
fn flags_are_whole() {
    let file = json("registries.json");
    check_flags!(file, TicketFlags, 16);
    check_flags!(file, KdcOptions, 17);
    check_flags!(file, ApOptions, 4);
    check_flags!(file, FastOptions, 3);
    check_flags!(file, PacOptions, 4);
    let list = file["registries"]["SupportedEnctypes"].as_array().unwrap();
    for entry in list {
        let bits = SupportedEnctypes(u32::try_from(entry[0].as_u64().unwrap()).unwrap());
        let names: Vec<_> = bits.names().map(str::to_lowercase).collect();
        assert_eq!(names, [entry[1].as_str().unwrap().to_lowercase()]);
    }
    assert_eq!(
        (SupportedEnctypes(u32::MAX).names().count(), list.len()),
        (12, 12)
    );
}

/// Every object identifier of the list has its constant.
#[test]
fn object_identifiers_are_whole() {
    use oids::*;
    let known = [
        KRB5,
        MS_KRB5,
        KRB5_OLD,
        KRB5_U2U,
        IAKERB,
        PKU2U,
        SPNEGO,
        NTLMSSP,
        NEGOEX,
        NEGOTIATE_LATE_FALLBACK,
        SANON_X25519,
        NT_USER_NAME,
        NT_MACHINE_UID_NAME,
        NT_STRING_UID_NAME,
        NT_HOSTBASED_SERVICE,
        NT_HOSTBASED_SERVICE_X,
        NT_ANONYMOUS,
        NT_EXPORT_NAME,
        NT_DOMAINBASED_SERVICE,
        NT_COMPOSITE_EXPORT,
        NT_KRB5_NAME,
        NT_KRB5_ENTERPRISE_NAME,
        NT_KRB5_X509_CERT,
        PKINIT_AUTH_DATA,
        PKINIT_DH_KEY_DATA,
        PKINIT_RKEY_DATA,
        PKINIT_KP_CLIENT_AUTH,
        PKINIT_KP_KDC,
        PKINIT_KDF_AH_SHA1,
        PKINIT_KDF_AH_SHA256,
        PKINIT_KDF_AH_SHA512,
        PKINIT_KDF_AH_SHA384,
        PKINIT_SAN,
        MS_SMARTCARD_LOGON,
        MS_UPN,
        MS_SID,
    ];
    let file = json("registries.json");
    let list = file["registries"]["oids"].as_array().unwrap();
    let listed: Vec<_> = list
        .iter()
        .map(|entry| entry[0].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(known.map(|oid| oid.to_string()).to_vec(), listed);
}
