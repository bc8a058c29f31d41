//! The appendix's vectors, the groups' checks, and the KDC's half of SPAKE for the tests of the exchange.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "a test that fails may panic"
)]

use alloc::vec;
use alloc::vec::Vec;

use curve25519_dalek::constants::EIGHT_TORSION;
use kerbside_asn1::{
    self as asn1, AsReq, PaDataType, PaSpake, SpakeChallenge, SpakeGroup, SpakeSecondFactor,
    SpakeSecondFactorType,
};
use kerbside_crypto::{CryptoRng, EncryptionType, EnctypePolicy, Key, KeyUsage, LongTermKey, Zeroizing};
use p256::elliptic_curve::ff::PrimeField;
use serde_json::Value;

use super::edwards25519::Edwards25519;
use super::group::{Group, Mask};
use super::nist_p256::NistP256;
use super::{Agreement, Challenge, NoChallenge, SPAKE_GROUPS, multiplier, support, update};
use crate::error::Misbehaviour;
use crate::fake_kdc::{AES256, key, rng};

/// A group whose private values can be given, as the vectors print them.
trait Known: Group {
    fn known(octets: &[u8]) -> Self::Scalar;
    fn octets(scalar: &Self::Scalar) -> Vec<u8>;
}

impl Known for Edwards25519 {
    /// The vectors print the multiple of the cofactor, least octet first.
    fn known(octets: &[u8]) -> Self::Scalar {
        assert_eq!(octets[0] % 8, 0);
        let shifted: Vec<u8> = (0..32)
            .map(|at| octets[at] >> 3 | octets.get(at + 1).map_or(0, |next| next << 5))
            .collect();
        Self::Scalar::from_canonical_bytes(shifted.try_into().unwrap()).unwrap()
    }

    fn octets(scalar: &Self::Scalar) -> Vec<u8> {
        scalar.to_bytes().to_vec()
    }
}

impl Known for NistP256 {
    fn known(octets: &[u8]) -> Self::Scalar {
        let octets: [u8; 32] = octets.try_into().unwrap();
        Self::Scalar::from_repr(octets.into()).unwrap()
    }

    fn octets(scalar: &Self::Scalar) -> Vec<u8> {
        scalar.to_bytes().to_vec()
    }
}

fn field(vector: &Value, name: &str) -> Vec<u8> {
    hex::decode(vector[name].as_str().unwrap_or_else(|| panic!("{name}"))).unwrap()
}

#[test]
fn the_vectors_of_the_appendix() {
    let file: Value = serde_json::from_str(include_str!("../../tests/vectors/rfc9588_spake.json")).unwrap();
    let (mut edwards, mut nist, mut not_built) = (0, 0, Vec::new());
    for vector in file["vectors"].as_array().unwrap() {
        let group = SpakeGroup(i32::try_from(vector["group"].as_i64().unwrap()).unwrap());
        match group {
            SpakeGroup::EDWARDS25519 => {
                check::<Edwards25519>(group, vector);
                edwards += 1;
            }
            SpakeGroup::P256 => {
                check::<NistP256>(group, vector);
                nist += 1;
            }
            other => not_built.push(other),
        }
    }
    assert_eq!((edwards, nist), (5, 1));
    // The last is the appendix's example of a group with SHA-1, of a private number.
    let others = [
        SpakeGroup::P384,
        SpakeGroup::P521,
        SpakeGroup::P521,
        SpakeGroup(-1),
    ];
    assert_eq!(not_built, others);
    assert!(!others.iter().any(|group| SPAKE_GROUPS.contains(group)));
}

