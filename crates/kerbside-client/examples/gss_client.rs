//! A client that authenticates itself and the service, and talks with it in encrypted messages, over TCP.
//!
//!     gss_client ADDRESS:PORT SERVICE@HOST MESSAGE...
//!
//! The tickets are those of KRB5CCNAME, or got with a key of KRB5_CLIENT_KTNAME. Each token and each message travels as its
//! length in four octets, big-endian, and its octets. What the service answers is printed.

use std::error::Error;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use kerbside_client::{Client, Config, CredentialStore, Environment, OsRandom, now};
use kerbside_gss::{ContextFlags, GssName, Initiator, SecurityContext, Step};

/// No token and no message here is longer.
const LONGEST: u32 = 1 << 20;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [address, service, messages @ ..] = args.as_slice() else {
        return Err("usage: gss_client ADDRESS:PORT SERVICE@HOST MESSAGE...".into());
    };
    let client = Client::new(Arc::new(Config::load(Environment::from_process())?));
    let credential = client.initiator_credential(None, &CredentialStore::new())?;
    // Mutual authentication, encryption, and no message lost or repeated unnoticed: what is asked for by default.
    let params = client.initiator(&credential, &GssName::host_based(service)?)?;
    let begin = Initiator::krb5(params)?.start(now(), &mut OsRandom)?;

    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    let mut context = establish(begin, &mut stream)?;
    if !context
        .flags()
        .contains(ContextFlags::MUTUAL | ContextFlags::CONFIDENTIALITY)
    {
        return Err("the service gave less than was asked for".into());
    }
    println!("service {}", context.server());
    for message in messages {
        let token = context.wrap(true, message.as_bytes(), &mut OsRandom)?;
        send(&mut stream, &token)?;
        let answer = receive(&mut stream)?;
        let answer = context.unwrap(&answer)?;
        if !answer.confidential {
            return Err("expected an encrypted answer, but found one that is only signed".into());
        }
        println!("{}", String::from_utf8_lossy(&answer.message));
    }
    Ok(())
}

/// Carries tokens until the context stands: then the service has proved who it is.
fn establish(mut step: Step, stream: &mut TcpStream) -> Result<SecurityContext, Box<dyn Error>> {
    loop {
        match step {
            Step::Continue { token, next } => {
                send(stream, &token)?;
                step = next.step(&receive(stream)?, now(), &mut OsRandom)?;
            }
            Step::Done { token, context, .. } => {
                if let Some(token) = token {
                    send(stream, &token)?;
                }
                return Ok(*context);
            }
            _ => return Err("an outcome that this program does not know".into()),
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
