//! The result of a change of password, and what it says to people.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use kerbside_asn1::{AdPasswordPolicy, KpasswdResultCode};

/// Units of Active Directory's times in a day.
const UNITS_PER_DAY: u64 = 24 * 60 * 60 * 10_000_000;

/// What the server says became of a change of password. It is the server's own word: verified with the request's keys.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KpasswdDone {
    /// The result code: anything but success means that the old password stands.
    pub code: KpasswdResultCode,
    /// The server's text: UTF-8 by the RFC, from Active Directory the 30 octets of a policy.
    pub text: Vec<u8>,
}

impl KpasswdDone {
    /// Whether the password was changed.
    pub fn accepted(&self) -> bool {
        self.code == KpasswdResultCode::KRB5_KPASSWD_SUCCESS
    }

    /// The policy that refused the password, as Active Directory sends it.
    pub fn policy(&self) -> Option<AdPasswordPolicy> {
        AdPasswordPolicy::from_octets(&self.text)
    }

    /// The code's text for people: `Password change rejected`.
    pub fn summary(&self) -> String {
        match self.code.description() {
            Some(text) => text.to_string(),
            None => self.code.to_string(),
        }
    }

    /// Why: the server's text, or Active Directory's policy in words. A text that is empty, not UTF-8 or has a NUL in
    /// it is replaced by advice; a NUL that ends it is not shown (Heimdal's kpasswdd sends one). It is foreign text, with
    /// its control characters as they came.
    pub fn message(&self) -> String {
        if let Some(policy) = self.policy()
            && let Some(words) = policy_words(&policy)
        {
            return words;
        }
        let text = self.text.strip_suffix(b"\0").unwrap_or(&self.text);
        match core::str::from_utf8(text) {
            Ok(text) if !text.is_empty() && !text.contains('\0') => text.to_string(),
            _ => "Try a more complex password, or contact your administrator.".to_string(),
        }
    }
}

/// A policy in words; `None` when it demands nothing.
fn policy_words(policy: &AdPasswordPolicy) -> Option<String> {
    let mut words = Vec::new();
    if policy.properties & AdPasswordPolicy::DOMAIN_PASSWORD_COMPLEX != 0 {
        words.push(
            "The password must include numbers or symbols.  Don't include any part of your name in the password."
                .to_string(),
        );
    }
    match policy.min_length {
        0 => {}
        1 => words.push("The password must contain at least 1 character.".to_string()),
        length => words.push(format!("The password must contain at least {length} characters.")),
    }
    match policy.history {
        0 => {}
        1 => words.push("The password must be different from the previous password.".to_string()),
        count => words.push(format!(
            "The password must be different from the previous {count} passwords."
        )),
    }
    match policy.min_age.div_ceil(UNITS_PER_DAY) {
        0 => {}
        1 => words.push("The password can only be changed once a day.".to_string()),
        days => words.push(format!("The password can only be changed every {days} days.")),
    }
    (!words.is_empty()).then(|| words.join("  "))
}
