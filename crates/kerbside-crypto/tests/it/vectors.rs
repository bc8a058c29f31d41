//! Published vectors of RFC 3961, 3962, 6113, 6803, 8009 and MIT krb5. What this crate does not compute must be refused
//! by name; run and refused must add up to the file's count.

use kerbside_crypto::{
    ChecksumType, CryptoError, EncryptionType, EnctypePolicy, IterationLimits, Key, KeyUsage, Password,
    Segment, UnkeyedChecksum, fx_cf2,
};

use crate::support::{Fixed, Tally, enctype, from_password, key, list, number, octets, padded, read};

const ANY_COUNT: IterationLimits = IterationLimits {
    min: Some(1),
    max: 0x1_0000,
};

/// Decrypts in place, so that the confounder comes out too.
fn decrypt_with_confounder(key: &Key, usage: KeyUsage, ciphertext: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let mut message = ciphertext.to_vec();
    let (header, rest) = message.split_at_mut(key.header_len());
    let (data, trailer) = rest.split_at_mut(rest.len() - key.trailer_len());
    let mut segments = [
        Segment::Header(header),
        Segment::Data(data),
        Segment::Trailer(trailer),
    ];
    key.decrypt_in_place(usage, &mut segments).unwrap();
    (header.to_vec(), data.to_vec())
}

#[test]
fn rfc3962_string_to_key() {
    let file = read("rfc3962");
    for vector in list(&file, "string_to_key") {
        for (enctype, field) in [(17, "aes128_key_hex"), (18, "aes256_key_hex")] {
            let key = from_password(
                EncryptionType(enctype),
                &Password::from(octets(vector, "password_hex")),
                &octets(vector, "salt_hex"),
                Some(&octets(vector, "params_hex")),
                &ANY_COUNT,
            );
            assert_eq!(key.unwrap().expose_secret(), octets(vector, field), "{vector}");
        }
    }
    // The six others are CBC-CTS values, tested beside the cipher.
    assert_eq!(
        list(&file, "string_to_key").len() + list(&file, "cbc_cts").len(),
        13
    );
    assert_eq!(file["count"], 13);
}

#[test]
fn rfc8009() {
    let file = read("rfc8009");
    for vector in list(&file, "string_to_key") {
        let password = Password::from(octets(vector, "password_hex"));
        let (salt, params) = (octets(vector, "salt_hex"), octets(vector, "params_hex"));
        for params in [Some(params.as_slice()), None] {
            let limits = IterationLimits::default();
            let key = from_password(enctype(vector), &password, &salt, params, &limits).unwrap();
            assert_eq!(key.expose_secret(), octets(vector, "key_hex"));
        }
    }
    for vector in list(&file, "encryption") {
        let key = key(enctype(vector), &octets(vector, "base_key_hex")).unwrap();
        let usage = KeyUsage(number(vector, "key_usage"));
        let confounder = octets(vector, "confounder_hex");
        let ciphertext = key
            .encrypt(usage, &octets(vector, "plaintext_hex"), &mut Fixed(&confounder))
            .unwrap();
        assert_eq!(ciphertext, octets(vector, "ciphertext_hex"));
        assert_eq!(
            *key.decrypt(usage, &ciphertext).unwrap(),
            octets(vector, "plaintext_hex")
        );
    }
    for vector in list(&file, "checksum") {
        let key = key(enctype(vector), &octets(vector, "base_key_hex")).unwrap();
        let tag = key.checksum(
            KeyUsage(number(vector, "key_usage")),
            &[&octets(vector, "plaintext_hex")],
        );
        assert_eq!(tag.unwrap().as_bytes(), octets(vector, "checksum_hex"));
    }
    for vector in list(&file, "prf") {
        let key = key(enctype(vector), &octets(vector, "key_hex")).unwrap();
        assert_eq!(
            *key.prf(&octets(vector, "input_hex")).unwrap(),
            octets(vector, "output_hex")
        );
    }
    // key_derivation is tested beside the derivation.
    let total: usize = ["string_to_key", "encryption", "checksum", "prf", "key_derivation"]
        .iter()
        .map(|field| list(&file, field).len())
        .sum();
    assert_eq!(total as u64, file["count"].as_u64().unwrap());
}

