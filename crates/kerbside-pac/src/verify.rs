//! Verification, stage by stage (MS-PAC section 2.8).
//!
//! ```text
//! Pac ── verify_server ──▶ ServerVerified ── check_client ──▶ VerifiedPac          (a service)
//!                               │
//!                               └─ verify_kdc ──▶ KdcVerified ── check_client ──▶ KdcVerifiedPac   (a KDC)
//!                                                      │  ▲
//!                                                      └──┘ verify_ticket
//! ```

use alloc::vec::Vec;
use core::ops::Range;

use kerbside_asn1::EncTicketPart;
use kerbside_crypto::{Key, KeyUsage};

use crate::buffer_type::PacBufferType;
use crate::error::PacError;
use crate::find::{find, ticket_signature_input};
use crate::pac_type::Pac;
use crate::signature::PacSignatureData;
use crate::verified::{KdcVerifiedPac, TicketClient, VerifiedPac};

/// Whether something has to be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Demand {
    /// It is verified if it is there.
    IfPresent,
    /// It has to be there.
    Required,
}

/// A PAC whose server signature verified: it is as the holder of the service's key made it.
///
/// That is the KDC, and everyone else with that key.
#[derive(Clone, Debug)]
pub struct ServerVerified<'a> {
    pac: Pac<'a>,
}

/// A PAC whose KDC signature verified too: a KDC of the realm made it, and not the service itself.
#[derive(Clone, Debug)]
pub struct KdcVerified<'a> {
    pac: Pac<'a>,
    /// The key that it verified with: MS-PAC has all of the KDC's signatures made with one.
    key: &'a Key,
    full: bool,
    ticket: bool,
}

impl<'a> Pac<'a> {
    /// Verifies the server signature with the key that the ticket is encrypted with (key usage 17). Only the key's own
    /// checksum type is taken.
    ///
    /// # Errors
    /// [`PacError::Missing`] without the signature, [`PacError::Signature`] for another one, [`PacError::Malformed`].
    pub fn verify_server(self, key: &Key) -> Result<ServerVerified<'a>, PacError> {
        // Both signatures have to be there: without the KDC's the PAC is no ticket's.
        let zeroed = self.zeroed(&[PacBufferType::SERVER_SIGNATURE, PacBufferType::KDC_SIGNATURE])?;
        self.verify(PacBufferType::SERVER_SIGNATURE, key, &zeroed)?;
        Ok(ServerVerified { pac: self })
    }

    fn signature(&self, buffer_type: PacBufferType) -> Result<PacSignatureData<'a>, PacError> {
        let buffer = self
            .buffer(buffer_type)
            .ok_or(PacError::Missing { buffer: buffer_type })?;
        PacSignatureData::from_bytes(buffer)
    }

    /// The PAC with the checksums in these buffers zero.
    fn zeroed(&self, signatures: &[PacBufferType]) -> Result<Vec<u8>, PacError> {
        let mut bytes = self.bytes().to_vec();
        for buffer_type in signatures {
            let signature = self.signature(*buffer_type)?;
            let start = self.entry(*buffer_type).map_or(0, |entry| entry.range.start);
            let Range { start: from, end: to } = signature.signature_range();
            if let Some(octets) = bytes.get_mut(start + from..start + to) {
                octets.fill(0);
            }
        }
        Ok(bytes)
    }

    fn verify(&self, buffer_type: PacBufferType, key: &Key, data: &[u8]) -> Result<(), PacError> {
        let signature = self.signature(buffer_type)?;
        key.verify_checksum(
            KeyUsage::PAC_SIGNATURE,
            signature.signature_type,
            &[data],
            signature.signature,
        )
        .map_err(|source| PacError::Signature {
            buffer: buffer_type,
            source,
        })
    }

    /// Whether an optional signature has to be verified.
    fn is_asked(&self, buffer_type: PacBufferType, demand: Demand) -> Result<bool, PacError> {
        match (self.entry(buffer_type), demand) {
            (Some(_), _) => Ok(true),
            (None, Demand::IfPresent) => Ok(false),
            (None, Demand::Required) => Err(PacError::Missing { buffer: buffer_type }),
        }
    }
}

