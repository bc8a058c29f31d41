//! Group 2, P-256 (RFC 9588 12.2.2.2). Points are encoded compressed, as SEC 1 2.3.3 says; the cofactor is 1.

use alloc::vec::Vec;

use kerbside_crypto::{CryptoRng, Zeroizing};
use p256::elliptic_curve::ff::FromUniformBytes;
use p256::elliptic_curve::group::{Group as _, GroupEncoding};
use p256::elliptic_curve::ops::Reduce;
use p256::{CompressedPoint, FieldBytes, ProjectivePoint, Scalar};

use super::group::{Group, Mask};

const M: [u8; 33] = [
    0x02, 0x88, 0x6e, 0x2f, 0x97, 0xac, 0xe4, 0x6e, 0x55, 0xba, 0x9d, 0xd7, 0x24, 0x25, 0x79, 0xf2, 0x99,
    0x3b, 0x64, 0xe1, 0x6e, 0xf3, 0xdc, 0xab, 0x95, 0xaf, 0xd4, 0x97, 0x33, 0x3d, 0x8f, 0xa1, 0x2f,
];
const N: [u8; 33] = [
    0x03, 0xd8, 0xbb, 0xd6, 0xc6, 0x39, 0xc6, 0x29, 0x37, 0xb0, 0x4d, 0x99, 0x7f, 0x38, 0xc3, 0x77, 0x07,
    0x19, 0xc6, 0x29, 0xd7, 0x01, 0x4d, 0x49, 0xa2, 0x4b, 0x4f, 0x98, 0xba, 0xa1, 0x29, 0x2b, 0x49,
];

/// The group.
pub(super) struct NistP256;

impl Group for NistP256 {
    type Scalar = Scalar;

    fn draw(rng: &mut dyn CryptoRng) -> Scalar {
        let mut octets = Zeroizing::new([0; 64]);
        rng.fill_bytes(&mut *octets);
        Scalar::from_uniform_bytes(&octets)
    }

    fn reduce(octets: &[u8; 32]) -> Scalar {
        Scalar::reduce(&FieldBytes::from(*octets))
    }

    fn is_element(octets: &[u8]) -> bool {
        decode(octets).is_some()
    }

    fn share(secret: &Scalar, w: &Scalar, mask: Mask) -> Vec<u8> {
        let public = Zeroizing::new(ProjectivePoint::GENERATOR * secret);
        (*public + *hidden_by(w, mask)).to_bytes().to_vec()
    }

    fn agree(secret: &Scalar, w: &Scalar, mask: Mask, peer: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let bare = Zeroizing::new(decode(peer)? - *hidden_by(w, mask));
        let shared = Zeroizing::new(*bare * secret);
        let mut octets = shared.to_bytes();
        let copy = Zeroizing::new(octets.to_vec());
        zeroize::Zeroize::zeroize(&mut octets[..]);
        (!bool::from(shared.is_identity())).then_some(copy)
    }
}

/// w*M or w*N. Both constants are points, which the vectors prove; the identity would hide nothing.
fn hidden_by(w: &Scalar, mask: Mask) -> Zeroizing<ProjectivePoint> {
    let mask = match mask {
        Mask::M => decode(&M),
        Mask::N => decode(&N),
    };
    Zeroizing::new(mask.unwrap_or_default() * w)
}

/// The point of its compressed encoding; the library also takes the identity as zeros and SEC 1's compact form.
fn decode(octets: &[u8]) -> Option<ProjectivePoint> {
    let octets: [u8; 33] = octets.try_into().ok()?;
    let encoding = CompressedPoint::from(octets);
    let point = ProjectivePoint::from_bytes(&encoding).into_option()?;
    (!bool::from(point.is_identity()) && point.to_bytes() == encoding).then_some(point)
}
