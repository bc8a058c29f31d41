//! Changing and setting passwords (RFC 3244) over port 464.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::Instant;

use kerbside_asn1::{ErrorCode, Principal, Realm};
use kerbside_crypto::Password;
use kerbside_formats::Credential;
use kerbside_protocol::{KpasswdDone, KpasswdExchange, KpasswdParams, KpasswdPending, ProtocolError};

use crate::attempt::Attempt;
use crate::clock;
use crate::core::Core;
use crate::driver::Driver;
use crate::error::Error;
use crate::locate::Service;
use crate::random::OsRandom;
use crate::request::TgtRequest;
use crate::schedule::Target;
use crate::transport::Peer;

/// MIT's lifetime of a ticket that is for one change of password.
const TICKET_SECONDS: i64 = 5 * 60;

/// A change of password to be asked for.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct PasswordRequest {
    /// A ticket for `kadmin/changepw`: see [`TgtRequest::for_password_change`].
    pub ticket: Credential,
    /// How far the KDC's clock is ahead of ours, in seconds, as getting the ticket told.
    pub clock_offset_seconds: i64,
    /// Whose password is set; `None` changes the ticket's client's own.
    pub target: Option<Principal>,
    /// The new password.
    pub new_password: Password,
}

impl PasswordRequest {
    /// A change of the ticket's client's own password.
    #[must_use]
    pub fn new(ticket: Credential, new_password: Password) -> Self {
        Self {
            ticket,
            clock_offset_seconds: 0,
            target: None,
            new_password,
        }
    }
}

/// What the server said about a change of password, verified.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct PasswordReply {
    /// The result: whether the password was changed, and the server's text.
    pub result: KpasswdDone,
    /// How the round trip went.
    pub attempts: Vec<Attempt>,
}

impl TgtRequest {
    /// A ticket for changing the client's own password: five minutes, for nothing else. It is given with an expired
    /// password, too.
    #[must_use]
    pub fn for_password_change(client: Principal) -> Self {
        let mut request = Self::new(client);
        request.service = Some(KpasswdExchange::service(&request.client.realm));
        request.lifetime_seconds = Some(TICKET_SECONDS);
        request.renew_lifetime_seconds = Some(0);
        request.forwardable = Some(false);
        request.proxiable = Some(false);
        request
    }
}

impl<D: Driver> Core<D> {
    /// Changes or sets a password.
    pub(crate) async fn password(&self, request: &PasswordRequest) -> Result<PasswordReply, Error> {
        let realm = &request.ticket.server.realm;
        let start = Instant::now();
        let servers = self.servers(realm, Service::Kpasswd).await?;
        let mut stream_only = false;
        loop {
            let (frame, pending) = begin(request, &servers.targets, realm)?;
            let asked = self.ask(frame, &servers, stream_only, Peer::Kpasswd, start);
            let delivered = asked.await.map_err(|nothing| {
                self.locator.forget(realm, Service::Kpasswd, &servers);
                Error::KpasswdUnreachable {
                    realm: realm.clone(),
                    attempts: nothing.attempts,
                    took: nothing.took,
                }
            })?;
            let attempts = delivered.attempts;
            match pending.reply(&delivered.reply) {
                Ok(result) => return Ok(PasswordReply { result, attempts }),
                // Asked for anew: the server may remember the AP-REQ.
                Err(ProtocolError::Refused(refusal))
                    if refusal.code == ErrorCode::KRB_ERR_RESPONSE_TOO_BIG && !stream_only =>
                {
                    stream_only = true;
                }
                Err(source) => return Err(failed(realm, source, attempts)),
            }
        }
    }
}

fn failed(realm: &Realm, source: ProtocolError, attempts: Vec<Attempt>) -> Error {
    Error::Exchange {
        realm: realm.clone(),
        source: Box::new(source),
        attempts,
    }
}

/// A fresh request.
fn begin(
    request: &PasswordRequest,
    addresses: &[Target],
    realm: &Realm,
) -> Result<(Vec<u8>, KpasswdPending), Error> {
    let mut params = KpasswdParams::new(request.new_password.clone());
    params.target = request.target.clone();
    params.clock_offset_seconds = request.clock_offset_seconds;
    if let Some(sender) = addresses.first().and_then(|target| local_address(target.address)) {
        params.sender = sender;
    }
    KpasswdExchange::start(&request.ticket, &params, clock::now(), &mut OsRandom)
        .map_err(|source| failed(realm, source, Vec::new()))
}

/// The address that packets to `peer` are sent from. Nothing is sent.
fn local_address(peer: SocketAddr) -> Option<IpAddr> {
    let any: IpAddr = match peer {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let socket = UdpSocket::bind((any, 0)).ok()?;
    socket.connect(peer).ok()?;
    socket.local_addr().ok().map(|address| address.ip())
}

#[cfg(test)]
mod tests;
