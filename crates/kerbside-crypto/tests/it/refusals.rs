//! Everything that must fail, does, and for the right reason.

use kerbside_crypto::{
    ChecksumType, CryptoError, EncryptionType, EnctypePolicy, IterationLimits, Key, KeyUsage,
    MAX_ITERATION_COUNT, MAX_MESSAGE_LEN, MAX_PASSWORD_LEN, MAX_SALT_LEN, Password, Segment, SegmentError,
    UnkeyedChecksum, fx_cf2,
};

use crate::support::{from_password, key as any_key, one_of_each, seeded};

const USAGE: KeyUsage = KeyUsage::TICKET;

fn integrity_failure(key: &Key) -> CryptoError {
    CryptoError::IntegrityFailure {
        enctype: key.enctype(),
    }
}

#[test]
fn each_bit_of_ciphertext_and_tag_is_under_the_checksum() {
    for key in one_of_each() {
        for len in [0, 1, 15, 16, 17, 32, 40] {
            let good = key.encrypt(USAGE, &vec![0x61; len], &mut seeded(1)).unwrap();
            assert_eq!(good.len(), key.encrypted_len(len));
            for octet in 0..good.len() {
                for bit in 0..8 {
                    let mut bad = good.clone();
                    bad[octet] ^= 1 << bit;
                    let error = key.decrypt(USAGE, &bad).unwrap_err();
                    assert_eq!(error, integrity_failure(&key), "octet {octet} of {len}");
                }
            }
            assert_eq!(
                key.decrypt(USAGE, &good).unwrap().len(),
                len + key.padding_len(len)
            );
        }
    }
}

#[test]
fn a_ciphertext_cut_or_grown_at_either_end_is_refused() {
    for key in one_of_each() {
        let good = key.encrypt(USAGE, &[0x61; 40], &mut seeded(2)).unwrap();
        for cut in 1..good.len() {
            assert!(key.decrypt(USAGE, &good[cut..]).is_err());
            assert!(key.decrypt(USAGE, &good[..good.len() - cut]).is_err());
        }
        assert!(key.decrypt(USAGE, &[&good[..], &[0]].concat()).is_err());
        assert!(key.decrypt(USAGE, &[&[0], &good[..]].concat()).is_err());
    }
}

#[test]
fn ciphertexts_of_0_to_64_octets_of_rubbish_are_refused() {
    for key in one_of_each() {
        let min = key.encrypted_len(0);
        for found in 0..=64 {
            for fill in [0, 0xff] {
                let error = key.decrypt(USAGE, &vec![fill; found]).unwrap_err();
                let too_short = CryptoError::CiphertextTooShort {
                    enctype: key.enctype(),
                    min,
                    found,
                };
                let expected = if found < min {
                    too_short
                } else {
                    integrity_failure(&key)
                };
                assert_eq!(error, expected, "{found} octets");
            }
        }
    }
}

#[test]
fn another_usage_another_key_or_another_type_does_not_decrypt() {
    for key in one_of_each() {
        let good = key.encrypt(USAGE, b"plaintext", &mut seeded(3)).unwrap();
        for usage in (-2..70).map(KeyUsage).filter(|usage| *usage != USAGE) {
            assert_eq!(key.decrypt(usage, &good).unwrap_err(), integrity_failure(&key));
        }
        for other in one_of_each().filter(|other| other.enctype() != key.enctype()) {
            assert!(other.decrypt(USAGE, &good).is_err());
        }
        let mut octets = key.expose_secret().to_vec();
        // Not the lowest bit, which triple DES has for parity.
        octets[0] ^= 2;
        let other = any_key(key.enctype(), &octets).unwrap();
        assert_eq!(other.decrypt(USAGE, &good).unwrap_err(), integrity_failure(&key));
        assert!(!other.ct_eq(&key));
        assert!(key.clone().ct_eq(&key));
    }
}

#[test]
fn keys_of_two_types_differ_whatever_their_octets() {
    for (one, other) in [(17, 19), (18, 20)] {
        let [one, other] = [one, other].map(|number| {
            let enctype = EncryptionType(number);
            Key::new(enctype, &vec![7; enctype.key_len().unwrap()]).unwrap()
        });
        assert_eq!(one.expose_secret(), other.expose_secret());
        assert!(!one.ct_eq(&other) && !other.ct_eq(&one));
    }
}

