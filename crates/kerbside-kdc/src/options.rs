//! Rules that AS and TGS share: options that are not offered, whom a ticket may be for, which name
//! it carries.

use alloc::vec::Vec;

use kerbside_asn1::{AddressType, ErrorCode, HostAddresses, KdcOptions, KdcReqBody, Principal};

use crate::lifetime::{AskedTimes, TimesRefused};
use crate::refusal::Denial;
use crate::{Attributes, KdcPolicy, PrincipalEntry};

/// An address as tickets hold it.
pub(crate) type Address = (AddressType, Vec<u8>);

/// Options of both exchanges that are not offered, and what to say of them.
const NOT_OFFERED: [(KdcOptions, ErrorCode, &str); 5] = [
    (
        KdcOptions::POSTDATED,
        ErrorCode::KDC_ERR_CANNOT_POSTDATE,
        "postdated tickets are not offered by this KDC",
    ),
    (
        KdcOptions::VALIDATE,
        ErrorCode::KDC_ERR_BADOPTION,
        "validation of postdated tickets is not offered by this KDC",
    ),
    (
        KdcOptions::ENC_TKT_IN_SKEY,
        ErrorCode::KDC_ERR_BADOPTION,
        "user-to-user is not offered by this KDC",
    ),
    (
        KdcOptions::CNAME_IN_ADDL_TKT,
        ErrorCode::KDC_ERR_BADOPTION,
        "constrained delegation (S4U2Proxy) is not offered by this KDC",
    ),
    (
        KdcOptions::REQUEST_ANONYMOUS,
        ErrorCode::KDC_ERR_BADOPTION,
        "anonymous tickets are not offered by this KDC",
    ),
];

/// Refuses what no request may ask of this KDC.
pub(crate) fn refuse_not_offered(options: KdcOptions) -> Result<(), Denial> {
    for (option, code, text) in NOT_OFFERED {
        if options.contains(option) {
            return Err(Denial::new(code, "OPTION_NOT_OFFERED").text(text));
        }
    }
    Ok(())
}

/// Refuses what an AS-REQ may not ask for: those, and what needs a TGT to start from.
pub(crate) fn refuse_in_as(options: KdcOptions) -> Result<(), Denial> {
    refuse_not_offered(options)?;
    for option in [KdcOptions::FORWARDED, KdcOptions::PROXY, KdcOptions::RENEW] {
        if options.contains(option) {
            return Err(Denial::new(ErrorCode::KDC_ERR_BADOPTION, "INVALID AS OPTIONS"));
        }
    }
    Ok(())
}

/// Refuses a client that expired or was locked. Asked at the AS and again at each TGS request, so
/// that locking an account also ends what its TGT can do.
pub(crate) fn client_is_not_revoked(client: &PrincipalEntry, now: i64) -> Result<(), Denial> {
    if client.expiration.is_some_and(|time| time.unix_seconds() <= now) {
        return Err(Denial::new(ErrorCode::KDC_ERR_NAME_EXP, "CLIENT EXPIRED"));
    }
    if client.attributes.contains(Attributes::DISALLOW_ALL_TIX) {
        return Err(Denial::new(
            ErrorCode::KDC_ERR_CLIENT_REVOKED,
            "CLIENT LOCKED OUT",
        ));
    }
    Ok(())
}

/// Refuses a server that expired, was locked, or is no service.
pub(crate) fn server_is_usable(server: &PrincipalEntry, now: i64) -> Result<(), Denial> {
    if server.expiration.is_some_and(|time| time.unix_seconds() <= now) {
        return Err(Denial::new(ErrorCode::KDC_ERR_SERVICE_EXP, "SERVICE EXPIRED"));
    }
    if server.attributes.contains(Attributes::DISALLOW_ALL_TIX) {
        return Err(Denial::new(
            ErrorCode::KDC_ERR_S_PRINCIPAL_UNKNOWN,
            "SERVICE LOCKED OUT",
        ));
    }
    if server.attributes.contains(Attributes::DISALLOW_SVR) {
        return Err(Denial::new(
            ErrorCode::KDC_ERR_MUST_USE_USER2USER,
            "SERVICE NOT ALLOWED",
        ));
    }
    Ok(())
}

/// Refuses TGTs for other realms.
pub(crate) fn refuse_foreign_tgs(server: &Principal, own: &Principal) -> Result<(), Denial> {
    if server.is_krbtgt() && server != own {
        return Err(
            Denial::new(ErrorCode::KDC_ERR_S_PRINCIPAL_UNKNOWN, "CROSS_REALM_NOT_OFFERED")
                .text("cross-realm tickets are not offered by this KDC"),
        );
    }
    Ok(())
}

/// A ticket made with a key that comes from a password goes to nobody but its owner: anybody else
/// could guess the password offline (CVE-2024-3183).
pub(crate) fn refuse_offline_guessing(
    client: &PrincipalEntry,
    server: &PrincipalEntry,
    policy: &KdcPolicy,
) -> Result<(), Denial> {
    if server.password_keys && !policy.password_keys_as_service && client.principal != server.principal {
        return Err(
            Denial::new(ErrorCode::KDC_ERR_MUST_USE_USER2USER, "PASSWORD_KEYS")
                .text("the server's keys come from a password: user-to-user only"),
        );
    }
    Ok(())
}

/// The client's name in the ticket: the one asked for, or the canonical one if the client takes that
/// (RFC 6806 section 6). The type of the name asked for is kept.
///
/// A server's name is always the one asked for: clients ask with canonicalize by default, and MIT's,
/// Java's and ours take no other name than that of a TGT in its place.
pub(crate) fn client_name(entry: &PrincipalEntry, asked: &Principal, canonicalize: bool) -> Principal {
    if !canonicalize || entry.principal == *asked {
        return asked.clone();
    }
    entry.principal.clone()
}

/// The times of a request body.
pub(crate) fn asked_times(body: &KdcReqBody<'_>) -> AskedTimes {
    AskedTimes {
        from: body.from.map(|time| time.unix_seconds()),
        till: body.till.unix_seconds(),
        rtime: body.rtime.map(|time| time.unix_seconds()),
        renewable: body.kdc_options.contains(KdcOptions::RENEWABLE),
        renewable_ok: body.kdc_options.contains(KdcOptions::RENEWABLE_OK),
    }
}

/// The error for times that cannot be given.
pub(crate) fn times_denial(refused: TimesRefused) -> Denial {
    match refused {
        TimesRefused::CannotPostdate => {
            Denial::new(ErrorCode::KDC_ERR_CANNOT_POSTDATE, "POSTDATE NOT ALLOWED")
                .text("the start time is in the future, and postdated tickets are not offered by this KDC")
        }
        TimesRefused::NeverValid => Denial::new(ErrorCode::KDC_ERR_NEVER_VALID, "NEVER_VALID"),
        TimesRefused::RenewTillPassed => Denial::new(ErrorCode::KRB_AP_ERR_TKT_EXPIRED, "TKT_EXPIRED")
            .detail("the ticket's renewable life is over"),
    }
}

/// Addresses on their own.
pub(crate) fn owned_addresses(addresses: Option<&HostAddresses<'_>>) -> Vec<Address> {
    addresses
        .into_iter()
        .flat_map(|list| &list.0)
        .map(|one| (one.addr_type, one.address.to_vec()))
        .collect()
}
