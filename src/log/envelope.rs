//! One line of a segment: its number, the hash of the line before, the body as it stands, and its own hash.

use blake3::{Hash, Hasher};

/// The hash before the first entry.
pub(super) const NOTHING: Hash = Hash::from_bytes([0; 32]);

/// Hexadecimal digits of a hash.
const DIGITS: usize = 64;
/// What every hash begins with.
const DOMAIN: &[u8] = b"portcullis log 1\n";
const SEQ: &[u8] = b"{\"seq\":";
const PREV: &[u8] = b",\"prev\":\"";
const BODY: &[u8] = b"\",\"body\":";
const HASH: &[u8] = b",\"hash\":\"";
const END: &[u8] = b"\"}";

/// A line taken apart; what it says of itself is not checked yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sealed<'a> {
    pub(super) seq: u64,
    pub(super) prev: Hash,
    pub(super) body: &'a [u8],
    pub(super) hash: Hash,
}

impl Sealed<'_> {
    /// Whether the hash is that of the rest.
    pub(super) fn holds(&self) -> bool {
        self.computed() == self.hash
    }

    /// The hash that the rest has.
    pub(super) fn computed(&self) -> Hash {
        hash(self.seq, &self.prev, self.body)
    }

    /// Whether it is the first line of a segment.
    pub(super) fn is_header(&self) -> bool {
        self.body.starts_with(b"{\"segment\":")
    }

    /// Whether it is the signature that closes a segment.
    pub(super) fn is_head(&self) -> bool {
        self.body.starts_with(b"{\"head\":")
    }
}

/// The hash of an entry: BLAKE3 of `portcullis log 1`, the number in decimal and the hash before in lower-case hexadecimal, each
/// followed by a line feed, and of the bytes of the body.
pub(super) fn hash(seq: u64, prev: &Hash, body: &[u8]) -> Hash {
    let mut hasher = Hasher::new();
    hasher.update(DOMAIN);
    hasher.update(Decimal::new(seq).as_bytes());
    hasher.update(b"\n");
    hasher.update(prev.to_hex().as_bytes());
    hasher.update(b"\n");
    hasher.update(body);
    hasher.finalize()
}

/// Writes the line of an entry, its line feed included, in the place of what `line` held, and answers its hash.
pub(super) fn seal(seq: u64, prev: &Hash, body: &[u8], line: &mut Vec<u8>) -> Hash {
    let hash = hash(seq, prev, body);
    line.clear();
    for part in [
        SEQ,
        Decimal::new(seq).as_bytes(),
        PREV,
        prev.to_hex().as_bytes(),
        BODY,
        body,
        HASH,
        hash.to_hex().as_bytes(),
        END,
        b"\n",
    ] {
        line.extend_from_slice(part);
    }
    hash
}

/// Takes a line without its line feed apart. The envelope has one form only, so that no byte of it can change unseen.
///
/// # Errors
/// What was expected.
pub(super) fn open(line: &[u8]) -> Result<Sealed<'_>, &'static str> {
    let rest = line.strip_prefix(SEQ).ok_or("expected the line to begin with {\"seq\":")?;
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (number, rest) = rest.split_at_checked(digits).ok_or("expected a number after {\"seq\":")?;
    let seq = std::str::from_utf8(number).ok().and_then(|number| number.parse().ok());
    let seq = seq.filter(|seq| Decimal::new(*seq).as_bytes() == number).ok_or("expected a number in seq")?;
    let rest = rest.strip_prefix(PREV).ok_or("expected \"prev\" after \"seq\"")?;
    let (prev, rest) = rest.split_at_checked(DIGITS).ok_or("expected 64 digits in prev")?;
    let prev = digest(prev).ok_or("expected 64 lower-case hexadecimal digits in prev")?;
    let rest = rest.strip_prefix(BODY).ok_or("expected \"body\" after \"prev\"")?;
    let rest = rest.strip_suffix(END).ok_or("expected the line to end with \"}")?;
    let at = rest.len().checked_sub(DIGITS).ok_or("expected \"hash\" after \"body\"")?;
    let (rest, hash) = rest.split_at_checked(at).ok_or("expected 64 digits in hash")?;
    let hash = digest(hash).ok_or("expected 64 lower-case hexadecimal digits in hash")?;
    let body = rest.strip_suffix(HASH).ok_or("expected \"hash\" after \"body\"")?;
    Ok(Sealed { seq, prev, body, hash })
}

/// A hash in lower-case hexadecimal.
fn digest(hex: &[u8]) -> Option<Hash> {
    let lower = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    if hex.iter().all(lower) { Hash::from_hex(hex).ok() } else { None }
}

/// A number's digits, on the stack.
struct Decimal {
    digits: [u8; 20],
    from: usize,
}

impl Decimal {
    fn new(mut number: u64) -> Self {
        let mut digits = [b'0'; 20];
        let mut from = digits.len();
        for (place, digit) in digits.iter_mut().enumerate().rev() {
            *digit = b'0' + u8::try_from(number % 10).unwrap_or_default();
            number /= 10;
            from = place;
            if number == 0 {
                break;
            }
        }
        Self { digits, from }
    }

    fn as_bytes(&self) -> &[u8] {
        self.digits.get(self.from..).unwrap_or_default()
    }
}
