//! When a ticket is renewed, and when its client logs in again: a function of times, without a clock.

use kerbside_asn1::{KerberosTime, TicketFlags};
use kerbside_formats::Credential;

/// The longest time between two attempts of a row of failures, in seconds.
const LONGEST_PAUSE: i64 = 600;

/// A ticket's times, in seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Times {
    /// When it began: the start time, which moves with each renewal. The authentication time never does.
    pub(crate) start: i64,
    pub(crate) end: i64,
    /// Until when it can be renewed, when it can be at all.
    pub(crate) renew_till: Option<i64>,
}

impl From<&Credential> for Times {
    fn from(ticket: &Credential) -> Self {
        let start = match ticket.start_time {
            KerberosTime::EPOCH => ticket.auth_time,
            start => start,
        };
        let renewable = ticket.flags.contains(TicketFlags::RENEWABLE);
        Self {
            start: start.unix_seconds(),
            end: ticket.end_time.unix_seconds(),
            renew_till: renewable.then(|| ticket.renew_till.unix_seconds()),
        }
    }
}

/// What there is to plan with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) ticket: Option<Times>,
    /// Whether there is a keytab to log in with.
    pub(crate) can_login: bool,
}

/// What is to be kept to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rules {
    /// No two attempts are closer together than this, in seconds.
    pub(crate) floor: i64,
}

/// What was tried.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct History {
    last_attempt: Option<i64>,
    failures: u32,
    /// The ticket that the KDC refused to renew, by its start and its end.
    refused: Option<(i64, i64)>,
    stuck: bool,
}

impl History {
    pub(crate) fn succeeded(&mut self, now: i64) {
        *self = Self {
            last_attempt: Some(now),
            ..Self::default()
        };
    }

    /// `refused` is the ticket that the KDC would not renew.
    pub(crate) fn failed(&mut self, now: i64, refused: Option<Times>) {
        self.last_attempt = Some(now);
        self.failures = self.failures.saturating_add(1);
        if let Some(ticket) = refused {
            self.refused = Some((ticket.start, ticket.end));
        }
    }

    /// What is in the cache now: what happened to a refused ticket says nothing about the one that took its place.
    pub(crate) fn sees(&mut self, ticket: Option<Times>) {
        let Some(ticket) = ticket else { return };
        if self
            .refused
            .is_some_and(|refused| refused != (ticket.start, ticket.end))
        {
            self.refused = None;
            self.failures = 0;
        }
    }

