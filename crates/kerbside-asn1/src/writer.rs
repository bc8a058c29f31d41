//! Writing DER from its end to its start.

use der::ErrorKind;

/// Writes a message backwards: a value before its header, whose length is known by then.
///
/// That way an encoding takes one pass over a value for the size of the buffer and one for the octets, however deep it nests.
#[derive(Debug)]
pub struct Writer<'b> {
    buffer: &'b mut [u8],
    /// Where the octets written so far begin.
    at: usize,
}

impl<'b> Writer<'b> {
    /// Writes to the end of `buffer`.
    pub const fn new(buffer: &'b mut [u8]) -> Self {
        let at = buffer.len();
        Self { buffer, at }
    }

    /// Where the octets written so far begin. To be kept before a value is written, for its [`header`](Self::header).
    pub const fn position(&self) -> usize {
        self.at
    }

    /// Writes octets before what is there.
    ///
    /// # Errors
    /// When the buffer is full.
    #[inline]
    pub fn write(&mut self, octets: &[u8]) -> der::Result<()> {
        let start = self.at.checked_sub(octets.len()).ok_or(ErrorKind::Overflow)?;
        let place = self.buffer.get_mut(start..self.at).ok_or(ErrorKind::Overflow)?;
        place.copy_from_slice(octets);
        self.at = start;
        Ok(())
    }

    /// Writes the header of the value that reaches from here to `end`.
    ///
    /// # Errors
    /// When the buffer is full or the value is of 4 GiB and more.
    #[inline]
    pub fn header(&mut self, tag: u8, end: usize) -> der::Result<()> {
        let len = end.checked_sub(self.at).ok_or(ErrorKind::Overlength)?;
        if let Ok(short @ 0..=0x7f) = u8::try_from(len) {
            return self.write(&[tag, short]);
        }
        let [a, b, c, d] = u32::try_from(len)
            .map_err(|_| ErrorKind::Overlength)?
            .to_be_bytes();
        match len {
            0x80..=0xff => self.write(&[tag, 0x81, d]),
            0x100..=0xffff => self.write(&[tag, 0x82, c, d]),
            0x1_0000..=0xff_ffff => self.write(&[tag, 0x83, b, c, d]),
            _ => self.write(&[tag, 0x84, a, b, c, d]),
        }
    }
}
