//! Gathering for a TGS-REQ (RFC 4120 3.3.2): the TGT is decrypted on the way, since only it says
//! who the client is.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::net::IpAddr;

use kerbside_asn1::{AddressType, ErrorCode, MsgType, PaDataType, Principal, TgsReq};
use kerbside_protocol::{
    ApRefusal, ApReqParsed, AuthenticatorPolicy, AuthenticatorVerified, ProtocolError, Purpose,
};

use crate::audit::RequestKind;
use crate::gather::{Gather, Pending, refused, well_formed};
use crate::options;
use crate::pre_authentication;
use crate::principal_entry::KeyData;
use crate::refusal::{Denial, Refusal};
use crate::request_context::ClientAddress;
use crate::subject::Subject;
use crate::{Kdc, PrincipalEntry, RequestContext};

/// A decoded TGS-REQ with its names. Nothing in it is proved.
pub(crate) struct TgsRequest<'a> {
    pub(crate) kdc: &'a Kdc,
    pub(crate) subject: Subject,
    /// As received.
    pub(crate) bytes: &'a [u8],
    pub(crate) message: TgsReq<'a>,
    pub(crate) server: Principal,
    ap_req: ApReqParsed<'a>,
}

/// A TGS-REQ whose TGT is ours and whose body is the one its client sent.
pub(crate) struct TgsOpened<'a> {
    request: TgsRequest<'a>,
    tgt: Arc<AuthenticatorVerified>,
    server: Option<Arc<PrincipalEntry>>,
}

/// The same, and what the store says of its names.
pub(crate) struct TgsFacts<'a> {
    pub(crate) request: TgsRequest<'a>,
    pub(crate) tgt: Arc<AuthenticatorVerified>,
    pub(crate) server: Option<Arc<PrincipalEntry>>,
    pub(crate) client: Option<Arc<PrincipalEntry>>,
}

impl<'a> TgsRequest<'a> {
    pub(crate) fn gather(
        kdc: &'a Kdc,
        bytes: &'a [u8],
        message: TgsReq<'a>,
        context: &RequestContext,
    ) -> Gather<'a> {
        let subject = kdc.subject(RequestKind::Tgs, &message.req_body, context);
        match Self::look_into(kdc, &message, &subject) {
            Ok((server, ap_req)) => Gather::Lookup(Pending::tgs(TgsRequest {
                kdc,
                subject,
                bytes,
                message,
                server,
                ap_req,
            })),
            Err(denial) => refused(subject, denial),
        }
    }

    /// The server asked for, and the TGT with its authenticator.
    fn look_into(
        kdc: &Kdc,
        message: &TgsReq<'a>,
        subject: &Subject,
    ) -> Result<(Principal, ApReqParsed<'a>), Denial> {
        well_formed(message.pvno, message.msg_type, MsgType::TGS_REQ)?;
        options::refuse_not_offered(message.req_body.kdc_options)?;
        let server = subject
            .server
            .clone()
            .ok_or_else(|| Denial::new(ErrorCode::KDC_ERR_S_PRINCIPAL_UNKNOWN, "NULL_SERVER"))?;
        if server.realm != kdc.policy().realm {
            return Err(
                Denial::new(ErrorCode::KDC_ERR_S_PRINCIPAL_UNKNOWN, "UNKNOWN_SERVER")
                    .detail("the realm is not served here"),
            );
        }
        let value = pre_authentication::find(&message.padata, PaDataType::PA_AP_REQ)
            .ok_or_else(|| Denial::new(ErrorCode::KDC_ERR_PADATA_TYPE_NOSUPP, "NO_TGT"))?;
        let ap_req = ApReqParsed::parse(value).map_err(|error| process_tgs(&error))?;
        if ap_req.ticket_server() != kdc.tgs() {
            return Err(not_our_tgt(ap_req.ticket_server(), kdc));
        }
        Ok((server, ap_req))
    }

    /// Decrypts the TGT and verifies the authenticator and its checksum over the request's body.
    pub(crate) fn open(
        mut self,
        tgs: Option<Arc<PrincipalEntry>>,
        server: Option<Arc<PrincipalEntry>>,
    ) -> Result<TgsOpened<'a>, Refusal> {
        match self.verify(tgs.as_deref()) {
            Ok(tgt) => Ok(TgsOpened {
                request: self,
                tgt: Arc::new(tgt),
                server,
            }),
            Err(denial) => Err(Refusal::new(self.subject, denial, Vec::new())),
        }
    }

    fn verify(&mut self, tgs: Option<&PrincipalEntry>) -> Result<AuthenticatorVerified, Denial> {
        let policy = self.kdc.policy();
        let tgs = tgs.ok_or_else(|| {
            Denial::new(ErrorCode::KRB_AP_ERR_NOKEY, "NO_TGS_ENTRY")
                .detail("our own TGS is not in the database")
        })?;
        let key = self.tgs_key(tgs)?;
        let decrypted = self
            .ap_req
            .decrypt_ticket_with_policy(&key.key, &policy.enctype_policy)
            .map_err(|error| process_tgs(&error))?;
        self.subject.client = Some(decrypted.ticket().client().clone());
        self.subject.authtime = Some(decrypted.ticket().authtime());
        if decrypted.ticket().client().realm != policy.realm {
            return Err(
                Denial::new(ErrorCode::KRB_AP_ERR_ILL_CR_TKT, "CROSS_REALM_NOT_OFFERED")
                    .text("cross-realm clients are not served by this KDC"),
            );
        }
        let mut buffer = [0; 16];
        let verification = AuthenticatorPolicy {
            skew_seconds_max: policy.clockskew_seconds,
            purpose: Purpose::TgsReq {
                req_body: self.message.req_body.bytes(),
            },
            peer_address: Some(wire_address(&self.subject.context.from, &mut buffer)),
            ..AuthenticatorPolicy::default()
        };
        decrypted
            .verify(&verification, self.subject.context.now)
            .map_err(|error| process_tgs(&error))
    }

    /// The key of our TGS that made the ticket. Older versions are honoured as long as the database
    /// keeps them.
    fn tgs_key<'e>(&self, tgs: &'e PrincipalEntry) -> Result<&'e KeyData, Denial> {
        let enctype = self.ap_req.ticket_enctype();
        let kvno = self.ap_req.ticket_kvno().unwrap_or_else(|| tgs.current_kvno());
        let found = tgs
            .key(kvno, enctype)
            .filter(|_| self.kdc.policy().permits(enctype));
        found.ok_or_else(|| {
            let known_version = tgs.keys.iter().any(|key| key.kvno == kvno);
            let code = if known_version {
                ErrorCode::KRB_AP_ERR_NOKEY
            } else {
                ErrorCode::KRB_AP_ERR_BADKEYVER
            };
            Denial::new(code, "PROCESS_TGS").detail(format_args!(
                "our TGS has no usable key with kvno {kvno} and enctype {enctype} ({})",
                enctype.0
            ))
        })
    }
}

