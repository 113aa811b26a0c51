//! Colour spaces: what stored values of a picture show.
//!
//! Features, statistics and corrections are made for sRGB. A picture in another space is measured as what it shows in sRGB, and
//! its own values follow what a correction does there ([`Follower`]). Its space stays.
//!
//! ```text
//! own values ──curves──► linear light ──matrix──► linear sRGB ──curve──► sRGB      may lie outside of 0–1
//! ```
//!
//! - A space is grey with a curve, or has three curves and a matrix. Profiles with a table of colours in place of them are not used.
//! - Whites become white: the connection is the D50 white of profiles, adapted by Bradford (ICC.1 annex E).
//! - A space in which no colour of a grid differs from sRGB by more than one level is sRGB.
//! - Tables and matrices are made in f64, pixels are computed in f32, without fused operations and in a fixed order. So any CPU
//!   gives the same values.

mod curve;
mod inks;
mod lut;
mod matrix;
mod profile;

use std::sync::Arc;

use rayon::prelude::*;

pub(crate) use self::inks::Inks;
use self::{
    curve::{Chords, Curve, linear_of_srgb, srgb_of_linear},
    matrix::Matrix,
    profile::Profile,
};
use super::{Channels, DeepImage, Image, Sample, memory::zeroed, narrow};
use crate::cancel::{Cancel, Cancelled};

/// Pixels that one task converts.
const PIXELS_PER_TASK: usize = 1 << 14;
/// Levels by which a space may differ from sRGB and still count as it.
const LEVELS_SAME: u8 = 1;
/// What a matrix may differ from that of a known space.
const MATRIX_TOLERANCE: f64 = 0.003;
/// What a curve may differ from a known one, of 1.
const CURVE_TOLERANCE: f64 = 0.003;

/// The space of a picture's stored values.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ColorSpace(Option<Arc<Definition>>);

/// A space other than sRGB.
#[derive(Debug, PartialEq)]
struct Definition {
    name: String,
    /// One curve for grey, three for red, green and blue.
    curves: Vec<Curve>,
    /// From linear light to linear sRGB. The identity for grey.
    to_srgb: Matrix,
    /// The way back.
    to_own: Matrix,
}

/// Curves by which the values of a space become linear.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Transfer {
    /// The curve of sRGB.
    Srgb,
    /// The curve of video, BT.709.
    Video,
    /// `x^gamma`.
    Power(f64),
}

/// White and primaries of a space, as x and y.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Primaries {
    pub(crate) white: [f64; 2],
    pub(crate) colours: [[f64; 2]; 3],
}

impl Primaries {
    pub(crate) const SRGB: Self = Self::d65([[0.64, 0.33], [0.30, 0.60], [0.15, 0.06]]);
    pub(crate) const ADOBE: Self = Self::d65([[0.64, 0.33], [0.21, 0.71], [0.15, 0.06]]);
    pub(crate) const P3: Self = Self::d65([[0.680, 0.320], [0.265, 0.690], [0.150, 0.060]]);
    pub(crate) const BT2020: Self = Self::d65([[0.708, 0.292], [0.170, 0.797], [0.131, 0.046]]);
    const PRO_PHOTO: Self =
        Self { white: [0.3457, 0.3585], colours: [[0.7347, 0.2653], [0.1596, 0.8404], [0.0366, 0.0001]] };

    const fn d65(colours: [[f64; 2]; 3]) -> Self {
        Self { white: matrix::D65_XY, colours }
    }
}

impl ColorSpace {
    /// The space of pictures without any mark.
    pub const SRGB: Self = Self(None);

    /// Whether stored values are those of sRGB, to a level.
    pub fn is_srgb(&self) -> bool {
        self.0.is_none()
    }

    /// The name: `sRGB`, that of a well-known space, or what is known of another one.
    pub fn name(&self) -> &str {
        self.0.as_deref().map_or("sRGB", |space| &space.name)
    }

    /// Reads the space from an ICC profile, for a picture of these channels. A grey picture in a profile for red, green and blue has the
    /// curve of green.
    ///
    /// # Errors
    /// Why the profile cannot be used, as a clause.
    pub(crate) fn of_profile(profile: &[u8], channels: Channels) -> Result<Self, String> {
        match (profile::read(profile)?, channels) {
            (Profile::Grey(curve), Channels::Grey) => Ok(Self::of_grey(curve)),
            (Profile::Rgb([_, curve, _], _), Channels::Grey) => Ok(Self::of_grey(curve)),
            (Profile::Rgb(curves, matrix), Channels::Rgb) => Self::of_matrix(curves, &matrix),
            (Profile::Grey(_), Channels::Rgb) => Err("it is for grey".to_owned()),
            (Profile::Inks(_), _) => Err("it is for four inks".to_owned()),
        }
    }

