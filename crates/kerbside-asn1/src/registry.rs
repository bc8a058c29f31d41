//! One macro for the registries: open newtypes over `Int32` with a table of names.

/// Makes an open newtype over `i32`: constants, `name()`, `description()`, `from_name()` and the codec from one table.
macro_rules! registry {
    ($(#[$meta:meta])* pub struct $ty:ident { $($konst:ident = $value:literal, $name:literal, $description:literal;)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $ty(pub i32);

        impl $ty {
            $(#[doc = concat!($name, " (", stringify!($value), ") ", $description)]
            pub const $konst: Self = Self($value);)+

            /// All entries of the registry, in its order.
            pub const ALL: &'static [Self] = &[$(Self($value)),+];

            /// The registry's spelling of the number, if it has one.
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($value => Some($name),)+
                    _ => None,
                }
            }

            /// The conventional text for people, where there is one besides the name.
            pub const fn description(self) -> Option<&'static str> {
                let text = match self.0 {
                    $($value => $description,)+
                    _ => "",
                };
                if text.is_empty() { None } else { Some(text) }
            }

            /// The number with the registry's spelling `name`, in any case.
            pub fn from_name(name: &str) -> Option<Self> {
                $(if name.eq_ignore_ascii_case($name) {
                    return Some(Self($value));
                })+
                None
            }
        }

        impl core::fmt::Display for $ty {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                match self.name() {
                    Some(name) => write!(f, "{name} ({})", self.0),
                    None => write!(f, "{} {}", stringify!($ty), self.0),
                }
            }
        }

        impl core::fmt::Debug for $ty {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                core::fmt::Display::fmt(self, f)
            }
        }

        $crate::codec::int32_newtype!($ty);
    };
}
pub(crate) use registry;
