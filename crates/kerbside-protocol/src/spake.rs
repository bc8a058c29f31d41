//! SPAKE pre-authentication, the client's side (RFC 9588): a password is proved without showing anything that a guess
//! could be checked against.
//!
//! ```text
//!  PA-SPAKE in METHOD-DATA: empty ──► support (our groups) ──► MORE_PREAUTH_DATA_REQUIRED with the KDC's challenge
//!                           a challenge ────────────────────────────────────────────────┐     │
//!                                                                                       ▼     ▼
//!                        AS-REP under K'[0] ◄── response (our share, a factor under K'[1]) ◄── Challenge
//! ```
//!
//! [`Challenge`] is a challenge whose every part is checked, [`Agreement`] what it and the client's key come to; each is
//! consumed by the next. The one second factor is SF-NONE: the password alone.

mod edwards25519;
mod group;
mod nist_p256;
#[cfg(test)]
pub(crate) mod tests;

use alloc::vec::Vec;

use kerbside_asn1::{
    self as asn1, EncryptedData, PaSpake, SpakeChallenge, SpakeGroup, SpakeResponse, SpakeSecondFactor,
    SpakeSecondFactorType, SpakeSupport,
};
use kerbside_crypto::{
    CryptoError, CryptoRng, EnctypePolicy, Key, KeyUsage, LongTermKey, ReplyKey, Zeroizing, fx_cf2,
};
use sha2::{Digest, Sha256};

use self::edwards25519::Edwards25519;
use self::group::{Group, Mask};
use self::nist_p256::NistP256;
use crate::error::{Misbehaviour, ProtocolError};
use crate::trace;

/// The groups that are built. Both have SHA-256 and multipliers of 32 octets.
pub const SPAKE_GROUPS: [SpakeGroup; 2] = [SpakeGroup::EDWARDS25519, SpakeGroup::P256];

/// Octets of a transcript hash.
const HASH_LEN: usize = 32;

/// The PA-SPAKE that names our groups, best first.
pub(crate) fn support(groups: &[SpakeGroup]) -> Result<Vec<u8>, ProtocolError> {
    Ok(asn1::encode(&PaSpake::Support(SpakeSupport {
        groups: groups.to_vec(),
    }))?)
}

/// The KDC's challenge: of a group that is built, its public value an element of it, answerable without a second factor.
pub(crate) struct Challenge {
    group: SpakeGroup,
    pubkey: Vec<u8>,
    transcript: [u8; HASH_LEN],
}

/// Why a message is no challenge to answer.
pub(crate) enum NoChallenge {
    /// It breaks a rule.
    Broken(Misbehaviour),
    /// It wants one of these second factors.
    Factors(Vec<SpakeSecondFactorType>),
    /// It does not decode.
    Undecodable(ProtocolError),
}

/// The group of a challenge that came unasked (RFC 9588 4.6), so that one of another group can be passed over.
pub(crate) fn optimistic_group(message: &[u8]) -> Result<Option<SpakeGroup>, ProtocolError> {
    match asn1::decode(message)? {
        PaSpake::Challenge(challenge) => Ok(Some(challenge.group)),
        _ => Ok(None),
    }
}

impl Challenge {
    /// Checks the encoded PA-SPAKE in `message`, the answer to `support`, if that was sent, by the groups of `ours`.
    pub(crate) fn take(
        support: Option<&[u8]>,
        message: &[u8],
        ours: &[SpakeGroup],
    ) -> Result<Self, NoChallenge> {
        let decoded = asn1::decode(message).map_err(|error| NoChallenge::Undecodable(error.into()))?;
        let PaSpake::Challenge(challenge) = decoded else {
            let what = "PA-SPAKE: expected a challenge, but found another step";
            return Err(NoChallenge::Broken(Misbehaviour::Field(what)));
        };
        if !ours.contains(&challenge.group) {
            return Err(NoChallenge::Broken(Misbehaviour::SpakeGroup {
                expected: ours.to_vec(),
                found: challenge.group,
            }));
        }
        if !is_element(challenge.group, challenge.pubkey) {
            let group = challenge.group;
            return Err(NoChallenge::Broken(Misbehaviour::SpakePoint { group }));
        }
        check_factors(&challenge)?;
        let transcript = update(&[0; HASH_LEN], &[support.unwrap_or_default(), message]);
        trace::spake_challenge(challenge.group, challenge.pubkey);
        Ok(Self {
            group: challenge.group,
            pubkey: challenge.pubkey.to_vec(),
            transcript,
        })
    }

