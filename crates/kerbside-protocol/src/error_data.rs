//! What the e-data of a KRB-ERROR says (RFC 4120 5.9.1, MS-KILE 2.2.1).

use alloc::vec::Vec;
use core::fmt;

use kerbside_asn1::{self as asn1, MethodData, PaData, PaDataType, TypedData};

/// The decoded e-data of a KRB-ERROR. Nobody vouches for it: it travels in clear.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorData {
    /// METHOD-DATA: the pre-authentication the KDC offers, or what it says of a failed one.
    Methods(Vec<PaDataType>),
    /// TYPED-DATA: types of the elements.
    Typed(Vec<PaDataType>),
    /// KERB-ERROR-DATA of a Windows KDC that carries an NTSTATUS.
    NtStatus(u32),
    /// Bytes of no form that is known here.
    Other {
        /// How many.
        length: usize,
    },
}

impl ErrorData {
    /// Tells the forms apart: METHOD-DATA and TYPED-DATA are lists, KERB-ERROR-DATA is one element, of METHOD-DATA's
    /// shape, whose type 3 holds an NTSTATUS in its first four bytes (little endian).
    pub fn read(bytes: &[u8]) -> Self {
        if let Ok(methods) = asn1::decode::<MethodData<'_>>(bytes) {
            return Self::Methods(methods.0.iter().map(|element| element.padata_type).collect());
        }
        if let Ok(typed) = asn1::decode::<TypedData<'_>>(bytes) {
            return Self::Typed(typed.0.iter().map(|element| element.data_type).collect());
        }
        let status = asn1::decode::<PaData<'_>>(bytes)
            .ok()
            .filter(|data| data.padata_type == KERB_ERR_TYPE_EXTENDED)
            .and_then(|data| data.padata_value.first_chunk::<4>().copied());
        status.map_or(Self::Other { length: bytes.len() }, |status| {
            Self::NtStatus(u32::from_le_bytes(status))
        })
    }
}

/// The `data-type` of a KERB-ERROR-DATA with an NTSTATUS (MS-KILE 2.2.1); its numbers are its own.
const KERB_ERR_TYPE_EXTENDED: PaDataType = PaDataType(3);

impl fmt::Display for ErrorData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Methods(types) => list(f, "offers", types),
            Self::Typed(types) => list(f, "typed data", types),
            Self::NtStatus(status) => write!(f, "NTSTATUS 0x{status:08X}"),
            Self::Other { length } => write!(f, "{length} bytes of e-data in an unknown form"),
        }
    }
}

fn list(f: &mut fmt::Formatter<'_>, what: &str, types: &[PaDataType]) -> fmt::Result {
    f.write_str(what)?;
    for (index, data_type) in types.iter().enumerate() {
        write!(f, "{}{data_type}", if index == 0 { " " } else { ", " })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::ErrorData;

    #[test]
    fn each_form_is_told_apart() {
        for (bytes, text) in [
            ("300b3009a103020102a2020400", "offers PA-ENC-TIMESTAMP (2)"),
            (
                "300b3009a003020166a1020400",
                "typed data PA-TD-KRB-PRINCIPAL (102)",
            ),
            (
                "3015a103020103a20e040c720000c00000000001000000",
                "NTSTATUS 0xC0000072",
            ),
            ("3009a103020103a2020400", "11 bytes of e-data in an unknown form"),
            ("3009a103020102a2020400", "11 bytes of e-data in an unknown form"),
            ("ffff", "2 bytes of e-data in an unknown form"),
            ("", "0 bytes of e-data in an unknown form"),
        ] {
            assert_eq!(ErrorData::read(&hex_bytes(bytes)).to_string(), text, "{bytes}");
        }
    }

    fn hex_bytes(text: &str) -> alloc::vec::Vec<u8> {
        hex::decode(text).unwrap_or_default()
    }
}
