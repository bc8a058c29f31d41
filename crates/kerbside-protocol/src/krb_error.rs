//! KRB-ERROR (RFC 4120 5.9.1): what one says, and making one.

use alloc::string::String;
use alloc::vec::Vec;

use kerbside_asn1::{self as asn1, ErrorCode, KrbError, MsgType, Principal, Realm};

use crate::PVNO;
use crate::error::{ProtocolError, Refusal, Refuser};
use crate::error_data::ErrorData;
use crate::time::Now;

/// What a KRB-ERROR says. Nobody vouches for any of it: the message is not authenticated.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KrbErrorFacts {
    /// The error.
    pub code: ErrorCode,
    /// The sender's clock.
    pub server_time: Now,
    /// The time of the request, as its sender gave it.
    pub client_time: Option<Now>,
    /// The client of the request.
    pub client: Option<Principal>,
    /// The client's realm; a KDC of another realm names the client's own here (RFC 6806 section 7).
    pub client_realm: Option<Realm>,
    /// The service of the request.
    pub server: Principal,
    /// The sender's text, in a charset nobody knows.
    pub e_text: Option<Vec<u8>>,
    /// The error's data, as sent.
    pub e_data: Option<Vec<u8>>,
}

impl KrbErrorFacts {
    /// Reads a KRB-ERROR.
    ///
    /// # Errors
    /// [`ProtocolError::Decode`] for bytes that are none.
    pub fn parse(bytes: &[u8]) -> Result<Self, ProtocolError> {
        let error: KrbError<'_> = asn1::decode(bytes)?;
        ProtocolError::require_message("KRB-ERROR", MsgType::KRB_ERROR, error.pvno, error.msg_type)?;
        let client_time = match (error.ctime, error.cusec) {
            (Some(time), Some(usec)) => Some(Now { time, usec }),
            _ => None,
        };
        let client_realm = error.crealm.map(Realm::from_wire);
        let client = match (error.crealm, &error.cname) {
            (Some(realm), Some(name)) => Some(Principal::from_wire(realm, name)),
            _ => None,
        };
        Ok(Self {
            code: error.error_code,
            server_time: Now {
                time: error.stime,
                usec: error.susec,
            },
            client_time,
            client,
            client_realm,
            server: Principal::from_wire(error.realm, &error.sname),
            e_text: error.e_text.as_ref().map(|text| text.as_bytes().to_vec()),
            e_data: error.e_data.map(<[u8]>::to_vec),
        })
    }

    /// What the e-data says, decoded by its form: METHOD-DATA, TYPED-DATA or KERB-ERROR-DATA.
    pub fn data(&self) -> Option<ErrorData> {
        self.e_data.as_deref().map(ErrorData::read)
    }

    /// This error as the end of an exchange in which `client` asked `by` for `server`.
    pub fn into_refusal(self, by: Refuser, client: Option<Principal>, server: Principal) -> ProtocolError {
        let e_data = self.data();
        ProtocolError::Refused(alloc::boxed::Box::new(Refusal {
            by,
            code: self.code,
            client,
            server,
            e_text: self.e_text,
            server_time: self.server_time,
            e_data,
        }))
    }
}

/// A KRB-ERROR to be sent.
///
/// What is told to a stranger is the code and at most a text chosen for strangers; what is logged is another matter.
#[derive(Clone, Debug)]
pub struct ErrorReply {
    /// The error.
    pub code: ErrorCode,
    /// The service of the request, with the realm that answers.
    pub server: Principal,
    /// The client of the request, where it is known.
    pub client: Option<Principal>,
    /// The time of the request's authenticator, where there was one.
    pub client_time: Option<Now>,
    /// A text for people.
    pub e_text: Option<String>,
    /// Data for the client, such as the encoding of METHOD-DATA.
    pub e_data: Option<Vec<u8>>,
}

impl ErrorReply {
    /// An error about a request for `server`, with nothing else in it.
    pub fn new(code: ErrorCode, server: Principal) -> Self {
        Self {
            code,
            server,
            client: None,
            client_time: None,
            e_text: None,
            e_data: None,
        }
    }

    /// The encoded KRB-ERROR, sent at `now`.
    ///
    /// # Errors
    /// [`ProtocolError::Encode`] for a name, text or time that has no encoding.
    pub fn to_bytes(&self, now: Now) -> Result<Vec<u8>, ProtocolError> {
        let error = KrbError {
            pvno: PVNO,
            msg_type: MsgType::KRB_ERROR,
            ctime: self.client_time.map(|at| at.time),
            cusec: self.client_time.map(|at| at.usec),
            stime: now.time,
            susec: now.usec,
            error_code: self.code,
            crealm: self.client.as_ref().map(|client| client.realm.to_wire()),
            cname: self.client.as_ref().map(|client| client.name.to_wire()),
            realm: self.server.realm.to_wire(),
            sname: self.server.name.to_wire(),
            e_text: self.e_text.as_deref().map(asn1::KerberosString::from),
            e_data: self.e_data.as_deref(),
        };
        Ok(asn1::encode(&error)?)
    }
}
