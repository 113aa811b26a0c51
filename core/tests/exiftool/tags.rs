//! The tags of a file by group and name, and what of them must survive.

use std::collections::BTreeMap;

use serde_json::Value;

/// Tags by `Group:Name`, with their values as text.
#[derive(Debug)]
pub struct Tags(pub BTreeMap<String, String>);

/// Groups that describe the file, its coding or the reading, not the picture.
const NO_METADATA: [&str; 9] = [
    "SourceFile",
    "ExifTool",
    "System",
    "File",
    "Composite",
    "RIFF",
    // Brands, items and the coding of AVIF and JPEG XL.
    "Jpeg2000",
    "QuickTime",
    "Meta",
];

/// Tags of how pixels are coded, which an encoder decides, and of places in the file. `*` stands for any group.
const CODING: [&str; 41] = [
    "IFD0:ImageWidth",
    "IFD0:ImageHeight",
    "IFD0:BitsPerSample",
    "IFD0:Compression",
    "IFD0:PhotometricInterpretation",
    "IFD0:StripOffsets",
    "IFD0:SamplesPerPixel",
    "IFD0:RowsPerStrip",
    "IFD0:StripByteCounts",
    "IFD0:PlanarConfiguration",
    "IFD0:SampleFormat",
    "IFD0:Predictor",
    "IFD0:ExtraSamples",
    "IFD0:SubfileType",
    // Where chroma samples lie: that of the encoder is written, or none.
    "IFD0:YCbCrPositioning",
    // An orientation is applied to the pixels.
    "IFD0:Orientation",
    // Versions of blocks.
    "JFIF:JFIFVersion",
    "Photoshop:IPTCDigest",
    // Where thumbnails lie. That they go is checked by itself.
    "IFD0:PreviewImageStart",
    "IFD0:PreviewImageLength",
    "PNG:ImageWidth",
    "PNG:ImageHeight",
    "PNG:BitDepth",
    "PNG:ColorType",
    "PNG:Compression",
    "PNG:Filter",
    "PNG:Interlace",
    // What a file without these chunks means.
    "PNG:SRGBRendering",
    // Resolutions are compared as one, since formats have units of their own.
    "IFD0:XResolution",
    "IFD0:YResolution",
    "IFD0:ResolutionUnit",
    "JFIF:XResolution",
    "JFIF:YResolution",
    "JFIF:ResolutionUnit",
    "PNG-pHYs:PixelsPerUnitX",
    "PNG-pHYs:PixelsPerUnitY",
    "PNG-pHYs:PixelUnits",
    "Photoshop:XResolution",
    "Photoshop:YResolution",
    // A profile stands over it, and its name is nobody's words.
    "PNG:Gamma",
    "PNG:ProfileName",
];

impl Tags {
    /// Tags of one object of `exiftool -j`.
    pub fn new(file: &Value) -> Self {
        let text = |value: &Value| match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let object = file.as_object().unwrap();
        Self(object.iter().map(|(name, value)| (name.clone(), text(value))).collect())
    }

    /// The value of a tag.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Dots per inch, rounded, from the place that the format has.
    pub fn dots_per_inch(&self) -> Option<(u32, u32)> {
        let number = |name: &str| self.get(name).and_then(|text| text.parse::<f64>().ok());
        let places = [
            ("JFIF:XResolution", "JFIF:YResolution", "JFIF:ResolutionUnit"),
            ("PNG-pHYs:PixelsPerUnitX", "PNG-pHYs:PixelsPerUnitY", "PNG-pHYs:PixelUnits"),
            ("IFD0:XResolution", "IFD0:YResolution", "IFD0:ResolutionUnit"),
            ("File:PixelsPerMeterX", "File:PixelsPerMeterY", ""),
        ];
        places.into_iter().find_map(|(x, y, unit)| {
            let metre = 0.0254;
            let factor = match (unit, number(unit)) {
                ("", _) => metre,
                ("PNG-pHYs:PixelUnits", Some(1.0)) => metre,
                ("JFIF:ResolutionUnit", Some(1.0)) | ("IFD0:ResolutionUnit", Some(2.0)) => 1.0,
                ("JFIF:ResolutionUnit", Some(2.0)) | ("IFD0:ResolutionUnit", Some(3.0)) => 2.54,
                _ => return None,
            };
            let dots = |name| number(name).filter(|n| *n > 0.0).map(|n| (n * factor).round() as u32);
            Some((dots(x)?, dots(y)?))
        })
    }

    /// The tags that describe the picture, but those of its coding and of its resolution.
    pub fn described(&self) -> impl Iterator<Item = (&str, &str)> {
        let is_described = |name: &str| {
            let group = name.split(':').next().unwrap_or(name);
            name == "File:Comment"
                || !(NO_METADATA.contains(&group) || CODING.contains(&&*single(name)) || is_thumbnail(name))
        };
        self.0.iter().map(|(name, value)| (&name[..], &value[..])).filter(move |(name, _)| is_described(name))
    }

    /// Whether there is a thumbnail.
    pub fn has_thumbnail(&self) -> bool {
        self.0.keys().any(|name| is_thumbnail(name))
    }

    /// Whether a tag or a copy of it has this value.
    pub fn has(&self, name: &str, value: &str) -> bool {
        let name = single(name);
        self.0.iter().any(|(other, text)| single(other) == name && text == value)
    }

    /// Whether any tag has this value, or holds it as a line of its text.
    pub fn says(&self, value: &str) -> bool {
        self.0.values().any(|text| text == value || text.lines().any(|line| line.ends_with(value)))
    }
}

/// The name of a tag without the number of its copy. Files of other writers say a thing twice.
pub fn single(name: &str) -> String {
    let is_name = |part: &&str| part.strip_prefix("Copy").is_none_or(|n| n.parse::<u32>().is_err());
    name.split(':').filter(is_name).collect::<Vec<_>>().join(":")
}

/// Whether a tag belongs to a thumbnail.
fn is_thumbnail(name: &str) -> bool {
    name.starts_with("IFD1:") || name.contains("Thumbnail")
}
