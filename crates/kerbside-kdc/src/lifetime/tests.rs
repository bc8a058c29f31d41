#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may panic: that is how it fails"
)]

use kerbside_asn1::{KerberosTime, Principal, Realm};

use super::{AskedTimes, END_OF_TIME, TicketTimes, TimesRefused, derived, initial, renewed};
use crate::{Attributes, KdcPolicy, PrincipalEntry};

const NOW: i64 = 1_700_000_000;
const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

fn entry(max_life: i64, max_renewable_life: i64) -> PrincipalEntry {
    let mut entry = PrincipalEntry::new(Principal::new("R", &["x"]), KerberosTime::EPOCH);
    entry.max_life = max_life;
    entry.max_renewable_life = max_renewable_life;
    entry
}

fn policy(max_life: i64, max_renewable_life: i64) -> KdcPolicy {
    let mut policy = KdcPolicy::new(Realm::new("R"));
    policy.max_life = max_life;
    policy.max_renewable_life = max_renewable_life;
    policy
}

fn asked(till: i64) -> AskedTimes {
    AskedTimes {
        from: None,
        till,
        rtime: None,
        renewable: false,
        renewable_ok: false,
    }
}

/// The end of an initial ticket, relative to now.
fn end(asked: &AskedTimes, client: i64, server: i64, realm: i64) -> Result<i64, TimesRefused> {
    initial(
        asked,
        &entry(client, 0),
        &entry(server, 0),
        &policy(realm, 0),
        NOW,
    )
    .map(|times| times.endtime - NOW)
}

#[test]
fn the_shortest_limit_wins() {
    // till, client, server, realm (0: none) -> life
    let table = [
        (NOW + 10 * HOUR, 0, 0, DAY, 10 * HOUR),
        (NOW + 10 * HOUR, 8 * HOUR, 0, DAY, 8 * HOUR),
        (NOW + 10 * HOUR, 8 * HOUR, 7 * HOUR, DAY, 7 * HOUR),
        (NOW + 10 * HOUR, 8 * HOUR, 7 * HOUR, 6 * HOUR, 6 * HOUR),
        (NOW + 2 * DAY, 0, 0, DAY, DAY),
        (0, 0, 0, DAY, DAY),
        (0, HOUR, 0, DAY, HOUR),
        (NOW + 1, 0, 0, 0, 1),
        (i64::MAX, 0, 0, 0, END_OF_TIME - NOW),
        (0, 0, 0, 0, END_OF_TIME - NOW),
        (0, i64::MAX, i64::MAX, i64::MAX, END_OF_TIME - NOW),
    ];
    for (till, client, server, realm, life) in table {
        assert_eq!(
            end(&asked(till), client, server, realm),
            Ok(life),
            "{till} {client} {server} {realm}"
        );
    }
}

#[test]
fn a_ticket_that_would_end_at_once_is_never_valid() {
    for till in [NOW, NOW - 1, 1, -1, i64::MIN] {
        assert_eq!(
            end(&asked(till), 0, 0, DAY),
            Err(TimesRefused::NeverValid),
            "{till}"
        );
    }
}

#[test]
fn a_start_in_the_future_is_refused_beyond_the_skew() {
    let from = |from| AskedTimes {
        from: Some(from),
        ..asked(NOW + HOUR)
    };
    assert_eq!(end(&from(NOW + 300), 0, 0, DAY), Ok(HOUR));
    assert_eq!(
        end(&from(NOW + 301), 0, 0, DAY),
        Err(TimesRefused::CannotPostdate)
    );
    assert_eq!(end(&from(i64::MAX), 0, 0, DAY), Err(TimesRefused::CannotPostdate));
    assert_eq!(end(&from(NOW - DAY), 0, 0, DAY), Ok(HOUR));
    assert_eq!(end(&from(i64::MIN), 0, 0, DAY), Ok(HOUR));
}

fn renew_till(asked: &AskedTimes, client: i64, server: i64, realm: i64) -> Option<i64> {
    initial(
        asked,
        &entry(0, client),
        &entry(0, server),
        &policy(DAY, realm),
        NOW,
    )
    .unwrap()
    .renew_till
    .map(|till| till - NOW)
}

#[test]
fn renewable_only_when_all_three_allow_it() {
    let week = |rtime| AskedTimes {
        rtime,
        renewable: true,
        ..asked(NOW + HOUR)
    };
    assert_eq!(
        renew_till(&week(Some(NOW + 7 * DAY)), 9 * DAY, 9 * DAY, 9 * DAY),
        Some(7 * DAY)
    );
    assert_eq!(
        renew_till(&week(Some(NOW + 7 * DAY)), 3 * DAY, 9 * DAY, 9 * DAY),
        Some(3 * DAY)
    );
    assert_eq!(
        renew_till(&week(Some(NOW + 7 * DAY)), 9 * DAY, 2 * DAY, 9 * DAY),
        Some(2 * DAY)
    );
    assert_eq!(
        renew_till(&week(Some(NOW + 7 * DAY)), 9 * DAY, 9 * DAY, 5 * DAY),
        Some(5 * DAY)
    );
    assert_eq!(renew_till(&week(None), 9 * DAY, 9 * DAY, 9 * DAY), Some(9 * DAY));
    assert_eq!(
        renew_till(&week(Some(0)), 9 * DAY, 9 * DAY, 9 * DAY),
        Some(9 * DAY)
    );
    for lives in [(0, DAY, DAY), (DAY, 0, DAY), (DAY, DAY, 0), (-1, DAY, DAY)] {
        assert_eq!(
            renew_till(&week(Some(NOW + 7 * DAY)), lives.0, lives.1, lives.2),
            None,
            "{lives:?}"
        );
    }
}