#[test]
fn a_failed_decryption_in_place_leaves_no_plaintext() {
    for key in one_of_each() {
        let plaintext = [0x61; 48];
        let mut message = key.encrypt(USAGE, &plaintext, &mut seeded(4)).unwrap();
        *message.last_mut().unwrap() ^= 1;
        let before = message.clone();
        let header_len = key.header_len();
        let (header, rest) = message.split_at_mut(header_len);
        let (data, trailer) = rest.split_at_mut(48);
        let segments = &mut [
            Segment::Header(header),
            Segment::Data(data),
            Segment::Trailer(trailer),
        ];
        assert_eq!(
            key.decrypt_in_place(USAGE, segments),
            Err(integrity_failure(&key))
        );
        assert!(
            data == [0; 48] || data == &before[header_len..header_len + 48],
            "{}",
            key.enctype()
        );
    }
}

#[test]
fn a_checksum_is_taken_of_the_keys_own_type_only_and_only_unchanged() {
    for key in one_of_each() {
        let tag = key.checksum(USAGE, &[b"some ", b"data"]).unwrap();
        let mac = tag.as_bytes().to_vec();
        let own = key.checksum_type();
        assert_eq!(Some(own), key.enctype().checksum_type());
        assert_eq!(mac.len(), key.checksum_len());
        assert_eq!(Some(mac.len()), own.checksum_len());
        assert_eq!(key.verify_checksum(USAGE, own, &[b"some data"], &mac), Ok(()));

        for &found in ChecksumType::ALL.iter().filter(|&&other| other != own) {
            let expected = Err(CryptoError::ChecksumType { expected: own, found });
            assert_eq!(key.verify_checksum(USAGE, found, &[b"some data"], &mac), expected);
        }
        let refused = Err(integrity_failure(&key));
        for octet in 0..mac.len() {
            let mut bad = mac.clone();
            bad[octet] ^= 0x10;
            assert_eq!(key.verify_checksum(USAGE, own, &[b"some data"], &bad), refused);
            assert_eq!(
                key.verify_checksum(USAGE, own, &[b"some data"], &mac[..octet]),
                refused
            );
        }
        assert_eq!(key.verify_checksum(USAGE, own, &[b"some dat"], &mac), refused);
        assert_eq!(
            key.verify_checksum(KeyUsage(3), own, &[b"some data"], &mac),
            refused
        );
    }
}

#[test]
fn keys_of_another_length_and_types_not_computed_are_refused() {
    for enctype in EncryptionType::IMPLEMENTED {
        let refusal = |expected, found| CryptoError::KeyLength {
            enctype,
            expected,
            found,
        };
        let expected = enctype.key_len().unwrap();
        for found in (0..=64).filter(|found| *found != expected) {
            let error = any_key(enctype, &vec![1; found]).unwrap_err();
            assert_eq!(error, refusal(expected, found));
        }
        let expected = enctype.seed_len().unwrap();
        let policy = EnctypePolicy::ALLOW_ALL;
        for found in (0..=64).filter(|found| *found != expected) {
            let error = Key::random_to_key_with_policy(enctype, &vec![1; found], &policy).unwrap_err();
            assert_eq!(error, refusal(expected, found));
        }
    }
    for number in (-200..200).filter(|number| ![16, 17, 18, 19, 20, 23, 25, 26].contains(number)) {
        let enctype = EncryptionType(number);
        for policy in [
            EnctypePolicy::DEFAULT,
            EnctypePolicy::ALLOW_ALL.with_permitted([enctype]),
        ] {
            refused_by_every_constructor(enctype, &policy, CryptoError::Unsupported { enctype });
        }
    }
}

fn refused_by_every_constructor(enctype: EncryptionType, policy: &EnctypePolicy, expected: CryptoError) {
    let octets = vec![0; enctype.key_len().unwrap_or(32)];
    let seed = vec![0; enctype.seed_len().unwrap_or(32)];
    let (password, limits) = (Password::from("p"), IterationLimits::default());
    let rng = &mut seeded(5);
    let mut results = vec![
        Key::with_policy(enctype, &octets, policy),
        Key::random_to_key_with_policy(enctype, &seed, policy),
        Key::generate_with_policy(enctype, rng, policy),
        Key::from_password_with_policy(enctype, &password, b"s", None, &limits, policy),
    ];
    if *policy == EnctypePolicy::DEFAULT {
        results.extend([
            Key::new(enctype, &octets),
            Key::random_to_key(enctype, &seed),
            Key::generate(enctype, rng),
            Key::from_password(enctype, &password, b"s", None, &limits),
        ]);
    }
    for result in results {
        assert_eq!(result.unwrap_err(), expected);
    }
}

