//! The requests, made before any clock starts by the exchanges that real clients use.

use std::collections::HashSet;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use getrandom::SysRng;
use kerbside_asn1::Principal;
use kerbside_crypto::{EncryptionType, LongTermKey, Password};
use kerbside_protocol::{
    Answer, AsExchange, AsOutcome, AsParams, AsPending, Credential, Now, Question, TgsExchange, TgsOutcome,
    TgsParams, TgsPending,
};
use rand_core::UnwrapErr;

use crate::failure::{Doing, Failure, Result};
use crate::realm::{PASSWORD, REALM, SERVICE, USER};

/// The one enctype that is asked for.
const ENCTYPES: [EncryptionType; 1] = [EncryptionType::AES256_CTS_HMAC_SHA1_96];
/// Of so many answers one is kept and verified in full.
const KEPT_OF: usize = 64;
/// How long a KDC may take from its start to its first answer.
const START_PATIENCE: Duration = Duration::from_secs(10);

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// AS-REQ with an encrypted timestamp.
    As,
    /// TGS-REQ for the service.
    Tgs,
}

/// One request, and for some of them what can verify the answer.
pub(crate) struct Request {
    pub(crate) bytes: Box<[u8]>,
    pub(crate) pending: Option<Pending>,
}

/// What takes the answer.
pub(crate) enum Pending {
    As(AsPending),
    Tgs(TgsPending),
}

impl Pending {
    /// Decrypts the answer and compares nonce, names, times and flags with the request's.
    pub(crate) fn verify(self, answer: &[u8]) -> Result<()> {
        let done = match self {
            Self::As(pending) => matches!(pending.reply(answer, now(), &mut random())?, AsOutcome::Done(_)),
            Self::Tgs(pending) => matches!(pending.reply(answer, now())?, TgsOutcome::Done(_)),
        };
        if done {
            Ok(())
        } else {
            Err(Failure::new("the exchange is not complete with this answer"))
        }
    }
}

/// What requests to one KDC are made of: the user's key, the KDC's own demand for pre-authentication, a TGT.
pub(crate) struct Session {
    key: LongTermKey,
    preauth_required: Vec<u8>,
    tgt: Credential,
}

impl Session {
    /// Logs in at the KDC, which may just be starting.
    pub(crate) fn begin(address: SocketAddr) -> Result<Self> {
        let (request, pending) = bare_as_req()?;
        let preauth_required = ask(address, &request).doing("the first AS-REQ")?;
        let AsOutcome::Ask { question, pending } = pending.reply(&preauth_required, now(), &mut random())?
        else {
            return Err(Failure::new("the KDC asks for no key before its AS-REP"));
        };
        let Question::LongTermKey { candidates, .. } = question else {
            return Err(Failure::new("the KDC asks for something else than a key"));
        };
        let best = candidates
            .first()
            .ok_or_else(|| Failure::new("the KDC names no enctype that was asked for"))?;
        let key = best.derive(
            &Password::from(String::from(PASSWORD)),
            &AsParams::new(user()?).iteration_limits,
        )?;
        let outcome = pending.answer(Answer::Key(key.clone()), now(), &mut random())?;
        let AsOutcome::Send { request, pending, .. } = outcome else {
            return Err(Failure::new("no request comes of the key"));
        };
        let reply = ask(address, &request).doing("the AS-REQ with an encrypted timestamp")?;
        match pending.reply(&reply, now(), &mut random())? {
            AsOutcome::Done(done) => Ok(Self {
                key,
                preauth_required,
                tgt: done.credential,
            }),
            _ => Err(Failure::new("the KDC wants more than an encrypted timestamp")),
        }
    }

    /// A ticket for the service, over the network.
    pub(crate) fn service_ticket(&self, address: SocketAddr) -> Result<Credential> {
        let (request, pending) = self.tgs_req()?;
        match pending.reply(&ask(address, &request).doing("the TGS-REQ")?, now())? {
            TgsOutcome::Done(done) => Ok(done.credential),
            _ => Err(Failure::new("the KDC wants a second TGS-REQ")),
        }
    }

    /// `count` requests, no two of them equal.
    pub(crate) fn requests(&self, kind: Kind, count: usize) -> Result<Vec<Request>> {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let share = count.div_ceil(threads);
        let made: Result<Vec<Vec<Request>>> = std::thread::scope(|scope| {
            let makers: Vec<_> = (0..threads)
                .map(|_| scope.spawn(|| self.some_requests(kind, share)))
                .collect();
            makers
                .into_iter()
                .map(|maker| {
                    maker
                        .join()
                        .unwrap_or_else(|_| Err(Failure::new("a maker panicked")))
                })
                .collect()
        });
        let requests: Vec<Request> = made?.into_iter().flatten().collect();
        let different: HashSet<&[u8]> = requests.iter().map(|request| &*request.bytes).collect();
        if different.len() != requests.len() {
            return Err(Failure::new("two of the requests are equal"));
        }
        Ok(requests)
    }

