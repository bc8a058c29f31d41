//! Asks for one service's ticket many times, without storing it, and tells what a ticket took.
//!
//! `many_tickets SERVICE COUNT`, with a TGT in the default cache, or `many_tickets SERVICE COUNT KEYTAB CLIENT`, which logs in and
//! keeps its TGT in memory.

use std::sync::Arc;
use std::time::Instant;

use kerbside_client::{
    CacheName, Client, Config, Environment, Error, KeytabName, Secret, ServiceTicketOptions, TgtRequest,
};
use rustix::time::{ClockId, Timespec, clock_gettime};

fn main() -> Result<(), Error> {
    let mut args = std::env::args().skip(1);
    let service = args.next().unwrap_or_default();
    let count: u32 = args.next().and_then(|count| count.parse().ok()).unwrap_or(1);
    let config = Arc::new(Config::load(Environment::from_process())?);
    let client = Client::new(Arc::clone(&config));
    let cache = match (args.next(), args.next()) {
        (Some(keytab), Some(principal)) => {
            let mut secret = Secret::keytab(&KeytabName::parse(keytab.as_ref()))?;
            let request = TgtRequest::new(config.parse_principal(&principal)?);
            let cache = CacheName::Memory("tickets".to_owned());
            client.initialize_cache(&cache, &client.get_tgt(&request, &mut secret)?)?;
            cache
        }
        _ => config.default_cache_name()?,
    };
    let server = config.parse_principal(&service)?;
    let mut options = ServiceTicketOptions::default();
    options.store = false;
    let get = |count: u32| -> Result<(), Error> {
        for _ in 0..count {
            client.get_service_ticket(&cache, &server, &options)?;
        }
        Ok(())
    };
    get(count.min(100))?;
    let (start, cpu) = (
        Instant::now(),
        microseconds(clock_gettime(ClockId::ProcessCPUTime)),
    );
    get(count)?;
    let cpu = microseconds(clock_gettime(ClockId::ProcessCPUTime)) - cpu;
    println!(
        "{count} tickets, each {:.1} us of wall clock and {:.1} us of CPU",
        start.elapsed().as_secs_f64() * 1e6 / f64::from(count),
        cpu / f64::from(count),
    );
    Ok(())
}

fn microseconds(time: Timespec) -> f64 {
    let seconds = u32::try_from(time.tv_sec).unwrap_or(0);
    let nanoseconds = u32::try_from(time.tv_nsec).unwrap_or(0);
    f64::from(seconds) * 1e6 + f64::from(nanoseconds) * 1e-3
}