    /// The challenge's group.
    pub(crate) fn group(&self) -> SpakeGroup {
        self.group
    }

    /// The client's share and what both sides will know, from the client's key. Nothing where that is the group's
    /// identity, which says that the KDC's share is no honest one.
    pub(crate) fn agree(
        self,
        initial: LongTermKey,
        rng: &mut dyn CryptoRng,
    ) -> Result<Option<Agreement>, ProtocolError> {
        let multiplier = multiplier(&initial, self.group)?;
        let shares = match self.group {
            SpakeGroup::EDWARDS25519 => respond::<Edwards25519>(&multiplier, &self.pubkey, rng),
            SpakeGroup::P256 => respond::<NistP256>(&multiplier, &self.pubkey, rng),
            _ => None,
        };
        Ok(shares.map(|(pubkey, element)| Agreement {
            group: self.group,
            initial,
            multiplier,
            transcript: update(&self.transcript, &[&pubkey]),
            pubkey,
            element,
        }))
    }
}

/// SF-NONE is offered, and no type twice (RFC 9588 4.2).
fn check_factors(challenge: &SpakeChallenge<'_>) -> Result<(), NoChallenge> {
    let types: Vec<SpakeSecondFactorType> = challenge
        .factors
        .iter()
        .map(|factor| factor.factor_type)
        .collect();
    let twice = types
        .iter()
        .enumerate()
        .any(|(at, factor)| types.iter().take(at).any(|earlier| earlier == factor));
    if twice {
        let what = "a second factor is twice in the SPAKE challenge";
        return Err(NoChallenge::Broken(Misbehaviour::Field(what)));
    }
    if !types.contains(&SpakeSecondFactorType::SF_NONE) {
        return Err(NoChallenge::Factors(types));
    }
    Ok(())
}

/// What client and KDC have come to. Everything but the shares is secret.
pub(crate) struct Agreement {
    group: SpakeGroup,
    initial: LongTermKey,
    /// What PRF+ gave for w.
    multiplier: Zeroizing<[u8; 32]>,
    /// The client's share S.
    pubkey: Vec<u8>,
    /// The element K, as octets.
    element: Zeroizing<Vec<u8>>,
    transcript: [u8; HASH_LEN],
}

/// The third pass: what is sent, and the key that the reply will be under.
pub(crate) struct Response {
    /// The encoded PA-SPAKE.
    pub(crate) padata_value: Vec<u8>,
    /// K'[0], which replaces the client's key (RFC 9588 4.5).
    pub(crate) reply_key: ReplyKey,
}

impl Agreement {
    /// The response in a request whose KDC-REQ-BODY has the encoding `req_body`: another body has other keys.
    pub(crate) fn response(
        &self,
        req_body: &[u8],
        rng: &mut dyn CryptoRng,
    ) -> Result<Response, ProtocolError> {
        let factor = asn1::encode(&SpakeSecondFactor {
            factor_type: SpakeSecondFactorType::SF_NONE,
            data: None,
        })?;
        let factor_key = self
            .derived_key(req_body, 1)
            .map_err(ProtocolError::crypto("deriving the key of the SPAKE response"))?;
        let cipher = factor_key
            .encrypt(KeyUsage::SPAKE, &factor, rng)
            .map_err(ProtocolError::crypto("encrypting the SPAKE response"))?;
        trace::spake_share(&self.pubkey);
        trace::spake_response(&self.transcript);
        let padata_value = asn1::encode(&PaSpake::Response(SpakeResponse {
            pubkey: &self.pubkey,
            factor: EncryptedData {
                etype: factor_key.enctype(),
                kvno: None,
                cipher: &cipher,
            },
        }))?;
        let reply_key = self
            .derived_key(req_body, 0)
            .map_err(ProtocolError::crypto("deriving the reply key of SPAKE"))?;
        Ok(Response {
            padata_value,
            reply_key: reply_key.into(),
        })
    }

