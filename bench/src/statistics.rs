//! Least, median, greatest and percentiles.

/// Measured values, one of each round.
#[derive(Clone, Debug, Default)]
pub(crate) struct Series(Vec<f64>);

impl FromIterator<f64> for Series {
    fn from_iter<T: IntoIterator<Item = f64>>(values: T) -> Self {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        Self(values)
    }
}

impl Series {
    /// The least value; not a number when there is none.
    pub(crate) fn min(&self) -> f64 {
        self.0.first().copied().unwrap_or(f64::NAN)
    }

    /// The greatest value; not a number when there is none.
    pub(crate) fn max(&self) -> f64 {
        self.0.last().copied().unwrap_or(f64::NAN)
    }

    /// The middle value, or the mean of the two in the middle; not a number when there is none.
    pub(crate) fn median(&self) -> f64 {
        let (low, high) = (self.0.len().saturating_sub(1) / 2, self.0.len() / 2);
        match (self.0.get(low), self.0.get(high)) {
            (Some(low), Some(high)) => f64::midpoint(*low, *high),
            _ => f64::NAN,
        }
    }
}

/// The value that `percent` of 100 values do not exceed (nearest rank); 0 when there is none.
pub(crate) fn percentile(sorted: &[u64], percent: usize) -> u64 {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_of_the_rounds_does_not_matter() {
        let odd: Series = [5.0, 1.0, 3.0].into_iter().collect();
        assert_eq!((odd.min(), odd.median(), odd.max()), (1.0, 3.0, 5.0));
        let even: Series = [4.0, 1.0, 3.0, 2.0].into_iter().collect();
        assert_eq!((even.min(), even.median(), even.max()), (1.0, 2.5, 4.0));
        let one: Series = [7.0].into_iter().collect();
        assert_eq!((one.min(), one.median(), one.max()), (7.0, 7.0, 7.0));
    }

    #[test]
    fn nothing_measured_is_no_number() {
        let none = Series::default();
        assert!(none.min().is_nan() && none.median().is_nan() && none.max().is_nan());
        assert_eq!(percentile(&[], 50), 0);
    }

    #[test]
    fn percentiles_are_by_nearest_rank() {
        let values: Vec<u64> = (1..=200).collect();
        assert_eq!(percentile(&values, 50), 100);
        assert_eq!(percentile(&values, 99), 198);
        assert_eq!(percentile(&values, 100), 200);
        assert_eq!(percentile(&values, 0), 1);
        assert_eq!(percentile(&[9], 99), 9);
    }
}