#[test]
fn what_a_policy_does_not_permit_is_refused_by_every_constructor() {
    for enctype in EncryptionType::IMPLEMENTED {
        let refused = CryptoError::RefusedByPolicy { enctype };
        let others: Vec<EncryptionType> = EncryptionType::IMPLEMENTED
            .into_iter()
            .filter(|&other| other != enctype)
            .collect();
        refused_by_every_constructor(enctype, &EnctypePolicy::ALLOW_ALL.with_permitted(others), refused);
        if enctype.is_deprecated() {
            refused_by_every_constructor(enctype, &EnctypePolicy::DEFAULT, refused);
            let weak = EnctypePolicy::DEFAULT
                .with_weak_crypto(true)
                .with_permitted([enctype]);
            refused_by_every_constructor(enctype, &weak, refused);
        }
    }
    let rc4 = EncryptionType::RC4_HMAC;
    refused_by_every_constructor(
        rc4,
        &EnctypePolicy::DEFAULT.with_des3(true),
        CryptoError::RefusedByPolicy { enctype: rc4 },
    );
}

#[test]
fn unkeyed_checksums_need_a_policy_and_are_verified_by_no_key() {
    let unkeyed = [
        (ChecksumType::CRC32, 4),
        (ChecksumType::RSA_MD4, 16),
        (ChecksumType::RSA_MD5, 16),
        (ChecksumType::SHA1, 20),
        (ChecksumType::SHA1_OTHER, 20),
    ];
    let open = EnctypePolicy::default().with_weak_crypto(true);
    for (cksumtype, len) in unkeyed {
        assert!(!cksumtype.is_keyed());
        for policy in [
            EnctypePolicy::DEFAULT,
            EnctypePolicy::DEFAULT.with_rc4(true).with_des3(true),
        ] {
            let expected = CryptoError::ChecksumRefusedByPolicy { cksumtype };
            assert_eq!(
                UnkeyedChecksum::compute(cksumtype, &[b"data"], &policy),
                Err(expected)
            );
        }
        let checksum = UnkeyedChecksum::compute(cksumtype, &[b"da", b"", b"ta"], &open).unwrap();
        assert_eq!(
            UnkeyedChecksum::compute(cksumtype, &[b"data"], &open),
            Ok(checksum)
        );
        assert_eq!(
            (checksum.as_bytes().len(), checksum.checksum_type()),
            (len, cksumtype)
        );
        assert_eq!(checksum.verify(checksum.as_bytes()), Ok(()));
        let mismatch = Err(CryptoError::ChecksumMismatch { cksumtype });
        for at in 0..len {
            let mut bad = checksum.as_bytes().to_vec();
            bad[at] ^= 0x20;
            assert_eq!(checksum.verify(&bad), mismatch);
            assert_eq!(checksum.verify(&bad[..at]), mismatch);
        }
        for key in one_of_each() {
            let expected = CryptoError::ChecksumType {
                expected: key.checksum_type(),
                found: cksumtype,
            };
            let result = key.verify_checksum(USAGE, cksumtype, &[b"data"], checksum.as_bytes());
            assert_eq!(result, Err(expected));
        }
    }
    for &cksumtype in ChecksumType::ALL {
        if !unkeyed.iter().any(|(unkeyed, _)| *unkeyed == cksumtype) {
            let expected = CryptoError::ChecksumUnsupported { cksumtype };
            assert_eq!(
                UnkeyedChecksum::compute(cksumtype, &[b"data"], &open),
                Err(expected)
            );
        }
    }
}

#[test]
fn hmac_md5_is_taken_with_any_key_where_it_is_asked_for_and_nowhere_else() {
    for key in one_of_each() {
        let tag = key.hmac_md5_checksum(KeyUsage::PAC_SIGNATURE, &[b"S4U", b"ByteArray"]);
        assert_eq!(tag.as_bytes().len(), 16);
        let again = key.hmac_md5_checksum(KeyUsage::PAC_SIGNATURE, &[b"S4UByteArray"]);
        assert_eq!(again.verify(tag.as_bytes()), Ok(()));
        let other = key.hmac_md5_checksum(KeyUsage(18), &[b"S4UByteArray"]);
        assert_eq!(other.verify(tag.as_bytes()), Err(integrity_failure(&key)));
        let by_type = key.verify_checksum(
            KeyUsage::PAC_SIGNATURE,
            ChecksumType::HMAC_MD5_RC4,
            &[b"S4UByteArray"],
            tag.as_bytes(),
        );
        assert_eq!(by_type.is_ok(), key.enctype() == EncryptionType::RC4_HMAC);
    }
}

