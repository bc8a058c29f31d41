//! LZ77 with Huffman codes (MS-XCA section 2.2).

use super::{Input, Output, Reason, TRUNCATED, to_usize};

/// Octets of the table of code lengths before each block.
const TABLE_LEN: usize = 256;

const SYMBOLS: usize = 512;

/// The longest code in bits.
const MAX_CODE_LEN: usize = 15;

/// Uncompressed octets of a block.
const BLOCK_LEN: usize = 65_536;

/// The symbol behind the last one. Only where no octet is missing does it mean that.
const END: u16 = 256;

pub(super) fn decompress(input: &mut Input<'_>, output: &mut Output) -> Result<(), Reason> {
    while !output.is_full() {
        let code = Code::new(&input.array()?)?;
        let mut bits = Bits::new(input)?;
        let block_end = output.bytes.len().saturating_add(BLOCK_LEN);
        while !output.is_full() && output.bytes.len() < block_end {
            let symbol = code.symbol(&mut bits)?;
            match u8::try_from(symbol) {
                Ok(literal) => output.literal(literal)?,
                Err(_) => {
                    let symbol = symbol - END;
                    let length = length(symbol % 16, bits.input)?;
                    let distance = bits.distance((symbol / 16).into())?;
                    output.copy(distance, length)?;
                }
            }
        }
    }
    Ok(())
}

/// The length of a match: what the symbol has of it, and if that is 15, octets of the input.
fn length(symbol: u16, input: &mut Input<'_>) -> Result<usize, Reason> {
    if symbol < 15 {
        return Ok(usize::from(symbol) + 3);
    }
    match input.u8()? {
        255 => {}
        more => return Ok(usize::from(more) + 15 + 3),
    }
    let length = match input.u16()? {
        0 => input.u32()?,
        length => length.into(),
    };
    if length < 15 {
        return Err("long length that is short");
    }
    Ok(to_usize(length).saturating_add(3))
}

/// A canonical code: by length, how many symbols have it, and all symbols in the order of their codes.
struct Code {
    counts: [u16; MAX_CODE_LEN + 1],
    symbols: [u16; SYMBOLS],
}

impl Code {
    fn new(table: &[u8; TABLE_LEN]) -> Result<Self, Reason> {
        let lengths = || {
            let pairs = table.iter().flat_map(|octet| [octet & 15, octet >> 4]);
            (0..).zip(pairs.map(usize::from))
        };
        let mut code = Self {
            counts: [0; MAX_CODE_LEN + 1],
            symbols: [0; SYMBOLS],
        };
        let mut slots = code.symbols.iter_mut();
        // How much of all bit strings of 15 bits has a symbol.
        let mut used = 0_u32;
        for (length, count) in code.counts.iter_mut().enumerate().skip(1) {
            for (symbol, _) in lengths().filter(|(_, of_symbol): &(u16, usize)| *of_symbol == length) {
                if let Some(slot) = slots.next() {
                    *slot = symbol;
                }
                *count += 1;
                used += 1 << (MAX_CODE_LEN - length);
            }
        }
        if used == 1 << MAX_CODE_LEN {
            Ok(code)
        } else {
            Err("code lengths that make no code")
        }
    }

    fn symbol(&self, bits: &mut Bits<'_, '_>) -> Result<u16, Reason> {
        let (mut code, mut first, mut index) = (0_u32, 0_u32, 0_u32);
        for count in self.counts.iter().skip(1).map(|count| u32::from(*count)) {
            code |= bits.take(1)?;
            if code < first + count {
                let position = to_usize(index + code - first);
                return self.symbols.get(position).copied().ok_or(TRUNCATED);
            }
            index += count;
            first = (first + count) << 1;
            code <<= 1;
        }
        Err("code lengths that make no code")
    }
}

/// Bits in words of 16, most significant first; the words are fetched so early that the octets of long lengths, which
/// stand between them, are the next of the input.
struct Bits<'i, 'a> {
    input: &'i mut Input<'a>,
    /// The next bits, from the top.
    next: u32,
    /// Bits in `next` beyond the 16 that are always wanted.
    extra: u32,
    /// Bits at the end of `next` that the input did not have.
    missing: u32,
}

impl<'i, 'a> Bits<'i, 'a> {
    fn new(input: &'i mut Input<'a>) -> Result<Self, Reason> {
        let next = u32::from(input.u16()?) << 16 | u32::from(input.u16()?);
        Ok(Self {
            input,
            next,
            extra: 16,
            missing: 0,
        })
    }

    /// At most 16 bits.
    fn take(&mut self, count: u32) -> Result<u32, Reason> {
        if count == 0 {
            return Ok(0);
        }
        if count + self.missing > 16 + self.extra {
            return Err(TRUNCATED);
        }
        let taken = self.next >> (32 - count);
        self.next <<= count;
        if count > self.extra {
            let short = count - self.extra;
            let word = match self.input.u16() {
                Ok(word) => word,
                Err(_) => {
                    self.missing += 16;
                    0
                }
            };
            self.next |= u32::from(word) << short;
            self.extra = 16 - short;
        } else {
            self.extra -= count;
        }
        Ok(taken)
    }

    /// The distance whose highest bit has this index.
    fn distance(&mut self, high_bit: u32) -> Result<usize, Reason> {
        Ok(to_usize(1 << high_bit | self.take(high_bit)?))
    }
}
