//! Finds pictures that occur more than once: with the same pixels, or as lookalikes, which show the same scene.

use std::collections::BTreeMap;

use serde::Serialize;

use super::fingerprint::Fingerprint;

/// Thumbnails are compared only if at most so many of the 64 bits of the coarse shapes differ.
const DISTANCE_MAX: u32 = 16;

/// Thumbnails that correlate by more than this show the same scene.
const CORRELATION_MIN: f64 = 0.95;

/// A group of pictures that show the same scene, judged by their thumbnails.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Lookalikes {
    /// Names of the pictures, sorted.
    pub names: Vec<String>,
    /// Least correlation by which a picture joined the group.
    pub correlation: f64,
}

/// Returns groups of names of pictures with the same pixels. Names and groups are sorted.
pub fn exact<'a>(pictures: impl IntoIterator<Item = (String, &'a Fingerprint)>) -> Vec<Vec<String>> {
    let mut by_digest: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (name, fingerprint) in pictures {
        by_digest.entry(&fingerprint.digest).or_default().push(name);
    }
    let mut groups: Vec<Vec<String>> = by_digest.into_values().filter(|names| names.len() > 1).collect();
    groups.iter_mut().for_each(|names| names.sort());
    groups.sort();
    groups
}

/// Returns groups of lookalikes. A picture joins a group when it looks like any member. Cost: a comparison of 64 bits
/// for every two pictures. The 576 greys are compared only for two pictures of different groups whose bits are close.
pub fn near(pictures: &[(&str, &Fingerprint)]) -> Vec<Lookalikes> {
    // A forest of disjoint sets: each picture points at another of its group, and the root of a group at itself.
    let mut parents: Vec<usize> = (0..pictures.len()).collect();
    let mut joined: Vec<(usize, f64)> = Vec::new();
    for (i, (_, a)) in pictures.iter().enumerate() {
        for (j, (_, b)) in pictures[..i].iter().enumerate() {
            if a.distance(b) > DISTANCE_MAX {
                continue;
            }
            let (root_a, root_b) = (root(&mut parents, i), root(&mut parents, j));
            if root_a == root_b {
                continue;
            }
            let correlation = if a.digest == b.digest { 1.0 } else { a.correlation(b) };
            if correlation > CORRELATION_MIN {
                parents[root_a] = root_b;
                joined.push((i, correlation));
            }
        }
    }
    let mut groups: BTreeMap<usize, Lookalikes> = BTreeMap::new();
    for (i, (name, _)) in pictures.iter().enumerate() {
        let group = groups.entry(root(&mut parents, i));
        group.or_insert(Lookalikes { names: Vec::new(), correlation: 1.0 }).names.push((*name).to_owned());
    }
    for (i, correlation) in joined {
        if let Some(group) = groups.get_mut(&root(&mut parents, i)) {
            group.correlation = group.correlation.min(correlation);
        }
    }
    let mut groups: Vec<Lookalikes> = groups.into_values().filter(|group| group.names.len() > 1).collect();
    groups.iter_mut().for_each(|group| group.names.sort());
    groups.sort_by(|a, b| a.names.cmp(&b.names));
    groups
}

/// Returns the root of the group of picture `i`. Each step also moves `i` nearer to the root, for the next call.
fn root(parents: &mut [usize], mut i: usize) -> usize {
    while parents[i] != i {
        parents[i] = parents[parents[i]];
        i = parents[i];
    }
    i
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imaging::{Channels, Image};

    fn picture(seed: usize, noise: usize) -> Fingerprint {
        let at = |i: usize| {
            let (x, y) = ((i % 48) as f64, (i / 48) as f64);
            let wave = libm::sin(x * (0.1 + 0.03 * seed as f64))
                + libm::cos(y * (0.07 * seed as f64 + 0.1) + seed as f64);
            (120.0 + 50.0 * wave) as u8 + (i * noise % 5) as u8
        };
        Fingerprint::of(&Image::new(48, 48, Channels::Grey, (0..48 * 48).map(at).collect(), None).unwrap())
    }

    #[test]
    fn the_same_pixels_and_the_same_look_are_distinguished() {
        let pictures =
            [picture(1, 0), picture(4, 0), picture(1, 3), picture(9, 0), picture(4, 0), picture(1, 7)];
        let names = ["f", "b", "c", "d", "e", "a"];
        let named = || names.iter().map(|name| (*name).to_owned()).zip(&pictures);
        assert_eq!(exact(named()), [["b", "e"]]);
        let found = near(&names.into_iter().zip(&pictures).collect::<Vec<_>>());
        assert_eq!(found.iter().map(|group| group.names.join("")).collect::<Vec<_>>(), ["acf", "be"]);
        assert!(found[0].correlation > 0.95 && found[0].correlation < 1.0 && found[1].correlation == 1.0);
        assert!(near(&[]).is_empty());
    }
}
