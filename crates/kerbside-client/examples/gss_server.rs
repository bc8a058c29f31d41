//! A service that authenticates its clients and talks with them in encrypted messages, over TCP.
//!
//!     KRB5_KTNAME=service.keytab gss_server SERVICE@HOST ADDRESS:PORT [COUNT]
//!
//! Each token and each message travels as its length in four octets, big-endian, and its octets. What a client says comes
//! back in capitals. It serves one client after the other, COUNT of them or for ever.

use std::error::Error;
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use kerbside_client::{AcceptorCredential, Config, CredentialStore, Environment, OsRandom, now};
use kerbside_gss::{Acceptor, GssName, SecurityContext, Step};

/// No token and no message here is longer.
const LONGEST: u32 = 1 << 20;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (service, address, count) = match args.as_slice() {
        [service, address] => (service, address, usize::MAX),
        [service, address, count] => (service, address, count.parse()?),
        _ => return Err("usage: gss_server SERVICE@HOST ADDRESS:PORT [COUNT]".into()),
    };
    // Which keytab: KRB5_KTNAME, else krb5.conf's default_keytab_name, else /etc/krb5.keytab.
    let config = Config::load(Environment::from_process())?;
    let name = GssName::host_based(service)?;
    let credential = AcceptorCredential::acquire(&config, &name, &CredentialStore::new())?;
    for warning in credential.warnings() {
        eprintln!("gss_server: warning: the keytab: {warning}");
    }
    let acceptor = credential.acceptor();
    let listener = TcpListener::bind(address)?;
    println!("serving {} on {}", credential.service(), listener.local_addr()?);
    for stream in listener.incoming().take(count) {
        // One client's error is no reason to stop serving the others.
        if let Err(error) = stream
            .map_err(Into::into)
            .and_then(|stream| serve(&acceptor, stream))
        {
            eprintln!("gss_server: {}", chain(&*error));
        }
    }
    Ok(())
}

fn serve(acceptor: &Acceptor, mut stream: TcpStream) -> Result<(), Box<dyn Error>> {
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    let mut context = establish(acceptor, &mut stream)?;
    println!("client {}", context.client());
    while let Some(token) = receive(&mut stream)? {
        let message = context.unwrap(&token)?;
        if !message.confidential {
            return Err("expected an encrypted message, but found one that is only signed".into());
        }
        println!("message of {} octets", message.message.len());
        let answer = context.wrap(true, &message.message.to_ascii_uppercase(), &mut OsRandom)?;
        send(&mut stream, &answer)?;
    }
    Ok(())
}

/// Carries tokens until the context stands, or the client is told that it does not.
fn establish(acceptor: &Acceptor, stream: &mut TcpStream) -> Result<SecurityContext, Box<dyn Error>> {
    let first = receive(stream)?.ok_or("the client left before its first token")?;
    let mut step = acceptor.step(&first, now(), &mut OsRandom);
    loop {
        match step {
            Ok(Step::Continue { token, next }) => {
                send(stream, &token)?;
                let answer = receive(stream)?.ok_or("the client left")?;
                step = next.step(&answer, now(), &mut OsRandom);
            }
            Ok(Step::Done { token, context, .. }) => {
                if let Some(token) = token {
                    send(stream, &token)?;
                }
                return Ok(*context);
            }
            Ok(_) => return Err("an outcome that this program does not know".into()),
            Err(mut error) => {
                // Its code, for the client; the reason is ours to keep.
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

/// The next token or message; none when the peer has closed the connection.
fn receive(stream: &mut TcpStream) -> Result<Option<Vec<u8>>, Box<dyn Error>> {
    let mut length = [0; 4];
    match stream.read_exact(&mut length) {
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
        result => result?,
    }
    let length = u32::from_be_bytes(length);
    if length > LONGEST {
        return Err(format!("expected at most {LONGEST} octets, but found {length}").into());
    }
    let mut octets = vec![0; usize::try_from(length)?];
    stream.read_exact(&mut octets)?;
    Ok(Some(octets))
}

fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}
