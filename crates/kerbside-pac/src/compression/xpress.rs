//! Plain LZ77 (MS-XCA section 2.4).

use super::{Input, Output, Reason, to_usize};

pub(super) fn decompress(input: &mut Input<'_>, output: &mut Output) -> Result<(), Reason> {
    // Where the octet is whose upper half is the next long length's first part.
    let mut half = None;
    while !output.is_full() {
        let flags = input.u32()?;
        for bit in (0..32).rev() {
            if output.is_full() {
                break;
            }
            if flags >> bit & 1 == 0 {
                output.literal(input.u8()?)?;
            } else if input.remaining() == 0 {
                return Ok(());
            } else {
                let word = usize::from(input.u16()?);
                let length = match word % 8 {
                    7 => long_length(input, &mut half)?,
                    short => short,
                };
                output.copy(word / 8 + 1, length.saturating_add(3))?;
            }
        }
    }
    Ok(())
}

/// A length of 7 or more, less three: four bits, then an octet, then two, then four.
fn long_length(input: &mut Input<'_>, half: &mut Option<u8>) -> Result<usize, Reason> {
    let nibble = match half.take() {
        Some(octet) => octet >> 4,
        None => {
            let octet = input.u8()?;
            *half = Some(octet);
            octet & 15
        }
    };
    if nibble < 15 {
        return Ok(usize::from(nibble) + 7);
    }
    match input.u8()? {
        255 => {}
        more => return Ok(usize::from(more) + 15 + 7),
    }
    let length = match input.u16()? {
        0 => input.u32()?,
        length => length.into(),
    };
    if length < 15 + 7 {
        return Err("long length that is short");
    }
    Ok(to_usize(length))
}
