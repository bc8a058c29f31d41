//! Lengths in their shortest form. Windows' encoder, and with it mimikatz, writes every length of a message
//! in four octets, which is BER and no DER.

use alloc::vec::Vec;

use zeroize::Zeroizing;

/// Deeper than any Kerberos message.
const MAX_DEPTH: usize = 32;

/// The same elements with the shortest lengths; none when that changes nothing, and when the bytes are not
/// elements of definite lengths (the decoder then says where).
pub(super) fn shortest(bytes: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut out = Zeroizing::new(Vec::with_capacity(bytes.len()));
    rewrite(bytes, &mut out, MAX_DEPTH)?;
    (**out != *bytes).then_some(out)
}

fn rewrite(mut bytes: &[u8], out: &mut Vec<u8>, depth: usize) -> Option<()> {
    while let [tag, rest @ ..] = bytes {
        let (contents, after) = split(rest)?;
        let is_constructed = tag & 0x20 != 0;
        out.push(*tag);
        if is_constructed {
            let mut inner = Zeroizing::new(Vec::with_capacity(contents.len()));
            rewrite(contents, &mut inner, depth.checked_sub(1)?)?;
            push_len(inner.len(), out)?;
            out.extend_from_slice(&inner);
        } else {
            push_len(contents.len(), out)?;
            out.extend_from_slice(contents);
        }
        bytes = after;
    }
    Some(())
}

/// Contents and what follows them; `bytes` begins with the length.
fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (first, rest) = bytes.split_first()?;
    let (len, rest) = match first {
        0..=0x7f => (u32::from(*first), rest),
        0x81..=0x84 => {
            let (octets, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            let len = octets
                .iter()
                .fold(0_u32, |len, octet| (len << 8) | u32::from(*octet));
            (len, rest)
        }
        _ => return None,
    };
    rest.split_at_checked(usize::try_from(len).ok()?)
}

/// `out` has room: no length becomes longer than it was, so keys are not left behind by growing.
fn push_len(len: usize, out: &mut Vec<u8>) -> Option<()> {
    let octets = u32::try_from(len).ok()?.to_be_bytes();
    if len < 0x80 {
        out.push(u8::try_from(len).ok()?);
        return Some(());
    }
    let skip = octets.iter().take_while(|octet| **octet == 0).count();
    let significant = octets.get(skip..)?;
    out.push(0x80 | u8::try_from(significant.len()).ok()?);
    out.extend_from_slice(significant);
    Some(())
}

#[cfg(test)]
mod tests {
    use super::shortest;

    fn changed(bytes: &[u8]) -> Option<Vec<u8>> {
        shortest(bytes).map(|bytes| bytes.to_vec())
    }

    #[test]
    fn only_lengths_change() {
        let long = [0x30, 0x84, 0, 0, 0, 9, 0xa0, 0x82, 0, 5, 4, 0x83, 0, 0, 1, 7, 2];
        assert_eq!(changed(&long[..16]), None, "an element too short for its length");
        let long = [0x30, 0x84, 0, 0, 0, 10, 0xa0, 0x82, 0, 6, 4, 0x83, 0, 0, 1, 7];
        assert_eq!(changed(&long), Some(vec![0x30, 5, 0xa0, 3, 4, 1, 7]));
        assert_eq!(changed(&[0x30, 3, 4, 1, 7]), None);
        assert_eq!(changed(&[0x30, 0x80, 0, 0]), None);
        assert_eq!(changed(&[4, 0x85, 0, 0, 0, 0, 0]), None);
        assert_eq!(changed(&[]), None);
        let mut octets = vec![4, 0x84, 0, 0, 1, 0];
        octets.extend([7; 256]);
        let short = changed(&octets).unwrap_or_default();
        assert_eq!((short.get(..4), short.len()), (Some(&[4, 0x82, 1, 0][..]), 260));
    }

    #[test]
    fn depth_is_bounded() {
        let mut bytes = vec![4, 0x81, 1, 7];
        for _ in 0..40 {
            let mut outer = vec![0x30, 0x81, u8::try_from(bytes.len()).unwrap_or_default()];
            outer.extend(&bytes);
            bytes = outer;
        }
        assert_eq!(changed(&bytes), None);
    }
}