#[test]
fn rfc6113_cf2() {
    let file = read("rfc6113_cf2");
    let mut tally = Tally::default();
    for vector in list(&file, "vectors") {
        let enctype = enctype(vector);
        let Some(key1) = tally.key(key(enctype, &octets(vector, "key1_hex")), enctype) else {
            continue;
        };
        let key2 = key(enctype, &octets(vector, "key2_hex")).unwrap();
        let pepper = |field: &str| vector[field].as_str().unwrap().as_bytes();
        let combined = fx_cf2(&key1, &key2, pepper("pepper1"), pepper("pepper2")).unwrap();
        assert_eq!(
            combined.expose_secret(),
            octets(vector, "output_hex"),
            "{enctype}"
        );
        assert_eq!(combined.enctype(), enctype);

        for (key, field) in [(&key1, "key1"), (&key2, "key2")] {
            let text = |suffix: &str| vector[format!("{field}_{suffix}")].as_str().unwrap();
            let limits = IterationLimits::default();
            let password = Password::from(text("password"));
            let made = from_password(enctype, &password, text("salt").as_bytes(), None, &limits).unwrap();
            assert!(made.ct_eq(key));
        }
    }
    tally.finish(&file, 6, 0);
}

#[test]
fn mit_decrypt_and_the_same_bytes_encrypted_again() {
    let file = read("mit_decrypt");
    let mut tally = Tally::default();
    for vector in list(&file, "vectors") {
        let enctype = enctype(vector);
        let Some(key) = tally.key(key(enctype, &octets(vector, "key_hex")), enctype) else {
            continue;
        };
        let usage = KeyUsage(number(vector, "key_usage"));
        let ciphertext = octets(vector, "ciphertext_hex");
        let plaintext = octets(vector, "plaintext_hex");
        let padded = vector.get("decrypted_with_padding_hex");
        let decrypted = padded.map_or(plaintext.clone(), |_| {
            octets(vector, "decrypted_with_padding_hex")
        });
        assert_eq!(*key.decrypt(usage, &ciphertext).unwrap(), decrypted, "{enctype}");

        let (confounder, data) = decrypt_with_confounder(&key, usage, &ciphertext);
        assert_eq!(data, decrypted);
        // In the header of rc4-hmac the checksum comes first.
        let confounder = if enctype == EncryptionType::RC4_HMAC {
            &confounder[16..]
        } else {
            &confounder
        };
        assert_eq!(
            key.encrypt(usage, &plaintext, &mut Fixed(confounder)).unwrap(),
            ciphertext
        );
    }
    // Refused: rc4-hmac-exp.
    tally.finish(&file, 38, 5);
}

#[test]
fn mit_prf() {
    let file = read("mit_prf");
    let mut tally = Tally::default();
    for vector in list(&file, "vectors") {
        let enctype = enctype(vector);
        let Some(key) = tally.key(key(enctype, &octets(vector, "key_hex")), enctype) else {
            continue;
        };
        let input = octets(vector, "input_hex");
        let output = octets(vector, "output_hex");
        assert_eq!(*key.prf(&input).unwrap(), output, "{enctype}");

        // PRF+ is the function over counter | input.
        let (counter, rest) = input.split_first().unwrap();
        if *counter == 1 {
            assert_eq!(*key.prf_plus(rest, output.len()).unwrap(), output);
        }
    }
    tally.finish(&file, 8, 0);
}

#[test]
fn mit_string_to_key() {
    let file = read("mit_string_to_key");
    let mut tally = Tally::default();
    let mut too_low = 0;
    for vector in list(&file, "vectors") {
        let enctype = enctype(vector);
        let password = Password::from(octets(vector, "password_hex"));
        let (salt, params) = (octets(vector, "salt_hex"), octets(vector, "params_hex"));
        let params = (!params.is_empty()).then_some(params.as_slice());
        let weak_allowed = vector["needs_weak_iteration_allowed"].as_bool().unwrap();
        let refused = vector.get("expect_error").is_some();
        let limits = if weak_allowed || refused {
            ANY_COUNT
        } else {
            IterationLimits::default()
        };

        let made = from_password(enctype, &password, &salt, params, &limits);
        let Some(key) = tally.key(made, enctype) else {
            continue;
        };
        assert_eq!(key.expose_secret(), octets(vector, "key_hex"), "{vector}");
        if weak_allowed || refused {
            let limits = IterationLimits::default();
            let error = from_password(enctype, &password, &salt, params, &limits).unwrap_err();
            assert!(
                matches!(error, CryptoError::IterationCountTooLow { .. }),
                "{error}"
            );
            too_low += 1;
        }
    }
    assert_eq!(too_low, 30);
    tally.finish(&file, 37, 0);
}