fn check<G: Known>(group: SpakeGroup, vector: &Value) {
    let enctype = EncryptionType(i32::try_from(vector["etype"].as_i64().unwrap()).unwrap());
    let octets = |name: &str| field(vector, name);
    let initial = Key::with_policy(
        enctype,
        &octets("initial_reply_key_hex"),
        &EnctypePolicy::ALLOW_ALL,
    )
    .unwrap();
    let multiplier = multiplier(&initial, group).unwrap();
    assert_eq!(multiplier.to_vec(), octets("w_prfplus_hex"));
    let w = G::reduce(&multiplier);
    assert_eq!(G::octets(&w), octets("w_reduced_hex"));
    let (x, y) = (G::known(&octets("x_hex")), G::known(&octets("y_hex")));
    let none = G::reduce(&[0; 32]);
    assert_eq!(G::share(&x, &none, Mask::M), octets("X_hex"));
    assert_eq!(G::share(&y, &none, Mask::N), octets("Y_hex"));
    assert_eq!(G::share(&x, &w, Mask::M), octets("T_hex"));
    assert_eq!(G::share(&y, &w, Mask::N), octets("S_hex"));
    let element = G::agree(&y, &w, Mask::M, &octets("T_hex")).unwrap();
    assert_eq!(element.to_vec(), octets("K_hex"));
    assert_eq!(G::agree(&x, &w, Mask::N, &octets("S_hex")), Some(element.clone()));
    // An optimistic challenge answers no support message.
    let sent = (vector["spake_support_hex"].is_string()).then(|| octets("spake_support_hex"));
    if let Some(sent) = &sent {
        assert_eq!(&support(&[group]).unwrap(), sent);
    }
    let challenge = Challenge::take(sent.as_deref(), &octets("spake_challenge_hex"), &[group])
        .unwrap_or_else(|_| panic!("the challenge is taken"));
    assert_eq!(challenge.pubkey, octets("T_hex"));
    assert_eq!(challenge.transcript.to_vec(), octets("thash_after_challenge_hex"));
    let agreement = Agreement {
        group,
        initial: LongTermKey::from(initial),
        multiplier,
        pubkey: octets("S_hex"),
        element,
        transcript: update(&challenge.transcript, &[&octets("S_hex")]),
    };
    assert_eq!(agreement.transcript.to_vec(), octets("thash_final_hex"));
    for n in 0..4 {
        let derived = agreement.derived_key(&octets("kdc_req_body_hex"), n).unwrap();
        let expected = octets(&alloc::format!("K_prime_{n}_hex"));
        assert_eq!(derived.expose_secret(), expected, "K'[{n}] of {enctype}, {group}");
    }
}

fn rejected(group: SpakeGroup, pubkey: &[u8]) -> bool {
    let message = encoded(group, pubkey, &[SpakeSecondFactorType::SF_NONE]);
    matches!(
        Challenge::take(None, &message, &[group]),
        Err(NoChallenge::Broken(Misbehaviour::SpakePoint { .. }))
    )
}

#[test]
fn points_of_no_use_are_refused() {
    let edwards = SpakeGroup::EDWARDS25519;
    let good = KdcHalf::new(edwards, key(AES256, 1), &mut rng(1)).share();
    assert!(!rejected(edwards, &good));
    for point in EIGHT_TORSION {
        assert!(rejected(edwards, point.compress().as_bytes()), "small order");
    }
    assert!(rejected(edwards, &good[..31]));
    assert!(rejected(edwards, &[&good[..], &[0]].concat()));
    assert!(rejected(edwards, &[]));
    // y = 2 is on no point; p + 3 is a second encoding of y = 3, whose point is good.
    assert!(rejected(edwards, &[&[2][..], &[0; 31]].concat()));
    let three = [&[3][..], &[0; 31]].concat();
    assert!(!rejected(edwards, &three));
    let again = [&[0xf0][..], &[0xff; 30], &[0x7f]].concat();
    assert!(rejected(edwards, &again), "not canonical");

    let nist = SpakeGroup::P256;
    let good = KdcHalf::new(nist, key(AES256, 1), &mut rng(1)).share();
    assert!(!rejected(nist, &good));
    assert!(rejected(nist, &[]));
    assert!(rejected(nist, &[0]), "SEC 1's identity");
    assert!(rejected(nist, &[0; 33]), "the library's identity");
    assert!(rejected(nist, &good[..32]));
    for tag in [0, 1, 4, 5, 6, 7] {
        assert!(rejected(nist, &[&[tag], &good[1..]].concat()), "tag {tag}");
    }
    assert!(rejected(nist, &[&[2][..], &[0xff; 32]].concat()), "x above p");
    // About half of all x are on no point.
    let off_curve = (0..20)
        .filter(|x| rejected(nist, &[&[2][..], &[0; 31], &[*x]].concat()))
        .count();
    assert!((1..20).contains(&off_curve), "{off_curve}");
    // A group that is not built has no elements.
    assert!(rejected(SpakeGroup::P384, &[2; 49]));
}

