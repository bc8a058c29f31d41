//! Everything that must fail, does, and for the right reason.

use kerbside_crypto::{
    ChecksumType, CryptoError, EncryptionType, IterationLimits, Key, KeyUsage, MAX_ITERATION_COUNT,
    MAX_MESSAGE_LEN, MAX_PASSWORD_LEN, MAX_SALT_LEN, Password, Segment, fx_cf2,
};

use crate::support::{one_of_each, seeded};

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
            assert_eq!(key.decrypt(USAGE, &good).unwrap().len(), len);
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
        octets[0] ^= 1;
        let other = Key::new(key.enctype(), &octets).unwrap();
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
        let plaintext = [0x61; 50];
        let mut message = key.encrypt(USAGE, &plaintext, &mut seeded(4)).unwrap();
        *message.last_mut().unwrap() ^= 1;
        let before = message.clone();
        let (header, rest) = message.split_at_mut(16);
        let (data, trailer) = rest.split_at_mut(50);
        let segments = &mut [
            Segment::Header(header),
            Segment::Data(data),
            Segment::Trailer(trailer),
        ];
        assert_eq!(
            key.decrypt_in_place(USAGE, segments),
            Err(integrity_failure(&key))
        );
        assert!(data == [0; 50] || data == &before[16..66], "{}", key.enctype());
    }
}

#[test]
fn a_checksum_is_taken_of_the_keys_own_type_only_and_only_unchanged() {
    for key in one_of_each() {
        let tag = key.checksum(USAGE, &[b"some ", b"data"]).unwrap();
        let mac = tag.as_bytes().to_vec();
        let own = key.checksum_type();
        assert_eq!(Some(own), key.enctype().checksum_type());
        assert_eq!(mac.len(), key.trailer_len());
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
    for enctype in EncryptionType::SUPPORTED {
        let expected = enctype.key_len().unwrap();
        for found in (0..=64).filter(|found| *found != expected) {
            let error = Key::new(enctype, &vec![1; found]).unwrap_err();
            assert_eq!(
                error,
                CryptoError::KeyLength {
                    enctype,
                    expected,
                    found
                }
            );
        }
    }
    let limits = IterationLimits::default();
    for number in (-200..200).filter(|number| !(17..=20).contains(number)) {
        let enctype = EncryptionType(number);
        let expected = CryptoError::Unsupported { enctype };
        assert_eq!(Key::new(enctype, &[0; 32]).unwrap_err(), expected);
        assert_eq!(Key::generate(enctype, &mut seeded(5)).unwrap_err(), expected);
        let made = Key::from_password(enctype, &Password::from("p"), b"s", None, &limits);
        assert_eq!(made.unwrap_err(), expected);
    }
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
    for enctype in EncryptionType::SUPPORTED {
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
    for enctype in EncryptionType::SUPPORTED {
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
    for enctype in EncryptionType::SUPPORTED {
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
    for enctype in EncryptionType::SUPPORTED {
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
    for enctype in EncryptionType::SUPPORTED {
        let one = Key::generate(enctype, &mut rng).unwrap();
        let other = Key::generate(enctype, &mut rng).unwrap();
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