    /// The space of these primaries and this curve. A grey picture has the curve only. `None` if the primaries make no space.
    pub(crate) fn of_primaries(primaries: Primaries, transfer: Transfer, channels: Channels) -> Option<Self> {
        let curve = match transfer {
            Transfer::Srgb => Curve::SRGB,
            Transfer::Video => Curve::VIDEO,
            Transfer::Power(gamma) => Curve::Power(gamma),
        };
        if !curve.is_usable() {
            return None;
        }
        match channels {
            Channels::Grey => Some(Self::of_grey(curve)),
            Channels::Rgb => {
                let matrix = matrix::of_primaries(primaries.white, primaries.colours)?;
                Self::of_matrix([curve.clone(), curve.clone(), curve], &matrix).ok()
            }
        }
    }

    /// Adobe RGB (1998).
    pub(crate) fn adobe_rgb(channels: Channels) -> Self {
        Self::of_primaries(Primaries::ADOBE, Transfer::Power(563.0 / 256.0), channels).unwrap_or_default()
    }

    fn of_grey(curve: Curve) -> Self {
        const IDENTITY: Matrix = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
        // The exponent that a power would have to give the same middle.
        let gamma = libm::log(curve.at(0.5)) / libm::log(0.5);
        let name = format!("grey of gamma {gamma:.2}");
        Self::unless_srgb(Definition { name, curves: vec![curve], to_srgb: IDENTITY, to_own: IDENTITY })
    }

    /// The space of these curves, and this matrix to XYZ with the white of profiles.
    fn of_matrix(curves: [Curve; 3], to_xyz: &Matrix) -> Result<Self, String> {
        let to_srgb = matrix::product(&matrix::xyz_to_srgb(), to_xyz);
        let to_own =
            matrix::inverse(&to_srgb).filter(|_| to_srgb.as_flattened().iter().all(|v| v.abs() < 16.0));
        let to_own = to_own.ok_or("its primaries make no colours")?;
        let name = known_name(&curves, to_xyz).unwrap_or("its own profile").to_owned();
        Ok(Self::unless_srgb(Definition { name, curves: curves.into(), to_srgb, to_own }))
    }

    /// The space, or sRGB if no colour of a grid differs by more than a level.
    fn unless_srgb(space: Definition) -> Self {
        let to_shown = ToShown::<u8>::new(&space);
        let levels: Vec<u8> = (0..=255).step_by(if to_shown.is_grey() { 1 } else { 15 }).collect();
        let is_near = |own: &[u8], shown: [f32; 3]| {
            own.iter().zip(shown).all(|(&v, shown)| v.abs_diff(narrow(whole(shown))) <= LEVELS_SAME)
        };
        let is_srgb = if to_shown.is_grey() {
            levels.iter().all(|&v| is_near(&[v], [to_shown.grey(v); 3]))
        } else {
            let colours = levels.iter().flat_map(|&r| levels.iter().map(move |&g| (r, g)));
            let mut colours = colours.flat_map(|(r, g)| levels.iter().map(move |&b| [r, g, b]));
            colours.all(|own| is_near(&own, to_shown.rgb(own)))
        };
        if is_srgb { Self::SRGB } else { Self(Some(Arc::new(space))) }
    }

    /// Returns what a picture in this space shows, in sRGB of 8 bits. Colours outside of sRGB are clamped, and alpha is rounded to 8
    /// bits. Runs on the rayon pool that the caller installed. Memory: the result.
    ///
    /// # Errors
    /// When `cancel` is set.
    pub(crate) fn shown_until<S: SpaceSample>(
        &self,
        image: &Image<S>,
        cancel: &Cancel,
    ) -> Result<Image, Cancelled> {
        self.converted(image, cancel, |v| narrow(whole(v)), |a| narrow(a.wide()))
    }

    /// Same as [`ColorSpace::shown_until`], in 16 bits.
    pub(crate) fn deep_shown_until<S: SpaceSample>(
        &self,
        image: &Image<S>,
        cancel: &Cancel,
    ) -> Result<DeepImage, Cancelled> {
        self.converted(image, cancel, whole, S::wide)
    }

