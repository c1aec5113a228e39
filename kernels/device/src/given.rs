//! What the guard gives as pointers and lengths.

use portcullis_kernels::device::{Failure, FailureKind, Reply};

/// The elements at `data`; none where `length` is 0, whatever `data` is.
///
/// # Errors
/// For a null pointer, one that is not aligned, and more bytes than there can be.
///
/// # Safety
/// There are `length` elements at `data`, which live and are not changed as long as the answer is used.
pub(crate) unsafe fn slice<'a, T>(data: *const T, length: usize) -> Result<&'a [T], Failure> {
    if length == 0 {
        return Ok(&[]);
    }
    checked(data, length)?;
    // SAFETY: not null, aligned and not too long; the rest is the caller's promise.
    Ok(unsafe { std::slice::from_raw_parts(data, length) })
}

/// The elements at `data`, to be written; none where `length` is 0, whatever `data` is.
///
/// # Errors
/// As for [`slice()`].
///
/// # Safety
/// There are `length` elements at `data`, which live and are looked at by nothing else as long as the answer is used.
pub(crate) unsafe fn slice_mut<'a, T>(data: *mut T, length: usize) -> Result<&'a mut [T], Failure> {
    if length == 0 {
        return Ok(&mut []);
    }
    checked(data, length)?;
    // SAFETY: not null, aligned and not too long; the rest is the caller's promise.
    Ok(unsafe { std::slice::from_raw_parts_mut(data, length) })
}

fn checked<T>(data: *const T, length: usize) -> Result<(), Failure> {
    let bytes = length.checked_mul(size_of::<T>());
    match !data.is_null() && data.is_aligned() && bytes.is_some_and(|bytes| isize::try_from(bytes).is_ok()) {
        true => Ok(()),
        false => {
            Err(Failure::new(FailureKind::Other, "the device library was given a pointer that cannot be one"))
        }
    }
}

/// Writes what is said into the reply, as much as there is room for, in whole characters.
///
/// # Safety
/// `to` is null, or a reply with `capacity` bytes at `data` that nothing else looks at.
pub(crate) unsafe fn reply(to: *mut Reply, said: &str) {
    // SAFETY: the caller's promise.
    let Some(to) = (unsafe { to.as_mut() }) else { return };
    to.length = 0;
    // SAFETY: the caller's promise.
    let Ok(room) = (unsafe { slice_mut(to.data, to.capacity) }) else { return };
    let end = said.floor_char_boundary(room.len());
    if let (Some(room), Some(said)) = (room.get_mut(..end), said.as_bytes().get(..end)) {
        room.copy_from_slice(said);
        to.length = end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_a_slice_is_refused() {
        let numbers = [1_u32, 2, 3];
        // SAFETY: so many numbers are there.
        assert_eq!(unsafe { slice(numbers.as_ptr(), 3) }.unwrap(), numbers);
        // SAFETY: nothing is there, and nothing is read.
        assert!(unsafe { slice::<u32>(std::ptr::null(), 0) }.unwrap().is_empty());
        let misaligned = numbers.as_ptr().wrapping_byte_add(1);
        for (data, length) in [(std::ptr::null(), 1), (misaligned, 1), (numbers.as_ptr(), usize::MAX / 2)] {
            // SAFETY: refused before anything is read.
            assert!(unsafe { slice(data, length) }.is_err());
        }
    }

    #[test]
    fn a_reply_is_cut_between_characters() {
        let mut bytes = [0_u8; 4];
        let mut to = Reply { data: bytes.as_mut_ptr(), capacity: 4, length: 99 };
        // SAFETY: the reply has four bytes.
        unsafe { reply(&raw mut to, "für alle") };
        assert_eq!((to.length, &bytes), (4, "für".as_bytes().first_chunk::<4>().unwrap()));
        to.capacity = 2;
        // SAFETY: of the four bytes two may be written.
        unsafe { reply(&raw mut to, "für alle") };
        assert_eq!(to.length, 1);
        // SAFETY: null is allowed.
        unsafe { reply(std::ptr::null_mut(), "für alle") };
    }
}
