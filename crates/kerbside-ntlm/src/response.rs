//! Responses and the keys that come of them (MS-NLMP 3.3 and 3.4.5).

use alloc::vec::Vec;

use hmac::{Hmac, KeyInit, Mac};
use kerbside_gss::Role;
use md5::{Digest, Md5};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

use crate::av_pairs::AvPairs;
use crate::error::{NtlmError, malformed};
use crate::flags::NegotiateFlags;
use crate::keystream::Keystream;
use crate::secret::{KEY_LEN, LmHash, NtHash, NtlmSessionKey, des_encrypt};
use crate::text;

pub(crate) type Key = Zeroizing<[u8; KEY_LEN]>;

/// Octets of an NTLM v1 response and of every LM response.
pub(crate) const V1_RESPONSE_LEN: usize = 24;
/// Octets before the AV pairs of an NTLMv2_CLIENT_CHALLENGE.
const V2_HEAD_LEN: usize = 28;

/// HMAC-MD5 over the parts, one after the other.
pub(crate) fn hmac_md5(key: &[u8; KEY_LEN], parts: &[&[u8]]) -> Key {
    let mut block = Zeroizing::new([0_u8; 64]);
    for (to, from) in block.iter_mut().zip(key) {
        *to = *from;
    }
    let mut mac = Hmac::<Md5>::new(&(*block).into());
    for part in parts {
        mac.update(part);
    }
    let mut tag = mac.finalize().into_bytes();
    let made = Zeroizing::new(tag.into());
    tag.as_mut_slice().zeroize();
    made
}

/// MD5 over the parts, one after the other.
pub(crate) fn md5(parts: &[&[u8]]) -> Key {
    let mut hash = Md5::new();
    for part in parts {
        hash.update(part);
    }
    let mut digest = hash.finalize();
    let made = Zeroizing::new(digest.into());
    digest.as_mut_slice().zeroize();
    made
}

/// NTOWFv2: the user in upper case, the domain as it is spelt.
pub(crate) fn nt_owf_v2(hash: &NtHash, user: &str, domain: &str) -> Key {
    let user = text::utf16(&text::upper(user));
    hmac_md5(hash.expose_secret(), &[&user, &text::utf16(domain)])
}

/// NTProofStr and SessionBaseKey of NTLM v2.
pub(crate) struct V2Proof {
    pub(crate) proof: Key,
    pub(crate) session_base_key: Key,
}

impl V2Proof {
    /// Of the blob that the client's challenge and AV pairs are in ("temp" in MS-NLMP 3.3.2).
    pub(crate) fn new(owf: &Key, server_challenge: &[u8; 8], blob: &[u8]) -> Self {
        let proof = hmac_md5(owf, &[server_challenge, blob]);
        let session_base_key = hmac_md5(owf, &[proof.as_slice()]);
        Self {
            proof,
            session_base_key,
        }
    }
}

/// LMv2_RESPONSE.
pub(crate) fn lm_v2_response(
    owf: &Key,
    server_challenge: &[u8; 8],
    client_challenge: &[u8; 8],
) -> [u8; V1_RESPONSE_LEN] {
    let proof = hmac_md5(owf, &[server_challenge, client_challenge]);
    let mut response = [0; V1_RESPONSE_LEN];
    for (to, from) in response.iter_mut().zip(proof.iter().chain(client_challenge)) {
        *to = *from;
    }
    response
}

/// NTLMv2_CLIENT_CHALLENGE: what is under the proof (MS-NLMP 2.2.2.7).
#[derive(Debug, Clone, Copy)]
pub(crate) struct V2Blob<'a> {
    /// FILETIME.
    pub(crate) timestamp: u64,
    pub(crate) client_challenge: [u8; 8],
    pub(crate) pairs: AvPairs<'a>,
}

impl<'a> V2Blob<'a> {
    pub(crate) fn to_bytes(self) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend_from_slice(&[1, 1, 0, 0, 0, 0, 0, 0]);
        bytes.extend_from_slice(&self.timestamp.to_le_bytes());
        bytes.extend_from_slice(&self.client_challenge);
        bytes.extend_from_slice(&[0; 4]);
        bytes.extend_from_slice(self.pairs.as_bytes());
        bytes.extend_from_slice(&[0; 4]);
        bytes
    }

    /// Splits an NtChallengeResponse of version 2 into the proof and what it proves.
    pub(crate) fn parse(response: &'a [u8]) -> Result<([u8; KEY_LEN], &'a [u8], Self), NtlmError> {
        let broken = |field, reason| malformed("NTLMv2_RESPONSE", field, reason);
        let (proof, blob) = response
            .split_first_chunk::<KEY_LEN>()
            .ok_or(broken("Response", "the response ends in it"))?;
        let (head, rest) = blob
            .split_first_chunk::<V2_HEAD_LEN>()
            .ok_or(broken("NTLMv2_CLIENT_CHALLENGE", "the response ends in it"))?;
        let [version, highest, _, _, _, _, _, _, time @ .., _, _, _, _] = *head;
        if (version, highest) != (1, 1) {
            return Err(broken("RespType", "it is not 1"));
        }
        let (timestamp, client_challenge) = time.split_first_chunk::<8>().unwrap_or((&[0; 8], &[]));
        // The list's end is followed by four octets of zeros, by none, or by what a later version puts there: all of it
        // is under the proof.
        let (pairs, _) = AvPairs::parse_prefix(rest)?;
        let parsed = Self {
            timestamp: u64::from_le_bytes(*timestamp),
            client_challenge: client_challenge.try_into().unwrap_or_default(),
            pairs,
        };
        Ok((*proof, blob, parsed))
    }
}

