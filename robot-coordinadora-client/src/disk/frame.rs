//! A frame: `rc1`, the payload's length and its CRC-32 in hexadecimal, a line break, the payload, a line break.
//! Text stays readable with `cat`, and a byte that changed shows.

use std::str;

/// What a frame begins with: the version of its form, of which there is one.
pub(super) const MAGIC: &[u8] = b"rc1 ";
/// `rc1 `, eight digits, a space, eight digits, a line break.
pub(super) const HEADER: usize = 4 + 8 + 1 + 8 + 1;

/// What stands at the beginning of some bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unframed<'a> {
    /// A whole frame, and what follows it.
    Whole {
        /// What was framed.
        payload: &'a [u8],
        /// The bytes after the frame.
        rest: &'a [u8],
    },
    /// The beginning of a frame: its writing was cut short.
    Torn,
    /// Something else: a frame that was changed, or one of another version.
    Damaged,
}

/// The payload in a frame.
pub(crate) fn frame(payload: &[u8]) -> Vec<u8> {
    let mut frame = format!("rc1 {:08x} {:08x}\n", payload.len(), crc(payload)).into_bytes();
    frame.extend_from_slice(payload);
    frame.push(b'\n');
    frame
}

/// Reads the frame at the beginning of `bytes`, which are not empty.
pub(crate) fn unframe(bytes: &[u8]) -> Unframed<'_> {
    let Some((header, rest)) = bytes.split_at_checked(HEADER) else {
        return if begins_well(bytes) { Unframed::Torn } else { Unframed::Damaged };
    };
    let Some((length, sum)) = read_header(header) else { return Unframed::Damaged };
    match rest.split_at_checked(length) {
        None | Some((_, [])) => Unframed::Torn,
        Some((payload, [b'\n', rest @ ..])) if crc(payload) == sum => Unframed::Whole { payload, rest },
        Some(_) => Unframed::Damaged,
    }
}

/// Whether a header may begin with these bytes, or be them.
fn begins_well(bytes: &[u8]) -> bool {
    let fits = |(place, byte): (usize, &u8)| match place {
        0..=3 => *byte == MAGIC[place],
        12 => *byte == b' ',
        21 => *byte == b'\n',
        _ => byte.is_ascii_hexdigit(),
    };
    bytes.iter().enumerate().all(fits)
}

/// The payload's length and checksum.
fn read_header(header: &[u8]) -> Option<(usize, u32)> {
    let text = str::from_utf8(header).ok().filter(|_| begins_well(header))?;
    let number = |place| u32::from_str_radix(text.get(place)?, 16).ok();
    Some((usize::try_from(number(4..12)?).ok()?, number(13..21)?))
}

/// CRC-32 as in zlib, PNG and Ethernet (reflected, polynomial 0x04C11DB7).
fn crc(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| (crc >> 8) ^ TABLE[usize::from(crc.to_le_bytes()[0] ^ byte)];
    !bytes.iter().fold(u32::MAX, step)
}

const TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut n = 0;
    while n < table.len() {
        #[expect(clippy::cast_possible_truncation, reason = "n is below 256")]
        let mut crc = n as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 };
            bit += 1;
        }
        table[n] = crc;
        n += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_the_one_of_zlib() {
        assert_eq!(crc(b"123456789"), 0xCBF4_3926, "the check value of CRC-32/ISO-HDLC");
        assert_eq!(crc(b""), 0);
    }

    #[test]
    fn a_frame_is_read_back_whole_and_so_is_the_next() {
        let mut bytes = frame(b"{\"a\":1}");
        bytes.extend(frame(b""));
        let Unframed::Whole { payload, rest } = unframe(&bytes) else { panic!("it is whole") };
        assert_eq!(payload, b"{\"a\":1}");
        assert_eq!(unframe(rest), Unframed::Whole { payload: b"", rest: b"" });
    }

    #[test]
    fn every_cut_is_torn_and_no_flipped_bit_is_whole() {
        let whole = frame(b"a payload of some length\nand two lines");
        for length in 1..whole.len() {
            assert_eq!(unframe(&whole[..length]), Unframed::Torn, "cut after {length} bytes");
        }
        for bit in 0..whole.len() * 8 {
            let mut flipped = whole.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            // A hexadecimal letter in the other case says the same.
            let same = bit / 8 < HEADER && flipped.eq_ignore_ascii_case(&whole) && flipped[..4] == whole[..4];
            assert_eq!(matches!(unframe(&flipped), Unframed::Whole { .. }), same, "bit {bit} flipped");
        }
    }

    #[test]
    fn anything_else_is_damaged() {
        for bytes in [
            &b"{"[..],
            b"rc2 00000000 00000000\n\n",
            b"rc1 +0000000 00000000\n\n",
            b"rc1 0000000000000000 \n\n",
        ] {
            assert_eq!(unframe(bytes), Unframed::Damaged, "{bytes:?}");
        }
    }
}