#[test]
fn renewable_never_less_than_the_ticket_itself() {
    let short = AskedTimes {
        rtime: Some(NOW + HOUR),
        renewable: true,
        ..asked(NOW + HOUR)
    };
    assert_eq!(renew_till(&short, DAY, DAY, DAY), None);
}

#[test]
fn renewable_ok_when_the_wanted_end_cannot_be_had() {
    let ok = |till| AskedTimes {
        renewable_ok: true,
        ..asked(till)
    };
    assert_eq!(
        renew_till(&ok(NOW + 3 * DAY), 9 * DAY, 9 * DAY, 9 * DAY),
        Some(3 * DAY)
    );
    assert_eq!(renew_till(&ok(NOW + DAY), 9 * DAY, 9 * DAY, 9 * DAY), None);
    assert_eq!(renew_till(&ok(0), 9 * DAY, 9 * DAY, 9 * DAY), None);
}

#[test]
fn an_attribute_forbids_renewal() {
    let wanted = AskedTimes {
        rtime: None,
        renewable: true,
        ..asked(NOW + HOUR)
    };
    let mut client = entry(0, 9 * DAY);
    client.attributes = Attributes::DISALLOW_RENEWABLE;
    let times = initial(&wanted, &client, &entry(0, 9 * DAY), &policy(DAY, 9 * DAY), NOW).unwrap();
    assert_eq!(times.renew_till, None);
}

#[test]
fn a_derived_ticket_ends_with_its_tgt() {
    let tgt = TicketTimes {
        starttime: NOW - HOUR,
        endtime: NOW + HOUR,
        renew_till: Some(NOW + 2 * DAY),
    };
    let server = entry(0, 9 * DAY);
    let times = derived(&asked(NOW + DAY), &tgt, &server, &policy(DAY, 9 * DAY), NOW).unwrap();
    assert_eq!(
        times,
        TicketTimes {
            starttime: NOW,
            endtime: NOW + HOUR,
            renew_till: None
        }
    );

    let renewable = AskedTimes {
        rtime: None,
        renewable: true,
        ..asked(0)
    };
    let times = derived(&renewable, &tgt, &server, &policy(DAY, 9 * DAY), NOW).unwrap();
    assert_eq!(times.renew_till, Some(NOW + 2 * DAY));

    let not_renewable = TicketTimes {
        renew_till: None,
        ..tgt
    };
    let times = derived(&renewable, &not_renewable, &server, &policy(DAY, 9 * DAY), NOW).unwrap();
    assert_eq!(times.renew_till, None);

    let over = TicketTimes { endtime: NOW, ..tgt };
    let refused = derived(&asked(0), &over, &server, &policy(DAY, 9 * DAY), NOW);
    assert_eq!(refused, Err(TimesRefused::NeverValid));
}

#[test]
fn a_derived_ticket_is_limited_by_its_server() {
    let tgt = TicketTimes {
        starttime: NOW,
        endtime: NOW + DAY,
        renew_till: None,
    };
    let times = derived(&asked(0), &tgt, &entry(HOUR, 0), &policy(DAY, 0), NOW).unwrap();
    assert_eq!(times.endtime, NOW + HOUR);
}

#[test]
fn a_renewed_ticket_lives_as_long_again_but_not_past_renew_till() {
    let old = TicketTimes {
        starttime: NOW - HOUR,
        endtime: NOW + HOUR,
        renew_till: Some(NOW + DAY),
    };
    assert_eq!(
        renewed(&old, NOW),
        Ok(TicketTimes {
            starttime: NOW,
            endtime: NOW + 2 * HOUR,
            renew_till: Some(NOW + DAY)
        })
    );
    let nearly = TicketTimes {
        renew_till: Some(NOW + HOUR + 1),
        ..old
    };
    assert_eq!(renewed(&nearly, NOW).unwrap().endtime, NOW + HOUR + 1);
    let over = TicketTimes {
        renew_till: Some(NOW),
        ..old
    };
    assert_eq!(renewed(&over, NOW), Err(TimesRefused::RenewTillPassed));
    let never = TicketTimes {
        renew_till: None,
        ..old
    };
    assert_eq!(renewed(&never, NOW), Err(TimesRefused::RenewTillPassed));
    let odd = TicketTimes {
        starttime: i64::MIN,
        endtime: i64::MAX,
        renew_till: Some(NOW + DAY),
    };
    assert_eq!(renewed(&odd, NOW), Err(TimesRefused::NeverValid));
    let backwards = TicketTimes {
        starttime: NOW + HOUR,
        endtime: NOW,
        renew_till: Some(NOW + DAY),
    };
    assert_eq!(renewed(&backwards, NOW), Err(TimesRefused::NeverValid));
}
