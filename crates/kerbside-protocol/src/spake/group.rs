//! What SPAKE needs of a group.

use alloc::vec::Vec;

use kerbside_crypto::{CryptoRng, Zeroizing};
use zeroize::Zeroize;

/// One of the two points that hide the shares (RFC 9588 12.2): the KDC's is hidden by M, the client's by N.
#[derive(Clone, Copy, Debug)]
pub(super) enum Mask {
    M,
    N,
}

/// A group of prime order p with the generator P, possibly inside one with a small cofactor. Scalars are secret: all
/// that is done with them takes the same time whatever they are.
pub(super) trait Group {
    /// An integer modulo p.
    type Scalar: Zeroize;

    /// A private value, uniform.
    fn draw(rng: &mut dyn CryptoRng) -> Self::Scalar;

    /// The scalar w of the octets that PRF+ gave.
    fn reduce(octets: &[u8; 32]) -> Self::Scalar;

    /// Whether a public value can be taken: the one encoding of a point of the curve that is not the identity, nor
    /// becomes it by the cofactor.
    fn is_element(octets: &[u8]) -> bool;

    /// The public value: secret*P + w*mask.
    fn share(secret: &Self::Scalar, w: &Self::Scalar, mask: Mask) -> Vec<u8>;

    /// The common value: secret*(peer - w*mask), with `mask` the peer's. Nothing where `peer` is no element or the result
    /// is the identity.
    fn agree(secret: &Self::Scalar, w: &Self::Scalar, mask: Mask, peer: &[u8]) -> Option<Zeroizing<Vec<u8>>>;
}
