//! What the name of a KEYRING cache says: where the collection hangs, which collection, which cache of it.

use super::fault::KeyringFault;

/// Where a collection hangs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    /// The persistent keyring of a user, which outlives his sessions.
    Persistent,
    /// This process.
    Process,
    /// This thread.
    Thread,
    /// The login session.
    Session,
    /// All the processes of a user.
    User,
    /// The session as well; the name has no anchor, as before MIT 1.12.
    Legacy,
}

const ANCHORS: [(&str, Anchor); 6] = [
    ("persistent", Anchor::Persistent),
    ("process", Anchor::Process),
    ("thread", Anchor::Thread),
    ("session", Anchor::Session),
    ("user", Anchor::User),
    ("legacy", Anchor::Legacy),
];

/// The longest name: a key's description ends at 4096 bytes, and the collection's has a prefix.
const MAX_NAME_BYTES: usize = 4000;

/// `anchor:collection:cache`, `anchor:collection`, or a bare collection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Residual {
    pub(super) anchor: Anchor,
    pub(super) collection: String,
    pub(super) cache: Option<String>,
}

impl Residual {
    pub(super) fn parse(text: &str) -> Result<Self, KeyringFault> {
        if text.len() > MAX_NAME_BYTES || text.bytes().any(|byte| byte == 0) {
            return Err(KeyringFault::Name);
        }
        let (anchor, rest) = match text.split_once(':') {
            None => (Anchor::Legacy, text),
            Some((word, rest)) => {
                let known = ANCHORS.iter().find(|(name, _)| *name == word);
                let (_, anchor) = known.ok_or_else(|| KeyringFault::Anchor(word.to_owned()))?;
                (*anchor, rest)
            }
        };
        let (collection, cache) = match rest.split_once(':') {
            None => (rest, None),
            Some((collection, cache)) => (collection, Some(cache.to_owned())),
        };
        Ok(Self {
            anchor,
            collection: collection.to_owned(),
            cache,
        })
    }

    /// The whole name of one cache of this collection.
    pub(super) fn of_cache(&self, cache: &str) -> String {
        let word = ANCHORS
            .iter()
            .find(|(_, anchor)| *anchor == self.anchor)
            .map_or("", |(word, _)| *word);
        format!("{word}:{}:{cache}", self.collection)
    }

    /// The primary cache of a collection that does not say which it is.
    pub(super) fn first_cache(&self) -> &str {
        match self.collection.as_str() {
            "" => "tkt",
            name => name,
        }
    }

    /// Whether this is the one cache that programs before MIT 1.12 see: it keeps to what they understand.
    pub(super) fn is_legacy(&self, cache: &str) -> bool {
        self.anchor == Anchor::Legacy && self.collection == cache
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a failure here is the test's failure

    use super::*;

    #[test]
    fn a_name_has_an_anchor_a_collection_and_a_cache() {
        let parse = |text: &str| Residual::parse(text).unwrap();
        for (text, anchor, collection, cache) in [
            ("persistent:0:tkt", Anchor::Persistent, "0", Some("tkt")),
            ("persistent:1000", Anchor::Persistent, "1000", None),
            ("persistent:", Anchor::Persistent, "", None),
            ("persistent::a:b", Anchor::Persistent, "", Some("a:b")),
            ("process:x", Anchor::Process, "x", None),
            ("thread:x", Anchor::Thread, "x", None),
            ("session:x", Anchor::Session, "x", None),
            ("user:x", Anchor::User, "x", None),
            ("old", Anchor::Legacy, "old", None),
            ("legacy:old:old", Anchor::Legacy, "old", Some("old")),
        ] {
            let found = parse(text);
            assert_eq!(
                (found.anchor, found.collection.as_str(), found.cache.as_deref()),
                (anchor, collection, cache),
                "{text}"
            );
        }
        assert_eq!(parse("session:x").of_cache("y"), "session:x:y");
        assert_eq!(parse("old").of_cache("old"), "legacy:old:old");
        assert_eq!(parse("user:").first_cache(), "tkt");
        assert_eq!(parse("user:u").first_cache(), "u");
        assert!(parse("old").is_legacy("old") && !parse("old").is_legacy("new"));
        assert!(!parse("session:old").is_legacy("old"));
    }

    #[test]
    fn what_no_keyring_is_called_is_refused() {
        assert_eq!(
            Residual::parse("group:x"),
            Err(KeyringFault::Anchor("group".to_owned()))
        );
        assert_eq!(Residual::parse("user:a\0b"), Err(KeyringFault::Name));
        assert_eq!(Residual::parse(&"x".repeat(4001)), Err(KeyringFault::Name));
    }
}
