//! The realms on the way from a client's realm to a service's (RFC 4120 section 1.2).

use alloc::vec::Vec;

use kerbside_asn1::Realm;

/// Realms with more parts than this have no hierarchy that anybody walks.
const MAX_PARTS: usize = 16;

/// The way from one realm to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RealmPath {
    /// The realms between the client's and the service's, in that order; neither end is among them.
    pub between: Vec<Realm>,
    /// Whether somebody wrote it down (`[capaths]`). TGTs won on such a way are worth keeping; where nobody did, the
    /// KDCs choose the way, and may choose another one tomorrow.
    pub configured: bool,
}

impl RealmPath {
    /// By way of these realms, as somebody wrote down; the ends do not count where they are named too.
    pub fn configured(client: &Realm, server: &Realm, through: impl IntoIterator<Item = Realm>) -> Self {
        let mut between: Vec<Realm> = Vec::new();
        for realm in through {
            if realm != *client && realm != *server && !between.contains(&realm) {
                between.push(realm);
            }
        }
        Self {
            between,
            configured: true,
        }
    }

    /// By the hierarchy of the realms' names, where nobody wrote down anything.
    pub fn hierarchical(client: &Realm, server: &Realm) -> Self {
        if client == server {
            return Self {
                between: Vec::new(),
                configured: false,
            };
        }
        let path = hierarchical_path(client, server);
        let between = path
            .into_iter()
            .filter(|realm| realm != client && realm != server)
            .collect();
        Self {
            between,
            configured: false,
        }
    }
}

/// Both realms and those between them in the hierarchy of their names: up from the client's realm to the nearest
/// ancestor that both have, and down to the service's. Realms that share none have no realm between them.
pub fn hierarchical_path(client: &Realm, server: &Realm) -> Vec<Realm> {
    let (up, down) = (ancestry(client), ancestry(server));
    let direct = || Vec::from([client.clone(), server.clone()]);
    if up.len() > MAX_PARTS || down.len() > MAX_PARTS {
        return direct();
    }
    let Some((turn, meeting)) = up
        .iter()
        .enumerate()
        .find_map(|(index, realm)| Some((index, down.iter().position(|other| other == realm)?)))
    else {
        return direct();
    };
    let climb = up.iter().take(turn.saturating_add(1));
    let descent = down.iter().take(meeting).rev();
    climb.chain(descent).map(Realm::new).collect()
}

/// The realm and the realms above it, by the dots in its name.
fn ancestry(realm: &Realm) -> Vec<&[u8]> {
    let mut rest = Some(realm.as_bytes());
    core::iter::from_fn(|| {
        let this = rest.filter(|name| !name.is_empty())?;
        rest = this
            .iter()
            .position(|octet| *octet == b'.')
            .and_then(|dot| this.get(dot.saturating_add(1)..));
        Some(this)
    })
    .take(MAX_PARTS.saturating_add(1))
    .collect()
}

#[cfg(test)]
mod tests {
    use alloc::string::{String, ToString};
    use alloc::vec::Vec;

    use kerbside_asn1::Realm;

    use super::{RealmPath, hierarchical_path};

    fn path(client: &str, server: &str) -> String {
        let path = hierarchical_path(&Realm::from(client), &Realm::from(server));
        let names: Vec<String> = path.iter().map(ToString::to_string).collect();
        names.join(" ")
    }

    #[test]
    fn up_to_the_nearest_common_ancestor_and_down() {
        for (client, server, expected) in [
            ("A.B.ORG", "X.Y.ORG", "A.B.ORG B.ORG ORG Y.ORG X.Y.ORG"),
            ("A.B.ORG", "C.B.ORG", "A.B.ORG B.ORG C.B.ORG"),
            ("A.B.ORG", "B.ORG", "A.B.ORG B.ORG"),
            ("B.ORG", "D.C.B.ORG", "B.ORG C.B.ORG D.C.B.ORG"),
            ("A.B.ORG", "A.B.COM", "A.B.ORG A.B.COM"),
            ("A.B.ORG", "AB.ORG", "A.B.ORG B.ORG ORG AB.ORG"),
            ("A.ORG", "a.org", "A.ORG a.org"),
            ("", "A", " A"),
            ("A..B", "C..B", "A..B .B C..B"),
        ] {
            assert_eq!(path(client, server), expected);
        }
        let deep = ["X"; 40].join(".");
        assert_eq!(path(&deep, "Y.X"), [deep.as_str(), "Y.X"].join(" "));
    }

    #[test]
    fn a_path_that_was_written_down_holds_each_realm_once_and_no_end() {
        let realms = |names: &[&str]| names.iter().copied().map(Realm::from).collect::<Vec<_>>();
        let (a, z) = (Realm::from("A"), Realm::from("Z"));
        let path = RealmPath::configured(&a, &z, realms(&["B", "A", "C", "B", "Z"]));
        assert_eq!(path.between, realms(&["B", "C"]));
        assert!(path.configured && !RealmPath::hierarchical(&a, &z).configured);
    }
}
