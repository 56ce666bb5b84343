//! The shapes of JSON that a policy is made of and that serde does not derive.

use std::collections::HashSet;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};

/// A value, or a list of values.
pub(crate) struct Many<T>(pub(crate) Vec<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Many<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrMore<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for OneOrMore<T> {
            type Value = Many<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value or a list of values")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Many<T>, A::Error> {
                let mut out = Vec::new();
                while let Some(item) = seq.next_element()? {
                    out.push(item);
                }
                Ok(Many(out))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Many<T>, A::Error> {
                T::deserialize(de::value::MapAccessDeserializer::new(map)).map(|v| Many(vec![v]))
            }

            fn visit_str<E: de::Error>(self, v: &str) -> Result<Many<T>, E> {
                T::deserialize(de::value::StrDeserializer::new(v)).map(|v| Many(vec![v]))
            }

            fn visit_bool<E: de::Error>(self, v: bool) -> Result<Many<T>, E> {
                T::deserialize(de::value::BoolDeserializer::new(v)).map(|v| Many(vec![v]))
            }

            fn visit_u64<E: de::Error>(self, v: u64) -> Result<Many<T>, E> {
                T::deserialize(de::value::U64Deserializer::new(v)).map(|v| Many(vec![v]))
            }

            fn visit_i64<E: de::Error>(self, v: i64) -> Result<Many<T>, E> {
                T::deserialize(de::value::I64Deserializer::new(v)).map(|v| Many(vec![v]))
            }

            fn visit_f64<E: de::Error>(self, v: f64) -> Result<Many<T>, E> {
                T::deserialize(de::value::F64Deserializer::new(v)).map(|v| Many(vec![v]))
            }
        }
        deserializer.deserialize_any(OneOrMore(PhantomData))
    }
}

/// A condition's value. Numbers and booleans may stand without quotes.
pub(crate) struct Scalar(pub(crate) String);

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AsText;
        impl Visitor<'_> for AsText {
            type Value = Scalar;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string, a number or a boolean")
            }

            fn visit_str<E: de::Error>(self, v: &str) -> Result<Scalar, E> {
                Ok(Scalar(v.to_owned()))
            }

            fn visit_bool<E: de::Error>(self, v: bool) -> Result<Scalar, E> {
                Ok(Scalar(v.to_string()))
            }

            fn visit_u64<E: de::Error>(self, v: u64) -> Result<Scalar, E> {
                Ok(Scalar(v.to_string()))
            }

            fn visit_i64<E: de::Error>(self, v: i64) -> Result<Scalar, E> {
                Ok(Scalar(v.to_string()))
            }

            fn visit_f64<E: de::Error>(self, v: f64) -> Result<Scalar, E> {
                Ok(Scalar(v.to_string()))
            }
        }
        deserializer.deserialize_any(AsText)
    }
}

/// A JSON object in the order of its text, no key twice.
pub(crate) struct Entries<T>(pub(crate) Vec<(String, T)>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Entries<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Pairs<T> {
            type Value = Entries<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries<T>, A::Error> {
                let mut out: Vec<(String, T)> = Vec::new();
                let mut names = HashSet::new();
                while let Some(key) = map.next_key::<String>()? {
                    // Neither operators nor keys tell case apart, so two spellings are one key given twice.
                    if !names.insert(key.to_ascii_lowercase()) {
                        return Err(de::Error::custom(format!("duplicate key `{key}`")));
                    }
                    out.push((key, map.next_value()?));
                }
                Ok(Entries(out))
            }
        }
        deserializer.deserialize_map(Pairs(PhantomData))
    }
}
