//! Group 1, edwards25519 (RFC 9588 12.2.2.1). Points are encoded as RFC 8032 5.1.2 says.
//!
//! Private values have to be multiples of the cofactor 8: a scalar here is an eighth of one, and the eightfold is made in
//! the group, since 8*y modulo p would forget the cofactor where the peer's point is outside of the prime-order subgroup.

use alloc::vec::Vec;

use curve25519_dalek::constants::ED25519_BASEPOINT_POINT;
use curve25519_dalek::edwards::{CompressedEdwardsY, EdwardsPoint};
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::IsIdentity;
use kerbside_crypto::{CryptoRng, Zeroizing};

use super::group::{Group, Mask};

const M: [u8; 32] = [
    0xd0, 0x48, 0x03, 0x2c, 0x6e, 0xa0, 0xb6, 0xd6, 0x97, 0xdd, 0xc2, 0xe8, 0x6b, 0xda, 0x85, 0xa3, 0x3a,
    0xda, 0xc9, 0x20, 0xf1, 0xbf, 0x18, 0xe1, 0xb0, 0xc6, 0xd1, 0x66, 0xa5, 0xce, 0xcd, 0xaf,
];
const N: [u8; 32] = [
    0xd3, 0xbf, 0xb5, 0x18, 0xf4, 0x4f, 0x34, 0x30, 0xf2, 0x9d, 0x0c, 0x92, 0xaf, 0x50, 0x38, 0x65, 0xa1,
    0xed, 0x32, 0x81, 0xdc, 0x69, 0xb3, 0x5d, 0xd8, 0x68, 0xba, 0x85, 0xf8, 0x86, 0xc4, 0xab,
];

/// The group.
pub(super) struct Edwards25519;

impl Group for Edwards25519 {
    type Scalar = Scalar;

    fn draw(rng: &mut dyn CryptoRng) -> Scalar {
        let mut octets = Zeroizing::new([0; 64]);
        rng.fill_bytes(&mut *octets);
        Scalar::from_bytes_mod_order_wide(&octets)
    }

    fn reduce(octets: &[u8; 32]) -> Scalar {
        Scalar::from_bytes_mod_order(*octets)
    }

    fn is_element(octets: &[u8]) -> bool {
        decode(octets).is_some_and(|point| !point.is_small_order())
    }

    fn share(secret: &Scalar, w: &Scalar, mask: Mask) -> Vec<u8> {
        let public = Zeroizing::new((ED25519_BASEPOINT_POINT * secret).mul_by_cofactor());
        let hidden = *public + *hidden_by(w, mask);
        hidden.compress().as_bytes().to_vec()
    }

    fn agree(secret: &Scalar, w: &Scalar, mask: Mask, peer: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        if !Self::is_element(peer) {
            return None;
        }
        let bare = Zeroizing::new(decode(peer)? - *hidden_by(w, mask));
        let shared = Zeroizing::new(bare.mul_by_cofactor() * secret);
        let octets = Zeroizing::new(shared.compress().to_bytes());
        (!shared.is_identity()).then(|| Zeroizing::new(octets.to_vec()))
    }
}

/// w*M or w*N. Both constants are points, which the vectors prove; the identity would hide nothing.
fn hidden_by(w: &Scalar, mask: Mask) -> Zeroizing<EdwardsPoint> {
    let mask = match mask {
        Mask::M => decode(&M),
        Mask::N => decode(&N),
    };
    Zeroizing::new(mask.unwrap_or_default() * w)
}

/// The point of its one encoding: RFC 8032 5.1.3 refuses the others, decompression alone does not.
fn decode(octets: &[u8]) -> Option<EdwardsPoint> {
    let encoding = CompressedEdwardsY::from_slice(octets).ok()?;
    encoding.decompress().filter(|point| point.compress() == encoding)
}