#[test]
fn mit_checksum() {
    let file = read("mit_checksum");
    let mut tally = Tally::default();
    let policy = EnctypePolicy::ALLOW_ALL;
    for vector in list(&file, "vectors") {
        let enctype = enctype(vector);
        let usage = KeyUsage(number(vector, "key_usage"));
        let cksumtype = ChecksumType(number(vector, "cksumtype"));
        let (text, mac) = (octets(vector, "plaintext_hex"), octets(vector, "checksum_hex"));
        if enctype.0 == 0 {
            let checksum = UnkeyedChecksum::compute(cksumtype, &[&text], &policy).unwrap();
            assert_eq!(checksum.as_bytes(), mac, "{cksumtype}");
            assert_eq!(Some(mac.len()), cksumtype.checksum_len());
            tally.ran();
            continue;
        }
        let key = key(enctype, &octets(vector, "key_hex")).unwrap();
        if cksumtype != key.checksum_type() {
            // Microsoft's MD5-HMAC is no key's mandatory type.
            assert_eq!(cksumtype, ChecksumType::MD5_HMAC_RC4);
            let expected = CryptoError::ChecksumType {
                expected: ChecksumType::HMAC_MD5_RC4,
                found: cksumtype,
            };
            assert_eq!(
                key.verify_checksum(usage, cksumtype, &[&text], &mac),
                Err(expected)
            );
            tally.refused();
            continue;
        }
        assert_eq!(
            key.checksum(usage, &[&text]).unwrap().as_bytes(),
            mac,
            "{cksumtype}"
        );
        assert_eq!(Some(mac.len()), cksumtype.checksum_len());
        assert_eq!(key.verify_checksum(usage, cksumtype, &[&text], &mac), Ok(()));
        let (one, other) = text.split_at(text.len() / 2);
        assert_eq!(
            key.verify_checksum(usage, cksumtype, &[one, &[], other], &mac),
            Ok(())
        );
        tally.ran();
    }
    tally.finish(&file, 13, 1);
}

#[test]
fn rfc3961() {
    let file = read("rfc3961");
    let mut tally = Tally::default();
    for vector in list(&file, "des3_string_to_key") {
        let made = from_password(
            enctype(vector),
            &Password::from(octets(vector, "password_hex")),
            &octets(vector, "salt_hex"),
            None,
            &IterationLimits::default(),
        );
        let key = tally.key(made, enctype(vector)).unwrap();
        assert_eq!(key.expose_secret(), octets(vector, "key_hex"), "{vector}");
    }
    for vector in list(&file, "modified_crc32") {
        let text = octets(vector, "input_hex");
        let checksum = UnkeyedChecksum::compute(ChecksumType::CRC32, &[&text], &EnctypePolicy::ALLOW_ALL);
        assert_eq!(
            checksum.unwrap().as_bytes(),
            octets(vector, "crc_octets_hex"),
            "{vector}"
        );
        tally.ran();
    }
    for vector in list(&file, "des_string_to_key") {
        let made = from_password(
            EncryptionType::DES_CBC_MD5,
            &Password::from(octets(vector, "password_hex")),
            &octets(vector, "salt_hex"),
            None,
            &IterationLimits::default(),
        );
        assert!(tally.key(made, EncryptionType::DES_CBC_MD5).is_none());
    }
    // Tested beside the derivation.
    list(&file, "des3_dr_dk").iter().for_each(|_| tally.ran());
    tally.finish(&file, 5 + 9 + 9, 6);
}

#[test]
fn rfc6803() {
    let file = read("rfc6803");
    let mut tally = Tally::default();
    for vector in list(&file, "string_to_key") {
        for (enctype, field) in [(25, "camellia128_key_hex"), (26, "camellia256_key_hex")] {
            let key = Key::from_password(
                EncryptionType(enctype),
                &Password::from(octets(vector, "password_hex")),
                &octets(vector, "salt_hex"),
                Some(&octets(vector, "params_hex")),
                &ANY_COUNT,
            );
            assert_eq!(key.unwrap().expose_secret(), octets(vector, field), "{vector}");
        }
        tally.ran();
    }
    for vector in list(&file, "encryption") {
        let key = tally
            .key(
                Key::new(enctype(vector), &octets(vector, "key_hex")),
                enctype(vector),
            )
            .unwrap();
        let usage = KeyUsage(number(vector, "key_usage"));
        let plaintext = octets(vector, "plaintext_hex");
        let confounder = octets(vector, "confounder_hex");
        let ciphertext = key.encrypt(usage, &plaintext, &mut Fixed(&confounder)).unwrap();
        assert_eq!(ciphertext, octets(vector, "ciphertext_hex"), "{vector}");
        assert_eq!(*key.decrypt(usage, &ciphertext).unwrap(), plaintext);
    }
    for vector in list(&file, "checksum") {
        let key = tally
            .key(
                Key::new(enctype(vector), &octets(vector, "key_hex")),
                enctype(vector),
            )
            .unwrap();
        let usage = KeyUsage(number(vector, "key_usage"));
        let cksumtype = ChecksumType(number(vector, "cksumtype"));
        let (text, mac) = (octets(vector, "plaintext_hex"), octets(vector, "checksum_hex"));
        assert_eq!(key.checksum(usage, &[&text]).unwrap().as_bytes(), mac);
        assert_eq!(key.verify_checksum(usage, cksumtype, &[&text], &mac), Ok(()));
    }
    // Tested beside the derivation.
    list(&file, "key_derivation").iter().for_each(|_| tally.ran());
    tally.finish(&file, 23, 0);
}

