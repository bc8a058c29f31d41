//! What the authenticator asks for: flags, channel bindings, other checksums.

use super::*;

#[test]
fn kc_9_ka_3_channel_bindings_by_policy() {
    use BindingPolicy::{Off, Required, WhenSupported};
    use BindingState::{Bound, InitiatorSentNone, NotChecked};
    let ours = || Some(ChannelBindings::tls_server_end_point(&[1; 32]));
    let other = || Some(ChannelBindings::tls_server_end_point(&[2; 32]));
    let cases = [
        (None, None, Off, Some(NotChecked)),
        (other(), ours(), Off, Some(NotChecked)),
        (ours(), ours(), WhenSupported, Some(Bound)),
        (None, ours(), WhenSupported, Some(InitiatorSentNone)),
        (other(), ours(), WhenSupported, None),
        (ours(), None, WhenSupported, Some(NotChecked)),
        (ours(), ours(), Required, Some(Bound)),
        (None, ours(), Required, None),
        (other(), ours(), Required, None),
        (ours(), None, Required, None),
        (None, None, Required, None),
    ];
    for spnego in [false, true] {
        for (sent, held, policy, expected) in cases.clone() {
            let mut realm = realm();
            let acceptor = Acceptor::new(
                realm
                    .acceptor_params()
                    .with_channel_bindings(held.clone(), policy),
            );
            let params = InitiatorParams::new(realm.credential())
                .with_spnego(spnego)
                .with_channel_bindings(sent.clone());
            let case = alloc::format!("sent {sent:?}, held {held:?}, {policy:?}");
            match realm.establish(params, &acceptor) {
                Ok(both) => {
                    assert_eq!(Some(both.acceptor.facts().bindings), expected, "{case}");
                    let bound = both.acceptor.flags().contains(ContextFlags::CHANNEL_BOUND);
                    assert_eq!(bound, expected == Some(Bound), "{case}");
                }
                Err(error) => {
                    assert_eq!(expected, None, "{case}");
                    assert_eq!(error.major(), Major::BadBindings, "{case}");
                    assert!(error.token().is_some());
                }
            }
        }
    }
}

#[test]
fn bindings_of_a_connection() {
    let mut realm = realm();
    let acceptor = Acceptor::new(
        realm
            .acceptor_params()
            .with_channel_bindings(None, BindingPolicy::Required),
    );
    let bindings = Some(ChannelBindings::tls_exporter(&[3; 32]));
    let acceptor = acceptor.with_channel_bindings(bindings.as_ref());
    let params = raw(realm.credential()).with_channel_bindings(bindings);
    let both = realm.establish(params, &acceptor).unwrap();
    assert_eq!(both.acceptor.facts().bindings, BindingState::Bound);
}

#[test]
fn kc_9_ka_4_client_that_declares_bindings_must_send_them() {
    let options = 0x4000_u32.to_le_bytes();
    let inner = AuthorizationDataElement {
        ad_type: AdType::AD_AP_OPTIONS,
        ad_data: &options,
    };
    let container = asn1::encode(&AuthorizationData(vec![inner])).unwrap();
    // A container in containers, each an octet string to the one around it: looked into four deep, or a small token
    // would exhaust the stack.
    let nested = |depth: u32| {
        (1..depth).fold(container.clone(), |data, _| {
            let element = AuthorizationDataElement {
                ad_type: AdType::AD_IF_RELEVANT,
                ad_data: &data,
            };
            asn1::encode(&AuthorizationData(vec![element])).unwrap()
        })
    };
    let none = AuthenticatorChecksum::new(BindingHash::NONE, ContextFlags::NONE);
    for (data, expected) in [
        (vec![(AdType::AD_IF_RELEVANT, container.clone())], Err(())),
        (vec![(AdType::AD_IF_RELEVANT, nested(4))], Err(())),
        (vec![(AdType::AD_IF_RELEVANT, nested(5))], Ok(())),
        (vec![(AdType::AD_IF_RELEVANT, nested(1000))], Ok(())),
        (
            vec![(AdType(1), asn1::encode(&AuthorizationData(vec![])).unwrap())],
            Ok(()),
        ),
        (vec![(AdType::AD_AP_OPTIONS, options.to_vec())], Err(())),
        (vec![(AdType::AD_AP_OPTIONS, vec![0, 0x20, 0, 0])], Ok(())),
        (vec![(AdType::AD_AP_OPTIONS, vec![0, 0x40])], Ok(())),
        // KERB-AD-RESTRICTION-ENTRY and KERB-LOCAL are tolerated, rubbish in a container as well.
        (
            vec![
                (AdType(141), vec![1, 2, 3]),
                (AdType(142), vec![]),
                (AdType::AD_IF_RELEVANT, vec![0x30]),
            ],
            Ok(()),
        ),
    ] {
        let mut realm = realm();
        let bindings = Some(ChannelBindings::tls_unique(&[9; 12]));
        let params = realm
            .acceptor_params()
            .with_channel_bindings(bindings, BindingPolicy::WhenSupported);
        let acceptor = Acceptor::new(params);
        let token = token_with(
            &mut realm,
            ApParams {
                mutual: false,
                checksum: Some((ChecksumType::GSS_AUTHENTICATOR, none.to_bytes())),
                authorization_data: data.clone(),
                ..ApParams::default()
            },
        );
        let result = accept(&mut realm, &acceptor, &token).map(drop).map_err(|error| {
            assert_eq!(error.major(), Major::BadBindings);
        });
        assert_eq!(result, expected, "{data:?}");
    }
}

