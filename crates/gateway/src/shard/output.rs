//! What waits to be written to one WebSocket: shared frames and how much of the first is out.
//! The queue exists only while it is not empty.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, IoSlice};

use bytes::Bytes;

use super::stream::Stream;

/// Frames given to the kernel in one call.
const SLICES_MAX: usize = 64;

/// What a frame costs in a queue beside its bytes, as far as the cap is concerned.
pub(super) const FRAME_COST: usize = 64;

/// The frames of one connection that wait.
#[derive(Debug, Default)]
pub(crate) struct Output(Option<Box<Queue>>);

#[derive(Debug, Default)]
struct Queue {
    frames: VecDeque<Bytes>,
    /// How much of the first frame is written.
    offset: usize,
    /// Bytes that are not written.
    bytes: usize,
}

impl Output {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Bytes that wait.
    pub(crate) fn bytes(&self) -> usize {
        self.0.as_ref().map_or(0, |queue| queue.bytes)
    }

    /// Whether the queue may take a frame of `length` under this cap. The first may be of any
    /// size, and counts as half the cap at most: a large answer on a slow line must not close who
    /// is sent something else meanwhile. Behind it the smallest frames count as well, or a client
    /// that reads nothing could make the queue many times larger than the cap.
    pub(crate) fn has_room(&self, length: usize, bytes_max: usize) -> bool {
        self.0.as_ref().is_none_or(|queue| {
            let first = queue.frames.front().map_or(0, |first| first.len() - queue.offset);
            let bytes = queue.bytes - first + first.min(bytes_max / 2);
            bytes + length + (queue.frames.len() + 1) * FRAME_COST <= bytes_max
        })
    }

    /// Appends a frame of which `written` bytes are out (only the first of a queue may have any).
    pub(crate) fn push(&mut self, frame: Bytes, written: usize) {
        let queue = self.0.get_or_insert_default();
        debug_assert!(written == 0 || queue.frames.is_empty());
        queue.bytes += frame.len() - written;
        if queue.frames.is_empty() {
            queue.offset = written;
        }
        queue.frames.push_back(frame);
    }

    /// Writes until the queue is empty or the stream blocks; gives the bytes written and whether
    /// it is empty now.
    ///
    /// # Errors
    /// When the stream is broken.
    pub(crate) fn flush(&mut self, stream: &mut Stream) -> io::Result<(usize, bool)> {
        let Some(queue) = &mut self.0 else { return Ok((0, true)) };
        let mut total = 0;
        while !queue.frames.is_empty() {
            let mut slices = [IoSlice::new(&[]); SLICES_MAX];
            let count = queue.frames.len().min(SLICES_MAX);
            for (slice, frame) in slices.iter_mut().zip(&queue.frames) {
                *slice = IoSlice::new(frame);
            }
            slices[0] = IoSlice::new(&queue.frames[0][queue.offset..]);
            match stream.write_vectored(&slices[..count]) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(written) => {
                    total += written;
                    queue.advance(written);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok((total, false)),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.0 = None;
        Ok((total, true))
    }
}

impl Queue {
    fn advance(&mut self, written: usize) {
        self.bytes -= written;
        self.offset += written;
        while let Some(first) = self.frames.front()
            && self.offset >= first.len()
        {
            self.offset -= first.len();
            self.frames.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_frames_fill_the_cap_by_their_number() {
        let mut output = Output::default();
        assert!(output.has_room(1 << 20, 1 << 10), "the first may be of any size");
        while output.has_room(2, 1 << 20) {
            output.push(Bytes::from_static(b"ab"), 0);
        }
        let frames = output.0.expect("not empty").frames.len();
        assert!(frames <= (1 << 20) / FRAME_COST, "{frames} frames");
    }

    #[test]
    fn a_first_frame_of_any_size_leaves_room_for_half_the_cap() {
        let mut output = Output::default();
        output.push(vec![0; 5_000].into(), 100);
        assert!(output.has_room(500 - 2 * FRAME_COST, 1_000));
        assert!(!output.has_room(501 - 2 * FRAME_COST, 1_000));
        output.push(vec![0; 300].into(), 0);
        assert!(!output.has_room(201 - 3 * FRAME_COST, 1_000));
    }

    #[test]
    fn advancing_drops_whole_frames_and_keeps_the_rest_of_one() {
        let mut output = Output::default();
        output.push(Bytes::from_static(b"abcdef"), 2);
        output.push(Bytes::from_static(b"ghi"), 0);
        output.push(Bytes::from_static(b"jkl"), 0);
        assert_eq!(output.bytes(), 10);
        let queue = output.0.as_mut().expect("not empty");
        queue.advance(8);
        assert_eq!((queue.frames.len(), queue.offset, queue.bytes), (1, 1, 2));
    }
}