#[test]
fn rc4_keeps_apart_usages_but_those_that_rfc_4757_makes_one() {
    let key = any_key(EncryptionType::RC4_HMAC, &[9; 16]).unwrap();
    let opens = |sent: i32, received: i32| {
        let sealed = key.encrypt(KeyUsage(sent), b"text", &mut seeded(8)).unwrap();
        key.decrypt(KeyUsage(received), &sealed).map(|text| text.to_vec())
    };
    // (sent as, received as)
    for (sent, received) in [(3, 8), (8, 3), (23, 13), (13, 23), (9, 9), (8, 9), (3, 9)] {
        assert_eq!(opens(sent, received).unwrap(), b"text", "{sent} {received}");
    }
    for (sent, received) in [(9, 8), (9, 3), (13, 9), (7, 9), (1, 8), (8, 13)] {
        assert_eq!(
            opens(sent, received).unwrap_err(),
            integrity_failure(&key),
            "{sent} {received}"
        );
    }
    // What is sent as 9 is not what is sent as 8.
    assert_ne!(
        key.encrypt(KeyUsage(9), b"text", &mut seeded(8)).unwrap(),
        key.encrypt(KeyUsage(8), b"text", &mut seeded(8)).unwrap()
    );
    // Neither translation: the ciphertext is left as it was.
    let mut message = key.encrypt(KeyUsage(2), &[0x61; 40], &mut seeded(8)).unwrap();
    let before = message.clone();
    let (header, data) = message.split_at_mut(24);
    let segments = &mut [
        Segment::Header(header),
        Segment::Data(data),
        Segment::Trailer(&mut []),
    ];
    assert_eq!(
        key.decrypt_in_place(KeyUsage(9), segments),
        Err(integrity_failure(&key))
    );
    assert_eq!(message, before);
}

#[test]
fn string_to_key_without_parameters_refuses_any() {
    let limits = IterationLimits::default();
    for enctype in [EncryptionType::RC4_HMAC, EncryptionType::DES3_CBC_SHA1_KD] {
        let make =
            |params: Option<&[u8]>| from_password(enctype, &Password::from("p"), b"s", params, &limits);
        assert!(make(Some(&[])).unwrap().ct_eq(&make(None).unwrap()));
        for found in 1..9 {
            let params = vec![0x10; found];
            let expected = CryptoError::StringToKeyParams { enctype, found };
            assert_eq!(make(Some(&params)).unwrap_err(), expected);
        }
        let long = Password::from(vec![b'p'; MAX_PASSWORD_LEN + 1]);
        assert!(matches!(
            from_password(enctype, &long, b"", None, &limits),
            Err(CryptoError::PasswordTooLong { .. })
        ));
        assert!(matches!(
            from_password(
                enctype,
                &Password::from(""),
                &[0; MAX_SALT_LEN + 1],
                None,
                &limits
            ),
            Err(CryptoError::SaltTooLong { .. })
        ));
    }
}

#[test]
fn rc4_takes_text_for_a_password_and_no_salt() {
    let (enctype, limits) = (EncryptionType::RC4_HMAC, IterationLimits::default());
    let make = |password: Password, salt: &[u8]| from_password(enctype, &password, salt, None, &limits);
    // RFC 4757 section 2.
    let key = make(Password::from("foo"), b"").unwrap();
    assert_eq!(
        key.expose_secret(),
        [
            0xac, 0x8e, 0x65, 0x7f, 0x83, 0xdf, 0x82, 0xbe, 0xea, 0x5d, 0x43, 0xbd, 0xaf, 0x78, 0x00, 0xcc
        ]
    );
    assert!(key.ct_eq(&make(Password::from("foo"), b"EXAMPLE.COMfoo").unwrap()));
    // Outside the first plane: two units of UTF-16.
    assert!(make(Password::from("\u{1d11e}"), b"").is_ok());
    for octets in [&b"\xff"[..], b"abc\xc3", b"\xed\xa0\xb4\xed\xb4\x9e"] {
        let refused = make(Password::from(octets.to_vec()), b"").unwrap_err();
        assert_eq!(refused, CryptoError::PasswordNotText { enctype });
    }
}

