//! Times, flags and message kinds as values.

use kerbside_asn1::*;

fn time(seconds: i64) -> KerberosTime {
    KerberosTime::from_unix_seconds(seconds)
}

#[test]
fn times_convert_both_ways_over_the_whole_range() {
    for (seconds, text) in [
        (0, "19700101000000Z"),
        (68_169_599, "19720228235959Z"),
        (68_169_600, "19720229000000Z"),
        (68_256_000, "19720301000000Z"),
        (771_228_197, "19940610060317Z"),
        (951_782_400, "20000229000000Z"),
        (2_147_483_647, "20380119031407Z"),
        (4_294_967_296, "21060207062816Z"),
        (4_107_542_400, "21000301000000Z"),
        (253_402_300_799, "99991231235959Z"),
    ] {
        assert_eq!(
            time(seconds).to_generalized_time().as_ref().map(|text| &text[..]),
            Some(text.as_bytes())
        );
        assert_eq!(
            KerberosTime::from_generalized_time(text.as_bytes()),
            Some(time(seconds))
        );
    }
    // Every day of eight centuries, at a second that moves through the day.
    for day in 0..292_000 {
        let moment = time(day * 86_400 + day * 61 % 86_400);
        let text = moment.to_generalized_time().unwrap();
        assert_eq!(KerberosTime::from_generalized_time(&text), Some(moment));
    }
}

#[test]
fn times_are_shown_as_iso_8601() {
    assert_eq!(time(771_228_197).to_string(), "1994-06-10T06:03:17Z");
    assert_eq!(time(-1).to_string(), "1969-12-31T23:59:59Z");
    assert_eq!(time(-62_135_596_800).to_string(), "0001-01-01T00:00:00Z");
    assert_eq!(time(i64::MIN).to_string(), format!("{} s since 1970", i64::MIN));
    assert_eq!(time(i64::MAX).to_string(), format!("{} s since 1970", i64::MAX));
}

#[test]
fn time_arithmetic_is_checked_or_stays_in_range() {
    let now = time(1000);
    assert_eq!(now.checked_add_seconds(-1001), Some(time(-1)));
    assert_eq!(now.checked_sub_seconds(i64::MIN), None);
    assert_eq!(now.checked_add_seconds(i64::MAX), None);
    assert_eq!(now.saturating_add_seconds(i64::MAX), KerberosTime::MAX);
    assert_eq!(now.saturating_sub_seconds(i64::MAX), KerberosTime::EPOCH);
    assert_eq!(now.saturating_sub_seconds(10), time(990));
    assert_eq!(now.seconds_since(time(1300)), -300);
    assert_eq!(time(i64::MIN).seconds_since(time(i64::MAX)), i64::MIN);
    let mut times = [time(3), time(-1), time(2)];
    times.sort();
    assert_eq!(times, [time(-1), time(2), time(3)]);
}

#[test]
fn file_times_are_unsigned_and_end_in_2106() {
    assert_eq!(KerberosTime::from_u32(u32::MAX), time(4_294_967_295));
    assert_eq!(time(4_294_967_296).to_u32_saturating(), u32::MAX);
    assert_eq!(time(-1).to_u32_saturating(), 0);
    assert!(KerberosTime::from_u32(0).is_epoch());
}

#[test]
fn flags_are_sets_with_names() {
    let mut flags = TicketFlags::FORWARDABLE | TicketFlags::INITIAL;
    assert_eq!(flags.bits(), 0x4040_0000);
    assert!(
        flags.contains(TicketFlags::INITIAL) && !flags.contains(TicketFlags::INITIAL | TicketFlags::PROXY)
    );
    assert!(flags.intersects(TicketFlags::INITIAL | TicketFlags::PROXY));
    flags.set(TicketFlags::FORWARDABLE, false);
    flags.set(TicketFlags::ENC_PA_REP, true);
    flags |= TicketFlags(0x0000_0001);
    assert_eq!(flags.names().collect::<Vec<_>>(), ["initial", "enc-pa-rep"]);
    assert_eq!(flags.to_string(), "initial, enc-pa-rep, 0x00000001");
    assert_eq!(
        (flags & TicketFlags::INITIAL).without(TicketFlags::INITIAL),
        TicketFlags::NONE
    );
    assert_eq!(TicketFlags::NONE.to_string(), "");
    assert_eq!(
        format!("{:?}", KdcOptions(0x4000_0001)),
        "KdcOptions(forwardable, validate)"
    );
    assert_eq!(ApOptions::MUTUAL_REQUIRED.bits(), 0x2000_0000);
}

#[test]
fn messages_are_told_apart_by_their_tag() {
    for (tag, msg_type) in [
        (0x6a, MsgType::AS_REQ),
        (0x6b, MsgType::AS_REP),
        (0x6c, MsgType::TGS_REQ),
        (0x6d, MsgType::TGS_REP),
        (0x6e, MsgType::AP_REQ),
        (0x6f, MsgType::AP_REP),
        (0x74, MsgType::KRB_SAFE),
        (0x75, MsgType::KRB_PRIV),
        (0x76, MsgType::KRB_CRED),
        (0x7e, MsgType::KRB_ERROR),
    ] {
        assert_eq!(peek_message(&[tag]), Some(msg_type));
    }
    let known = (0..=u8::MAX)
        .filter(|tag| peek_message(&[*tag]).is_some())
        .count();
    assert_eq!(known, 10);
    assert_eq!(peek_message(&[]), None);
}

#[test]
fn raw_values_keep_the_bytes_they_came_from() {
    // A padded nonce: encoding the value again would give other bytes.
    let bytes = hex::decode("0205000000002a").unwrap();
    let raw: Raw<'_, u32> = Raw::parse(&bytes).unwrap();
    assert_eq!((*raw, raw.bytes()), (42, &bytes[..]));
    assert_eq!(encode(&raw).unwrap(), bytes);
    assert_ne!(encode(raw.value()).unwrap(), bytes);
    assert!(Raw::<'_, u32>::parse(&bytes[..6]).is_err());
}