impl<'a> ServerVerified<'a> {
    /// The PAC, for what only a KDC reads.
    #[must_use]
    pub const fn pac(&self) -> &Pac<'a> {
        &self.pac
    }

    /// The KDC signature, unverified: its RODC identifier says whose key it takes.
    ///
    /// # Errors
    /// None, as the signature has been read before.
    pub fn kdc_signature(&self) -> Result<PacSignatureData<'a>, PacError> {
        self.pac.signature(PacBufferType::KDC_SIGNATURE)
    }

    /// Compares the PAC with the ticket and with itself, and reads it.
    ///
    /// # Errors
    /// [`PacError::ClientName`], [`PacError::AuthTime`], [`PacError::Sid`], [`PacError::SamName`],
    /// [`PacError::Account`], [`PacError::Missing`] without CLIENT_INFO, [`PacError::NoDomain`],
    /// [`PacError::Malformed`].
    pub fn check_client(self, client: &TicketClient<'_>) -> Result<VerifiedPac, PacError> {
        VerifiedPac::check(self.pac, client)
    }

    /// Verifies the KDC signature, which is over the server signature, with the krbtgt key (key usage 17), and the
    /// full signature over the whole PAC as `full` says.
    ///
    /// The KDC signature alone does not bind the PAC's contents to the KDC where the service could find a collision of
    /// the server signature's checksum (CVE-2022-37967): a KDC that relies on a PAC out of a service ticket demands the
    /// full one.
    ///
    /// # Errors
    /// [`PacError::Missing`], [`PacError::Signature`], [`PacError::Malformed`].
    pub fn verify_kdc(self, key: &'a Key, full: Demand) -> Result<KdcVerified<'a>, PacError> {
        let pac = self.pac;
        let server = pac.signature(PacBufferType::SERVER_SIGNATURE)?;
        pac.verify(PacBufferType::KDC_SIGNATURE, key, server.signature)?;
        let full = pac.is_asked(PacBufferType::FULL_SIGNATURE, full)?;
        if full {
            let zeroed = pac.zeroed(&[
                PacBufferType::SERVER_SIGNATURE,
                PacBufferType::KDC_SIGNATURE,
                PacBufferType::FULL_SIGNATURE,
            ])?;
            pac.verify(PacBufferType::FULL_SIGNATURE, key, &zeroed)?;
        }
        Ok(KdcVerified {
            pac,
            key,
            full,
            ticket: false,
        })
    }
}

impl<'a> KdcVerified<'a> {
    /// The PAC.
    #[must_use]
    pub const fn pac(&self) -> &Pac<'a> {
        &self.pac
    }

    /// Whether there was a full signature; it verified then.
    #[must_use]
    pub const fn has_full_signature(&self) -> bool {
        self.full
    }

    /// Whether [`verify_ticket`](Self::verify_ticket) verified a ticket signature.
    #[must_use]
    pub const fn has_ticket_signature(&self) -> bool {
        self.ticket
    }

    /// Verifies the ticket signature with the key of the KDC signature (key usage 17): the ticket's flags, times and
    /// names are as a KDC made them, and not as the service wanted them (CVE-2020-17049). The PAC has to be the one in
    /// the ticket.
    ///
    /// # Errors
    /// [`PacError::OtherTicket`], [`PacError::Missing`], [`PacError::Signature`], and as [`ticket_signature_input`].
    pub fn verify_ticket(mut self, ticket: &EncTicketPart<'_>, demand: Demand) -> Result<Self, PacError> {
        let elements = ticket.authorization_data.iter().flat_map(|data| &data.0);
        let inside = find(elements.map(|element| (element.ad_type, element.ad_data)))?;
        if inside != Some(self.pac.bytes()) {
            return Err(PacError::OtherTicket);
        }
        if self.pac.is_asked(PacBufferType::TICKET_SIGNATURE, demand)? {
            let input = ticket_signature_input(ticket)?;
            self.pac
                .verify(PacBufferType::TICKET_SIGNATURE, self.key, &input)?;
            self.ticket = true;
        }
        Ok(self)
    }

    /// As [`ServerVerified::check_client`].
    ///
    /// # Errors
    /// As [`ServerVerified::check_client`].
    pub fn check_client(self, client: &TicketClient<'_>) -> Result<KdcVerifiedPac, PacError> {
        let (full, ticket) = (self.full, self.ticket);
        VerifiedPac::check(self.pac, client).map(|pac| KdcVerifiedPac::new(pac, full, ticket))
    }
}
