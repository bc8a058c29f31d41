//! The table of buffers.

use super::*;

#[test]
fn cve_2022_42898_sums_that_overflow() {
    let bounds = [
        0xffff_fff0,
        0xffff_fff8,
        0x1_0000_0000,
        0x8000_0000,
        0x7fff_fff8,
        u64::MAX - 7,
        u64::MAX - 15,
        1 << 63,
    ];
    for offset in bounds {
        for size in [0, 8, 16, 0x7fff_ffff, 0xffff_fff8, u32::MAX] {
            let text = said(Pac::parse(&table(1, &[(1, size, offset)], 64)));
            assert!(
                text.contains("octets, but found 88"),
                "{offset:x} {size:x}: {text}"
            );
        }
    }
    for size in [65, 0x7fff_ffff, 0xffff_ffe8, u32::MAX] {
        assert!(
            said(Pac::parse(&table(1, &[(1, size, 24)], 64))).contains("but found 88"),
            "{size}"
        );
    }
    // Counts whose table would wrap around in 32 bits, or that are more than anybody needs.
    for count in [4097, 0x0fff_ffff, 0x1000_0000, 0x1000_0001, 0x8000_0000, u32::MAX] {
        assert!(
            said(Pac::parse(&table(count, &[], 65_536))).contains("at most 4096 buffers"),
            "{count}"
        );
    }
    for count in [1, 5, 4096] {
        assert!(
            said(Pac::parse(&table(count, &[], 15))).contains("but found 15"),
            "{count}"
        );
    }
    assert_eq!(
        Pac::parse(&table(4096, &vec![(99, 0, 65_544); 4096], 0))
            .unwrap()
            .buffers()
            .count(),
        4096
    );
}

#[test]
fn ks_4_buffers_where_none_may_be() {
    for (entries, expected) in [
        (
            &[(1, 8, 24), (1, 8, 40)][..],
            "expected LOGON_INFO behind the table",
        ),
        (
            &[(1, 8, 40), (10, 8, 44)],
            "expected CLIENT_INFO at a multiple of 8",
        ),
        (
            &[(1, 16, 40), (10, 8, 48)],
            "expected LOGON_INFO and CLIENT_INFO apart",
        ),
        (
            &[(10, 8, 48), (1, 16, 40)],
            "expected LOGON_INFO and CLIENT_INFO apart",
        ),
        (
            &[(77, 8, 40), (78, 8, 40)],
            "expected PAC buffer 77 and PAC buffer 78 apart",
        ),
        (
            &[(1, 8, 40), (1, 8, 48)],
            "expected one LOGON_INFO, but found a second",
        ),
        (
            &[(20, 8, 40), (20, 0, 48)],
            "expected one REQUESTOR_GUID, but found a second",
        ),
    ] {
        assert!(
            said(Pac::parse(&table(2, entries, 64))).contains(expected),
            "{expected}"
        );
    }
    for (entries, good) in [
        (&[(77, 8, 40), (77, 8, 48)][..], 2),
        (&[(1, 0, 48), (13, 8, 48)], 2),
        (&[(1, 8, 96), (2, 0, 104)], 2),
    ] {
        assert_eq!(
            Pac::parse(&table(2, entries, 64)).unwrap().buffers().count(),
            good
        );
    }
    let mut version = table(0, &[], 0);
    version[4] = 1;
    assert_eq!(
        said(Pac::parse(&version)),
        "PACTYPE: expected version 0, but found 1 at byte 8"
    );
    let long = vec![0; limits::MAX_PAC_LEN + 1];
    assert!(said(Pac::parse(&long)).contains("at most 1048576 octets"));
}

#[test]
fn every_known_type_is_there_once_at_most() {
    for buffer_type in PacBufferType::ALL {
        let entries = [(buffer_type.0, 8, 40), (buffer_type.0, 8, 48)];
        assert!(
            said(Pac::parse(&table(2, &entries, 64))).contains("found a second"),
            "{buffer_type}"
        );
    }
}