impl<'a> TgsOpened<'a> {
    /// The client, from the decrypted TGT.
    pub(crate) fn client(&self) -> &Principal {
        self.tgt.ticket().client()
    }

    pub(crate) fn with_client(self, client: Option<Arc<PrincipalEntry>>) -> TgsFacts<'a> {
        TgsFacts {
            request: self.request,
            tgt: self.tgt,
            server: self.server,
            client,
        }
    }

    pub(crate) fn into_subject(self) -> Subject {
        self.request.subject
    }
}

/// A ticket that is none of our TGTs.
fn not_our_tgt(server: &Principal, kdc: &Kdc) -> Denial {
    let denial = Denial::new(ErrorCode::KRB_AP_ERR_NOT_US, "NOT_OUR_TGT");
    if server.is_krbtgt() {
        denial.text("cross-realm TGTs are not accepted by this KDC")
    } else {
        denial
            .text("the ticket is not a TGT, and only TGTs are accepted by this KDC")
            .detail(format_args!(
                "the ticket is for {server}, but a TGT is for {}",
                kdc.tgs()
            ))
    }
}

/// The refusal for what the AP-REQ's stages found.
fn process_tgs(error: &ProtocolError) -> Denial {
    let code = match error {
        ProtocolError::ApReq(refusal) => code_of(refusal),
        ProtocolError::NotBuilt { .. } => ErrorCode::KDC_ERR_BADOPTION,
        ProtocolError::Crypto { .. } => ErrorCode::KDC_ERR_ETYPE_NOSUPP,
        other => other.code().unwrap_or(ErrorCode::KRB_ERR_GENERIC),
    };
    Denial::new(code, "PROCESS_TGS").detail(error)
}

/// RFC 4120 3.3.2 tells a checksum of a type nobody knows from one that is known and will not do.
fn code_of(refusal: &ApRefusal) -> ErrorCode {
    match refusal {
        ApRefusal::ChecksumType(kerbside_crypto::CryptoError::ChecksumType { found, .. })
            if found.name().is_none() =>
        {
            ErrorCode::KDC_ERR_SUMTYPE_NOSUPP
        }
        other => other.code(),
    }
}

/// The sender's address as a ticket would hold it. A sender without one has an address that no
/// ticket holds.
fn wire_address<'b>(from: &ClientAddress, buffer: &'b mut [u8; 16]) -> (AddressType, &'b [u8]) {
    match from.ip() {
        Some(IpAddr::V4(ip)) => {
            let octets = ip.octets();
            let (part, _) = buffer.split_at_mut(octets.len());
            part.copy_from_slice(&octets);
            (AddressType::IPV4, part)
        }
        Some(IpAddr::V6(ip)) => {
            *buffer = ip.octets();
            (AddressType::IPV6, buffer)
        }
        None => (AddressType(0), &[]),
    }
}
