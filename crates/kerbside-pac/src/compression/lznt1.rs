//! LZNT1 (MS-XCA section 2.5).

use super::{Input, Output, Reason};

/// Uncompressed octets that a chunk stands for at most.
const CHUNK_LEN: usize = 4096;

pub(super) fn decompress(input: &mut Input<'_>, output: &mut Output) -> Result<(), Reason> {
    while input.remaining() > 0 {
        let header = input.u16()?;
        if header == 0 {
            break;
        }
        if header >> 12 & 7 != 3 {
            return Err("chunk without LZNT1's signature");
        }
        // The field has the chunk's size with its header, less three.
        let data = input.take(usize::from(header & 0xfff) + 1)?;
        if header & 0x8000 == 0 {
            output.literals(data)?;
        } else {
            chunk(data, output)?;
        }
    }
    Ok(())
}

fn chunk(data: &[u8], output: &mut Output) -> Result<(), Reason> {
    let start = output.bytes.len();
    let mut data = Input {
        bytes: data,
        position: 0,
    };
    while data.remaining() > 0 {
        let flags = data.u8()?;
        for bit in 0..8 {
            if data.remaining() == 0 {
                break;
            }
            let written = output.bytes.len().saturating_sub(start);
            if flags >> bit & 1 == 0 {
                output.literal(data.u8()?)?;
            } else {
                let word = u32::from(data.u16()?);
                let length_bits = 16 - displacement_bits(written);
                let displacement = usize::try_from(word >> length_bits).unwrap_or(usize::MAX) + 1;
                let length = usize::try_from(word & ((1 << length_bits) - 1)).unwrap_or(usize::MAX) + 3;
                // A chunk is decompressed without those before it.
                if displacement > written {
                    return Err("refers to before its chunk");
                }
                output.copy(displacement, length)?;
            }
        }
        if output.bytes.len().saturating_sub(start) > CHUNK_LEN {
            return Err("chunk of more than 4096 octets");
        }
    }
    Ok(())
}

/// The largest M of 4 to 12 with 2^(M-1) below what the chunk has so far, or 4.
fn displacement_bits(written: usize) -> u32 {
    (5..=12).rev().find(|bits| 1 << (bits - 1) < written).unwrap_or(4)
}
