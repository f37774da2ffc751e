//! The frames of a file, one after another, whatever was changed in between: what follows a damaged one is found.

use super::frame::{HEADER, MAGIC, Unframed, unframe};

/// A stretch of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Piece<'a> {
    /// Where it begins.
    pub(crate) at: usize,
    /// All of its bytes.
    pub(crate) bytes: &'a [u8],
    /// What was framed there; `None` where the bytes are damaged.
    pub(crate) payload: Option<&'a [u8]>,
}

/// The pieces of `bytes`. A last frame whose writing was cut short is none. Payloads must not contain line breaks,
/// which text in JSON does not: by them a frame that was cut short is told from one that was changed.
pub(crate) fn pieces(bytes: &[u8]) -> impl Iterator<Item = Piece<'_>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = bytes.get(at..).filter(|rest| !rest.is_empty() && !cut_short(rest))?;
        let payload = whole(rest);
        let length = payload.map_or_else(|| damaged(rest), |payload| HEADER + payload.len() + 1);
        let piece = Piece { at, bytes: rest.get(..length)?, payload };
        at += length;
        Some(piece)
    })
}

/// The payload of the frame at the beginning of those bytes, if that is whole.
pub(crate) fn whole(bytes: &[u8]) -> Option<&[u8]> {
    match unframe(bytes) {
        Unframed::Whole { payload, .. } => Some(payload),
        _ => None,
    }
}

/// Whether that is the beginning of a frame and nothing else.
fn cut_short(rest: &[u8]) -> bool {
    let no_line_break = |rest: &[u8]| !rest.iter().skip(HEADER).any(|byte| *byte == b'\n');
    matches!(unframe(rest), Unframed::Torn) && no_line_break(rest)
}

/// How many bytes there are before the next frame.
fn damaged(rest: &[u8]) -> usize {
    let begins = |at: &usize| {
        let rest = &rest[*at..];
        rest.starts_with(MAGIC) && (whole(rest).is_some() || cut_short(rest))
    };
    (1..rest.len()).find(begins).unwrap_or(rest.len())
}

#[cfg(test)]
mod tests {
    use super::super::frame::frame;
    use super::*;

    const PAYLOADS: [&[u8]; 3] =
        [b"{\"first\":1}", b"{\"second\":\"rc1 00000001 \"}", b"{\"third\":\"a longer one\"}"];

    fn file() -> Vec<u8> {
        PAYLOADS.concat_frames()
    }

    trait Frames {
        fn concat_frames(&self) -> Vec<u8>;
    }

    impl Frames for [&[u8]; 3] {
        fn concat_frames(&self) -> Vec<u8> {
            self.iter().flat_map(|payload| frame(payload)).collect()
        }
    }

    fn payloads(bytes: &[u8]) -> Vec<&[u8]> {
        pieces(bytes).filter_map(|piece| piece.payload).collect()
    }

    #[test]
    fn every_frame_is_found_at_its_place() {
        let file = file();
        assert_eq!(payloads(&file), PAYLOADS);
        for piece in pieces(&file) {
            assert_eq!(&file[piece.at..piece.at + piece.bytes.len()], piece.bytes);
            assert_eq!(whole(piece.bytes), piece.payload, "a piece can be read by itself");
        }
        assert_eq!(pieces(b"").count(), 0);
    }

    #[test]
    fn a_file_cut_anywhere_has_the_frames_before_the_cut_and_no_damage() {
        let file = file();
        let mut end = 0;
        for (index, payload) in PAYLOADS.iter().enumerate() {
            let length = frame(payload).len();
            for cut in end..end + length {
                let pieces: Vec<_> = pieces(&file[..cut]).map(|piece| piece.payload).collect();
                let before: Vec<_> = PAYLOADS[..index].iter().map(|payload| Some(*payload)).collect();
                assert_eq!(pieces, before, "cut after {cut} bytes");
            }
            end += length;
        }
    }

    #[test]
    fn a_flipped_bit_costs_its_own_frame_alone_and_is_told() {
        let file = file();
        let ends: Vec<_> = pieces(&file).map(|piece| piece.at + piece.bytes.len()).collect();
        for bit in 0..file.len() * 8 {
            let mut flipped = file.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let hit = ends.iter().position(|end| bit / 8 < *end).unwrap();
            let others: Vec<_> = (0..3).filter(|frame| *frame != hit).map(|frame| PAYLOADS[frame]).collect();
            let found = payloads(&flipped);
            if found == PAYLOADS {
                assert!(flipped.eq_ignore_ascii_case(&file), "a digit in the other case says the same");
                continue;
            }
            assert_eq!(found, others, "bit {bit} flipped, in frame {hit}");
            let damage: Vec<_> = pieces(&flipped).filter(|piece| piece.payload.is_none()).collect();
            assert_eq!(damage.len(), 1, "bit {bit} flipped: the damage is told, once");
        }
    }

    #[test]
    fn lost_and_foreign_bytes_between_frames_cost_no_frame() {
        let (first, third) = (frame(PAYLOADS[0]), frame(PAYLOADS[2]));
        for foreign in
            [&b"\0\0\0\0\0\0"[..], b"rc1 ", b"rc1 00000009 00000000\n123", b"\n", b"rc2 x\nrc1 y\n"]
        {
            let file = [&first, foreign, &third].concat();
            assert_eq!(payloads(&file), [PAYLOADS[0], PAYLOADS[2]], "{foreign:?}");
            let damage: Vec<_> = pieces(&file).filter(|piece| piece.payload.is_none()).collect();
            assert_eq!(damage.iter().map(|piece| piece.bytes).collect::<Vec<_>>(), [foreign]);
        }
    }
}
