//! Passwords from a terminal without echo, or a line of standard input when there is no terminal
//! (scripts write `echo PASSWORD | kinit`).

use std::io::{self, IsTerminal, Read, Write};

use kerbside_crypto::Password;
use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};
use zeroize::{Zeroize, Zeroizing};

/// A line longer than this is nobody's password.
const MAX_LINE_BYTES: usize = 4096;

/// What is said when somebody typed the interrupt key, in MIT's words.
pub(crate) const INTERRUPTED: &str = "Password read interrupted";

/// Prints `prompt` to standard output, as MIT's programs do, and reads a password.
///
/// # Errors
/// When input ends before a line, is interrupted, or is longer than any password.
pub(crate) fn password(prompt: &str) -> io::Result<Password> {
    let terminal = io::stdin().is_terminal();
    // First, so that nothing typed early is shown.
    let quiet = if terminal {
        Some(QuietTerminal::begin()?)
    } else {
        None
    };
    print(prompt.as_bytes())?;
    let line = match &quiet {
        Some(quiet) => typed(&quiet.keys(), &mut Unbuffered),
        None => line_from(&mut io::stdin().lock()),
    };
    drop(quiet);
    if terminal || line.is_ok() {
        print(b"\n")?;
    }
    Ok(Password::from(line?.to_vec()))
}

fn print(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)?;
    out.flush()
}

/// A terminal that shows nothing of what is typed, until it is dropped.
///
/// Its signals are off as well: an interrupt that ended the program here would leave the shell without echo. The keys
/// for them are read like others, and answered by [`typed`].
struct QuietTerminal {
    before: Termios,
}

impl QuietTerminal {
    fn begin() -> io::Result<QuietTerminal> {
        let before = tcgetattr(io::stdin())?;
        let mut quiet = before.clone();
        quiet.local_modes -= LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG;
        quiet.special_codes[SpecialCodeIndex::VMIN] = 1;
        quiet.special_codes[SpecialCodeIndex::VTIME] = 0;
        tcsetattr(io::stdin(), OptionalActions::Now, &quiet)?;
        Ok(QuietTerminal { before })
    }

    fn keys(&self) -> Keys {
        let key = |index| self.before.special_codes[index];
        Keys {
            interrupt: [key(SpecialCodeIndex::VINTR), key(SpecialCodeIndex::VQUIT)],
            suspend: key(SpecialCodeIndex::VSUSP),
            erase: key(SpecialCodeIndex::VERASE),
            kill: key(SpecialCodeIndex::VKILL),
            end: key(SpecialCodeIndex::VEOF),
        }
    }
}

impl Drop for QuietTerminal {
    fn drop(&mut self) {
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.before);
    }
}

/// The terminal's keys with a meaning; 0 is no key.
struct Keys {
    interrupt: [u8; 2],
    suspend: u8,
    erase: u8,
    kill: u8,
    end: u8,
}

/// Standard input without the buffer of the standard library, which is never wiped.
struct Unbuffered;

impl Read for Unbuffered {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(rustix::io::retry_on_intr(|| {
            rustix::io::read(io::stdin(), &mut *buffer)
        })?)
    }
}

/// Reads a line key by key, as a terminal in its usual mode would hand it over.
fn typed(keys: &Keys, input: &mut impl Read) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut line = Zeroizing::new(Vec::with_capacity(MAX_LINE_BYTES));
    let mut byte = [0_u8; 1];
    loop {
        if input.read(&mut byte)? == 0 {
            return Err(ended());
        }
        let [key] = byte;
        match key {
            b'\n' | b'\r' => break,
            0 => {}
            key if keys.interrupt.contains(&key) => {
                return Err(io::Error::new(io::ErrorKind::Interrupted, INTERRUPTED));
            }
            key if key == keys.end && line.is_empty() => return Err(ended()),
            key if key == keys.end => break,
            key if key == keys.suspend => {}
            key if key == keys.kill => line.clear(),
            key if key == keys.erase || key == 0x08 || key == 0x7f => {
                // A character, which may be several bytes of UTF-8.
                while line.pop().is_some_and(|last| last & 0xc0 == 0x80) {}
            }
            key if line.len() < MAX_LINE_BYTES => line.push(key),
            _ => return Err(too_long()),
        }
    }
    byte.zeroize();
    Ok(line)
}

fn ended() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "end of input, and no password")
}

fn too_long() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the line is longer than 4096 bytes")
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
                return Err(ended());
            }
            break;
        }
        if byte == [b'\n'] {
            break;
        }
        if line.len() == MAX_LINE_BYTES {
            return Err(too_long());
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

    const KEYS: Keys = Keys {
        interrupt: [0x03, 0x1c],
        suspend: 0x1a,
        erase: 0x7f,
        kill: 0x15,
        end: 0x04,
    };

    fn type_keys(mut keys: &[u8]) -> Result<Vec<u8>, String> {
        match typed(&KEYS, &mut keys) {
            Ok(line) => Ok(line.to_vec()),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn a_terminals_keys_keep_their_meaning() {
        assert_eq!(type_keys(b"secret\nrest"), Ok(b"secret".to_vec()));
        assert_eq!(type_keys(b"secretx\x7f\r"), Ok(b"secret".to_vec()));
        assert_eq!(type_keys("aé\x7f\x7f\x7fb\n".as_bytes()), Ok(b"b".to_vec()));
        assert_eq!(type_keys(b"wrong\x15\x1aright\x04"), Ok(b"right".to_vec()));
        for interrupted in [&b"\x03"[..], b"sec\x03ret\n", b"\x1c"] {
            assert_eq!(type_keys(interrupted), Err(INTERRUPTED.to_owned()));
        }
        for without_a_line in [&b"\x04"[..], b"", b"abc"] {
            assert_eq!(
                type_keys(without_a_line),
                Err("end of input, and no password".to_owned())
            );
        }
        assert!(type_keys(&[b'a'; MAX_LINE_BYTES + 1]).is_err());
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