    /// K'\[n\] (RFC 9588 section 7).
    fn derived_key(&self, req_body: &[u8], n: u32) -> Result<Key, CryptoError> {
        let enctype = self.initial.enctype();
        let seed_len = enctype.seed_len().ok_or(CryptoError::Unsupported { enctype })?;
        // Of its full size from the start: growing would leave a copy behind.
        let mut seed = Zeroizing::new(Vec::with_capacity(seed_len.next_multiple_of(HASH_LEN)));
        for counter in 1..=u8::MAX {
            if seed.len() >= seed_len {
                break;
            }
            let mut hash = Sha256::new();
            hash.update(b"SPAKEkey");
            hash.update(self.group.0.to_be_bytes());
            hash.update(enctype.0.to_be_bytes());
            hash.update(&self.multiplier[..]);
            hash.update(&*self.element);
            hash.update(self.transcript);
            hash.update(req_body);
            hash.update(n.to_be_bytes());
            hash.update([counter]);
            let block: Zeroizing<[u8; HASH_LEN]> = Zeroizing::new(hash.finalize().into());
            seed.extend_from_slice(&*block);
        }
        seed.truncate(seed_len);
        // Whoever made the client's key was allowed to.
        let intermediate = Key::random_to_key_with_policy(enctype, &seed, &EnctypePolicy::ALLOW_ALL)?;
        fx_cf2(&self.initial, &intermediate, b"SPAKE", b"keyderiv")
    }
}

/// S = y*P + w*N and K = y*(T - w*M); nothing where T is no element of the group or K its identity.
fn respond<G: Group>(
    multiplier: &[u8; 32],
    peer: &[u8],
    rng: &mut dyn CryptoRng,
) -> Option<(Vec<u8>, Zeroizing<Vec<u8>>)> {
    let w = Zeroizing::new(G::reduce(multiplier));
    let y = Zeroizing::new(G::draw(rng));
    let element = G::agree(&y, &w, Mask::M, peer)?;
    Some((G::share(&y, &w, Mask::N), element))
}

fn is_element(group: SpakeGroup, octets: &[u8]) -> bool {
    match group {
        SpakeGroup::EDWARDS25519 => Edwards25519::is_element(octets),
        SpakeGroup::P256 => NistP256::is_element(octets),
        _ => false,
    }
}

/// The octets that w is made of (RFC 9588 section 5).
fn multiplier(initial: &Key, group: SpakeGroup) -> Result<Zeroizing<[u8; 32]>, ProtocolError> {
    let mut pepper = b"SPAKEsecret".to_vec();
    pepper.extend_from_slice(&group.0.to_be_bytes());
    let octets = initial
        .prf_plus(&pepper, 32)
        .map_err(ProtocolError::crypto("deriving the secret of SPAKE"))?;
    let mut multiplier = Zeroizing::new([0; 32]);
    for (to, from) in multiplier.iter_mut().zip(octets.iter()) {
        *to = *from;
    }
    Ok(multiplier)
}

/// The transcript hash with `inputs` behind it (RFC 9588 section 6).
fn update(transcript: &[u8; HASH_LEN], inputs: &[&[u8]]) -> [u8; HASH_LEN] {
    let mut hash = Sha256::new();
    hash.update(transcript);
    inputs.iter().for_each(|input| hash.update(input));
    hash.finalize().into()
}
