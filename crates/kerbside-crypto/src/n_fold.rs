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
    fn an_input_of_the_output_length_is_itself_and_an_empty_one_is_zero() {
        assert_eq!(n_fold::<5>(b"abcde"), *b"abcde");
        assert_eq!(n_fold::<4>(b""), [0; 4]);
    }
}