/// What MIT's library computes where nobody published vectors: PRF and CF2 of Camellia, the translated usages of RC4,
/// HMAC-MD5 with every type of key.
#[test]
fn mit_computed() {
    let file = read("mit_computed");
    let mut tally = Tally::default();
    for vector in list(&file, "vectors") {
        match vector["kind"].as_str().unwrap() {
            "prf_cf2" => check_prf_and_cf2(vector),
            "hmac_md5" => {
                let key = key(enctype(vector), &octets(vector, "key_hex")).unwrap();
                let usage = KeyUsage(number(vector, "key_usage"));
                let tag = key.hmac_md5_checksum(usage, &[&octets(vector, "data_hex")]);
                assert_eq!(tag.as_bytes(), octets(vector, "checksum_hex"), "{vector}");
            }
            "encrypt" => check_both_ways(
                &key(enctype(vector), &octets(vector, "key_hex")).unwrap(),
                KeyUsage(number(vector, "key_usage")),
                &octets(vector, "plaintext_hex"),
                &octets(vector, "ciphertext_hex"),
            ),
            "random_to_key" => {
                let seed = octets(vector, "seed_hex");
                let made = Key::random_to_key_with_policy(enctype(vector), &seed, &EnctypePolicy::ALLOW_ALL);
                assert_eq!(
                    made.unwrap().expose_secret(),
                    octets(vector, "key_hex"),
                    "{vector}"
                );
            }
            "rc4_string_to_key" => {
                let made = from_password(
                    enctype(vector),
                    &Password::from(octets(vector, "password_hex")),
                    &octets(vector, "salt_hex"),
                    None,
                    &IterationLimits::default(),
                );
                assert_eq!(
                    made.unwrap().expose_secret(),
                    octets(vector, "key_hex"),
                    "{vector}"
                );
            }
            kind => {
                assert_eq!(kind, "unkeyed");
                let cksumtype = ChecksumType(number(vector, "cksumtype"));
                let data = octets(vector, "data_hex");
                let checksum = UnkeyedChecksum::compute(cksumtype, &[&data], &EnctypePolicy::ALLOW_ALL);
                assert_eq!(
                    checksum.unwrap().as_bytes(),
                    octets(vector, "checksum_hex"),
                    "{vector}"
                );
            }
        }
        tally.ran();
    }
    tally.finish(&file, 97, 0);
}

fn check_prf_and_cf2(vector: &serde_json::Value) {
    let [key1, key2] = ["key1", "key2"].map(|name| {
        let key = key(enctype(vector), &octets(vector, &format!("{name}_hex"))).unwrap();
        let limits = IterationLimits::default();
        let made = from_password(
            enctype(vector),
            &Password::from(name),
            name.as_bytes(),
            None,
            &limits,
        );
        assert!(made.unwrap().ct_eq(&key), "{vector}");
        key
    });
    let input = octets(vector, "prf_input_hex");
    assert_eq!(
        *key1.prf(&input).unwrap(),
        octets(vector, "prf_output_hex"),
        "{vector}"
    );
    let pepper = |field: &str| vector[field].as_str().unwrap().as_bytes();
    let combined = fx_cf2(&key1, &key2, pepper("pepper1"), pepper("pepper2")).unwrap();
    assert_eq!(combined.expose_secret(), octets(vector, "cf2_hex"), "{vector}");
}

/// Decrypts, and encrypts again with the confounder found.
fn check_both_ways(key: &Key, usage: KeyUsage, plaintext: &[u8], ciphertext: &[u8]) {
    assert_eq!(*key.decrypt(usage, ciphertext).unwrap(), padded(key, plaintext));
    let (header, _) = decrypt_with_confounder(key, usage, ciphertext);
    // In the header of rc4-hmac the checksum comes first.
    let confounder = &header[key.checksum_len() - key.trailer_len()..];
    assert_eq!(
        key.encrypt(usage, plaintext, &mut Fixed(confounder)).unwrap(),
        ciphertext
    );
}
