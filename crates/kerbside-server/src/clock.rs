//! The system's clock as the layers below take it

use std::time::{SystemTime, UNIX_EPOCH};

use kerbside_asn1::{KerberosTime, Microseconds};
use kerbside_protocol::Now;

/// The current time; a clock before 1970 or beyond counting reads as the nearest end
#[must_use]
pub fn now() -> Now {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Now {
        time: KerberosTime::from_unix_seconds(i64::try_from(since.as_secs()).unwrap_or(i64::MAX)),
        usec: Microseconds::new(since.subsec_micros()).unwrap_or_default(),
    }
}