    /// True once, until something succeeds.
    pub(crate) fn tell_stuck(&mut self) -> bool {
        !std::mem::replace(&mut self.stuck, true)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    Renew,
    Login,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Next {
    pub(crate) at: i64,
    pub(crate) action: Action,
}

/// What is done next, and when; `None` when nothing can be done.
pub(crate) fn next(facts: &Facts, history: &History, rules: &Rules, now: i64) -> Option<Next> {
    let login = facts.can_login.then_some(Action::Login);
    let (due, action) = match facts.ticket {
        None => (now, login?),
        Some(ticket) => {
            let half = ticket
                .start
                .saturating_add(ticket.end.saturating_sub(ticket.start).max(0) / 2);
            let refused = history.refused == Some((ticket.start, ticket.end));
            // Renewing keeps a password out of it; logging in is for what cannot be renewed any more. A refusal is an
            // unauthenticated message that anybody on the way can forge: without a login it is no reason to give up.
            let renewal = renewable(&ticket, now) && !(refused && facts.can_login);
            let action = if renewal { Some(Action::Renew) } else { login };
            (half, action?)
        }
    };
    Some(Next {
        at: due.max(not_before(history, rules)),
        action,
    })
}

/// A ticket that has ended is not renewed, nor one that would not last longer for it.
fn renewable(ticket: &Times, now: i64) -> bool {
    ticket.end > now
        && ticket
            .renew_till
            .is_some_and(|till| till > ticket.end && till > now)
}

/// The floor, doubled with each failure.
fn not_before(history: &History, rules: &Rules) -> i64 {
    let Some(last) = history.last_attempt else {
        return i64::MIN;
    };
    let floor = rules.floor.max(1);
    let factor = 1_i64 << history.failures.min(16);
    let pause = floor.saturating_mul(factor).min(LONGEST_PAUSE.max(floor));
    last.saturating_add(pause)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a failure here is the test's failure

    use super::*;

    const RULES: Rules = Rules { floor: 30 };

    fn facts(start: i64, end: i64, renew_till: Option<i64>, can_login: bool) -> Facts {
        Facts {
            ticket: Some(Times {
                start,
                end,
                renew_till,
            }),
            can_login,
        }
    }

    fn plan(facts: &Facts, history: &History, now: i64) -> Option<(i64, Action)> {
        next(facts, history, &RULES, now).map(|next| (next.at, next.action))
    }

    /// The first trap: a renewed ticket keeps its authentication time, so half of its life is counted from its start.
    #[test]
    fn a_renewed_ticket_is_not_due_at_once() {
        let none = History::default();
        let fresh = facts(0, 1000, Some(10_000), false);
        assert_eq!(plan(&fresh, &none, 0), Some((500, Action::Renew)));
        let renewed = facts(500, 1500, Some(10_000), false);
        assert_eq!(plan(&renewed, &none, 500), Some((1000, Action::Renew)));
    }

    /// The second trap: a ticket that cannot be renewed is no reason to ask again and again.
    #[test]
    fn no_two_attempts_are_close_together() {
        let short = facts(0, 2, Some(10_000), true);
        let mut history = History::default();
        let mut attempts = 0;
        let mut now = 0;
        while now < 3600 {
            let (at, _) = plan(&short, &history, now).unwrap();
            now = now.max(at);
            attempts += 1;
            history.succeeded(now);
        }
        assert!(attempts <= 3600 / 30 + 1, "{attempts}");
        // Failures come ever more rarely, but never stop coming.
        let mut history = History::default();
        let mut pauses = Vec::new();
        let mut now = 0;
        for _ in 0..8 {
            history.failed(now, None);
            let (at, _) = plan(&short, &history, now).unwrap();
            pauses.push(at - now);
            now = at;
        }
        assert_eq!(pauses, [60, 120, 240, 480, 600, 600, 600, 600]);
    }

    /// A refusal can be forged: who cannot log in goes on asking, ever more rarely.
    #[test]
    fn a_refusal_does_not_end_a_renewer_without_a_login() {
        let ticket = facts(0, 100_000, Some(1_000_000), false);
        let mut history = History::default();
        let mut now = 50_000;
        for pause in [60, 120, 240, 480, 600, 600] {
            history.failed(now, ticket.ticket);
            history.sees(ticket.ticket);
            assert_eq!(plan(&ticket, &history, now), Some((now + pause, Action::Renew)));
            now += pause;
        }
    }

    /// The third trap: what has ended, or does not last longer for it, or was refused, is not renewed but replaced.
    #[test]
    fn what_cannot_be_renewed_is_replaced() {
        let none = History::default();
        for (ticket, now) in [
            (facts(0, 1000, None, true), 0),
            (facts(0, 1000, Some(1000), true), 0),
            (facts(0, 1000, Some(10_000), true), 1000),
            (facts(0, 1000, Some(10_000), true), 20_000),
        ] {
            assert_eq!(plan(&ticket, &none, now).unwrap().1, Action::Login, "{ticket:?}");
        }
        let good = facts(0, 1000, Some(10_000), true);
        let mut refused = History::default();
        refused.failed(500, good.ticket);
        assert_eq!(plan(&good, &refused, 500), Some((560, Action::Login)));
        refused.succeeded(560);
        assert_eq!(plan(&good, &refused, 560).unwrap().1, Action::Renew);
        // A new ticket is another matter, and so is how often the old one failed.
        let new = facts(550, 1550, Some(10_000), true);
        let mut other = History::default();
        other.failed(500, good.ticket);
        other.failed(560, None);
        other.sees(good.ticket);
        assert_eq!(plan(&good, &other, 560), Some((680, Action::Login)));
        other.sees(new.ticket);
        assert_eq!(plan(&new, &other, 560), Some((1050, Action::Renew)));
        let short = facts(550, 552, Some(10_000), true);
        assert_eq!(plan(&short, &other, 551), Some((590, Action::Renew)));
        // Without a keytab there is nothing to be done.
        assert_eq!(plan(&facts(0, 1000, None, false), &none, 0), None);
        let empty = |can_login| Facts {
            ticket: None,
            can_login,
        };
        assert_eq!(plan(&empty(true), &none, 7), Some((7, Action::Login)));
        assert_eq!(plan(&empty(false), &none, 7), None);
    }
}
