//! What a segment's footer says of the parts that lie before it: words, of which the first is the part's format, and behind
//! them the CRC32C of what stands before.

/// Words as a footer holds them.
pub(crate) fn sealed(words: &str) -> String {
    let checksum = crc32c::crc32c(words.as_bytes());
    format!("{words} {checksum:08x}")
}

/// The words behind the format; `None` where they are damaged, or of another format.
pub(crate) fn unsealed<'a>(sealed: &'a str, format: &str) -> Option<impl Iterator<Item = &'a str>> {
    let (words, checksum) = sealed.rsplit_once(' ')?;
    if u32::from_str_radix(checksum, 16).ok()? != crc32c::crc32c(words.as_bytes()) {
        return None;
    }
    let mut words = words.split(' ');
    (words.next()? == format).then_some(words)
}
