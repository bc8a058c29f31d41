//! Asks for one service's ticket many times, without storing it, and tells what that took.
//!
//! `many_tickets SERVICE COUNT`, with a TGT in the default cache.

use std::sync::Arc;
use std::time::Instant;

use kerbside_client::{Client, Config, Environment, Error, ServiceTicketOptions};

fn main() -> Result<(), Error> {
    let mut args = std::env::args().skip(1);
    let service = args.next().unwrap_or_default();
    let count: u32 = args.next().and_then(|count| count.parse().ok()).unwrap_or(1);
    let config = Arc::new(Config::load(Environment::from_process())?);
    let client = Client::new(Arc::clone(&config));
    let cache = config.default_cache_name()?;
    let server = config.parse_principal(&service)?;
    let mut options = ServiceTicketOptions::default();
    options.store = false;
    let start = Instant::now();
    for _ in 0..count {
        client.get_service_ticket(&cache, &server, &options)?;
    }
    println!("{count} tickets in {:?}", start.elapsed());
    Ok(())
}
