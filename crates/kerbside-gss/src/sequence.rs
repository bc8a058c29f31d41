//! The window that finds gaps, replays and reordering of per-message tokens (RFC 2743 1.2.3).

use crate::error::GssError;
use crate::exported::{Reader, Writer, bad};

/// What the sequence number of a verified message says (RFC 2743 1.2.3).
///
/// A finding comes beside a message that verified, never instead of the verification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SequenceFinding {
    /// The expected message, or the context asked for no detection.
    InSequence,
    /// Later than expected: messages before it are missing (`GSS_S_GAP_TOKEN`).
    Gap,
    /// Too far behind for the window to tell whether it is a duplicate (`GSS_S_OLD_TOKEN`).
    Old,
    /// Seen before (`GSS_S_DUPLICATE_TOKEN`).
    Duplicate,
    /// Not seen before, but behind a later one that was (`GSS_S_UNSEQ_TOKEN`).
    Unsequenced,
}

impl SequenceFinding {
    /// Whether the message was seen before, or may have been.
    #[must_use]
    pub fn is_replay(self) -> bool {
        matches!(self, Self::Duplicate | Self::Old)
    }
}

/// How many numbers behind the newest are remembered.
const WINDOW: u64 = 64;

/// Receiver's window over sequence numbers of 64 bits, or of 32.
#[derive(Debug, Clone)]
pub(crate) struct SequenceWindow {
    /// The number after the highest seen.
    next: u64,
    /// Bit n: the number `next - 1 - n` was seen.
    seen: u64,
    detect_replay: bool,
    detect_order: bool,
    /// The highest number; the next one after it is 0.
    last: u64,
}

impl SequenceWindow {
    pub(crate) fn new(first: u64, detect_replay: bool, detect_order: bool) -> Self {
        Self {
            next: first,
            seen: 0,
            detect_replay,
            detect_order,
            last: u64::MAX,
        }
    }

    /// A window over the numbers of tokens older than RFC 4121.
    pub(crate) fn of_32_bits(first: u32, detect_replay: bool, detect_order: bool) -> Self {
        Self {
            last: u64::from(u32::MAX),
            ..Self::new(u64::from(first), detect_replay, detect_order)
        }
    }

    /// The number of the next message, if none is missing.
    pub(crate) fn expected(&self) -> u64 {
        self.next
    }

    /// What has to be kept of it, for [`Self::resume`].
    pub(crate) fn put(&self, out: &mut Writer) {
        out.u64(self.next);
        out.u64(self.seen);
    }

    /// Goes on from where another window of the same kind stood.
    pub(crate) fn resume(&mut self, reader: &mut Reader<'_>) -> Result<(), GssError> {
        self.next = reader.u64()?;
        self.seen = reader.u64()?;
        if self.next > self.last {
            return Err(bad("expected a sequence number of 32 bits"));
        }
        Ok(())
    }

    /// Takes in the number of a message that verified.
    pub(crate) fn record(&mut self, number: u64) -> SequenceFinding {
        if !self.detect_replay && !self.detect_order {
            return SequenceFinding::InSequence;
        }
        // Distances of more than half the circle count backwards.
        let ahead = number.wrapping_sub(self.next) & self.last;
        if ahead <= self.last >> 1 {
            return self.record_ahead(number, ahead);
        }
        let behind = self.next.wrapping_sub(number) & self.last;
        let bit = 1_u64.checked_shl(u32::try_from(behind.saturating_sub(1)).unwrap_or(u32::MAX));
        match bit {
            Some(bit) if behind <= WINDOW => self.record_behind(bit),
            // Order alone needs no memory: behind is behind, however far.
            _ if self.detect_order && !self.detect_replay => SequenceFinding::Unsequenced,
            _ => SequenceFinding::Old,
        }
    }

    fn record_ahead(&mut self, number: u64, ahead: u64) -> SequenceFinding {
        let shift = u32::try_from(ahead.saturating_add(1)).unwrap_or(u32::MAX);
        self.seen = self.seen.checked_shl(shift).unwrap_or(0) | 1;
        self.next = number.wrapping_add(1) & self.last;
        if ahead > 0 && self.detect_order {
            SequenceFinding::Gap
        } else {
            SequenceFinding::InSequence
        }
    }

    fn record_behind(&mut self, bit: u64) -> SequenceFinding {
        if self.detect_replay && self.seen & bit != 0 {
            return SequenceFinding::Duplicate;
        }
        self.seen |= bit;
        if self.detect_order {
            SequenceFinding::Unsequenced
        } else {
            SequenceFinding::InSequence
        }
    }
}

#[cfg(test)]
mod tests {
    use super::SequenceFinding::{Duplicate, Gap, InSequence, Old, Unsequenced};
    use super::*;

    fn run(replay: bool, order: bool, first: u64, numbers: &[u64]) -> alloc::vec::Vec<SequenceFinding> {
        let mut window = SequenceWindow::new(first, replay, order);
        numbers.iter().map(|number| window.record(*number)).collect()
    }

    #[test]
    fn both_detections() {
        assert_eq!(
            run(true, true, 10, &[10, 11, 13, 12, 12, 13, 10, 14]),
            [
                InSequence,
                InSequence,
                Gap,
                Unsequenced,
                Duplicate,
                Duplicate,
                Duplicate,
                InSequence
            ]
        );
    }

    #[test]
    fn replay_only_does_not_mind_the_order() {
        assert_eq!(
            run(true, false, 0, &[1, 0, 0, 1, 2]),
            [InSequence, InSequence, Duplicate, Duplicate, InSequence]
        );
    }

    #[test]
    fn order_only_does_not_mind_repetition() {
        assert_eq!(
            run(false, true, 0, &[0, 0, 1, 3, 200, 3]),
            [InSequence, Unsequenced, InSequence, Gap, Gap, Unsequenced]
        );
    }

    #[test]
    fn no_detection_finds_nothing() {
        assert_eq!(
            run(false, false, 0, &[7, 7, 3]),
            [InSequence, InSequence, InSequence]
        );
    }

    #[test]
    fn window_ends_after_64_numbers() {
        let mut window = SequenceWindow::new(0, true, true);
        assert_eq!(window.record(64), Gap);
        assert_eq!(window.record(1), Unsequenced);
        assert_eq!(window.record(1), Duplicate);
        assert_eq!(window.record(0), Old);
        assert_eq!(window.record(65), InSequence);
        assert_eq!(window.record(1), Old);
    }

    #[test]
    fn numbers_wrap_around() {
        assert_eq!(
            run(
                true,
                true,
                u64::MAX - 1,
                &[u64::MAX - 1, u64::MAX, 0, u64::MAX, 1]
            ),
            [InSequence, InSequence, InSequence, Duplicate, InSequence]
        );
    }

    #[test]
    fn numbers_before_the_first_are_not_taken_for_the_far_future() {
        let mut window = SequenceWindow::new(1000, true, true);
        assert_eq!(window.record(0), Old);
        assert_eq!(window.record(1000), InSequence);
    }
}
