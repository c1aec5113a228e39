//! Live text for C: bytes pushed in as they come, safe bytes pulled out.

use std::collections::VecDeque;
use std::ffi::c_char;
use std::mem::MaybeUninit;

use super::boundary::{Fault, answer, bytes, free, given, room, slot, value};
use super::bytes::OwnedText;
use super::guard::Guard;
use super::role::{Decision, role};
use super::status::{Error, Status};
use crate::stream::Piece;

/// A text that is judged while it comes, and released piece by piece. The caller frees it with `portcullis_stream_free`; it is for one
/// thread at a time, and keeps what it needs of its guard.
pub struct Stream {
    stream: crate::Stream,
    /// Judged text that was not read.
    released: VecDeque<u8>,
    /// The pieces that were not taken, where they are kept.
    pieces: Option<VecDeque<String>>,
    /// Set while the stream works: what a panic leaves behind releases nothing more.
    broken: bool,
}

impl Stream {
    pub(super) fn new(guard: &crate::Guard, role: crate::Role) -> Self {
        let stream = guard.stream(role);
        Self { stream, released: VecDeque::new(), pieces: None, broken: false }
    }

    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        if self.is_closed() {
            return Err(Fault::Closed);
        }
        self.take(|stream| stream.push(bytes))
    }

    pub(super) fn finish(&mut self) -> Result<(), Fault> {
        if self.broken {
            return Err(Fault::Closed);
        }
        self.take(crate::Stream::finish)
    }

    /// Has the stream work, and keeps what it releases.
    pub(super) fn take(&mut self, work: impl FnOnce(&mut crate::Stream) -> Vec<Piece>) -> Result<(), Fault> {
        self.broken = true;
        for piece in work(&mut self.stream) {
            self.released.extend(piece.text.as_bytes());
            if let Some(pieces) = &mut self.pieces {
                pieces.push_back(OwnedText::write_json(&piece)?);
            }
        }
        self.broken = false;
        Ok(())
    }

    /// Moves released bytes into `room`; how many.
    fn read(&mut self, room: &mut [MaybeUninit<u8>]) -> usize {
        let count = room.len().min(self.released.len());
        for (place, byte) in room.iter_mut().zip(self.released.drain(..count)) {
            place.write(byte);
        }
        count
    }

    pub(super) const fn is_closed(&self) -> bool {
        self.broken || self.stream.is_closed()
    }

    pub(super) fn decision(&self) -> Decision {
        if self.broken { Decision::Veto } else { self.stream.decision().into() }
    }
}

/// Begins a stream of text in the role `role`, a `portcullis_role`.
///
/// `*stream` is the caller's, who frees it with `portcullis_stream_free`; NULL on a failure.
#[unsafe(no_mangle)]
pub extern "C" fn portcullis_stream_open(
    guard: Option<&Guard>,
    role: i32,
    stream: Option<&mut MaybeUninit<Option<Box<Stream>>>>,
    error: Option<&mut MaybeUninit<Option<Box<Error>>>>,
) -> Status {
    answer(error, || {
        let stream = slot(stream, "stream")?;
        let guard = given(guard, "guard")?;
        *stream = Some(Box::new(Stream::new(&guard.0, self::role(role)?)));
        Ok(())
    })
}

/// Has the stream keep, from now on, what was decided about each piece, for `portcullis_stream_take_piece`. It keeps every piece until
/// that is called.
#[unsafe(no_mangle)]
pub extern "C" fn portcullis_stream_keep_pieces(
    stream: Option<&mut Stream>,
    error: Option<&mut MaybeUninit<Option<Box<Error>>>>,
) -> Status {
    answer(error, || {
        given(stream, "stream")?.pieces.get_or_insert_default();
        Ok(())
    })
}

/// Takes the next `len` bytes of the text, read during the call and cut anywhere, and judges what they settle.
///
/// `portcullis_stream_read` then gives what may be shown. Bytes that are not UTF-8, and NUL, end the stream by the policy's
/// `on_fault`, as a veto does; the call that ends it answers `PORTCULLIS_STATUS_OK`, later ones `PORTCULLIS_STATUS_CLOSED`, without
/// taking anything.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn portcullis_stream_push(
    stream: Option<&mut Stream>,
    bytes: *const c_char,
    len: usize,
    error: Option<&mut MaybeUninit<Option<Box<Error>>>>,
) -> Status {
    answer(error, || {
        let stream = given(stream, "stream")?;
        // SAFETY: the caller's promise: `bytes` may be read for `len` bytes.
        stream.push(unsafe { self::bytes(bytes, len, "bytes") }?)
    })
}

/// Ends the text and judges what was held for what might follow. Further calls do nothing. `portcullis_stream_read` gives the rest.
#[unsafe(no_mangle)]
pub extern "C" fn portcullis_stream_finish(
    stream: Option<&mut Stream>,
    error: Option<&mut MaybeUninit<Option<Box<Error>>>>,
) -> Status {
    answer(error, || given(stream, "stream")?.finish())
}

/// Moves up to `capacity` bytes that may be shown to `buffer`, and answers how many: 0 where there are none for now, and for NULL.
///
/// A character may be cut in two by the end of the buffer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn portcullis_stream_read(
    stream: Option<&mut Stream>,
    buffer: *mut c_char,
    capacity: usize,
) -> usize {
    value(0, || {
        // SAFETY: the caller's promise: `buffer` may be written for `capacity` bytes.
        let room = unsafe { room(buffer.cast(), capacity, "buffer") }.ok()?;
        Some(stream?.read(room))
    })
}

/// How many bytes `portcullis_stream_read` could give now; 0 for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn portcullis_stream_available(stream: Option<&Stream>) -> usize {
    value(0, || Some(stream?.released.len()))
}

/// Takes what was decided about the oldest piece not taken yet, as JSON. `*json` is the caller's, who frees it with
/// `portcullis_string_free`; NULL where there is none, and on a failure.
#[unsafe(no_mangle)]
pub extern "C" fn portcullis_stream_take_piece(
    stream: Option<&mut Stream>,
    json: Option<&mut MaybeUninit<Option<Box<OwnedText>>>>,
    error: Option<&mut MaybeUninit<Option<Box<Error>>>>,
) -> Status {
    answer(error, || {
        let json = slot(json, "json")?;
        let pieces = given(stream, "stream")?.pieces.as_mut();
        *json = pieces.and_then(VecDeque::pop_front).and_then(OwnedText::boxed);
        Ok(())
    })
}

/// Whether the stream takes nothing more: after an escalation, a veto or a fault, or when it was finished. True for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn portcullis_stream_is_closed(stream: Option<&Stream>) -> bool {
    value(true, || Some(stream?.is_closed()))
}

/// The strongest decision so far; a veto for NULL.
#[unsafe(no_mangle)]
pub extern "C" fn portcullis_stream_decision(stream: Option<&Stream>) -> Decision {
    value(Decision::Veto, || Some(stream?.decision()))
}

/// Frees a stream, finished or not; NULL is passed over.
#[unsafe(no_mangle)]
pub extern "C" fn portcullis_stream_free(stream: Option<Box<Stream>>) {
    free(stream);
}
