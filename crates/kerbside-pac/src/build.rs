//! Making a PAC (MS-PAC section 2.8.1).

use alloc::vec::Vec;

use kerbside_crypto::{Key, KeyUsage};

use crate::buffer_type::PacBufferType;
use crate::error::PacError;
use crate::pac_type::{PacBuffer, encode_pac};
use crate::signature::{PacSignatureData, TYPE_LEN};

/// The buffers of a PAC to be, in their order.
///
/// A KDC puts [`PAC_PLACEHOLDER`](crate::PAC_PLACEHOLDER) into the ticket's authorization data, encodes the ticket's
/// encrypted part and hands that to [`sign`](Self::sign); what it gets goes to the placeholder's place.
#[derive(Clone, Debug, Default)]
pub struct PacBuilder {
    buffers: Vec<(PacBufferType, Vec<u8>)>,
}

/// Whose keys sign, and what.
#[derive(Debug)]
pub struct PacSigning<'a> {
    /// The key that the ticket is encrypted with.
    pub server: &'a Key,
    /// The krbtgt key.
    pub kdc: &'a Key,
    /// A read-only domain controller's number, which goes behind its signatures.
    pub rodc_identifier: Option<u16>,
    /// Whether the full signature is made. Tickets for the krbtgt and for trusts have none.
    pub full_signature: bool,
    /// The encoded `EncTicketPart` with [`PAC_PLACEHOLDER`](crate::PAC_PLACEHOLDER) for the PAC, if the ticket
    /// signature is to be made. Tickets for the krbtgt and for trusts have none.
    pub ticket: Option<&'a [u8]>,
}

impl PacBuilder {
    /// No buffers.
    #[must_use]
    pub const fn new() -> Self {
        Self { buffers: Vec::new() }
    }

    /// One more buffer. Signatures are not given here but made by [`Self::sign`], which drops others.
    #[must_use]
    pub fn with(mut self, buffer_type: PacBufferType, bytes: Vec<u8>) -> Self {
        self.buffers.push((buffer_type, bytes));
        self
    }

    /// The PAC with its signatures, made in the order of MS-PAC section 2.8.1: the ticket signature, which does not
    /// cover the PAC; with all others zero the full signature; then the server signature; and over that the KDC
    /// signature.
    ///
    /// # Errors
    /// [`PacError::TooLongToEncode`], [`PacError::Crypto`].
    pub fn sign(&self, signing: &PacSigning<'_>) -> Result<Vec<u8>, PacError> {
        let placeholder = |key: &Key, rodc_identifier| {
            let zeros = alloc::vec![0; key.checksum_len()];
            PacSignatureData {
                signature_type: key.checksum_type(),
                signature: &zeros,
                rodc_identifier,
            }
            .to_bytes()
        };
        let of_kdc = || placeholder(signing.kdc, signing.rodc_identifier);
        let mut buffers: Vec<_> = self
            .buffers
            .iter()
            .filter(|(buffer_type, _)| !buffer_type.is_signature())
            .cloned()
            .collect();
        buffers.push((PacBufferType::SERVER_SIGNATURE, placeholder(signing.server, None)));
        buffers.push((PacBufferType::KDC_SIGNATURE, of_kdc()));
        if signing.ticket.is_some() {
            buffers.push((PacBufferType::TICKET_SIGNATURE, of_kdc()));
        }
        if signing.full_signature {
            buffers.push((PacBufferType::FULL_SIGNATURE, of_kdc()));
        }
        let mut unsigned = Unsigned { buffers };
        if let Some(ticket) = signing.ticket {
            unsigned.fill(PacBufferType::TICKET_SIGNATURE, signing.kdc, ticket)?;
        }
        if signing.full_signature {
            let bytes = unsigned.encode()?;
            unsigned.fill(PacBufferType::FULL_SIGNATURE, signing.kdc, &bytes)?;
        }
        let bytes = unsigned.encode()?;
        let server = unsigned.fill(PacBufferType::SERVER_SIGNATURE, signing.server, &bytes)?;
        unsigned.fill(PacBufferType::KDC_SIGNATURE, signing.kdc, &server)?;
        unsigned.encode()
    }

    /// The PAC with the buffers as they are, signatures included: for tests that need one that no KDC makes.
    ///
    /// # Errors
    /// [`PacError::TooLongToEncode`].
    pub fn encode(&self) -> Result<Vec<u8>, PacError> {
        encode(&self.buffers)
    }
}

/// Buffers with some signatures still zero.
struct Unsigned {
    buffers: Vec<(PacBufferType, Vec<u8>)>,
}

impl Unsigned {
    fn encode(&self) -> Result<Vec<u8>, PacError> {
        encode(&self.buffers)
    }

    /// Signs `data` and gives the signature.
    fn fill(&mut self, buffer_type: PacBufferType, key: &Key, data: &[u8]) -> Result<Vec<u8>, PacError> {
        let tag = key
            .checksum(KeyUsage::PAC_SIGNATURE, &[data])
            .map_err(|source| PacError::Crypto {
                doing: "signing the PAC",
                source,
            })?;
        let signature = tag.as_bytes();
        for (_, bytes) in self.buffers.iter_mut().filter(|(of, _)| *of == buffer_type) {
            if let Some(slot) = bytes.get_mut(TYPE_LEN..TYPE_LEN + signature.len()) {
                slot.copy_from_slice(signature);
            }
        }
        Ok(signature.to_vec())
    }
}

fn encode(buffers: &[(PacBufferType, Vec<u8>)]) -> Result<Vec<u8>, PacError> {
    let buffers: Vec<PacBuffer<'_>> = buffers
        .iter()
        .map(|(buffer_type, bytes)| PacBuffer {
            buffer_type: *buffer_type,
            bytes,
        })
        .collect();
    encode_pac(&buffers)
}
