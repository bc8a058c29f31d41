//! A service that acts for its client: it takes the ticket that a client hands on to it, and gets a ticket for another
//! service with it, in the client's name.
//!
//!     KRB5_KTNAME=service.keytab delegated SERVICE@HOST ADDRESS:PORT OTHER@HOST
//!
//! Each token travels as its length in four octets, big-endian, and its octets; the answer to the client is one encrypted
//! message with the other service's name. It serves one client. Nothing of the client's is written to disk.

use std::error::Error;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use kerbside_client::{
    AcceptorCredential, CacheName, Client, Config, CredentialStore, Environment, OsRandom,
    ServiceTicketOptions, now,
};
use kerbside_gss::{Acceptor, DelegatedCredential, GssName, SecurityContext, Step};
use kerbside_protocol::Credential;

/// No token here is longer.
const LONGEST: u32 = 1 << 20;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [service, address, other] = args.as_slice() else {
        return Err("usage: delegated SERVICE@HOST ADDRESS:PORT OTHER@HOST".into());
    };
    let config = Arc::new(Config::load(Environment::from_process())?);
    let name = GssName::host_based(service)?;
    let credential = AcceptorCredential::acquire(&config, &name, &CredentialStore::new())?;
    let listener = TcpListener::bind(address)?;
    let (mut stream, _) = listener.accept()?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    let mut context = establish(&credential.acceptor(), &mut stream)?;
    // Who may be acted for is the context's client, and what there is to act with comes in the same facts.
    let Some(delegated) = &context.facts().delegated else {
        return Err(format!("{} handed no ticket on", context.client()).into());
    };
    let (service, host) = other.split_once('@').ok_or("expected OTHER@HOST")?;
    let ticket = act(&Client::new(config), delegated, service, host)?;
    println!("{} for {}", ticket.server, ticket.client);
    let answer = context.wrap(true, ticket.server.to_string().as_bytes(), &mut OsRandom)?;
    send(&mut stream, &answer)
}

/// A ticket for another service in the name of the client.
fn act(
    client: &Client,
    delegated: &DelegatedCredential,
    service: &str,
    host: &str,
) -> Result<Credential, Box<dyn Error>> {
    // The client's own cache, in this process's memory: one for each context, so that nobody gets another's tickets.
    let cache = CacheName::Memory("of this context".to_owned());
    client.store().initialize(&cache, &delegated.to_cache())?;
    let server = client.service_principal(service, host)?;
    let ticket = client.get_service_ticket(&cache, &server, &ServiceTicketOptions::default());
    client.store().destroy(&cache)?;
    Ok(ticket?.credential)
}

/// Carries tokens until the context stands, or the client is told that it does not.
fn establish(acceptor: &Acceptor, stream: &mut TcpStream) -> Result<SecurityContext, Box<dyn Error>> {
    let mut step = acceptor.step(&receive(stream)?, now(), &mut OsRandom);
    loop {
        match step {
            Ok(Step::Continue { token, next }) => {
                send(stream, &token)?;
                step = next.step(&receive(stream)?, now(), &mut OsRandom);
            }
            Ok(Step::Done { token, context, .. }) => {
                if let Some(token) = token {
                    send(stream, &token)?;
                }
                return Ok(*context);
            }
            Ok(_) => return Err("an outcome that this program does not know".into()),
            Err(mut error) => {
                if let Some(token) = error.take_token() {
                    send(stream, &token)?;
                }
                return Err(error.into());
            }
        }
    }
}

fn send(stream: &mut TcpStream, octets: &[u8]) -> Result<(), Box<dyn Error>> {
    stream.write_all(&u32::try_from(octets.len())?.to_be_bytes())?;
    stream.write_all(octets)?;
    Ok(())
}

fn receive(stream: &mut TcpStream) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let length = u32::from_be_bytes(length);
    if length > LONGEST {
        return Err(format!("expected at most {LONGEST} octets, but found {length}").into());
    }
    let mut octets = vec![0; usize::try_from(length)?];
    stream.read_exact(&mut octets)?;
    Ok(octets)
}