    fn some_requests(&self, kind: Kind, count: usize) -> Result<Vec<Request>> {
        (0..count)
            .map(|index| {
                let (bytes, pending) = match kind {
                    Kind::As => self
                        .as_req()
                        .map(|(bytes, pending)| (bytes, Pending::As(pending))),
                    Kind::Tgs => self
                        .tgs_req()
                        .map(|(bytes, pending)| (bytes, Pending::Tgs(pending))),
                }?;
                Ok(Request {
                    bytes: bytes.into_boxed_slice(),
                    pending: (index % KEPT_OF == 0).then_some(pending),
                })
            })
            .collect()
    }

    fn as_req(&self) -> Result<(Vec<u8>, AsPending)> {
        let (_, pending) = bare_as_req()?;
        let AsOutcome::Ask { pending, .. } = pending.reply(&self.preauth_required, now(), &mut random())?
        else {
            return Err(Failure::new(
                "the KDC's demand for pre-authentication asks for nothing",
            ));
        };
        match pending.answer(Answer::Key(self.key.clone()), now(), &mut random())? {
            AsOutcome::Send { request, pending, .. } => Ok((request, pending)),
            _ => Err(Failure::new("no request comes of the key")),
        }
    }

    fn tgs_req(&self) -> Result<(Vec<u8>, TgsPending)> {
        let mut params = TgsParams::new(self.tgt.clone(), Principal::new(REALM, &SERVICE));
        params.enctypes = ENCTYPES.to_vec();
        match TgsExchange::start(params, now(), &mut random())? {
            TgsOutcome::Send { request, pending, .. } => Ok((request, pending)),
            _ => Err(Failure::new(
                "a TGS exchange begins with something else than a request",
            )),
        }
    }
}

fn user() -> Result<Principal> {
    Ok(Principal::new(REALM, &[USER]))
}

fn bare_as_req() -> Result<(Vec<u8>, AsPending)> {
    let mut params = AsParams::new(user()?);
    params.enctypes = ENCTYPES.to_vec();
    match AsExchange::start(params, now(), &mut random())? {
        AsOutcome::Send { request, pending, .. } => Ok((request, pending)),
        _ => Err(Failure::new(
            "an AS exchange begins with something else than a request",
        )),
    }
}

/// One round trip, repeated while the KDC is starting.
fn ask(address: SocketAddr, request: &[u8]) -> Result<Vec<u8>> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    socket.connect(address)?;
    socket.set_read_timeout(Some(Duration::from_millis(500)))?;
    let mut answer = vec![0; usize::from(u16::MAX)];
    let start = Instant::now();
    loop {
        match socket.send(request).and_then(|_| socket.recv(&mut answer)) {
            Ok(length) => {
                answer.truncate(length);
                return Ok(answer);
            }
            Err(error) if start.elapsed() > START_PATIENCE => {
                return Err(error).doing(format!("the KDC at {address}"));
            }
            Err(_) => std::thread::sleep(Duration::from_millis(20)),
        }
    }
}

/// The operating system's generator.
pub(crate) fn random() -> UnwrapErr<SysRng> {
    UnwrapErr(SysRng)
}

/// The system's clock, never the same time twice in this process: authenticators must differ.
pub(crate) fn now() -> Now {
    static LAST: AtomicU64 = AtomicU64::new(0);
    const MILLION: u64 = 1_000_000;
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let clock = u64::try_from(since.as_micros()).unwrap_or(0);
    let last = LAST
        .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| {
            Some(clock.max(last + 1))
        })
        .unwrap_or_default();
    let micros = clock.max(last + 1);
    let usec = u32::try_from(micros % MILLION).unwrap_or(0);
    let time = kerbside_asn1::KerberosTime::from_unix_seconds(i64::try_from(micros / MILLION).unwrap_or(0));
    Now::new(time.unix_seconds(), usec).unwrap_or(Now {
        time,
        usec: kerbside_asn1::Microseconds::default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_never_says_the_same_twice() {
        let times: HashSet<(i64, u32)> = (0..10_000)
            .map(|_| now())
            .map(|now| (now.seconds(), now.usec.get()))
            .collect();
        assert_eq!(times.len(), 10_000);
    }
}