    /// Converts colours to sRGB by `of`, from values of 16 bits that may lie outside of their range, and alpha by `alpha_of`.
    fn converted<S: SpaceSample, T: Sample>(
        &self,
        image: &Image<S>,
        cancel: &Cancel,
        of: impl Fn(f32) -> T + Sync,
        alpha_of: impl Fn(S) -> T,
    ) -> Result<Image<T>, Cancelled> {
        let to_shown = self.0.as_deref().map(ToShown::<S>::new);
        let n = image.channels().count();
        let mut out = zeroed::<T>(image.samples().len());
        let parts =
            out.par_chunks_mut(n * PIXELS_PER_TASK).zip(image.samples().par_chunks(n * PIXELS_PER_TASK));
        parts.for_each(|(out, own)| match &to_shown {
            _ if cancel.is_cancelled() => {}
            None => out.iter_mut().zip(own).for_each(|(out, v)| *out = of(f32::from(v.wide()))),
            Some(to_shown) if n == 1 => {
                out.iter_mut().zip(own).for_each(|(out, &v)| *out = of(to_shown.grey(v)));
            }
            Some(to_shown) => {
                for (out, &own) in out.as_chunks_mut::<3>().0.iter_mut().zip(own.as_chunks::<3>().0) {
                    *out = to_shown.rgb(own).map(&of);
                }
            }
        });
        cancel.check()?;
        let alpha = image.alpha().map(|alpha| alpha.iter().map(|&a| alpha_of(a)).collect());
        let image = Image::of(image.width(), image.height(), image.channels(), out, alpha);
        Ok(image.expect("the shape is that of a picture"))
    }
}

/// Returns the name of the well-known space that has these curves and this matrix.
fn known_name(curves: &[Curve; 3], to_xyz: &Matrix) -> Option<&'static str> {
    let known = [
        ("Adobe RGB", Primaries::ADOBE, Curve::Power(2.2)),
        ("Display P3", Primaries::P3, Curve::SRGB),
        ("ProPhoto RGB", Primaries::PRO_PHOTO, Curve::PRO_PHOTO),
        ("Rec. 2020", Primaries::BT2020, Curve::VIDEO),
    ];
    let is_near = |primaries: Primaries, curve: &Curve| {
        let matrix = matrix::of_primaries(primaries.white, primaries.colours);
        let is_same = matrix.is_some_and(|matrix| {
            let pairs = matrix.as_flattened().iter().zip(to_xyz.as_flattened());
            pairs.into_iter().all(|(a, b)| (a - b).abs() < MATRIX_TOLERANCE)
        });
        let places = [0.25, 0.5, 0.75];
        is_same
            && curves
                .iter()
                .all(|own| places.iter().all(|&x| (own.at(x) - curve.at(x)).abs() < CURVE_TOLERANCE))
    };
    known.iter().find(|(_, primaries, curve)| is_near(*primaries, curve)).map(|(name, ..)| *name)
}

/// A type of samples that colours are stored in.
pub(crate) trait SpaceSample: Sample {
    /// Number of values.
    const LEVELS: usize;

    /// Returns the value as an index.
    fn index(self) -> usize;

    /// Returns the value in 16 bits.
    fn wide(self) -> u16;

    /// Returns the value nearest to a number of 0 to 1.
    fn nearest(v: f32) -> Self;
}

impl SpaceSample for u8 {
    const LEVELS: usize = 256;

    #[inline(always)]
    fn index(self) -> usize {
        self.into()
    }

    #[inline(always)]
    fn wide(self) -> u16 {
        u16::from(self) * 257
    }

    #[inline(always)]
    fn nearest(v: f32) -> Self {
        (v * 255.0 + 0.5) as u8
    }
}

impl SpaceSample for u16 {
    const LEVELS: usize = 65_536;

    #[inline(always)]
    fn index(self) -> usize {
        self.into()
    }

    #[inline(always)]
    fn wide(self) -> u16 {
        self
    }

    #[inline(always)]
    fn nearest(v: f32) -> Self {
        (v * 65_535.0 + 0.5) as u16
    }
}

/// Returns the whole number nearest to a value of 16 bits, clamped to 0–65535.
#[inline(always)]
fn whole(v: f32) -> u16 {
    (v + 0.5) as u16
}

/// A matrix in f32, for pixels.
type PixelMatrix = [[f32; 3]; 3];

fn pixel_matrix(m: &Matrix) -> PixelMatrix {
    m.map(|row| row.map(|v| v as f32))
}

#[inline(always)]
fn mixed(m: &PixelMatrix, v: [f32; 3]) -> [f32; 3] {
    m.map(|row| row[0] * v[0] + row[1] * v[1] + row[2] * v[2])
}

/// The tables of the way from own values to sRGB.
struct ToShown<S> {
    /// Linear light of each value: one table, or one for each channel.
    linear: Vec<Arc<[f32]>>,
    matrix: PixelMatrix,
    encode: Chords,
    sample: std::marker::PhantomData<S>,
}