/// DESL of MS-NLMP section 6.
fn desl(key: &[u8; KEY_LEN], data: [u8; 8]) -> [u8; V1_RESPONSE_LEN] {
    let mut padded = Zeroizing::new([0_u8; 21]);
    for (to, from) in padded.iter_mut().zip(key) {
        *to = *from;
    }
    let mut response = [0; V1_RESPONSE_LEN];
    for (third, out) in padded
        .as_chunks::<7>()
        .0
        .iter()
        .zip(response.as_chunks_mut::<8>().0)
    {
        *out = des_encrypt(third, data);
    }
    response
}

/// NtChallengeResponse of NTLM v1. With extended session security the client's challenge, which stands in the LM
/// response, is in it.
pub(crate) fn v1_response(
    hash: &NtHash,
    server_challenge: &[u8; 8],
    client_challenge: Option<&[u8; 8]>,
) -> [u8; V1_RESPONSE_LEN] {
    let Some(client_challenge) = client_challenge else {
        return desl(hash.expose_secret(), *server_challenge);
    };
    let digest = md5(&[server_challenge, client_challenge]);
    let first = digest.first_chunk::<8>().copied().unwrap_or_default();
    desl(hash.expose_secret(), first)
}

/// LmChallengeResponse of NTLM v1 without extended session security; neither side uses it.
#[must_use]
pub fn lm_v1_response(hash: &LmHash, server_challenge: &[u8; 8]) -> [u8; V1_RESPONSE_LEN] {
    desl(hash.expose_secret(), *server_challenge)
}

/// KeyExchangeKey of NTLM v1 from the LM hash: `REQUEST_NON_NT_SESSION_KEY`, or else `LM_KEY` (MS-NLMP 3.4.5.1). Neither
/// flag is offered or taken by either side.
#[must_use]
pub fn lm_key_exchange_key(flags: NegotiateFlags, hash: &LmHash, lm_response: &[u8; 24]) -> NtlmSessionKey {
    let mut key = [0; KEY_LEN];
    let (head, _) = hash.expose_secret().split_at(8);
    if flags.contains(NegotiateFlags::LM_KEY) {
        let block = lm_response.first_chunk::<8>().copied().unwrap_or_default();
        let first = head.first_chunk::<7>().copied().unwrap_or_default();
        let eighth = head.last().copied().unwrap_or_default();
        let second = [eighth, 0xbd, 0xbd, 0xbd, 0xbd, 0xbd, 0xbd];
        for (out, half) in key.as_chunks_mut::<8>().0.iter_mut().zip([first, second]) {
            *out = des_encrypt(&half, block);
        }
    } else {
        for (to, from) in key.iter_mut().zip(head) {
            *to = *from;
        }
    }
    NtlmSessionKey::from_bytes(key)
}

/// SessionBaseKey and KeyExchangeKey of NTLM v1 (MS-NLMP 3.3.1, 3.4.5.1).
pub(crate) fn v1_key_exchange_key(
    hash: &NtHash,
    server_challenge: &[u8; 8],
    client_challenge: Option<&[u8; 8]>,
) -> Key {
    use md4::Md4;
    let mut base = Md4::digest(hash.expose_secret());
    let key: Key = Zeroizing::new(base.into());
    base.as_mut_slice().zeroize();
    match client_challenge {
        Some(client_challenge) => hmac_md5(&key, &[server_challenge, client_challenge]),
        None => key,
    }
}

/// RC4K of a key by a key: there and back (MS-NLMP section 6).
pub(crate) fn wrap_key(with: &[u8; KEY_LEN], key: &[u8; KEY_LEN]) -> [u8; KEY_LEN] {
    let mut wrapped = *key;
    Keystream::new(with).apply(&mut wrapped);
    wrapped
}

/// The MIC over the three messages, the last with zeros in its place (MS-NLMP 3.1.5.1.2).
pub(crate) fn mic(
    session_key: &NtlmSessionKey,
    negotiate: &[u8],
    challenge: &[u8],
    authenticate: &[u8],
) -> Key {
    hmac_md5(session_key.expose_secret(), &[negotiate, challenge, authenticate])
}

/// SIGNKEY with extended session security; without it there is none (MS-NLMP 3.4.5.2).
pub(crate) fn sign_key(session_key: &NtlmSessionKey, sender: Role) -> Key {
    let magic: &[u8] = match sender {
        Role::Initiator => b"session key to client-to-server signing key magic constant\0",
        Role::Acceptor => b"session key to server-to-client signing key magic constant\0",
    };
    md5(&[session_key.expose_secret(), magic])
}

/// SEALKEY (MS-NLMP 3.4.5.3), as the stream that it begins.
pub(crate) fn seal_stream(flags: NegotiateFlags, session_key: &NtlmSessionKey, sender: Role) -> Keystream {
    let key = session_key.expose_secret();
    if !flags.contains(NegotiateFlags::EXTENDED_SESSIONSECURITY) {
        // LM_KEY and DATAGRAM, which shorten the key here, are not built.
        return Keystream::new(key);
    }
    let strength = if flags.contains(NegotiateFlags::KEY_128) {
        16
    } else if flags.contains(NegotiateFlags::KEY_56) {
        7
    } else {
        5
    };
    let magic: &[u8] = match sender {
        Role::Initiator => b"session key to client-to-server sealing key magic constant\0",
        Role::Acceptor => b"session key to server-to-client sealing key magic constant\0",
    };
    let part = key.get(..strength).unwrap_or(key);
    Keystream::new(md5(&[part, magic]).as_slice())
}

/// Whether two secrets are the same, in a time that does not tell where they differ.
pub(crate) fn same(a: &[u8], b: &[u8]) -> bool {
    a.ct_eq(b).into()
}
