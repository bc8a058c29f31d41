//! The `Authorization` field of a Negotiate request (RFC 4559 section 5, RFC 9110 section 11.4).

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, header};

/// Longest token that is decoded, in base64 characters: Active Directory's reach 64 kB.
pub const MAX_TOKEN_LEN: usize = 64 * 1024;

/// Why a request carries no token that could be looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CredentialsError {
    /// There is no `Authorization` field, or one of another scheme.
    Absent,
    /// There is more than one `Authorization` field.
    Repeated {
        /// How many.
        found: usize,
    },
    /// The token is longer than any may be.
    TooLong {
        /// Its length in characters.
        found: usize,
    },
    /// What follows the scheme is not one base64 token.
    Malformed {
        /// What is wrong with it.
        reason: String,
    },
}

impl fmt::Display for CredentialsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => f.write_str("the request carries no Negotiate token"),
            Self::Repeated { found } => write!(f, "expected one Authorization field, but found {found}"),
            Self::TooLong { found } => {
                write!(
                    f,
                    "token too long: expected at most {MAX_TOKEN_LEN} characters, but found {found}"
                )
            }
            Self::Malformed { reason } => write!(f, "malformed Authorization field: {reason}"),
        }
    }
}

impl std::error::Error for CredentialsError {}

/// The token of the request. The scheme `Kerberos` of an older draft carries a raw krb5 token and is taken as
/// Negotiate, which takes those too.
pub(crate) fn token(headers: &HeaderMap) -> Result<Vec<u8>, CredentialsError> {
    let found = headers.get_all(header::AUTHORIZATION).iter().count();
    let field = match found {
        0 => return Err(CredentialsError::Absent),
        1 => headers
            .get(header::AUTHORIZATION)
            .map(http::HeaderValue::as_bytes)
            .unwrap_or_default(),
        _ => return Err(CredentialsError::Repeated { found }),
    };
    let scheme_end = field.iter().position(|byte| *byte == b' ').unwrap_or(field.len());
    let (scheme, rest) = field.split_at(scheme_end);
    if !scheme.eq_ignore_ascii_case(b"negotiate") && !scheme.eq_ignore_ascii_case(b"kerberos") {
        return Err(CredentialsError::Absent);
    }
    let text = rest.trim_ascii();
    if text.is_empty() {
        return Err(CredentialsError::Malformed {
            reason: "expected a token after the scheme".to_owned(),
        });
    }
    if text.len() > MAX_TOKEN_LEN {
        return Err(CredentialsError::TooLong { found: text.len() });
    }
    // The decoder's message names an offset and at most one character of the token.
    STANDARD.decode(text).map_err(|e| CredentialsError::Malformed {
        reason: format!("not base64: {e}"),
    })
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
    use http::HeaderValue;

    fn parse(field: &str) -> Result<Vec<u8>, CredentialsError> {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, HeaderValue::from_str(field).unwrap());
        token(&headers)
    }

    /// The request fields of tests/vectors/http_negotiate.json: RFC 4559 section 5, RFC 9110 section 11.
    #[test]
    fn vectors() {
        let text = include_str!("../tests/vectors/http_negotiate.json");
        let vectors: serde_json::Value = serde_json::from_str(text).unwrap();
        let field = |vector: &serde_json::Value| {
            let header = vector["header"].as_str().unwrap().to_owned();
            let (name, value) = header.split_once(": ").unwrap();
            name.eq_ignore_ascii_case("authorization")
                .then(|| value.to_owned())
        };
        let mut taken = 0;
        for vector in vectors["fields"].as_array().unwrap() {
            let Some(value) = field(vector) else { continue };
            let scheme = vector["parsed"][0]["scheme"].as_str().unwrap();
            if scheme == "ntlm" {
                assert_eq!(parse(&value), Err(CredentialsError::Absent), "{vector}");
            } else {
                let expected = vector["parsed"][0]["token"].as_str().unwrap();
                assert_eq!(STANDARD.encode(parse(&value).unwrap()), expected, "{vector}");
            }
            taken += 1;
        }
        // Six request fields of two schemes; the others are challenges, which the client's side reads.
        assert_eq!(taken, 6);
        let malformed = vectors["malformed"].as_array().unwrap();
        assert_eq!(malformed.len(), 6);
        for vector in malformed {
            parse(&field(vector).unwrap()).unwrap_err();
        }
    }

    #[test]
    fn bounds() {
        assert_eq!(parse("Basic YTpi"), Err(CredentialsError::Absent));
        assert!(parse(&format!("Negotiate {}", "A".repeat(MAX_TOKEN_LEN))).is_ok());
        let long = parse(&format!("Negotiate {}", "A".repeat(MAX_TOKEN_LEN + 4)));
        assert_eq!(
            long,
            Err(CredentialsError::TooLong {
                found: MAX_TOKEN_LEN + 4
            })
        );
        let mut headers = HeaderMap::new();
        headers.append(header::AUTHORIZATION, HeaderValue::from_static("Negotiate AAAA"));
        headers.append(header::AUTHORIZATION, HeaderValue::from_static("Negotiate BBBB"));
        assert_eq!(token(&headers), Err(CredentialsError::Repeated { found: 2 }));
    }
}
