//! The table, in Markdown.

use crate::kdc_rounds::Round;
use crate::messages::Passed;
use crate::statistics::Series;

/// Rates and costs of one side of one row.
#[derive(Debug)]
pub(crate) struct Line {
    side: &'static str,
    rate: Series,
    rate_unit: &'static str,
    cpu: Series,
    latency: Option<(f64, f64)>,
    threads: usize,
}

impl Line {
    pub(crate) fn of_rounds(side: &'static str, rounds: &[Round]) -> Self {
        let series = |value: fn(&Round) -> f64| rounds.iter().map(value).collect::<Series>();
        let latency = (
            series(|round| round.p50_ms).median(),
            series(|round| round.p99_ms).median(),
        );
        Self {
            side,
            rate: series(|round| round.per_second),
            rate_unit: "/s",
            cpu: series(|round| round.kdc_cpu),
            latency: Some(latency),
            threads: rounds.iter().map(|round| round.threads).max().unwrap_or(0),
        }
    }

    pub(crate) fn of_messages(side: &'static str, runs: &[Passed]) -> Self {
        Self {
            side,
            rate: runs.iter().map(|run| run.megabytes_per_second()).collect(),
            rate_unit: " MB/s",
            cpu: runs.iter().map(|run| run.cpu_microseconds()).collect(),
            latency: None,
            threads: 1,
        }
    }

    fn markdown(&self, title: &str, peer: Option<&Self>) -> String {
        let latency = self
            .latency
            .map_or_else(|| "-".to_owned(), |(p50, p99)| format!("{p50:.2} / {p99:.2}"));
        let beside = peer.map_or_else(
            || "-".to_owned(),
            |peer| {
                let rate = self.rate.median() / peer.rate.median();
                let cpu = self.cpu.min() / peer.cpu.min();
                format!("{rate:.1} x rate, {:.0} % CPU", cpu * 100.0)
            },
        );
        format!(
            "| {title} | {} | {:.0} / {:.0} / {:.0}{} | {:.1} ({:.1}) | {latency} | {} | {beside} |\n",
            self.side,
            self.rate.min(),
            self.rate.median(),
            self.rate.max(),
            self.rate_unit,
            self.cpu.median(),
            self.cpu.min(),
            self.threads,
        )
    }
}

/// The table's head.
pub(crate) const HEAD: &str = "\
| | side | rate: min / median / max | CPU us each: median (least) | p50 / p99 ms | threads | beside MIT |
|---|---|---|---|---|---|---|
";

/// One row: the peer's line if there is one, then ours.
pub(crate) fn row(title: &str, lines: &[Line]) -> String {
    let peer = lines.iter().find(|line| line.side == "MIT");
    let text = |line: &Line| line.markdown(title, peer.filter(|peer| !core::ptr::eq(*peer, line)));
    lines.iter().map(text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(side: &'static str, rate: f64, cpu: f64) -> Line {
        let series = |value: f64| [value, value * 2.0, value * 3.0].into_iter().collect();
        Line {
            side,
            rate: series(rate),
            rate_unit: "/s",
            cpu: series(cpu),
            latency: Some((0.5, 1.25)),
            threads: 1,
        }
    }

    #[test]
    fn ours_is_set_beside_the_peers_median_rate_and_least_cpu() {
        let text = row("AS", &[line("MIT", 100.0, 150.0), line("kerbside", 1000.0, 15.0)]);
        assert_eq!(
            text,
            "| AS | MIT | 100 / 200 / 300/s | 300.0 (150.0) | 0.50 / 1.25 | 1 | - |\n\
             | AS | kerbside | 1000 / 2000 / 3000/s | 30.0 (15.0) | 0.50 / 1.25 | 1 | 10.0 x rate, 10 % CPU |\n"
        );
        assert!(row("AS", &[line("kerbside", 1.0, 1.0)]).ends_with("| 1 | - |\n"));
    }
}
