//! Clearing away: the oldest segment is removed once nothing in it is needed, or once so much of all is of no use that
//! copying the rest pays. Always the oldest: a record that settles a report stands behind that report's own, and must
//! not go before it. A segment with damage that could not be moved aside stays until it can be.

use std::io;

use super::group::frame;
use super::log::keep_damaged;
use super::record::{Record, Seq};
use super::segment::{Number, Place};
use super::shared::Unread;
use super::writer::{GROUP, Writer};
use crate::disk::Growing;

impl Writer {
    /// Clears away what pays.
    pub(super) fn tidy(&mut self) {
        while let Some(number) = self.pays() {
            let cleared = self.clear(number);
            self.cleared(&cleared);
            if cleared.is_err() {
                return;
            }
        }
    }

    /// Clears away these segments, which are all those there are: what is good in them is written anew.
    pub(super) fn clear_all(&mut self, numbers: &[Number]) {
        let cleared = numbers.iter().try_for_each(|number| self.clear(*number));
        self.cleared(&cleared);
    }

    /// The segment that is worth clearing away.
    fn pays(&self) -> Option<Number> {
        let index = self.shared.index();
        let segments = &index.segments;
        let (number, needed) = segments.oldest().filter(|(number, _)| !self.log.grows(*number))?;
        let wasteful = segments.waste() > self.log.tolerates(segments.needed());
        (!needed || wasteful).then_some(number)
    }

    fn cleared(&mut self, cleared: &io::Result<()>) {
        match cleared {
            Err(error) if !self.untidy => {
                tracing::warn!(%error, "the spool can't be cleared of what is settled; it will grow");
            }
            _ => {}
        }
        self.untidy = cleared.is_err();
    }

    fn clear(&mut self, number: Number) -> io::Result<()> {
        self.let_go(number)?;
        let needed = self.shared.index().in_segment(number);
        needed.chunks(GROUP).try_for_each(|seqs| self.copy(seqs))?;
        self.log.remove(number)?;
        self.shared.index().segments.remove(number);
        Ok(())
    }

    /// Moves aside the damaged bytes of a segment that could not be moved when the spool was opened.
    fn let_go(&self, number: Number) -> io::Result<()> {
        loop {
            let held = self.shared.index().segments.held(number);
            let Some(place) = held else { return Ok(()) };
            let file = self.shared.index().segments.file(number)?;
            self.move_aside(place, &file)?;
            self.shared.index().segments.let_go(place);
        }
    }

    fn move_aside(&self, place: Place, file: &Growing) -> io::Result<()> {
        let bytes = file.read(place.at, usize::try_from(place.length).unwrap_or(usize::MAX))?;
        let kept_in = keep_damaged(&self.log.folder, place, &bytes)?;
        self.shared.damaged(kept_in);
        Ok(())
    }

    /// Copies these reports to the end, durably.
    fn copy(&mut self, seqs: &[Seq]) -> io::Result<()> {
        let end = self.begin()?;
        let (mut bytes, mut moved) = (Vec::new(), Vec::new());
        for seq in seqs {
            let Some(frame) = self.anew(*seq)? else { continue };
            let at = end.at + u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            let length = u32::try_from(frame.len()).unwrap_or(u32::MAX);
            moved.push((*seq, Place { segment: end.segment, at, length }));
            bytes.extend(frame);
        }
        self.log.append(&bytes, true)?;
        let mut index = self.shared.index();
        index.segments.grow(end.segment, u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        moved.into_iter().for_each(|(seq, place)| index.moved(seq, place));
        Ok(())
    }

    /// A report's record as it would be written now; `None` when it is no longer needed, or damaged.
    fn anew(&self, seq: Seq) -> io::Result<Option<Vec<u8>>> {
        let standing = self.shared.index().standing(seq);
        match self.shared.read(seq) {
            Err(Unread::Gone) => Ok(None),
            Err(Unread::Disk(error)) => Err(error),
            Err(Unread::Damaged) => self.put_aside(seq).map(|()| None),
            Ok(old) => match (Record::of_frame(&old), standing) {
                (Some(Record::Report(old)), Some(standing)) => {
                    Ok(Some(frame(seq, &old.to(), old.report, standing)?))
                }
                _ => Ok(None),
            },
        }
    }

    /// Moves a damaged record aside.
    pub(super) fn put_aside(&self, seq: Seq) -> io::Result<()> {
        let Some((place, file)) = self.shared.whereabouts(seq)? else { return Ok(()) };
        self.move_aside(place, &file)?;
        self.shared.index().settled(seq);
        self.shared.changed.notify_waiters();
        Ok(())
    }
}
