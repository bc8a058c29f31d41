//! Where an acceptor's users are.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use kerbside_crypto::Password;

use crate::error::NtlmError;
use crate::secret::NtHash;
use crate::text::upper;

/// An account that a source found.
#[derive(Clone)]
pub struct NtlmAccount {
    /// The domain as the source spells it: it becomes the realm of the context's client.
    pub domain: String,
    /// The user as the source spells it.
    pub user: String,
    /// What the password became.
    pub hash: NtHash,
}

impl fmt::Debug for NtlmAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NtlmAccount")
            .field("domain", &self.domain)
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

/// A caller's accounts.
///
/// To be asked must cost the same whether the user is there or not, as far as that can be had: the acceptor does the rest
/// of its work in both cases.
pub trait NtHashSource: Send + Sync {
    /// The account that a client means by these names. The domain may be empty, and then the user may be `user@domain`;
    /// names are compared without case. A source decides itself which names it takes for one account.
    ///
    /// # Errors
    /// When the source does not work; an unknown user is none.
    fn find(&self, domain: &str, user: &str) -> Result<Option<NtlmAccount>, NtlmError>;
}

/// Octets of the longest line; the longest password and names fit.
const MAX_LINE_LEN: usize = 4096;

/// A file of users in memory: the one that gss-ntlmssp and pyspnego read by the variable `NTLM_USER_FILE`.
///
/// A line is `DOMAIN:user:password`, or one of smbpasswd(5), `user:uid:LM-HASH:NT-HASH:[flags]:LCT-...:`, whose user
/// may be `DOMAIN\user`. Lines that begin with `#` and empty ones mean nothing. A password may have colons in it; six
/// fields or more with hashes where smbpasswd has them are smbpasswd's. Accounts that smbpasswd disables (`D`) or has no
/// hash for are left out.
pub struct UserFile {
    accounts: Vec<NtlmAccount>,
}

impl UserFile {
    /// Reads a file's octets. Accounts without a domain are of `own_domain`.
    ///
    /// # Errors
    /// [`NtlmError::UserFile`] for a line that is neither form, with its number.
    pub fn parse(bytes: &[u8], own_domain: &str) -> Result<Self, NtlmError> {
        let mut accounts = Vec::new();
        for (index, line) in bytes.split(|octet| *octet == b'\n').enumerate() {
            let number = index.saturating_add(1);
            let broken = |reason| NtlmError::UserFile { line: number, reason };
            if line.len() > MAX_LINE_LEN {
                return Err(broken("it is longer than 4096 octets"));
            }
            let line = core::str::from_utf8(line).map_err(|_| broken("it is not UTF-8"))?;
            let line = line.strip_suffix('\r').unwrap_or(line);
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let account = match smbpasswd(line).map_err(broken)? {
                Line::Account(account) => Some(account),
                Line::Disabled => None,
                Line::Other => Some(plain(line).map_err(broken)?),
            };
            accounts.extend(account.map(|account| with_domain(account, own_domain)));
        }
        Ok(Self { accounts })
    }

    /// How many accounts there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.accounts.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.accounts.is_empty()
    }

    /// The account of a user; an empty domain means whichever one has the user, if only one has.
    fn lookup(&self, domain: &str, user: &str) -> Option<&NtlmAccount> {
        let (domain, user) = (upper(domain), upper(user));
        let mut found = None;
        // All are looked at, so that the time does not tell where the user is.
        for account in &self.accounts {
            let fits =
                upper(&account.user) == user && (domain.is_empty() || upper(&account.domain) == domain);
            if fits && domain.is_empty() && found.is_some() {
                return None;
            }
            if fits && found.is_none() {
                found = Some(account);
            }
        }
        found
    }
}

impl NtHashSource for UserFile {
    fn find(&self, domain: &str, user: &str) -> Result<Option<NtlmAccount>, NtlmError> {
        if let Some(account) = self.lookup(domain, user) {
            return Ok(Some(account.clone()));
        }
        // user@domain without a domain of its own.
        let parts = user.rsplit_once('@').filter(|_| domain.is_empty());
        let account = parts
            .filter(|(_, of)| !of.is_empty())
            .and_then(|(name, of)| self.lookup(of, name));
        Ok(account.cloned())
    }
}

impl fmt::Debug for UserFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserFile")
            .field("accounts", &self.accounts.len())
            .finish()
    }
}

fn with_domain(mut account: NtlmAccount, own_domain: &str) -> NtlmAccount {
    if account.domain.is_empty() {
        account.domain = own_domain.to_string();
    }
    account
}

/// `DOMAIN:user:password`.
fn plain(line: &str) -> Result<NtlmAccount, &'static str> {
    let (domain, rest) = line.split_once(':').ok_or("expected DOMAIN:user:password")?;
    let (user, password) = rest.split_once(':').ok_or("expected DOMAIN:user:password")?;
    if user.is_empty() {
        return Err("the user has no name");
    }
    let hash = NtHash::from_password(&Password::from(password)).map_err(|_| "the password is too long")?;
    Ok(NtlmAccount {
        domain: domain.to_string(),
        user: user.to_string(),
        hash,
    })
}

enum Line {
    Account(NtlmAccount),
    Disabled,
    Other,
}

/// A line of smbpasswd(5), or another.
fn smbpasswd(line: &str) -> Result<Line, &'static str> {
    let mut fields = line.split(':');
    let (Some(name), Some(uid), Some(lm), Some(nt), Some(flags), Some(_)) = (
        fields.next(),
        fields.next(),
        fields.next(),
        fields.next(),
        fields.next(),
        fields.next(),
    ) else {
        return Ok(Line::Other);
    };
    let number = !uid.is_empty() && uid.bytes().all(|octet| octet.is_ascii_digit());
    if !number || lm.len() != 32 || nt.len() != 32 || !flags.starts_with('[') {
        return Ok(Line::Other);
    }
    if flags.contains('D') || nt.starts_with('X') || nt.starts_with("NO PASSWORD") {
        return Ok(Line::Disabled);
    }
    let (domain, user) = name.split_once('\\').unwrap_or(("", name));
    if user.is_empty() {
        return Err("the user has no name");
    }
    Ok(Line::Account(NtlmAccount {
        domain: domain.to_string(),
        user: user.to_string(),
        hash: hash_from_hex(nt).ok_or("the NT hash is not hexadecimal")?,
    }))
}

fn hash_from_hex(text: &str) -> Option<NtHash> {
    let mut hash = zeroize::Zeroizing::new([0; 16]);
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if pairs.len() != hash.len() || !rest.is_empty() {
        return None;
    }
    for (octet, [high, low]) in hash.iter_mut().zip(pairs) {
        let digit = |c: u8| {
            char::from(c)
                .to_digit(16)
                .and_then(|digit| u8::try_from(digit).ok())
        };
        *octet = digit(*high)? << 4 | digit(*low)?;
    }
    Some(NtHash::from_bytes(*hash))
}
