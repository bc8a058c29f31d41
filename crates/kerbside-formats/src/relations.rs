//! Typed sections: one table per section makes the struct, its reader and the list of known names.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::ops::RangeInclusive;

use kerbside_crypto::EnctypePolicy;

use crate::enctype_list::{DEFAULT_ENCTYPES, EnctypeList};
use crate::profile::{Profile, ProfileError, Relation, Section, is_space};

/// A known relation: its name, and the name of the [`Place`] it is read from.
pub(crate) type Known = (&'static str, &'static str);

/// Makes a struct out of the relations of a section.
///
/// `relation => field: type = place.kind(arguments);` reads `relation` at `place` (a parameter of `read`) by
/// the method `kind` of [`Place`]. Fields under `plus` are no relations of their own.
macro_rules! relations {
    (
        $(#[$meta:meta])*
        pub struct $name:ident, $table:ident, read($($place:ident),+) {
            $($(#[$doc:meta])* $relation:ident => $field:ident: $type:ty = $from:ident.$kind:ident($($arg:expr),*);)+
        }
        $(plus { $($(#[$plus_doc:meta])* $plus:ident: $plus_type:ty = $value:expr;)+ })?
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone)]
        #[non_exhaustive]
        pub struct $name {
            $($(#[$doc])* pub $field: $type,)+
            $($($(#[$plus_doc])* pub $plus: $plus_type,)+)?
        }

        pub(crate) const $table: &[$crate::relations::Known] =
            &[$((stringify!($relation), stringify!($from))),+];

        impl $name {
            pub(crate) fn read(
                $($place: $crate::relations::Place<'_>),+
            ) -> Result<Self, $crate::profile::ProfileError> {
                Ok(Self {
                    $($field: $from.$kind(stringify!($relation) $(, $arg)*)?,)+
                    $($($plus: $value,)+)?
                })
            }
        }
    };
}
pub(crate) use relations;

/// Where a relation is looked for: the first of these sections that has it counts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a>([Option<Section<'a>>; 3]);

impl<'a> Place<'a> {
    /// The sections at these paths, the first with the highest precedence.
    pub(crate) fn new<const N: usize>(profile: &'a Profile, paths: [&[&str]; N]) -> Self {
        let mut sections = [None; 3];
        for (section, path) in sections.iter_mut().zip(paths) {
            *section = profile.section(path);
        }
        Self(sections)
    }

    fn sections(&self) -> impl Iterator<Item = Section<'a>> + use<'a> {
        self.0.into_iter().flatten()
    }

    pub(crate) fn relation(&self, name: &str) -> Option<Relation<'a>> {
        self.sections().find_map(|section| section.relation(name))
    }

    /// The values in the first section that has any.
    pub(crate) fn relations(&self, name: &str) -> Vec<Relation<'a>> {
        let mut all = self
            .sections()
            .map(|section| section.values(name).collect::<Vec<_>>());
        all.find(|values| !values.is_empty()).unwrap_or_default()
    }

    pub(crate) fn boolean(&self, name: &str, default: bool) -> Result<bool, ProfileError> {
        self.relation(name)
            .map_or(Ok(default), |relation| relation.to_bool())
    }

    /// Whether the relation is there says something too.
    pub(crate) fn text(&self, name: &str) -> Result<Option<String>, ProfileError> {
        Ok(self.relation(name).map(|relation| relation.value.to_string()))
    }

    /// An empty text counts as none.
    pub(crate) fn filled_text(&self, name: &str) -> Result<Option<String>, ProfileError> {
        Ok(self.text(name)?.filter(|text| !text.is_empty()))
    }

    pub(crate) fn text_or(&self, name: &str, default: &str) -> Result<String, ProfileError> {
        Ok(self.text(name)?.unwrap_or_else(|| default.to_string()))
    }

    /// Every value.
    pub(crate) fn texts(&self, name: &str) -> Result<Vec<String>, ProfileError> {
        let values = self.relations(name);
        Ok(values.iter().map(|relation| relation.value.to_string()).collect())
    }

    /// The words of all values, apart by blanks or commas.
    pub(crate) fn words(&self, name: &str) -> Result<Vec<String>, ProfileError> {
        let values = self.relations(name);
        let words = values.iter().flat_map(|relation| words(relation.value));
        Ok(words.map(ToString::to_string).collect())
    }

    /// The relations of the subsection of this name.
    pub(crate) fn pairs(&self, name: &str) -> Result<Vec<(String, String)>, ProfileError> {
        let subsections = self.sections().filter_map(|section| section.section(name));
        let relations = subsections.flat_map(|section| section.relations());
        Ok(relations
            .map(|pair| (pair.name.to_string(), pair.value.to_string()))
            .collect())
    }

    pub(crate) fn integer(&self, name: &str, default: i64) -> Result<i64, ProfileError> {
        self.relation(name)
            .map_or(Ok(default), |relation| relation.to_integer())
    }

    /// A number in `range`, which `expected` describes.
    pub(crate) fn number<T: TryFrom<i64>>(
        &self,
        name: &str,
        default: T,
        range: RangeInclusive<i64>,
        expected: &'static str,
    ) -> Result<T, ProfileError> {
        Ok(self.optional_number(name, range, expected)?.unwrap_or(default))
    }

    pub(crate) fn optional_number<T: TryFrom<i64>>(
        &self,
        name: &str,
        range: RangeInclusive<i64>,
        expected: &'static str,
    ) -> Result<Option<T>, ProfileError> {
        let Some(relation) = self.relation(name) else {
            return Ok(None);
        };
        let number = Some(relation.to_integer()?).filter(|number| range.contains(number));
        let number = number.and_then(|number| T::try_from(number).ok());
        number.map(Some).ok_or_else(|| relation.expected(expected))
    }

    pub(crate) fn port(&self, name: &str, default: u16) -> Result<u16, ProfileError> {
        Ok(self.optional_port(name)?.unwrap_or(default))
    }

    pub(crate) fn optional_port(&self, name: &str) -> Result<Option<u16>, ProfileError> {
        self.optional_number(name, 1..=65_535, "a port from 1 to 65535")
    }

    /// Seconds.
    pub(crate) fn duration(&self, name: &str, default: i64) -> Result<i64, ProfileError> {
        let Some(relation) = self.relation(name) else {
            return Ok(default);
        };
        let seconds = relation.to_duration()?;
        if seconds < 0 {
            Err(relation.expected("a duration that is not negative"))
        } else {
            Ok(seconds)
        }
    }

    fn enctype_policy(&self) -> Result<EnctypePolicy, ProfileError> {
        Ok(EnctypePolicy::DEFAULT
            .with_weak_crypto(self.boolean("allow_weak_crypto", false)?)
            .with_rc4(self.boolean("allow_rc4", false)?)
            .with_des3(self.boolean("allow_des3", false)?))
    }

    /// A list of encryption types, which is that of `permitted_enctypes` unless it is written.
    pub(crate) fn enctypes(&self, name: &str) -> Result<EnctypeList, ProfileError> {
        let policy = self.enctype_policy()?;
        let relation = self
            .relation(name)
            .or_else(|| self.relation("permitted_enctypes"));
        let list = relation.map(|relation| relation.value);
        let parsed = EnctypeList::parse(list, &DEFAULT_ENCTYPES, policy.allow_weak_crypto)
            .and_then(|list| list.permitted(&DEFAULT_ENCTYPES, &policy));
        match (parsed, relation) {
            (Ok(parsed), _) => Ok(parsed),
            (Err(_), Some(relation)) => Err(relation.expected("at least one usable encryption type")),
            // The built-in default always has supported members.
            (Err(_), None) => Ok(EnctypeList::default()),
        }
    }

    /// One of a few words, in any case.
    pub(crate) fn choice<T: Copy>(
        &self,
        name: &str,
        default: T,
        choices: &[(&str, T)],
        expected: &'static str,
    ) -> Result<T, ProfileError> {
        let Some(relation) = self.relation(name) else {
            return Ok(default);
        };
        choices
            .iter()
            .find(|(word, _)| relation.value.eq_ignore_ascii_case(word))
            .map(|(_, choice)| *choice)
            .ok_or_else(|| relation.expected(expected))
    }
}

/// Words apart by blanks or commas.
pub(crate) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c| is_space(c) || c == ',')
        .filter(|word| !word.is_empty())
}
