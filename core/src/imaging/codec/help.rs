//! What would help with a valid file that is not supported, by the property that its refusal names.

/// What helps, by a part of the property's name. The first row that fits counts.
const ROWS: [(&str, &str); 13] = [
    ("raw data of a camera", "export it as a TIFF first"),
    ("-bit floating-point", "convert it to 8 or 16 bits per sample first"),
    ("-bit", "convert it to 8 or 16 bits per sample first"),
    ("more than 8 bits per colour", "convert it to 8 bits per sample first"),
    ("floating-point", "scale its samples to 0 to 1 first"),
    ("signed samples", "convert it to unsigned samples first"),
    ("complex samples", "convert it to 8 or 16 bits per sample first"),
    ("compression", "save it with another compression first"),
    ("compressed", "save it with another compression first"),
    ("extra sample", "save it without its extra channels first"),
    ("LogLuv colours", "convert it to RGB first"),
    ("Lab colours", "convert it to RGB first"),
    ("CMYK colours", "convert it to RGB first"),
];

/// Returns what helps with a file that has this property.
pub(super) fn with(property: &str) -> Option<&'static str> {
    ROWS.iter().find(|(part, _)| property.contains(part)).map(|(_, help)| *help)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_row_that_fits_counts() {
        assert_eq!(
            with("24-bit floating-point samples"),
            Some("convert it to 8 or 16 bits per sample first")
        );
        assert_eq!(with("floating-point samples outside 0 to 1"), Some("scale its samples to 0 to 1 first"));
        assert_eq!(with("compression 50000 (Zstandard)"), Some("save it with another compression first"));
        assert_eq!(with("more than one frame"), None);
    }
}
