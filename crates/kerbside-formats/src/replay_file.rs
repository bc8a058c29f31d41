//! MIT's replay cache file, second version (`file2`): which authenticators were taken, in hash tables that grow.
//!
//! ```text
//! octets 0..16      seed of the hashes, random
//! 16..16384         table 1: 1023 records
//! 16384..49152      table 2: 2048 records
//! ...               each table twice the one before
//! record            tag (12 octets), time (4 octets, big-endian, 0: never used)
//! ```
//!
//! In each table a tag is at the slot that its hash modulo the table's records says, or at the next one, even where that
//! is the first of the next table. (MIT's document has one record less in that division; its library, 1.20.1 as read
//! from files that it wrote, divides by all of them.) Whoever looks for one and puts it in holds
//! an exclusive lock of the file meanwhile.

use siphash::SipHash;

mod siphash;

/// Octets of the seed.
pub const SEED_LEN: usize = 16;
/// Octets of a tag.
pub const TAG_LEN: usize = 12;
/// Octets of a record.
pub const RECORD_LEN: usize = 16;
/// Octets of the two records that are read at a time.
pub const PAIR_LEN: usize = 2 * RECORD_LEN;

/// Octets of the first table with the seed before it.
const FIRST_TABLE_END: u64 = 16 * 1024;
/// A file with this many tables has 1 GiB; fuller ones take nothing more.
const MAX_TABLES: u32 = 16;

/// One authenticator in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record {
    /// The beginning of its checksum.
    pub tag: [u8; TAG_LEN],
    /// When it was put in, in seconds since 1970 (until 2106); 0 for a record that was never used.
    pub time: u32,
}

impl Record {
    /// Reads one.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; RECORD_LEN]) -> Self {
        let [tag @ .., a, b, c, d] = *bytes;
        Self {
            tag,
            time: u32::from_be_bytes([a, b, c, d]),
        }
    }

    /// Writes it.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; RECORD_LEN] {
        let mut bytes = [0; RECORD_LEN];
        let (tag, time) = bytes.split_at_mut(TAG_LEN);
        tag.copy_from_slice(&self.tag);
        time.copy_from_slice(&self.time.to_be_bytes());
        bytes
    }

    fn is_free(&self, oldest: i64) -> bool {
        self.time == 0 || i64::from(self.time) < oldest
    }
}

/// What came of looking for a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Search {
    /// It is there: a replay.
    Found,
    /// It is not there; its record belongs at this offset.
    Missing {
        /// Octets from the start of the file.
        offset: u64,
    },
    /// It is not there, and nothing is free for it.
    Full,
}

/// Looks for `tag` in a file with this seed. `read` fills the buffer from an offset and says how many octets there were;
/// fewer than asked for mean the end of the file. Records from before `oldest` (seconds since 1970) may be overwritten.
///
/// A tag is found whatever its age: what was taken once and would be taken now is a replay.
///
/// # Errors
/// Those of `read`.
pub fn search<E>(
    seed: &[u8; SEED_LEN],
    tag: &[u8; TAG_LEN],
    oldest: i64,
    mut read: impl FnMut(u64, &mut [u8; PAIR_LEN]) -> Result<usize, E>,
) -> Result<Search, E> {
    let mut free = None;
    for offset in slots(seed, tag) {
        let mut pair = [0; PAIR_LEN];
        let found = read(offset, &mut pair)?.min(PAIR_LEN);
        let (records, _) = pair.as_chunks::<RECORD_LEN>();
        for (index, bytes) in records.iter().enumerate() {
            let start = index.saturating_mul(RECORD_LEN);
            let at = offset.saturating_add(u64::try_from(start).unwrap_or(u64::MAX));
            let is_behind_end = start.saturating_add(RECORD_LEN) > found;
            let record = Record::from_bytes(bytes);
            if !is_behind_end && record.time != 0 && record.tag == *tag {
                return Ok(Search::Found);
            }
            if free.is_none() && (is_behind_end || record.is_free(oldest)) {
                free = Some(at);
            }
            if is_behind_end || record.time == 0 {
                return Ok(Search::Missing {
                    offset: free.unwrap_or(at),
                });
            }
        }
    }
    Ok(free.map_or(Search::Full, |offset| Search::Missing { offset }))
}

