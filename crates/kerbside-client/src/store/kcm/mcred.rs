//! The pattern by which a daemon is told which tickets are meant.

use kerbside_asn1::Principal;
use kerbside_formats::FormatError;
use kerbside_formats::ccache::principal_to_bytes;

/// The pattern names a client.
const CLIENT: u32 = 0x0001;
/// The pattern names a server.
const SERVER: u32 = 0x0002;

/// Every ticket of `client` for `server`.
pub(super) fn of_server(client: &Principal, server: &Principal) -> Result<Vec<u8>, FormatError> {
    let mut pattern = (CLIENT | SERVER).to_be_bytes().to_vec();
    pattern.extend_from_slice(&principal_to_bytes(client)?);
    pattern.extend_from_slice(&principal_to_bytes(server)?);
    // Four times, the user-to-user byte and the ticket flags: 0 is any.
    pattern.extend_from_slice(&[0; 4 * 4 + 1 + 4]);
    Ok(pattern)
}
