//! n-fold (RFC 3961 section 5.1).

/// Stretches or folds `input` to `N` octets: copies of it, each rotated right by 13 bits more than the one before,
/// are laid end to end up to the least common multiple of the lengths, and the `N`-octet pieces of that are added
/// with end-around carry.
pub(crate) fn n_fold<const N: usize>(input: &[u8]) -> [u8; N] {
    let mut sums = [0u32; N];
    let bits = input.len() * 8;
    if bits == 0 || N == 0 {
        return [0; N];
    }
    let (mut position, mut rotation) = (0, 0);
    for _ in 0..N / greatest_common_divisor(N, input.len()) {
        let mut start = if rotation == 0 { 0 } else { bits - rotation };
        for _ in 0..input.len() {
            if let Some(sum) = sums.get_mut(position % N) {
                *sum += u32::from(octet_at(input, start));
            }
            position += 1;
            start += 8;
            if start >= bits {
                start -= bits;
            }
        }
        rotation = (rotation + 13) % bits;
    }
    carry_around(&mut sums)
}

/// n-fold of five octets, which a usage's constant has, to 16: the same as [`n_fold`], for the way of every request.
///
/// Addition with end-around carry is addition modulo 2^128 - 1, where a place beyond the width is a rotation; so each
/// of the 16 copies of the input, 40 bits rotated right by 13 more each time, is rotated to its place and added.
pub(crate) fn n_fold_of_five(input: &[u8; 5]) -> [u8; 16] {
    let [a, b, c, d, e] = *input;
    let mut copy = u64::from_be_bytes([0, 0, 0, a, b, c, d, e]);
    let mut sum = 0u128;
    let mut end = 40;
    for _ in 0..16 {
        let (low, carry) = sum.overflowing_add(u128::from(copy).rotate_right(end));
        sum = low + u128::from(carry);
        copy = (copy >> 13 | copy << 27) & 0xff_ffff_ffff;
        end = (end + 40) % 128;
    }
    sum.to_be_bytes()
}

/// The eight bits of `input` that begin at bit `start`, going round at its end.
fn octet_at(input: &[u8], start: usize) -> u8 {
    let this = input.get(start / 8).copied().unwrap_or_default();
    let next = input
        .get(start / 8 + 1)
        .or(input.first())
        .copied()
        .unwrap_or_default();
    let [octet, _] = (u16::from_be_bytes([this, next]) << (start % 8)).to_be_bytes();
    octet
}

/// Reduces the columns of an addition to octets; what leaves at the top comes in again at the bottom.
fn carry_around<const N: usize>(sums: &mut [u32; N]) -> [u8; N] {
    loop {
        let mut carry = 0;
        for sum in sums.iter_mut().rev() {
            *sum += carry;
            carry = *sum >> 8;
            *sum &= 0xff;
        }
        if carry == 0 {
            break;
        }
        if let Some(lowest) = sums.last_mut() {
            *lowest += carry;
        }
    }
    sums.map(|sum| {
        let [.., octet] = sum.to_be_bytes();
        octet
    })
}

fn greatest_common_divisor(a: usize, b: usize) -> usize {
    if b == 0 {
        a
    } else {
        greatest_common_divisor(b, a % b)
    }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::panic,
        clippy::indexing_slicing,
        reason = "a test fails by panicking"
    )]
    use super::*;
    use alloc::string::String;

    #[test]
    fn vectors_of_rfc_3961_and_mit() {
        let file: serde_json::Value =
            serde_json::from_str(include_str!("../tests/vectors/rfc3961_nfold.json")).unwrap();
        let vectors = file["vectors"].as_array().unwrap();
        for vector in vectors {
            let input = hex::decode(vector["input_hex"].as_str().unwrap()).unwrap();
            let output: String = match vector["bits"].as_u64().unwrap() {
                56 => hex::encode(n_fold::<7>(&input)),
                64 => hex::encode(n_fold::<8>(&input)),
                128 => hex::encode(n_fold::<16>(&input)),
                168 => hex::encode(n_fold::<21>(&input)),
                192 => hex::encode(n_fold::<24>(&input)),
                256 => hex::encode(n_fold::<32>(&input)),
                bits => panic!("no test for {bits} bits"),
            };
            assert_eq!(
                output,
                vector["output_hex"].as_str().unwrap(),
                "{}",
                vector["source"]
            );
        }
        assert_eq!(vectors.len() as u64, file["count"].as_u64().unwrap());
    }

    #[test]
    fn five_octets_fold_as_any_others_do() {
        let usages = (-30..1100).chain([i32::MIN, i32::MAX, 0x5555_5555, -0x1234_5678]);
        for usage in usages {
            for purpose in [0x99, 0xaa, 0x55, 0, 0xff] {
                let [a, b, c, d] = i32::to_be_bytes(usage);
                let input = [a, b, c, d, purpose];
                assert_eq!(n_fold_of_five(&input), n_fold::<16>(&input), "{input:?}");
            }
        }
    }

    #[test]
    fn an_input_of_the_output_length_is_itself_and_an_empty_one_is_zero() {
        assert_eq!(n_fold::<5>(b"abcde"), *b"abcde");
        assert_eq!(n_fold::<4>(b""), [0; 4]);
    }
}