impl<S: SpaceSample> ToShown<S> {
    fn new(space: &Definition) -> Self {
        let table = |curve: &Curve| curve.samples(S::LEVELS).into_iter().map(|v| v as f32).collect();
        Self {
            linear: for_each_curve(&space.curves, table),
            matrix: pixel_matrix(&space.to_srgb),
            encode: Chords::new(-9, 2, 8, srgb_of_linear),
            sample: std::marker::PhantomData,
        }
    }

    fn is_grey(&self) -> bool {
        self.linear.len() == 1
    }

    /// Returns the sRGB value of a grey one, in values of 16 bits.
    #[inline(always)]
    fn grey(&self, own: S) -> f32 {
        65_535.0 * self.encode.at(self.linear[0][own.index()])
    }

    /// Returns the sRGB colour, in values of 16 bits, which may lie outside of their range.
    #[inline(always)]
    fn rgb(&self, own: [S; 3]) -> [f32; 3] {
        let linear = [0, 1, 2].map(|c| self.linear[c][own[c].index()]);
        mixed(&self.matrix, linear).map(|v| 65_535.0 * self.encode.at(v))
    }
}

/// Makes something of each curve. Equal curves share it.
fn for_each_curve<T>(curves: &[Curve], make: impl Fn(&Curve) -> T) -> Vec<T>
where
    T: Clone,
{
    let mut made: Vec<T> = Vec::with_capacity(curves.len());
    for (i, curve) in curves.iter().enumerate() {
        let same = curves[..i].iter().position(|other| other == curve);
        made.push(same.map_or_else(|| make(curve), |at| made[at].clone()));
    }
    made
}

/// Lets own values follow what a correction did to the sRGB values that they show.
///
/// A pixel whose shown colour `c` became `r` gets the own values that show `s + (r − c)`, where `s` is its colour in sRGB before
/// anything is clamped. Within sRGB that is `r`. Outside of it the colour moves by the difference, so that no colours fall together and
/// none jump. Values that do not exist in the own space are clamped. A pixel whose shown colour stays, stays.
pub(crate) struct Follower<S> {
    to_shown: ToShown<S>,
    to_own: PixelMatrix,
    decode: Chords,
    encode: Vec<Arc<Chords>>,
}

impl<S: SpaceSample> Follower<S> {
    /// Prepares the tables. `None` for sRGB.
    pub(crate) fn new(space: &ColorSpace) -> Option<Self> {
        let space = space.0.as_deref()?;
        Some(Self {
            to_shown: ToShown::new(space),
            to_own: pixel_matrix(&space.to_own),
            decode: Chords::new(-5, 1, 10, linear_of_srgb),
            encode: for_each_curve(&space.curves, |curve| Arc::new(curve.inverse())),
        })
    }

    /// Changes `own` as `restored` tells: whole pixels of the same picture. Runs on the rayon pool that the caller installed.
    pub(crate) fn follow(&self, own: &mut [S], restored: &[u16], cancel: &Cancel) {
        let n = if self.to_shown.is_grey() { 1 } else { 3 };
        let parts = own.par_chunks_mut(n * PIXELS_PER_TASK).zip(restored.par_chunks(n * PIXELS_PER_TASK));
        parts.for_each(|(own, restored)| {
            if cancel.is_cancelled() {
                return;
            }
            if n == 1 {
                own.iter_mut().zip(restored).for_each(|(own, &restored)| *own = self.grey(*own, restored));
                return;
            }
            for (own, &restored) in own.as_chunks_mut::<3>().0.iter_mut().zip(restored.as_chunks::<3>().0) {
                *own = self.rgb(*own, restored);
            }
        });
    }

    fn grey(&self, own: S, restored: u16) -> S {
        let shown = self.to_shown.grey(own);
        if whole(shown) == restored {
            return own;
        }
        let target = moved(shown, restored);
        self.stored(0, self.decode.at(target * (1.0 / 65_535.0)))
    }

    fn rgb(&self, own: [S; 3], restored: [u16; 3]) -> [S; 3] {
        let shown = self.to_shown.rgb(own);
        if shown.map(whole) == restored {
            return own;
        }
        let linear = [0, 1, 2].map(|c| self.decode.at(moved(shown[c], restored[c]) * (1.0 / 65_535.0)));
        let linear = mixed(&self.to_own, linear);
        [0, 1, 2].map(|c| self.stored(c, linear[c]))
    }

    /// Returns the stored value of linear light.
    #[inline(always)]
    fn stored(&self, channel: usize, linear: f32) -> S {
        S::nearest(self.encode[channel].at(linear.clamp(0.0, 1.0)).clamp(0.0, 1.0))
    }
}

/// Returns a shown value, moved as its clamped form was.
#[inline(always)]
fn moved(shown: f32, restored: u16) -> f32 {
    shown + (f32::from(restored) - f32::from(whole(shown)))
}

#[cfg(test)]
mod tests;
