//! How long a ticket lives (RFC 4120 3.1.3 and 3.3.3).

use crate::{Attributes, KdcPolicy, PrincipalEntry};

/// No ticket ends after 2106-02-07: the last second that credential caches and the clients in use
/// can hold.
const END_OF_TIME: i64 = u32::MAX as i64;

/// The times a request asks for, in seconds since 1970.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AskedTimes {
    pub(crate) from: Option<i64>,
    /// 0: as long as the policy allows.
    pub(crate) till: i64,
    pub(crate) rtime: Option<i64>,
    pub(crate) renewable: bool,
    pub(crate) renewable_ok: bool,
}

/// A ticket's times. `renew_till` is there exactly when the ticket is renewable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TicketTimes {
    pub(crate) starttime: i64,
    pub(crate) endtime: i64,
    pub(crate) renew_till: Option<i64>,
}

/// Why no times can be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TimesRefused {
    /// The start is in the future and the request is not for a postdated ticket.
    CannotPostdate,
    /// The ticket would end before it starts.
    NeverValid,
    /// The renewable life is over.
    RenewTillPassed,
}

/// A ticket of an AS exchange: limited by client, server and realm.
pub(crate) fn initial(
    asked: &AskedTimes,
    client: &PrincipalEntry,
    server: &PrincipalEntry,
    policy: &KdcPolicy,
    now: i64,
) -> Result<TicketTimes, TimesRefused> {
    let bounds = Bounds {
        lives: [client.max_life, server.max_life, policy.max_life],
        endtime: END_OF_TIME,
        renewable_life: renewable_life(client)
            .min(renewable_life(server))
            .min(policy.max_renewable_life),
        renew_till: END_OF_TIME,
    };
    bounds.times(asked, policy, now)
}

/// A ticket derived from a TGT: never longer than the TGT, and limited by server and realm.
pub(crate) fn derived(
    asked: &AskedTimes,
    tgt: &TicketTimes,
    server: &PrincipalEntry,
    policy: &KdcPolicy,
    now: i64,
) -> Result<TicketTimes, TimesRefused> {
    let renewable_life = match tgt.renew_till {
        Some(_) => renewable_life(server).min(policy.max_renewable_life),
        None => 0,
    };
    let bounds = Bounds {
        lives: [0, server.max_life, policy.max_life],
        endtime: tgt.endtime,
        renewable_life,
        renew_till: tgt.renew_till.unwrap_or(0),
    };
    bounds.times(asked, policy, now)
}

/// The same ticket once more: its old life from now on, not past its renew-till.
pub(crate) fn renewed(old: &TicketTimes, now: i64) -> Result<TicketTimes, TimesRefused> {
    let renew_till = old
        .renew_till
        .filter(|till| *till > now)
        .ok_or(TimesRefused::RenewTillPassed)?;
    let life = old
        .endtime
        .checked_sub(old.starttime)
        .ok_or(TimesRefused::NeverValid)?;
    let endtime = now.checked_add(life).unwrap_or(renew_till).min(renew_till);
    if endtime <= now {
        return Err(TimesRefused::NeverValid);
    }
    Ok(TicketTimes {
        starttime: now,
        endtime,
        renew_till: Some(renew_till),
    })
}

/// An entry's renewable life in seconds, 0 when it must have none.
fn renewable_life(entry: &PrincipalEntry) -> i64 {
    if entry.attributes.contains(Attributes::DISALLOW_RENEWABLE) {
        0
    } else {
        entry.max_renewable_life
    }
}

/// What limits a ticket.
struct Bounds {
    /// Lives in seconds; 0: no limit.
    lives: [i64; 3],
    endtime: i64,
    /// Seconds; 0 or less: not renewable.
    renewable_life: i64,
    renew_till: i64,
}

impl Bounds {
    fn times(&self, asked: &AskedTimes, policy: &KdcPolicy, now: i64) -> Result<TicketTimes, TimesRefused> {
        let latest_start = now.checked_add(policy.clockskew_seconds).unwrap_or(i64::MAX);
        if asked.from.is_some_and(|from| from > latest_start) {
            return Err(TimesRefused::CannotPostdate);
        }
        let till = if asked.till == 0 { END_OF_TIME } else { asked.till };
        let mut endtime = till.min(self.endtime).min(END_OF_TIME);
        for life in self.lives.into_iter().filter(|life| *life > 0) {
            endtime = endtime.min(now.saturating_add(life));
        }
        if endtime <= now {
            return Err(TimesRefused::NeverValid);
        }
        Ok(TicketTimes {
            starttime: now,
            endtime,
            renew_till: self.renew_till(asked, endtime, now),
        })
    }

    /// The renew-till time, when the request asks for one and it is later than the end: a ticket
    /// that cannot be renewed past its own end is not called renewable.
    fn renew_till(&self, asked: &AskedTimes, endtime: i64, now: i64) -> Option<i64> {
        let wanted = if asked.renewable {
            match asked.rtime {
                None | Some(0) => END_OF_TIME,
                Some(rtime) => rtime,
            }
        } else if asked.renewable_ok && asked.till > endtime {
            asked.till
        } else {
            return None;
        };
        if self.renewable_life <= 0 {
            return None;
        }
        let renew_till = wanted
            .min(now.saturating_add(self.renewable_life))
            .min(self.renew_till)
            .min(END_OF_TIME);
        (renew_till > endtime).then_some(renew_till)
    }
}

#[cfg(test)]
mod tests;
