//! The layout of a compiled vocabulary, version 1.
//!
//! All numbers are little-endian; sections start at multiples of 64 bytes, zeros between them.
//!
//! | part | content |
//! |---|---|
//! | header | 128 bytes, see [`Header`] |
//! | slots | a power of two of pairs (tag `u32`, entry `u32`); entry 0 is empty, else bit 31 marks a token that continues a word, and the lower bits are id + 1 |
//! | offsets | `count + 1` of `u32`: token `id` is bytes `offsets[id]..offsets[id + 1]` of the strings |
//! | strings | the tokens in the order of their ids, UTF-8, continuing ones without their `##` |
//!
//! A token hashes by FNV-1a (64 bits) over its bytes, from one of two seeds; see [`hash`]. The slots are probed one after
//! the other from the hash's place, wrapping around, until an empty slot or until `max_probe` of them were seen.

use super::error::TokenizeError;
use std::ops::Range;

/// The first bytes of a file.
pub(super) const MAGIC: [u8; 8] = *b"PCVOCAB\0";
/// The version that this build writes and reads.
pub(super) const VERSION: u32 = 1;
/// Length of the header.
pub(super) const HEADER_LEN: usize = 128;
/// Alignment of the sections.
pub(super) const ALIGN: usize = 64;
/// Marks a slot whose token continues a word.
pub(super) const CONTINUES: u32 = 1 << 31;
/// Upper bounds, so that a hostile file cannot make one lookup or one word dear.
pub(super) const MAX_PROBE: u32 = 128;
pub(super) const MAX_TOKEN_BYTES: u32 = 1024;
pub(super) const MAX_WORD_CHARS: u32 = 65_536;
pub(super) const MAX_COUNT: u32 = 1 << 24;

const CLEAN_TEXT: u32 = 1;
const HANDLE_CHINESE_CHARS: u32 = 2;
const STRIP_ACCENTS: u32 = 4;
const LOWERCASE: u32 = 8;

/// What the BERT normalizer does, in its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rules {
    /// Drop control characters, turn white space into spaces.
    pub(super) clean_text: bool,
    /// Put spaces around CJK ideographs.
    pub(super) handle_chinese_chars: bool,
    /// Decompose and drop non-spacing marks.
    pub(super) strip_accents: bool,
    /// Turn letters into small ones.
    pub(super) lowercase: bool,
}

impl Rules {
    const fn to_bits(self) -> u32 {
        (self.clean_text as u32 * CLEAN_TEXT)
            | (self.handle_chinese_chars as u32 * HANDLE_CHINESE_CHARS)
            | (self.strip_accents as u32 * STRIP_ACCENTS)
            | (self.lowercase as u32 * LOWERCASE)
    }

    const fn from_bits(bits: u32) -> Self {
        Self {
            clean_text: bits & CLEAN_TEXT != 0,
            handle_chinese_chars: bits & HANDLE_CHINESE_CHARS != 0,
            strip_accents: bits & STRIP_ACCENTS != 0,
            lowercase: bits & LOWERCASE != 0,
        }
    }
}

/// The numbers of the header, in the order of the file behind magic, version and header length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// Length of the whole file (`u64`).
    pub(super) file_len: u64,
    /// The normalizer's switches (`u32`, one bit each).
    pub(super) rules: Rules,
    /// Words of more characters are unknown.
    pub(super) max_word_chars: u32,
    /// How many tokens there are.
    pub(super) count: u32,
    /// Ids of `[UNK]`, `[CLS]` and `[SEP]`.
    pub(super) unknown: u32,
    pub(super) cls: u32,
    pub(super) sep: u32,
    /// Slots are `1 << slots_log2`.
    pub(super) slots_log2: u32,
    /// Slots to look at before a token counts as missing.
    pub(super) max_probe: u32,
    /// Length of the longest token that starts a word, and of the longest that continues one.
    pub(super) max_initial_bytes: u32,
    pub(super) max_continuing_bytes: u32,
    /// First bytes of the sections (`u64` each).
    pub(super) slots: u64,
    pub(super) offsets: u64,
    pub(super) strings: u64,
    /// Length of the strings (`u64`).
    pub(super) strings_len: u64,
}

/// Where the sections lie in a file whose header was checked.
#[derive(Clone, Debug)]
pub(super) struct Sections {
    pub(super) slots: Range<usize>,
    pub(super) offsets: Range<usize>,
    pub(super) strings: Range<usize>,
}