#[test]
fn a_ciphertext_of_triple_des_that_is_not_whole_blocks_is_refused() {
    let key = any_key(EncryptionType::DES3_CBC_SHA1_KD, &[9; 24]).unwrap();
    let good = key.encrypt(USAGE, &[0x61; 16], &mut seeded(9)).unwrap();
    assert_eq!(good.len(), 44);
    for len in 28..44 {
        assert_eq!(
            key.decrypt(USAGE, &good[..len]).unwrap_err(),
            integrity_failure(&key)
        );
    }
    let segments: &mut [Segment<'_>] = &mut [
        Segment::Header(&mut [0; 8]),
        Segment::Data(&mut [0; 7]),
        Segment::Trailer(&mut [0; 20]),
    ];
    let expected = SegmentError::PaddingLength {
        multiple: 8,
        found: 15,
    };
    assert_eq!(
        key.decrypt_in_place(USAGE, segments),
        Err(CryptoError::Segments(expected))
    );
}

/// The types whose string-to-key iterates.
fn with_iterations() -> impl Iterator<Item = EncryptionType> {
    EncryptionType::IMPLEMENTED
        .into_iter()
        .filter(|enctype| enctype.default_iterations().is_some())
}

fn with_count(enctype: EncryptionType, count: u32, limits: IterationLimits) -> Result<Key, CryptoError> {
    Key::from_password(
        enctype,
        &Password::from("p"),
        b"s",
        Some(&count.to_be_bytes()),
        &limits,
    )
}

#[test]
fn iteration_counts_have_a_floor_and_a_ceiling() {
    for enctype in with_iterations() {
        let default = enctype.default_iterations().unwrap();
        let limits = IterationLimits::default();
        assert_eq!(limits.max, MAX_ITERATION_COUNT);
        for count in [1, 2, 1200, default - 1] {
            assert_eq!(
                with_count(enctype, count, limits).unwrap_err(),
                CryptoError::IterationCountTooLow {
                    enctype,
                    min: default,
                    found: count.into()
                }
            );
        }
        for count in [MAX_ITERATION_COUNT + 1, u32::MAX] {
            assert_eq!(
                with_count(enctype, count, limits).unwrap_err(),
                CryptoError::IterationCountTooHigh {
                    enctype,
                    max: MAX_ITERATION_COUNT,
                    found: count.into()
                }
            );
        }
        assert!(with_count(enctype, default, limits).is_ok());

        // Limits of the caller's own, at their edges.
        let own = IterationLimits {
            min: Some(10),
            max: 20,
        };
        for count in [10, 20] {
            assert!(with_count(enctype, count, own).is_ok());
        }
        assert!(matches!(
            with_count(enctype, 9, own),
            Err(CryptoError::IterationCountTooLow { .. })
        ));
        assert!(matches!(
            with_count(enctype, 21, own),
            Err(CryptoError::IterationCountTooHigh { .. })
        ));
        // The default count is not above the caller's limits.
        let made = Key::from_password(enctype, &Password::from("p"), b"s", None, &own);
        assert!(matches!(made, Err(CryptoError::IterationCountTooHigh { .. })));
        let high = IterationLimits::with_min(default + 1);
        let made = Key::from_password(enctype, &Password::from("p"), b"s", None, &high);
        assert!(matches!(made, Err(CryptoError::IterationCountTooLow { .. })));
    }
}

#[test]
fn a_count_of_zero_is_two_to_the_32_and_refused_whatever_the_limits() {
    for enctype in with_iterations() {
        let limits = IterationLimits {
            min: Some(0),
            max: u32::MAX,
        };
        assert_eq!(
            with_count(enctype, 0, limits).unwrap_err(),
            CryptoError::IterationCountTooHigh {
                enctype,
                max: u32::MAX,
                found: 1 << 32
            }
        );
    }
}