/// Where the tag may be: the offset of the first of two records in each table.
fn slots(seed: &[u8; SEED_LEN], tag: &[u8; TAG_LEN]) -> impl Iterator<Item = u64> {
    let (seed, tag) = (*seed, *tag);
    (0..MAX_TABLES).map(move |table| {
        let end = FIRST_TABLE_END << table;
        // The first table begins behind the seed, which has the size of a record.
        let (start, records) = match table {
            0 => (RECORD_LEN as u64, FIRST_TABLE_END / RECORD_LEN as u64 - 1),
            _ => (end - FIRST_TABLE_END, end / RECORD_LEN as u64),
        };
        let mut seed = seed;
        let [first, ..] = &mut seed;
        *first = first.wrapping_add(u8::try_from(table).unwrap_or(u8::MAX));
        let slot = SipHash::new(&seed).hash(&tag) % records;
        start + slot * RECORD_LEN as u64
    })
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::indexing_slicing,
        clippy::cast_possible_truncation,
        clippy::unwrap_used,
        reason = "a test fails by panicking"
    )]

    use super::*;
    use core::convert::Infallible;

    const SEED: [u8; SEED_LEN] = [7; SEED_LEN];
    const OLDEST: i64 = 1_000_000;

    /// A file in memory.
    #[derive(Default)]
    struct File(Vec<u8>);

    impl File {
        fn look(&self, tag: u32) -> Search {
            let read = |offset: u64, pair: &mut [u8; PAIR_LEN]| {
                let rest = self.0.get(offset as usize..).unwrap_or_default();
                let length = rest.len().min(PAIR_LEN);
                pair[..length].copy_from_slice(&rest[..length]);
                Ok::<_, Infallible>(length)
            };
            search(&SEED, &tag_of(tag), OLDEST, read).unwrap()
        }

        fn put(&mut self, tag: u32, time: u32) -> Search {
            let search = self.look(tag);
            if let Search::Missing { offset } = search {
                let (start, tag) = (offset as usize, tag_of(tag));
                let end = (start + RECORD_LEN).max(self.0.len());
                self.0.resize(end, 0);
                self.0[start..start + RECORD_LEN].copy_from_slice(&Record { tag, time }.to_bytes());
            }
            search
        }
    }

    fn tag_of(number: u32) -> [u8; TAG_LEN] {
        let mut tag = [0; TAG_LEN];
        tag[..4].copy_from_slice(&number.to_be_bytes());
        tag
    }

    #[test]
    fn tables_are_where_the_document_says() {
        for tag in 0..200 {
            let offsets: Vec<u64> = slots(&SEED, &tag_of(tag)).collect();
            assert_eq!(offsets.len(), 16);
            let ranges = [(16, 16_384), (16_384, 49_152), (49_152, 114_688)];
            for (offset, (start, end)) in offsets.iter().zip(ranges) {
                assert!(*offset >= start && offset + RECORD_LEN as u64 <= end && offset % 16 == 0);
            }
        }
    }

    #[test]
    fn what_was_put_in_is_found_and_what_was_not_is_not() {
        let mut file = File::default();
        let now = OLDEST as u32 + 100;
        for tag in 0..20_000 {
            assert!(matches!(file.put(tag, now), Search::Missing { .. }), "{tag}");
        }
        assert!(file.0.len() > 114_688, "several tables");
        for tag in 0..20_000 {
            assert_eq!(file.put(tag, now), Search::Found, "{tag}");
        }
        assert!(matches!(file.look(20_001), Search::Missing { .. }));
    }

    #[test]
    fn old_records_make_room_and_are_still_replays() {
        let mut file = File::default();
        file.put(1, OLDEST as u32 - 1);
        assert_eq!(file.look(1), Search::Found, "too old to be kept, and still known");
        // Five thousand authenticators every interval: each takes the place of an old one.
        for tag in 10..5_010 {
            file.put(tag, OLDEST as u32 - 1);
        }
        for tag in 100_000..105_000 {
            file.put(tag, OLDEST as u32);
        }
        assert!(file.0.len() <= 500_000, "{}", file.0.len());
        for tag in 100_000..105_000 {
            assert_eq!(file.look(tag), Search::Found);
        }
    }

    #[test]
    fn a_file_without_room_is_full_and_half_a_record_is_none() {
        let busy = |_: u64, pair: &mut [u8; PAIR_LEN]| {
            pair.fill(0xff);
            Ok::<_, Infallible>(PAIR_LEN)
        };
        assert_eq!(search(&SEED, &tag_of(1), OLDEST, busy).unwrap(), Search::Full);
        let first = slots(&SEED, &tag_of(1)).next().unwrap();
        for length in 0..PAIR_LEN {
            let cut = |_: u64, pair: &mut [u8; PAIR_LEN]| {
                pair[..length].fill(0xff);
                Ok::<_, Infallible>(length)
            };
            let expected = first + if length < RECORD_LEN { 0 } else { RECORD_LEN as u64 };
            let found = search(&SEED, &tag_of(1), OLDEST, cut).unwrap();
            assert_eq!(found, Search::Missing { offset: expected }, "{length}");
        }
    }

    /// Where MIT krb5 1.20.1 put them (the source is in the file).
    #[test]
    fn mits_records_are_where_they_are_looked_for() {
        let vector = include_str!("../tests/vectors/replay_file.json");
        let vector: serde_json::Value = serde_json::from_str(vector).unwrap();
        let seed: [u8; SEED_LEN] = hex::decode(vector["seed"].as_str().unwrap())
            .unwrap()
            .try_into()
            .unwrap();
        let records = vector["records"].as_array().unwrap();
        assert_eq!(records.len() as u64, vector["count"].as_u64().unwrap());
        let mut tables = [0; 4];
        for pair in records {
            let offset = pair[0].as_u64().unwrap();
            let bytes: [u8; RECORD_LEN] = hex::decode(pair[1].as_str().unwrap())
                .unwrap()
                .try_into()
                .unwrap();
            let record = Record::from_bytes(&bytes);
            assert_eq!(record.to_bytes(), bytes);
            // A day in 2026.
            assert_eq!(record.time / 86_400, 20_782);
            let place = slots(&seed, &record.tag).position(|slot| offset == slot || offset == slot + 16);
            tables[place.unwrap()] += 1;
        }
        // One of the first table's is the first slot of the second.
        assert_eq!(tables, [151, 149, 80, 46]);
    }

    #[test]
    fn errors_of_reading_are_passed_on() {
        assert_eq!(search(&SEED, &tag_of(1), OLDEST, |_, _| Err("gone")), Err("gone"));
    }
}
