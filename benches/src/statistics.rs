//! Whether two samples of times differ, and by how much. Pure.
//!
//! The two are meant to be drawn at random in turn, so that whatever else happens on the machine happens to both.

/// Beyond so many standard errors, two samples are told apart: the bound of `dudect`, which chance alone passes once in
/// 150,000 comparisons.
pub const BOUND: f64 = 4.5;

/// Some figures of the same thing, in short; no numbers when there are none.
#[derive(Clone, Copy, Debug)]
pub struct Spread {
    /// The lowest.
    pub lowest: f64,
    /// The middle one, or the upper of the two in the middle.
    pub median: f64,
    /// The highest.
    pub highest: f64,
}

impl Spread {
    /// Of these figures.
    #[must_use]
    pub fn of(figures: &[f64]) -> Self {
        let mut sorted = figures.to_vec();
        sorted.sort_by(f64::total_cmp);
        let number = |figure: Option<&f64>| figure.copied().unwrap_or(f64::NAN);
        Self {
            lowest: number(sorted.first()),
            median: number(sorted.get(sorted.len() / 2)),
            highest: number(sorted.last()),
        }
    }
}

/// How one sample stands to another. Times are in whatever unit they came.
#[derive(Clone, Copy, Debug)]
pub struct Comparison {
    /// The two medians, the first sample's first.
    pub medians: [f64; 2],
    /// By how much the second's mean is larger. Of both, what is beyond the 95th percentile of all is left out: there
    /// the machine did something else.
    pub difference: f64,
    /// With 99 % confidence the true difference is no further away from it.
    pub margin: f64,
    /// The difference in standard errors (Welch).
    pub t: f64,
    /// How often one of the second takes longer than one of the first; one half if they are alike. Of all values.
    pub slower: f64,
    /// That in standard errors (Mann and Whitney, with ties): sees what moves ranks and hardly a mean.
    pub z: f64,
}

impl Comparison {
    /// Compares `other` with `base`; at least two of each.
    #[must_use]
    pub fn of(base: &[f64], other: &[f64]) -> Self {
        let bound = quantile(&[base, other].concat(), 0.95);
        let (first, second) = (Moments::up_to(bound, base), Moments::up_to(bound, other));
        let difference = second.mean - first.mean;
        let error = (first.error_squared + second.error_squared).sqrt();
        let (slower, z) = ranks(base, other);
        Self {
            medians: [base, other].map(|sample| quantile(sample, 0.5)),
            difference,
            margin: 2.576 * error,
            t: if difference == 0.0 { 0.0 } else { difference / error },
            slower,
            z,
        }
    }

    /// Whether either test tells them apart.
    #[must_use]
    pub fn is_told_apart(&self) -> bool {
        self.t.abs() > BOUND || self.z.abs() > BOUND
    }
}

struct Moments {
    mean: f64,
    error_squared: f64,
}

impl Moments {
    fn up_to(bound: f64, sample: &[f64]) -> Self {
        let kept: Vec<f64> = sample.iter().copied().filter(|value| *value <= bound).collect();
        let count = number(kept.len());
        let mean = kept.iter().sum::<f64>() / count;
        let variance = kept.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (count - 1.0);
        Self { mean, error_squared: variance / count }
    }
}

fn quantile(sample: &[f64], share: f64) -> f64 {
    let mut sorted = sample.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a length")]
    let place = (number(sorted.len() - 1) * share) as usize;
    sorted[place]
}

/// How often one of `other` is larger than one of `base`, a tie as one half; and that in standard errors from one half.
fn ranks(base: &[f64], other: &[f64]) -> (f64, f64) {
    let of_base = base.iter().map(|value| (*value, false));
    let mut all: Vec<(f64, bool)> = of_base.chain(other.iter().map(|value| (*value, true))).collect();
    all.sort_unstable_by(|one, two| one.0.total_cmp(&two.0));
    let (mut before, mut sum, mut ties) = (0.0, 0.0, 0.0);
    for alike in all.chunk_by(|one, two| one.0.total_cmp(&two.0).is_eq()) {
        let size = number(alike.len());
        let rank = before + f64::midpoint(size, 1.0);
        sum += rank * number(alike.iter().filter(|(_, is_other)| *is_other).count());
        ties += size.powi(3) - size;
        before += size;
    }
    let (n, m, total) = (number(base.len()), number(other.len()), number(all.len()));
    let pairs = n * m;
    let larger = sum - m * (m + 1.0) / 2.0;
    let variance = pairs / 12.0 * (total + 1.0 - ties / (total * (total - 1.0)));
    let z = if variance > 0.0 { (larger - pairs / 2.0) / variance.sqrt() } else { 0.0 };
    (larger / pairs, z)
}

#[expect(clippy::cast_precision_loss, reason = "a number of measurements is far below 2^52")]
fn number(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(rng: &mut fastrand::Rng, count: usize, moved: f64) -> Vec<f64> {
        // Skewed and with outliers, as times are.
        let one = |rng: &mut fastrand::Rng| {
            let late = if rng.u8(..) == 0 { 500.0 } else { 0.0 };
            100.0 + moved - 20.0 * rng.f64().max(1e-9).ln() + late
        };
        (0..count).map(|_| one(rng)).collect()
    }

    #[test]
    fn the_figures_are_those_of_the_textbook() {
        let (base, other) = ([1.0, 2.0, 3.0, 4.0], [3.0, 4.0, 5.0, 6.0]);
        let (slower, z) = ranks(&base, &other);
        assert_eq!(slower, 14.0 / 16.0, "of sixteen pairs, thirteen are larger and two are ties");
        assert!((z - 1.753).abs() < 0.001, "{z}");
        let same = Comparison::of(&base, &base);
        assert_eq!((same.difference, same.t, same.slower, same.z), (0.0, 0.0, 0.5, 0.0));
        let moved = Comparison::of(&[1.0, 2.0, 3.0, 9.0], &[2.0, 3.0, 4.0, 9.0]);
        assert!((moved.difference - 0.75).abs() < 1e-9, "{moved:?}");
    }

    #[test]
    fn chance_tells_nothing_apart_and_a_small_shift_is_found() {
        for seed in 0..4 {
            let mut rng = fastrand::Rng::with_seed(seed);
            let base = noise(&mut rng, 20_000, 0.0);
            let alike = Comparison::of(&base, &noise(&mut rng, 20_000, 0.0));
            assert!(!alike.is_told_apart(), "seed {seed}: {alike:?}");
            let shifted = Comparison::of(&base, &noise(&mut rng, 20_000, 2.0));
            assert!(shifted.t > BOUND && shifted.z > BOUND, "seed {seed}: {shifted:?}");
            assert!((shifted.difference - 2.0).abs() < 2.0 * shifted.margin, "seed {seed}: {shifted:?}");
        }
    }
}
