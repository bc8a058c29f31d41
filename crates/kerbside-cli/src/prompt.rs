//! Passwords from a terminal without echo, or a line of standard input when there is no terminal
//! (scripts write `echo PASSWORD | kinit`).

use std::io::{self, IsTerminal, Read, Write};

use kerbside_crypto::Password;
use zeroize::{Zeroize, Zeroizing};

/// A line longer than this is nobody's password.
const MAX_LINE_BYTES: usize = 4096;

/// Prints `prompt` to standard output, as MIT's programs do, and reads a password.
///
/// # Errors
/// When input ends before a line, or is longer than any password.
pub(crate) fn password(prompt: &str) -> io::Result<Password> {
    let mut out = io::stdout().lock();
    out.write_all(prompt.as_bytes())?;
    out.flush()?;
    drop(out);
    if io::stdin().is_terminal() {
        // rpassword ends the line itself after the hidden input.
        return Ok(Password::from(rpassword::read_password()?));
    }
    let line = line_from(&mut io::stdin().lock())?;
    let mut out = io::stdout().lock();
    out.write_all(b"\n")?;
    out.flush()?;
    Ok(Password::from(line.to_vec()))
}

/// Reads up to the end of the line and not one byte further, so that the next prompt finds its own
/// line. `StdinLock` buffers in memory that is never wiped; the copy here is.
fn line_from(input: &mut impl Read) -> io::Result<Zeroizing<Vec<u8>>> {
    // Reserved at once: a growing vector would leave copies behind.
    let mut line = Zeroizing::new(Vec::with_capacity(MAX_LINE_BYTES));
    let mut byte = [0_u8; 1];
    loop {
        if input.read(&mut byte)? == 0 {
            if line.is_empty() {
                return Err(io::Error::new(
                    io::ErrorKind::UnexpectedEof,
                    "end of input, and no password",
                ));
            }
            break;
        }
        if byte == [b'\n'] {
            break;
        }
        if line.len() == MAX_LINE_BYTES {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "the line is longer than 4096 bytes",
            ));
        }
        line.extend_from_slice(&byte);
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    byte.zeroize();
    Ok(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_prompt_takes_one_line() -> io::Result<()> {
        let mut input: &[u8] = b"first\nsecond\r\nlast";
        assert_eq!(line_from(&mut input)?.as_slice(), b"first");
        assert_eq!(line_from(&mut input)?.as_slice(), b"second");
        assert_eq!(line_from(&mut input)?.as_slice(), b"last");
        assert!(line_from(&mut input).is_err());
        Ok(())
    }

    #[test]
    fn an_endless_line_is_refused() {
        assert!(line_from(&mut io::repeat(b'a')).is_err());
    }

    #[test]
    fn an_empty_line_is_an_empty_password() -> io::Result<()> {
        let mut input: &[u8] = b"\n";
        assert!(line_from(&mut input)?.is_empty());
        Ok(())
    }
}
