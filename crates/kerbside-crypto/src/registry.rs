//! One table makes a registry: the open newtype, its constants, names and descriptions.

/// Declares an open newtype over a registry's number.
///
/// Each row gives constant, number, the registry's spelling, further spellings accepted by `from_name`, and a
/// description, so that the three can never disagree. Numbers outside the table are values like any other: what
/// a peer sends is carried and reported, not mapped to "unknown".
macro_rules! registry {
    (
        $(#[$meta:meta])*
        pub struct $name:ident, unknown $unknown:literal;
        $( $constant:ident = $number:literal, $spelling:literal $(| $alias:literal)*, $description:literal; )*
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub i32);

        impl $name {
            $(
                #[doc = concat!("`", $spelling, "` (", stringify!($number), "): ", $description, ".")]
                pub const $constant: Self = Self($number);
            )*

            /// All numbers this registry names, in the order of its table.
            pub const ALL: &'static [Self] = &[$(Self::$constant),*];

            /// The registry's spelling, if the number is registered.
            #[must_use]
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $( $number => Some($spelling), )*
                    _ => None,
                }
            }

            /// What the number stands for and where it is defined, if it is registered.
            #[must_use]
            pub const fn description(self) -> Option<&'static str> {
                match self.0 {
                    $( $number => Some($description), )*
                    _ => None,
                }
            }

            /// The number of a name or one of its other spellings; case does not matter.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Self> {
                const SPELLINGS: &[(&str, i32)] =
                    &[$( ($spelling, $number), $( ($alias, $number), )* )*];
                SPELLINGS.iter().find(|(spelling, _)| spelling.eq_ignore_ascii_case(name)).map(|&(_, n)| Self(n))
            }
        }

        impl core::fmt::Display for $name {
            /// The registered name, or the number behind a word for what it is.
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                match self.name() {
                    Some(name) => f.pad(name),
                    None => write!(f, concat!($unknown, " {}"), self.0),
                }
            }
        }

        impl core::fmt::Debug for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                write!(f, concat!(stringify!($name), "({}, {})"), self.0, self.name().unwrap_or("unregistered"))
            }
        }

        impl From<i32> for $name {
            fn from(number: i32) -> Self {
                Self(number)
            }
        }

        impl From<$name> for i32 {
            fn from(value: $name) -> Self {
                value.0
            }
        }
    };
}

pub(crate) use registry;