/// A KDC that puts out w*M itself would make K the identity for any y.
#[test]
fn an_agreement_on_the_identity_is_none() {
    for group in SPAKE_GROUPS {
        let initial = key(AES256, 1);
        let message = bare_challenge(group, &initial);
        let taken = Challenge::take(None, &message, &[group]).unwrap_or_else(|_| panic!("an element"));
        assert!(taken.agree(initial.into(), &mut rng(2)).unwrap().is_none());
    }
}

/// A challenge whose share is w*M.
pub(crate) fn bare_challenge(group: SpakeGroup, initial: &Key) -> Vec<u8> {
    let octets = multiplier(initial, group).unwrap();
    let bare = match group {
        SpakeGroup::EDWARDS25519 => bare_mask::<Edwards25519>(&octets),
        _ => bare_mask::<NistP256>(&octets),
    };
    encoded(group, &bare, &[SpakeSecondFactorType::SF_NONE])
}

fn bare_mask<G: Known>(w: &[u8; 32]) -> Vec<u8> {
    G::share(&G::reduce(&[0; 32]), &G::reduce(w), Mask::M)
}

/// A point outside of the prime-order subgroup must not show which one: the cofactor is cleared.
#[test]
fn what_is_added_of_small_order_does_not_count() {
    let (y, w) = (Edwards25519::draw(&mut rng(1)), Edwards25519::draw(&mut rng(2)));
    let peer = Edwards25519::share(&Edwards25519::draw(&mut rng(3)), &w, Mask::M);
    let point = curve25519_dalek::edwards::CompressedEdwardsY::from_slice(&peer)
        .unwrap()
        .decompress()
        .unwrap();
    let expected = Edwards25519::agree(&y, &w, Mask::M, &peer).unwrap();
    for small in EIGHT_TORSION {
        let mixed = (point + small).compress().to_bytes();
        assert_eq!(
            Edwards25519::agree(&y, &w, Mask::M, &mixed).as_ref(),
            Some(&expected)
        );
    }
}

#[test]
fn other_inputs_make_other_keys() {
    let initial = key(AES256, 1);
    let kdc = KdcHalf::new(SpakeGroup::EDWARDS25519, initial.clone(), &mut rng(1));
    let groups = [SpakeGroup::EDWARDS25519];
    let make = |seed| {
        let taken = Challenge::take(None, &kdc.challenge(), &groups).unwrap_or_else(|_| panic!("taken"));
        taken
            .agree(initial.clone().into(), &mut rng(seed))
            .unwrap()
            .unwrap()
    };
    let one = make(5);
    let first = one.derived_key(b"body", 0).unwrap();
    assert!(first.ct_eq(&make(5).derived_key(b"body", 0).unwrap()));
    assert!(!first.ct_eq(&make(6).derived_key(b"body", 0).unwrap()), "y");
    assert_ne!(one.pubkey, make(6).pubkey);
    assert!(!first.ct_eq(&one.derived_key(b"other body", 0).unwrap()));
    assert!(!first.ct_eq(&one.derived_key(b"body", 1).unwrap()));
}

/// The KDC's half.
pub(crate) struct KdcHalf {
    group: SpakeGroup,
    key: Key,
    x: [u8; 64],
    factors: Vec<SpakeSecondFactorType>,
}

/// Gives the same octets each time: the KDC's x has to last from the challenge to the response.
struct Replayed<'a>(&'a [u8]);

impl rand_chacha::rand_core::TryRng for Replayed<'_> {
    type Error = core::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        panic!("octets alone are drawn")
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        panic!("octets alone are drawn")
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Self::Error> {
        out.copy_from_slice(&self.0[..out.len()]);
        Ok(())
    }
}