#[test]
fn pitfall_4_1_cve_2010_1323_other_checksums() {
    let refuse = |checksum| {
        let mut realm = realm();
        let token = token_with(
            &mut realm,
            ApParams {
                checksum,
                ..ApParams::default()
            },
        );
        let acceptor = realm.acceptor();
        let error = refused(&mut realm, &acceptor, &token);
        assert_eq!(error.code(), Some(ErrorCode::KRB_AP_ERR_INAPP_CKSUM));
    };
    refuse(None);
    refuse(Some((ChecksumType::GSS_AUTHENTICATOR, vec![16, 0, 0, 0])));
    // CRC-32, MD5 and SHA-1 of no data: right, and anybody can make them.
    let unkeyed = [
        (1, "00000000"),
        (7, "d41d8cd98f00b204e9800998ecf8427e"),
        (14, "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
        (10, "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
    ];
    for (checksum_type, checksum) in unkeyed {
        refuse(Some((
            ChecksumType(checksum_type),
            hex::decode(checksum).unwrap(),
        )));
    }
    refuse(Some((ChecksumType::HMAC_SHA1_96_AES256, vec![0; 12])));

    // As Samba sends it: the session key's checksum over nothing.
    let mut realm = realm();
    let credential = realm.credential();
    let own = credential
        .session_key
        .checksum(KeyUsage::AP_REQ_AUTH_CKSUM, &[])
        .unwrap();
    let checksum = Some((ChecksumType::HMAC_SHA1_96_AES256, own.as_bytes().to_vec()));
    let now = realm.now();
    let params = ApParams {
        checksum,
        ..ApParams::default()
    };
    let (message, _) = ApInitiator::start(&credential, params, now, &mut realm.rng).unwrap();
    let token = token::frame_ap_req(FRAMED, &message);
    let bindings = Some(ChannelBindings::tls_unique(&[9; 12]));
    let required = realm
        .acceptor_params()
        .with_channel_bindings(bindings, BindingPolicy::Required);
    let error = refused(&mut realm, &Acceptor::new(required), &token);
    assert_eq!(error.major(), Major::BadBindings);
    realm.replay = SharedReplay::new();
    let acceptor = realm.acceptor();
    let context = accept(&mut realm, &acceptor, &token).unwrap();
    assert_eq!(
        context.flags(),
        ContextFlags::MUTUAL | ContextFlags::REPLAY | ContextFlags::SEQUENCE
    );
}

#[test]
fn flags_that_cannot_be_given_are_refused() {
    let mut realm = realm();
    for flags in [
        ContextFlags::DELEGATION,
        ContextFlags::ANONYMOUS,
        ContextFlags(1 << 20),
    ] {
        let error = Initiator::krb5(raw(realm.credential()).with_flags(flags)).unwrap_err();
        assert_eq!(error.major(), Major::Unavailable);
    }
}

#[test]
fn identify_and_extended_error_are_told() {
    let mut realm = realm();
    let acceptor = realm.acceptor();
    let flags = one_way() | ContextFlags::IDENTIFY | ContextFlags::EXTENDED_ERROR;
    let params = raw(realm.credential()).with_flags(flags);
    let both = realm.establish(params, &acceptor).unwrap();
    assert_eq!(both.acceptor.flags(), flags);
}

/// The ticket says who is anonymous; the flag in the checksum says nothing.
#[test]
fn anonymous_clients_are_told() {
    let mut realm = realm();
    let acceptor = realm.acceptor();
    realm.client = Principal::anonymous();
    let params = raw(realm.credential()).with_flags(one_way() | ContextFlags::ANONYMOUS);
    let both = realm.establish(params, &acceptor).unwrap();
    assert!(both.initiator.flags().contains(ContextFlags::ANONYMOUS));
    assert!(both.acceptor.flags().contains(ContextFlags::ANONYMOUS));

    let mut realm = self::realm();
    let checksum = AuthenticatorChecksum::new(BindingHash::NONE, one_way() | ContextFlags::ANONYMOUS);
    let params = ApParams {
        mutual: false,
        checksum: Some((ChecksumType::GSS_AUTHENTICATOR, checksum.to_bytes())),
        ..ApParams::default()
    };
    let token = token_with(&mut realm, params);
    let acceptor = realm.acceptor();
    let context = accept(&mut realm, &acceptor, &token).unwrap();
    assert_eq!(context.flags(), one_way());
}

#[test]
fn authenticator_without_sequence_number_and_subkey() {
    let mut realm = realm();
    let acceptor = realm.acceptor();
    let checksum = AuthenticatorChecksum::new(BindingHash::NONE, one_way()).to_bytes();
    let checksum = Some((ChecksumType::GSS_AUTHENTICATOR, checksum));
    let params = ApParams {
        mutual: false,
        use_subkey: false,
        checksum,
        ..ApParams::default()
    };
    let token = token_with(&mut realm, params);
    let mut context = accept(&mut realm, &acceptor, &token).unwrap();
    let mic = context.get_mic(b"under the session key").unwrap();
    // SentByAcceptor, no acceptor subkey, numbered from 0.
    assert_eq!(
        mic[..16],
        [4, 4, 1, 255, 255, 255, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0]
    );
}
