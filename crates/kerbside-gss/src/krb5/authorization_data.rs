//! Authorization data: nothing that restricts the client may be passed over (RFC 4120 5.2.6), and the PAC.

use alloc::sync::Arc;
use alloc::vec::Vec;

use kerbside_asn1::{AdType, decode};
use kerbside_crypto::Key;
use kerbside_pac::{Pac, TicketClient, VerifiedPac};
use kerbside_protocol::{ApRefusal, DecryptedTicket};

use crate::acceptor::PacPolicy;
use crate::error::{Cause, GssError};

/// Types that stand outside AD-IF-RELEVANT without meaning to be refused by who does not know them.
///
/// The PAC and what Windows puts into authenticators (141 to 144: restrictions of the client's own logon, its channel
/// bindings, its target), the KDC's own concerns, and containers whose contents only add to what a client may do.
const TOLERATED: [AdType; 11] = [
    AdType::AD_IF_RELEVANT,
    AdType::AD_MANDATORY_FOR_KDC,
    AdType::AD_INITIAL_VERIFIED_CAS,
    AdType::AD_FX_FAST_USED,
    AdType::AD_CAMMAC,
    AdType::AD_WIN2K_PAC,
    AdType::AD_KERB_LOCAL,
    AdType::AD_SIGNTICKET_OLD,
    AdType::AD_AP_OPTIONS,
    AdType::AD_TARGET_PRINCIPAL,
    AdType::AD_SIGNTICKET,
];

/// Refuses authorization data that says something which is not understood and may be a restriction: every type but those
/// above, AD-AND-OR and AD-FX-ARMOR (a ticket or authenticator for a KDC alone) among them.
pub(super) fn check(elements: &[(AdType, Vec<u8>)]) -> Result<(), ApRefusal> {
    for (ad_type, data) in elements {
        if *ad_type == AdType::AD_KDC_ISSUED {
            // The KDC vouches for what is inside, which makes it no less of a restriction.
            let inner = decode::<kerbside_asn1::AdKdcIssued<'_>>(data)
                .map_err(|_| ApRefusal::AuthorizationData { ad_type: *ad_type })?;
            for element in &inner.elements.0 {
                check_type(element.ad_type)?;
            }
            continue;
        }
        check_type(*ad_type)?;
    }
    Ok(())
}

fn check_type(ad_type: AdType) -> Result<(), ApRefusal> {
    if TOLERATED.contains(&ad_type) {
        return Ok(());
    }
    Err(ApRefusal::AuthorizationData { ad_type })
}

/// Verifies the ticket's PAC with the key that opened the ticket and compares it with the ticket's client.
pub(super) fn verify_pac(
    policy: PacPolicy,
    ticket: &DecryptedTicket,
    key: &Key,
) -> Result<Option<Arc<VerifiedPac>>, GssError> {
    if policy == PacPolicy::Ignore {
        return Ok(None);
    }
    let elements = ticket.authorization_data().iter();
    let elements = elements.map(|(ad_type, data)| (*ad_type, data.as_slice()));
    let Some(pac) = Pac::find(elements).map_err(Cause::Pac)? else {
        return match policy {
            PacPolicy::Required => Err(Cause::NoPac.into()),
            _ => Ok(None),
        };
    };
    let client = TicketClient::new(ticket.client(), ticket.authtime());
    let verified = pac
        .verify_server(key)
        .and_then(|pac| pac.check_client(&client))
        .map_err(Cause::Pac)?;
    Ok(Some(Arc::new(verified)))
}