impl Header {
    /// The 128 bytes.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(VERSION.to_le_bytes());
        bytes.extend((HEADER_LEN as u32).to_le_bytes());
        bytes.extend(self.file_len.to_le_bytes());
        let numbers = [
            self.rules.to_bits(),
            self.max_word_chars,
            self.count,
            self.unknown,
            self.cls,
            self.sep,
            self.slots_log2,
            self.max_probe,
            self.max_initial_bytes,
            self.max_continuing_bytes,
        ];
        bytes.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
        for place in [self.slots, self.offsets, self.strings, self.strings_len] {
            bytes.extend(place.to_le_bytes());
        }
        bytes.resize(HEADER_LEN, 0);
        bytes
    }

    /// Reads and checks the header and the places of the sections, whatever the size of the file.
    pub(super) fn read(file: &[u8]) -> Result<(Self, Sections), TokenizeError> {
        let file_len = file.len() as u64;
        let Some(header) = file.first_chunk::<HEADER_LEN>() else {
            return Err(TokenizeError::Length { found: file_len, expected: HEADER_LEN as u64 });
        };
        let mut fields = Fields { rest: header };
        if fields.take() != MAGIC {
            return Err(TokenizeError::Magic);
        }
        let version = fields.u32();
        if version != VERSION {
            return Err(TokenizeError::Version { found: version, expected: VERSION });
        }
        within("header length", fields.u32(), HEADER_LEN as u32, HEADER_LEN as u32, "128")?;
        let stated = fields.u64();
        if stated != file_len {
            return Err(TokenizeError::Length { found: file_len, expected: stated });
        }
        let bits = within("flags", fields.u32(), 0, 15, "0 to 15")?;
        let max_word_chars = within("max word chars", fields.u32(), 1, MAX_WORD_CHARS, "1 to 65536")?;
        let count = within("count", fields.u32(), 1, MAX_COUNT, "1 to 16777216")?;
        let last = count - 1;
        let header = Self {
            file_len,
            rules: Rules::from_bits(bits),
            max_word_chars,
            count,
            unknown: within("unknown id", fields.u32(), 0, last, "an id below count")?,
            cls: within("cls id", fields.u32(), 0, last, "an id below count")?,
            sep: within("sep id", fields.u32(), 0, last, "an id below count")?,
            slots_log2: within("slots log2", fields.u32(), 1, 26, "1 to 26")?,
            max_probe: within("max probe", fields.u32(), 1, MAX_PROBE, "1 to 128")?,
            max_initial_bytes: within("max initial bytes", fields.u32(), 0, MAX_TOKEN_BYTES, "0 to 1024")?,
            max_continuing_bytes: within(
                "max continuing bytes",
                fields.u32(),
                0,
                MAX_TOKEN_BYTES,
                "0 to 1024",
            )?,
            slots: fields.u64(),
            offsets: fields.u64(),
            strings: fields.u64(),
            strings_len: fields.u64(),
        };
        if let Some(&byte) = fields.rest.iter().find(|&&byte| byte != 0) {
            return Err(TokenizeError::Header { field: "reserved", found: byte.into(), expected: "zeros" });
        }
        let slots = section("slots", header.slots, 8 << header.slots_log2, HEADER_LEN as u64, file_len)?;
        let offsets =
            section("offsets", header.offsets, 4 * (u64::from(count) + 1), slots.end as u64, file_len)?;
        let strings = section("strings", header.strings, header.strings_len, offsets.end as u64, file_len)?;
        Ok((header, Sections { slots, offsets, strings }))
    }
}

/// FNV-1a over a token's bytes, one byte at a time, so that one pass gives the hash of every prefix.
#[derive(Clone, Copy)]
pub(super) struct Hash(u64);

impl Hash {
    /// The seed for tokens that start or continue a word.
    pub(super) const fn seed(continues: bool) -> Self {
        // FNV's offset basis; the second seed is the first after one more round over "#".
        if continues { Self(0xaf63_9e4c_8601_8332) } else { Self(0xcbf2_9ce4_8422_2325) }
    }

    /// The hash after one more byte.
    #[inline]
    pub(super) const fn byte(self, byte: u8) -> Self {
        Self((self.0 ^ byte as u64).wrapping_mul(0x0000_0100_0000_01b3))
    }

    /// The first slot to look at: the upper bits of the hash times 2^64 over the golden ratio.
    #[inline]
    pub(super) const fn slot(self, slots_log2: u32) -> usize {
        (self.0.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - slots_log2)) as usize
    }

    /// What a slot keeps of the hash: its upper half, folded onto the lower.
    #[inline]
    pub(super) const fn tag(self) -> u32 {
        (self.0 ^ (self.0 >> 32)) as u32
    }
}

/// The hash of a whole token.
pub(super) fn hash(token: &[u8], continues: bool) -> Hash {
    token.iter().fold(Hash::seed(continues), |hash, &byte| hash.byte(byte))
}

struct Fields<'a> {
    rest: &'a [u8],
}

impl Fields<'_> {
    /// The next `N` bytes; zeros behind the end, which the fixed header length rules out.
    fn take<const N: usize>(&mut self) -> [u8; N] {
        let Some((head, rest)) = self.rest.split_first_chunk::<N>() else { return [0; N] };
        self.rest = rest;
        *head
    }

    fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.take())
    }

    fn u64(&mut self) -> u64 {
        u64::from_le_bytes(self.take())
    }
}

fn within(
    field: &'static str,
    found: u32,
    low: u32,
    high: u32,
    expected: &'static str,
) -> Result<u32, TokenizeError> {
    if (low..=high).contains(&found) {
        Ok(found)
    } else {
        Err(TokenizeError::Header { field, found: found.into(), expected })
    }
}

fn section(
    section: &'static str,
    start: u64,
    len: u64,
    after: u64,
    file: u64,
) -> Result<Range<usize>, TokenizeError> {
    let end = start.saturating_add(len);
    let places = (usize::try_from(start), usize::try_from(end));
    match places {
        (Ok(first), Ok(past))
            if start >= after && start.is_multiple_of(ALIGN as u64) && end <= file && end > after =>
        {
            Ok(first..past)
        }
        _ => Err(TokenizeError::Section { section, start, end, after, file }),
    }
}
