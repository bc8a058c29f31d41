//! Which key protects what (RFC 4120 3.1.3).

use kerbside_crypto::EncryptionType;

use crate::principal_entry::KeyData;
use crate::{KdcPolicy, PrincipalEntry};

/// The string attribute that lists the session key enctypes a service takes, as MIT's.
const SESSION_ENCTYPES: &str = "session_enctypes";

/// The reply key: the client's current key of the first enctype it lists that is permitted.
pub(crate) fn reply_key<'e>(
    client: &'e PrincipalEntry,
    requested: &[EncryptionType],
    policy: &KdcPolicy,
) -> Option<&'e KeyData> {
    client_keys(client, requested, policy).next()
}

/// The client's current keys of the enctypes it lists, in its own order and each once.
pub(crate) fn client_keys<'e>(
    client: &'e PrincipalEntry,
    requested: &[EncryptionType],
    policy: &KdcPolicy,
) -> impl Iterator<Item = &'e KeyData> {
    requested
        .iter()
        .enumerate()
        .filter(|(i, etype)| !requested.iter().take(*i).any(|earlier| earlier == *etype))
        .filter(|(_, etype)| policy.permits(**etype))
        .filter_map(|(_, etype)| client.current_key(*etype))
}

/// The key of a new ticket: the server's first current key that is permitted. The request has no
/// say in it.
pub(crate) fn ticket_key<'e>(server: &'e PrincipalEntry, policy: &KdcPolicy) -> Option<&'e KeyData> {
    server
        .current_keys()
        .find(|key| policy.permits(key.key.enctype()))
}

/// The session key's enctype: the first one the client lists that is permitted and that the server
/// understands. That is what its `session_enctypes` says, else the enctypes of its keys; for our
/// own TGS it is all that the policy permits.
pub(crate) fn session_enctype(
    server: &PrincipalEntry,
    is_own_tgs: bool,
    requested: &[EncryptionType],
    policy: &KdcPolicy,
) -> Option<EncryptionType> {
    let listed = server.strings.get(SESSION_ENCTYPES);
    requested
        .iter()
        .copied()
        .filter(|etype| policy.permits(*etype))
        .find(|etype| match listed {
            Some(list) => lists(list, *etype),
            None => is_own_tgs || server.current_key(*etype).is_some(),
        })
}

fn lists(list: &str, etype: EncryptionType) -> bool {
    list.split([',', ' ', '\t'])
        .filter(|word| !word.is_empty())
        .any(|word| EncryptionType::from_name(word) == Some(etype))
}

#[cfg(test)]
mod tests;
