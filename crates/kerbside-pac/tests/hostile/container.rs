//! Where in a ticket the PAC is.

use super::*;

#[test]
fn ks_8_the_pac_is_found_at_any_depth_and_once() {
    let pac = sign(&builder());
    let find = |levels| {
        let data = nested(levels, &pac);
        let elements = [(AdType::AD_AND_OR, &b"x"[..]), (AdType::AD_IF_RELEVANT, &data)];
        Pac::find(elements).map(|found| found.map(|found| found.bytes().to_vec()))
    };
    for levels in 1..=limits::MAX_CONTAINERS {
        assert_eq!(find(levels).unwrap().as_ref(), Some(&pac), "{levels}");
    }
    for levels in [limits::MAX_CONTAINERS + 1, 200] {
        assert_eq!(find(levels), Err(PacError::TooDeep { max: 8 }));
    }
    let direct = [(AdType::AD_WIN2K_PAC, &pac[..])];
    assert!(Pac::find(direct).unwrap().is_some());
    let (one, three) = (nested(1, &pac), nested(3, &pac));
    let two = [
        (AdType::AD_IF_RELEVANT, &one[..]),
        (AdType::AD_IF_RELEVANT, &three),
    ];
    assert_eq!(Pac::find(two).map(drop), Err(PacError::SecondPac));
    assert_eq!(Pac::find([(AdType::AD_KDC_ISSUED, &one[..])]), Ok(None));
    assert_eq!(Pac::find([]), Ok(None));
    let broken = [(AdType::AD_IF_RELEVANT, &one[..one.len() - 1])];
    assert!(matches!(Pac::find(broken), Err(PacError::AuthorizationData(_))));
    // And replaced where it was found.
    let mut holder = ticket(TicketFlags::default());
    holder.authorization_data = Some(AuthorizationData(vec![
        element(AdType::AD_AND_OR, b"x"),
        element(AdType::AD_IF_RELEVANT, &three),
    ]));
    let replaced = nested(3, PAC_PLACEHOLDER);
    let mut expected = holder.clone();
    expected.authorization_data = Some(AuthorizationData(vec![
        element(AdType::AD_AND_OR, b"x"),
        element(AdType::AD_IF_RELEVANT, &replaced),
    ]));
    assert_eq!(
        *ticket_signature_input(&holder).unwrap(),
        encode(&expected).unwrap()
    );
    let deep = nested(9, &pac);
    holder.authorization_data = Some(AuthorizationData(vec![element(AdType::AD_IF_RELEVANT, &deep)]));
    assert_eq!(
        ticket_signature_input(&holder).map(drop),
        Err(PacError::TooDeep { max: 8 })
    );
}