impl rand_chacha::rand_core::TryCryptoRng for Replayed<'_> {}

impl KdcHalf {
    pub(crate) fn new(group: SpakeGroup, key: Key, rng: &mut dyn CryptoRng) -> Self {
        let mut x = [0; 64];
        rng.fill_bytes(&mut x);
        let factors = vec![SpakeSecondFactorType::SF_NONE];
        Self {
            group,
            key,
            x,
            factors,
        }
    }

    pub(crate) fn with_factors(self, factors: &[SpakeSecondFactorType]) -> Self {
        Self {
            factors: factors.to_vec(),
            ..self
        }
    }

    fn share(&self) -> Vec<u8> {
        match self.group {
            SpakeGroup::EDWARDS25519 => self.share_of::<Edwards25519>(),
            _ => self.share_of::<NistP256>(),
        }
    }

    fn share_of<G: Group>(&self) -> Vec<u8> {
        let w = G::reduce(&multiplier(&self.key, self.group).unwrap());
        G::share(&G::draw(&mut Replayed(&self.x)), &w, Mask::M)
    }

    fn element<G: Group>(&self, pubkey: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let w = G::reduce(&multiplier(&self.key, self.group).unwrap());
        G::agree(&G::draw(&mut Replayed(&self.x)), &w, Mask::N, pubkey)
    }

    /// The encoded challenge.
    pub(crate) fn challenge(&self) -> Vec<u8> {
        encoded(self.group, &self.share(), &self.factors)
    }

    /// The reply key, if the request's response is a right answer to the challenge, itself one to `support`.
    pub(crate) fn reply_key(&self, support: Option<&[u8]>, request: &[u8]) -> Option<Key> {
        let request: AsReq<'_> = asn1::decode(request).unwrap();
        let value = asn1::find_padata(request.padata.as_ref().unwrap(), PaDataType::PA_SPAKE).unwrap();
        self.reply_key_of(support, value, request.req_body.bytes())
    }

    /// As [`reply_key`](Self::reply_key), of the response's PA-SPAKE and the body beside it.
    pub(crate) fn reply_key_of(&self, support: Option<&[u8]>, value: &[u8], body: &[u8]) -> Option<Key> {
        let PaSpake::Response(response) = asn1::decode(value).unwrap() else {
            panic!("expected a response")
        };
        let element = match self.group {
            SpakeGroup::EDWARDS25519 => self.element::<Edwards25519>(response.pubkey)?,
            _ => self.element::<NistP256>(response.pubkey)?,
        };
        let transcript = update(&[0; 32], &[support.unwrap_or_default(), &self.challenge()]);
        let agreement = Agreement {
            group: self.group,
            initial: LongTermKey::from(self.key.clone()),
            multiplier: multiplier(&self.key, self.group).unwrap(),
            pubkey: Vec::new(),
            element,
            transcript: update(&transcript, &[response.pubkey]),
        };
        let factor_key = agreement.derived_key(body, 1).unwrap();
        assert_eq!(
            (response.factor.etype, response.factor.kvno),
            (factor_key.enctype(), None)
        );
        let plain = factor_key.decrypt(KeyUsage::SPAKE, response.factor.cipher).ok()?;
        let factor: SpakeSecondFactor<'_> = crate::decode_plaintext(factor_key.enctype(), &plain).unwrap();
        assert_eq!(
            (factor.factor_type, factor.data),
            (SpakeSecondFactorType::SF_NONE, None)
        );
        Some(agreement.derived_key(body, 0).unwrap())
    }
}

/// A challenge with any content.
pub(crate) fn encoded(group: SpakeGroup, pubkey: &[u8], factors: &[SpakeSecondFactorType]) -> Vec<u8> {
    let factors = factors.iter().map(|&factor_type| SpakeSecondFactor {
        factor_type,
        data: None,
    });
    asn1::encode(&PaSpake::Challenge(SpakeChallenge {
        group,
        pubkey,
        factors: factors.collect(),
    }))
    .unwrap()
}
