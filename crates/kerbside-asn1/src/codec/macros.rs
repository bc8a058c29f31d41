//! The macros that write a message's codec from its definition.

/// The codec of an open newtype over `Int32`.
macro_rules! int32_newtype {
    ($ty:ident) => {
        impl $crate::codec::DecodeValue<'_> for $ty {
            const TAG: u8 = $crate::tag::INTEGER;

            #[inline]
            fn decode_value(
                contents: &mut $crate::reader::Reader<'_>,
            ) -> Result<Self, $crate::error::DecodeError> {
                <i32 as $crate::codec::DecodeValue>::decode_value(contents).map(Self)
            }
        }

        impl $crate::codec::EncodeValue for $ty {
            const TAG: u8 = $crate::tag::INTEGER;

            #[inline]
            fn value_len(&self) -> usize {
                $crate::codec::EncodeValue::value_len(&self.0)
            }

            #[inline]
            fn encode_value(&self, writer: &mut $crate::writer::Writer<'_>) -> der::Result<()> {
                $crate::codec::EncodeValue::encode_value(&self.0, writer)
            }
        }
    };
}
pub(crate) use int32_newtype;

/// Defines a SEQUENCE, with an APPLICATION tag around it where it has one, and its codec.
///
/// `pub field: Type = [n]` is the ASN.1 `field [n] Type`, `= [n] IMPLICIT` with an IMPLICIT tag, `= []` without a tag;
/// `Option<Type>` is OPTIONAL. Three dots after the fields, as in the ASN.1, make the type extensible: further fields are skipped.
macro_rules! sequence {
    ($(#[$meta:meta])* pub struct $name:ident $(: APPLICATION $app:literal)?
        { $($(#[$field_meta:meta])* pub $field:ident : $ty:ty = [$($number:literal)?] $($implicit:ident)?),+ $(,)? } $($dots:tt)*) => {
        $crate::codec::sequence!(@define [$(#[$meta])*] $name [] [$name] ['de] [$($app)?]
            [$({ [$(#[$field_meta])*] $field [$ty] [[$($number)?] $($implicit)?] })+] [$($dots)*]);
    };
    ($(#[$meta:meta])* pub struct $name:ident<$lt:lifetime> $(: APPLICATION $app:literal)?
        { $($(#[$field_meta:meta])* pub $field:ident : $ty:ty = [$($number:literal)?] $($implicit:ident)?),+ $(,)? } $($dots:tt)*) => {
        $crate::codec::sequence!(@define [$(#[$meta])*] $name [<$lt>] [$name<$lt>] [$lt] [$($app)?]
            [$({ [$(#[$field_meta])*] $field [$ty] [[$($number)?] $($implicit)?] })+] [$($dots)*]);
    };
    (@define [$($meta:tt)*] $name:ident [$($generics:tt)*] [$self:ty] [$lt:lifetime] $app:tt
        [$({ [$($field_meta:tt)*] $field:ident [$ty:ty] $spec:tt })+] $dots:tt) => {
        $($meta)*
        pub struct $name $($generics)* {
            $($($field_meta)* pub $field: $ty,)+
        }

        impl<$lt> $crate::codec::Fields<$lt> for $self {
            fn decode_fields(reader: &mut $crate::reader::Reader<$lt>) -> Result<Self, $crate::error::DecodeError> {
                $(let $field = $crate::codec::sequence!(@decode reader $spec).map_err(
                    |error: $crate::error::DecodeError| error.in_field(stringify!($name), stringify!($field)),
                )?;)+
                $crate::codec::sequence!(@extensions reader $dots $($spec)+);
                Ok(Self { $($field),+ })
            }
        }

        impl $($generics)* $crate::codec::EncodeFields for $self {
            fn fields_len(&self) -> usize {
                0_usize $(.saturating_add($crate::codec::sequence!(@len (&self.$field) $spec)))+
            }

            fn encode_fields(&self, writer: &mut $crate::writer::Writer<'_>) -> der::Result<()> {
                $crate::codec::sequence!(@encode self writer $({ $field $spec })+);
                Ok(())
            }
        }

        $crate::codec::sequence!(@codec $app [$self] [$($generics)*] [$lt]);
    };

    // With an APPLICATION tag around the SEQUENCE's own, or without.
    (@codec [$app:literal] [$self:ty] [$($generics:tt)*] [$lt:lifetime]) => {
        impl<$lt> $crate::codec::DecodeValue<$lt> for $self {
            const TAG: u8 = $crate::tag::application($app);

            fn decode_value(contents: &mut $crate::reader::Reader<$lt>) -> Result<Self, $crate::error::DecodeError> {
                $crate::codec::decode_tlv(
                    contents,
                    $crate::tag::SEQUENCE,
                    <Self as $crate::codec::Fields<$lt>>::decode_fields,
                )
            }
        }

        impl $($generics)* $crate::codec::EncodeValue for $self {
            const TAG: u8 = $crate::tag::application($app);

            fn value_len(&self) -> usize {
                $crate::codec::tlv_len($crate::codec::EncodeFields::fields_len(self))
            }

            fn encode_value(&self, writer: &mut $crate::writer::Writer<'_>) -> der::Result<()> {
                $crate::codec::encode_tlv(writer, $crate::tag::SEQUENCE, |writer| {
                    $crate::codec::EncodeFields::encode_fields(self, writer)
                })
            }
        }
    };
    (@codec [] [$self:ty] [$($generics:tt)*] [$lt:lifetime]) => {
        impl<$lt> $crate::codec::DecodeValue<$lt> for $self {
            const TAG: u8 = $crate::tag::SEQUENCE;

            fn decode_value(contents: &mut $crate::reader::Reader<$lt>) -> Result<Self, $crate::error::DecodeError> {
                <Self as $crate::codec::Fields<$lt>>::decode_fields(contents)
            }
        }

        impl $($generics)* $crate::codec::EncodeValue for $self {
            const TAG: u8 = $crate::tag::SEQUENCE;

            fn value_len(&self) -> usize {
                $crate::codec::EncodeFields::fields_len(self)
            }

            fn encode_value(&self, writer: &mut $crate::writer::Writer<'_>) -> der::Result<()> {
                $crate::codec::EncodeFields::encode_fields(self, writer)
            }
        }
    };

    (@decode $reader:ident [[]]) => { $crate::codec::Decode::decode($reader) };
    (@decode $reader:ident [[$number:literal]]) => { $crate::codec::Field::decode_field($reader, $number) };
    (@decode $reader:ident [[$number:literal] IMPLICIT]) => {
        $crate::codec::ImplicitField::decode_implicit($reader, $number)
    };

    (@len ($field:expr) [[]]) => { $crate::codec::Encode::encoded_len($field) };
    (@len ($field:expr) [[$number:literal]]) => { $crate::codec::EncodeField::field_len($field) };
    (@len ($field:expr) [[$number:literal] IMPLICIT]) => {
        $crate::codec::EncodeImplicitField::implicit_len($field)
    };

    // The last field first: the writer works backwards.
    (@encode $self:ident $writer:ident) => {};
    (@encode $self:ident $writer:ident { $field:ident $spec:tt } $($rest:tt)*) => {
        $crate::codec::sequence!(@encode $self $writer $($rest)*);
        $crate::codec::sequence!(@encode_field (&$self.$field) $writer $spec);
    };
    (@encode_field ($field:expr) $writer:ident [[]]) => { $crate::codec::Encode::encode($field, $writer)?; };
    (@encode_field ($field:expr) $writer:ident [[$number:literal]]) => {
        $crate::codec::EncodeField::encode_field($field, $writer, $number)?;
    };
    (@encode_field ($field:expr) $writer:ident [[$number:literal] IMPLICIT]) => {
        $crate::codec::EncodeImplicitField::encode_implicit($field, $writer, $number)?;
    };

    (@extensions $reader:ident [] $($spec:tt)+) => {};
    (@extensions $reader:ident [...] $spec:tt) => {
        $crate::codec::sequence!(@extensions_after $reader $spec);
    };
    (@extensions $reader:ident [...] $spec:tt $($rest:tt)+) => {
        $crate::codec::sequence!(@extensions $reader [...] $($rest)+);
    };
    (@extensions_after $reader:ident [[$number:literal] $($implicit:ident)?]) => {
        $reader.skip_extensions($number)?;
    };
}
pub(crate) use sequence;

/// The codec of a newtype over another type, with an APPLICATION tag around it where one is given.
macro_rules! newtype {
    ($(#[$meta:meta])* pub struct $name:ident(pub $inner:ty);) => {
        $crate::codec::newtype!(@define [$(#[$meta])*] $name [] [$name] ['de] $inner, );
    };
    ($(#[$meta:meta])* pub struct $name:ident<$lt:lifetime>(pub $inner:ty) $(: APPLICATION $app:literal)?;) => {
        $crate::codec::newtype!(@define [$(#[$meta])*] $name [<$lt>] [$name<$lt>] [$lt] $inner, $($app)?);
    };
    (@define [$($meta:tt)*] $name:ident [$($generics:tt)*] [$self:ty] [$lt:lifetime] $inner:ty, $($app:literal)?) => {
        $($meta)*
        pub struct $name $($generics)* (pub $inner);

        $crate::codec::newtype!(@codec [$($generics)*] [$self] [$lt] $inner, $($app)?);

        impl $($generics)* core::ops::Deref for $self {
            type Target = $inner;

            fn deref(&self) -> &Self::Target {
                &self.0
            }
        }
    };
    (@codec [$($generics:tt)*] [$self:ty] [$lt:lifetime] $inner:ty, ) => {
        impl<$lt> $crate::codec::DecodeValue<$lt> for $self {
            const TAG: u8 = <$inner as $crate::codec::DecodeValue<$lt>>::TAG;

            fn decode_value(contents: &mut $crate::reader::Reader<$lt>) -> Result<Self, $crate::error::DecodeError> {
                <$inner as $crate::codec::DecodeValue<$lt>>::decode_value(contents).map(Self)
            }
        }

        impl $($generics)* $crate::codec::EncodeValue for $self {
            const TAG: u8 = <$inner as $crate::codec::EncodeValue>::TAG;

            fn value_len(&self) -> usize {
                $crate::codec::EncodeValue::value_len(&self.0)
            }

            fn encode_value(&self, writer: &mut $crate::writer::Writer<'_>) -> der::Result<()> {
                $crate::codec::EncodeValue::encode_value(&self.0, writer)
            }
        }
    };
    (@codec [$($generics:tt)*] [$self:ty] [$lt:lifetime] $inner:ty, $app:literal) => {
        impl<$lt> $crate::codec::DecodeValue<$lt> for $self {
            const TAG: u8 = $crate::tag::application($app);

            fn decode_value(contents: &mut $crate::reader::Reader<$lt>) -> Result<Self, $crate::error::DecodeError> {
                <$inner as $crate::codec::Decode<$lt>>::decode(contents).map(Self)
            }
        }

        impl $($generics)* $crate::codec::EncodeValue for $self {
            const TAG: u8 = $crate::tag::application($app);

            fn value_len(&self) -> usize {
                $crate::codec::Encode::encoded_len(&self.0)
            }

            fn encode_value(&self, writer: &mut $crate::writer::Writer<'_>) -> der::Result<()> {
                $crate::codec::Encode::encode(&self.0, writer)
            }
        }
    };
}
pub(crate) use newtype;

/// Defines a CHOICE of context tags and its codec: `Variant(Type) = [n]`, or `= [n] IMPLICIT`.
macro_rules! choice {
    ($(#[$meta:meta])* pub enum $name:ident<$lt:lifetime> {
        $($(#[$variant_meta:meta])* $variant:ident($ty:ty) = [$number:literal] $($implicit:ident)?),+ $(,)?
    }) => {
        $(#[$meta])*
        pub enum $name<$lt> {
            $($(#[$variant_meta])* $variant($ty),)+
        }

        impl<$lt> $crate::codec::Decode<$lt> for $name<$lt> {
            fn decode(reader: &mut $crate::reader::Reader<$lt>) -> Result<Self, $crate::error::DecodeError> {
                match reader.peek_tag() {
                    $(Some(found) if found == $crate::codec::choice!(@tag $ty, [$number] $($implicit)?) => {
                        $crate::codec::sequence!(@decode reader [[$number] $($implicit)?])
                            .map(Self::$variant)
                            .map_err(|error: $crate::error::DecodeError| {
                                error.in_field(stringify!($name), stringify!($variant))
                            })
                    })+
                    _ => Err(reader.unexpected(None)),
                }
            }
        }

        impl $crate::codec::Encode for $name<'_> {
            fn encoded_len(&self) -> usize {
                match self {
                    $(Self::$variant(value) => $crate::codec::sequence!(@len (value) [[$number] $($implicit)?]),)+
                }
            }

            fn encode(&self, writer: &mut $crate::writer::Writer<'_>) -> der::Result<()> {
                match self {
                    $(Self::$variant(value) => {
                        $crate::codec::sequence!(@encode_field (value) writer [[$number] $($implicit)?]);
                    })+
                }
                Ok(())
            }
        }
    };
    (@tag $ty:ty, [$number:literal]) => { $crate::tag::context($number) };
    (@tag $ty:ty, [$number:literal] IMPLICIT) => {
        $crate::tag::implicit($number, <$ty as $crate::codec::DecodeValue<'_>>::TAG)
    };
}
pub(crate) use choice;
