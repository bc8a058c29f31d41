//! A ticket that was decrypted (RFC 4120 5.3): the only source of who a client is.

use alloc::vec::Vec;

use kerbside_asn1::{
    AdType, AddressType, AuthorizationData, EncTicketPart, KerberosTime, Principal, Ticket, TicketFlags,
    TransitedType,
};
use kerbside_crypto::{CryptoError, EncryptionType, EnctypePolicy, Key, KeyUsage, SessionKey};

use crate::PVNO;
use crate::error::{ApRefusal, ProtocolError};
use crate::kdc_reply::owned_addresses;
use crate::plaintext::decode_plaintext;

/// What a ticket says. There is no other way to one than to decrypt the ticket with the service's key.
#[derive(Debug)]
pub struct DecryptedTicket {
    client: Principal,
    server: Principal,
    flags: TicketFlags,
    session_key: SessionKey,
    transited: (TransitedType, Vec<u8>),
    authtime: KerberosTime,
    starttime: Option<KerberosTime>,
    endtime: KerberosTime,
    renew_till: Option<KerberosTime>,
    addresses: Vec<(AddressType, Vec<u8>)>,
    authorization_data: Vec<(AdType, Vec<u8>)>,
    enctype: EncryptionType,
    kvno: Option<u32>,
}

impl DecryptedTicket {
    /// Decrypts `ticket` with a key of its service. Its session key has to be of a type that
    /// [`EnctypePolicy::DEFAULT`] permits.
    ///
    /// # Errors
    /// [`ApRefusal::TicketEnctype`] and [`ApRefusal::TicketIntegrity`] for another key, [`ProtocolError::Decode`] for
    /// a ticket with bad bytes in it, [`ProtocolError::Crypto`] for a session key that is not permitted.
    pub fn decrypt(ticket: &Ticket<'_>, key: &Key) -> Result<Self, ProtocolError> {
        Self::decrypt_with_policy(ticket, key, &EnctypePolicy::DEFAULT)
    }

    /// As [`decrypt`](Self::decrypt), with a session key that `policy` permits.
    ///
    /// # Errors
    /// As [`decrypt`](Self::decrypt).
    pub fn decrypt_with_policy(
        ticket: &Ticket<'_>,
        key: &Key,
        policy: &EnctypePolicy,
    ) -> Result<Self, ProtocolError> {
        let server = Principal::from_wire(ticket.realm, &ticket.sname);
        if ticket.tkt_vno != PVNO {
            return Err(ProtocolError::Version {
                message: "ticket",
                found: ticket.tkt_vno,
            });
        }
        let (enctype, kvno) = (ticket.enc_part.etype, ticket.enc_part.kvno);
        if key.enctype() != enctype {
            return Err(ApRefusal::TicketEnctype {
                server,
                expected: enctype,
                found: key.enctype(),
            }
            .into());
        }
        let plain = match key.decrypt(KeyUsage::TICKET, ticket.enc_part.cipher) {
            Ok(plain) => plain,
            Err(CryptoError::IntegrityFailure { .. } | CryptoError::CiphertextTooShort { .. }) => {
                return Err(ApRefusal::TicketIntegrity {
                    server,
                    enctype,
                    kvno,
                }
                .into());
            }
            Err(source) => {
                return Err(ProtocolError::Crypto {
                    doing: "decrypting the ticket",
                    source,
                });
            }
        };
        let part: EncTicketPart<'_> = decode_plaintext(enctype, &plain)?;
        let session_key = Key::with_policy(part.key.keytype, part.key.keyvalue, policy)
            .map_err(ProtocolError::crypto("reading the session key"))?;
        Ok(Self {
            client: Principal::from_wire(part.crealm, &part.cname),
            server,
            flags: part.flags,
            session_key: SessionKey::from(session_key),
            transited: (part.transited.tr_type, part.transited.contents.to_vec()),
            authtime: part.authtime,
            starttime: part.starttime,
            endtime: part.endtime,
            renew_till: part.renew_till,
            addresses: owned_addresses(part.caddr.as_ref()),
            authorization_data: owned_authorization_data(part.authorization_data.as_ref()),
            enctype,
            kvno,
        })
    }

    /// The client, as the KDC that made the ticket says.
    pub fn client(&self) -> &Principal {
        &self.client
    }

    /// The service on the ticket's outside. The key that opened it is what vouches for it.
    pub fn server(&self) -> &Principal {
        &self.server
    }

    /// The ticket's flags.
    pub fn flags(&self) -> TicketFlags {
        self.flags
    }

    /// The key shared with the client.
    pub fn session_key(&self) -> &SessionKey {
        &self.session_key
    }

    /// The realms passed, in the encoding named.
    pub fn transited(&self) -> (TransitedType, &[u8]) {
        (self.transited.0, &self.transited.1)
    }

    /// When the client first authenticated.
    pub fn authtime(&self) -> KerberosTime {
        self.authtime
    }

    /// When the ticket becomes valid; absent where that is at `authtime`.
    pub fn starttime(&self) -> Option<KerberosTime> {
        self.starttime
    }

    /// When the ticket ends.
    pub fn endtime(&self) -> KerberosTime {
        self.endtime
    }

    /// Until when it can be renewed.
    pub fn renew_till(&self) -> Option<KerberosTime> {
        self.renew_till
    }

    /// The addresses it is bound to; none binds it to no address.
    pub fn addresses(&self) -> &[(AddressType, Vec<u8>)] {
        &self.addresses
    }

    /// The authorization data, outermost elements.
    pub fn authorization_data(&self) -> &[(AdType, Vec<u8>)] {
        &self.authorization_data
    }

    /// The authorization data taken out, with nothing copied.
    pub(crate) fn take_authorization_data(&mut self) -> Vec<(AdType, Vec<u8>)> {
        core::mem::take(&mut self.authorization_data)
    }

    /// The enctype of the service's key that opened it.
    pub fn enctype(&self) -> EncryptionType {
        self.enctype
    }

    /// The version of that key, as the ticket says.
    pub fn kvno(&self) -> Option<u32> {
        self.kvno
    }
}

/// The owned form of authorization data.
pub(crate) fn owned_authorization_data(data: Option<&AuthorizationData<'_>>) -> Vec<(AdType, Vec<u8>)> {
    let elements = data.map(|data| data.0.as_slice()).unwrap_or_default();
    elements
        .iter()
        .map(|element| (element.ad_type, element.ad_data.to_vec()))
        .collect()
}
