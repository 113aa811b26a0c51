//! Integers out of hostile bytes. Every read is checked: a read past the end is `None`.

/// Byte order of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Endian {
    Little,
    Big,
}

impl Endian {
    /// Reads the 2 bytes at `at`.
    pub(super) fn u16(self, bytes: &[u8], at: usize) -> Option<u16> {
        let field = bytes.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if self == Endian::Little { u16::from_le_bytes(field) } else { u16::from_be_bytes(field) })
    }

    /// Reads the 4 bytes at `at`.
    pub(super) fn u32(self, bytes: &[u8], at: usize) -> Option<u32> {
        let field = bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
        Some(if self == Endian::Little { u32::from_le_bytes(field) } else { u32::from_be_bytes(field) })
    }

    /// Reads the 8 bytes at `at`.
    pub(super) fn u64(self, bytes: &[u8], at: usize) -> Option<u64> {
        let field = bytes.get(at..at.checked_add(8)?)?.try_into().ok()?;
        Some(if self == Endian::Little { u64::from_le_bytes(field) } else { u64::from_be_bytes(field) })
    }

    /// Returns the bytes of a number.
    pub(super) fn u32_bytes(self, value: u32) -> [u8; 4] {
        if self == Endian::Little { value.to_le_bytes() } else { value.to_be_bytes() }
    }

    /// Returns the bytes of a number.
    pub(super) fn u16_bytes(self, value: u16) -> [u8; 2] {
        if self == Endian::Little { value.to_le_bytes() } else { value.to_be_bytes() }
    }
}