#[test]
fn parameters_are_four_octets_or_absent() {
    for enctype in with_iterations() {
        for found in (0..9).filter(|found| *found != 4) {
            let params = vec![0x10; found];
            let limits = IterationLimits::default();
            let made = Key::from_password(enctype, &Password::from("p"), b"s", Some(&params), &limits);
            assert_eq!(
                made.unwrap_err(),
                CryptoError::StringToKeyParams { enctype, found }
            );
        }
    }
}

#[test]
fn passwords_and_salts_have_a_longest_length() {
    let limits = IterationLimits::with_min(1);
    let params = Some(&[0, 0, 0, 1][..]);
    for enctype in with_iterations() {
        let make = |password: usize, salt: usize| {
            Key::from_password(
                enctype,
                &Password::from(vec![b'p'; password]),
                &vec![b's'; salt],
                params,
                &limits,
            )
        };
        assert!(make(0, 0).is_ok());
        assert!(make(MAX_PASSWORD_LEN, MAX_SALT_LEN).is_ok());
        assert_eq!(
            make(MAX_PASSWORD_LEN + 1, 0).unwrap_err(),
            CryptoError::PasswordTooLong {
                max: MAX_PASSWORD_LEN,
                found: MAX_PASSWORD_LEN + 1
            }
        );
        assert_eq!(
            make(0, MAX_SALT_LEN + 1).unwrap_err(),
            CryptoError::SaltTooLong {
                max: MAX_SALT_LEN,
                found: MAX_SALT_LEN + 1
            }
        );
    }
}

#[test]
fn messages_too_long_to_allocate_for_are_refused() {
    let key = one_of_each().next().unwrap();
    let long = vec![0; MAX_MESSAGE_LEN + 1];
    let expected = CryptoError::MessageTooLong {
        max: MAX_MESSAGE_LEN,
        found: MAX_MESSAGE_LEN + 1,
    };
    assert_eq!(key.encrypt(USAGE, &long, &mut seeded(6)).unwrap_err(), expected);
    assert_eq!(key.decrypt(USAGE, &long).unwrap_err(), expected);
}

#[test]
fn prf_plus_ends_with_its_counter() {
    for key in one_of_each() {
        let block = key.prf(b"").unwrap().len();
        let max = 255 * block;
        let longest = key.prf_plus(b"pepper", max).unwrap();
        assert_eq!(longest.len(), max);
        assert_eq!(
            longest[max - block..],
            *key.prf(b"\xffpepper").unwrap().as_slice()
        );
        assert_eq!(key.prf_plus(b"pepper", 7).unwrap()[..], longest[..7]);
        assert_eq!(
            key.prf_plus(b"pepper", max + 1).unwrap_err(),
            CryptoError::PrfOutputTooLong { max, found: max + 1 }
        );
    }
}

#[test]
fn cf2_has_the_first_keys_type_and_depends_on_each_argument() {
    let keys: Vec<Key> = one_of_each().collect();
    let base = fx_cf2(&keys[0], &keys[2], b"a", b"b").unwrap();
    assert_eq!(base.enctype(), keys[0].enctype());
    let others = [
        fx_cf2(&keys[0], &keys[0], b"a", b"b"),
        fx_cf2(&keys[0], &keys[2], b"b", b"b"),
        fx_cf2(&keys[0], &keys[2], b"a", b"a"),
    ];
    for other in others {
        assert!(!other.unwrap().ct_eq(&base));
    }
}

#[test]
fn generated_keys_differ_and_have_their_length() {
    let mut rng = seeded(7);
    for enctype in EncryptionType::IMPLEMENTED {
        let one = Key::generate_with_policy(enctype, &mut rng, &EnctypePolicy::ALLOW_ALL).unwrap();
        let other = Key::generate_with_policy(enctype, &mut rng, &EnctypePolicy::ALLOW_ALL).unwrap();
        assert_eq!(one.expose_secret().len(), enctype.key_len().unwrap());
        assert!(!one.ct_eq(&other));
    }
}

#[test]
fn debug_shows_no_secret() {
    let key = Key::new(EncryptionType::AES128_CTS_HMAC_SHA1_96, &[0xab; 16]).unwrap();
    assert_eq!(format!("{key:?}"), "Key(aes128-cts-hmac-sha1-96, 16 octets)");
    let key = kerbside_crypto::SessionKey::from(key);
    assert_eq!(
        format!("{key:?}"),
        "SessionKey(Key(aes128-cts-hmac-sha1-96, 16 octets))"
    );
    assert_eq!(format!("{:?}", Password::from("secret")), "Password");
}
