//! kerbside-asn1 beside rasn-kerberos and picky-krb: an AS-REP of Windows Server, decoded and encoded.

use core::fmt::Display;
use core::hint::black_box;

use kerbside_asn1::AsRep;

use crate::stopwatch::{Cost, Subject, in_turns};

/// An AS-REP as it came over TCP, with its length before it.
const AS_REP: &[u8] = include_bytes!("../../../../crates/kerbside-asn1/tests/vectors/bin/messages/kn_as-rep");

/// Octets of the length TCP puts before a message.
const PREFIX_LEN: usize = 4;

/// The table of decoding and encoding.
pub(crate) fn as_rep() -> Result<String, String> {
    let bytes = AS_REP.get(PREFIX_LEN..).unwrap_or_default();
    let ours: AsRep<'_> = kerbside_asn1::decode(bytes).map_err(text)?;
    let rasns: rasn_kerberos::AsRep = rasn::der::decode(bytes).map_err(text)?;
    let pickys: picky_krb::messages::AsRep = picky_asn1_der::from_bytes(bytes).map_err(text)?;
    for again in [
        kerbside_asn1::encode(&ours).map_err(text)?,
        rasn::der::encode(&rasns).map_err(text)?,
        picky_asn1_der::to_vec(&pickys).map_err(text)?,
    ] {
        if again != bytes {
            return Err("the three do not write the same octets".to_owned());
        }
    }
    let decoding: [Subject<'_>; 3] = [
        Box::new(|| drop(black_box(kerbside_asn1::decode::<AsRep<'_>>(black_box(bytes))))),
        Box::new(|| {
            drop(black_box(rasn::der::decode::<rasn_kerberos::AsRep>(black_box(
                bytes,
            ))))
        }),
        Box::new(|| {
            drop(black_box(
                picky_asn1_der::from_bytes::<picky_krb::messages::AsRep>(black_box(bytes)),
            ));
        }),
    ];
    let encoding: [Subject<'_>; 3] = [
        Box::new(|| drop(black_box(kerbside_asn1::encode(black_box(&ours))))),
        Box::new(|| drop(black_box(rasn::der::encode(black_box(&rasns))))),
        Box::new(|| drop(black_box(picky_asn1_der::to_vec(black_box(&pickys))))),
    ];
    let mut table = format!(
        "| AS-REP of {} octets | kerbside: min / median | `rasn-kerberos` | `picky-krb` | goal: ahead of both |\n\
         |---|---|---|---|---|\n",
        bytes.len()
    );
    for (what, costs) in [("decode", in_turns(decoding)), ("encode", in_turns(encoding))] {
        table.push_str(&row(what, costs));
    }
    Ok(table)
}

fn row(what: &str, [ours, rasns, pickys]: [Cost; 3]) -> String {
    let ahead = ours.min < rasns.min && ours.min < pickys.min;
    let kept = if ahead { "kept" } else { "MISSED" };
    format!("| {what} | {ours} | {rasns} | {pickys} | {kept} |\n")
}

fn text(error: impl Display) -> String {
    error.to_string()
}
