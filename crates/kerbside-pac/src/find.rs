//! The PAC's place in a ticket, and the ticket signature's input (MS-PAC sections 2 and 2.8.2).

use alloc::vec::Vec;

use kerbside_asn1::{
    AdIfRelevant, AdType, AuthorizationData, AuthorizationDataElement, EncTicketPart, decode, encode,
};
use zeroize::Zeroizing;

use crate::error::PacError;

/// The most AD-IF-RELEVANT containers around a PAC. In tickets there is one.
pub const MAX_CONTAINERS: usize = 8;

/// What stands for the PAC while the ticket signature is computed: one zero octet.
pub const PAC_PLACEHOLDER: &[u8] = &[0];

/// The octets of the one PAC.
pub(crate) fn find<'a>(
    elements: impl IntoIterator<Item = (AdType, &'a [u8])>,
) -> Result<Option<&'a [u8]>, PacError> {
    let mut found = None;
    for (ad_type, data) in elements {
        search(ad_type, data, MAX_CONTAINERS, &mut found)?;
    }
    Ok(found)
}

fn search<'a>(
    ad_type: AdType,
    data: &'a [u8],
    levels: usize,
    found: &mut Option<&'a [u8]>,
) -> Result<(), PacError> {
    match ad_type {
        AdType::AD_WIN2K_PAC => match found.replace(data) {
            None => Ok(()),
            Some(_) => Err(PacError::SecondPac),
        },
        AdType::AD_IF_RELEVANT => {
            let levels = levels
                .checked_sub(1)
                .ok_or(PacError::TooDeep { max: MAX_CONTAINERS })?;
            let inner: AdIfRelevant<'a> = decode(data).map_err(PacError::AuthorizationData)?;
            inner
                .0
                .iter()
                .try_for_each(|element| search(element.ad_type, element.ad_data, levels, found))
        }
        _ => Ok(()),
    }
}

/// What the ticket signature covers: the encoding of the ticket's encrypted part with [`PAC_PLACEHOLDER`] for the PAC.
/// It holds the session key.
///
/// # Errors
/// [`PacError::SecondPac`], [`PacError::TooDeep`], [`PacError::AuthorizationData`], [`PacError::Ticket`].
pub fn ticket_signature_input(ticket: &EncTicketPart<'_>) -> Result<Zeroizing<Vec<u8>>, PacError> {
    let elements = ticket.authorization_data.as_ref().map(|data| data.0.as_slice());
    let elements = elements.unwrap_or_default();
    find(elements.iter().map(|element| (element.ad_type, element.ad_data)))?;
    let replaced = elements
        .iter()
        .map(|element| replace(element.ad_type, element.ad_data, MAX_CONTAINERS))
        .collect::<Result<Vec<_>, _>>()?;
    let mut ticket = ticket.clone();
    ticket.authorization_data = ticket
        .authorization_data
        .as_ref()
        .map(|data| with_data(&data.0, &replaced));
    encode(&ticket).map(Zeroizing::new).map_err(PacError::Ticket)
}

/// An element's data with the placeholder for the PAC; none where there is no PAC in it.
fn replace(ad_type: AdType, data: &[u8], levels: usize) -> Result<Option<Vec<u8>>, PacError> {
    match ad_type {
        AdType::AD_WIN2K_PAC => Ok(Some(PAC_PLACEHOLDER.to_vec())),
        AdType::AD_IF_RELEVANT => {
            let levels = levels
                .checked_sub(1)
                .ok_or(PacError::TooDeep { max: MAX_CONTAINERS })?;
            let inner: AdIfRelevant<'_> = decode(data).map_err(PacError::AuthorizationData)?;
            let replaced = inner
                .0
                .iter()
                .map(|element| replace(element.ad_type, element.ad_data, levels))
                .collect::<Result<Vec<_>, _>>()?;
            if replaced.iter().all(Option::is_none) {
                return Ok(None);
            }
            encode(&with_data(&inner.0, &replaced))
                .map(Some)
                .map_err(PacError::Ticket)
        }
        _ => Ok(None),
    }
}

fn with_data<'a>(
    elements: &[AuthorizationDataElement<'a>],
    replaced: &'a [Option<Vec<u8>>],
) -> AuthorizationData<'a> {
    AuthorizationData(
        elements
            .iter()
            .zip(replaced)
            .map(|(element, data)| AuthorizationDataElement {
                ad_type: element.ad_type,
                ad_data: data.as_deref().unwrap_or(element.ad_data),
            })
            .collect(),
    )
}

/// The `ad-data` of the AD-IF-RELEVANT element that holds a PAC in a ticket.
///
/// # Errors
/// [`PacError::Ticket`] for a PAC longer than any message.
pub fn in_if_relevant(pac: &[u8]) -> Result<Vec<u8>, PacError> {
    encode(&AuthorizationData(Vec::from([AuthorizationDataElement {
        ad_type: AdType::AD_WIN2K_PAC,
        ad_data: pac,
    }])))
    .map_err(PacError::Ticket)
}
