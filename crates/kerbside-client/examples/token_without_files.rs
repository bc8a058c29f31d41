//! A first token from a password, without any file: no krb5.conf, no cache, no keytab.
//!
//!     token_without_files USER@REALM KDC:PORT SERVICE@HOST
//!
//! The password is read from standard input. The token is printed in hexadecimal: one that needs no answer from the service
//! (no mutual authentication). It runs on tokio, as a database driver or an HTTP client would.

use std::error::Error;
use std::io::Read;
use std::sync::Arc;

use kerbside_client::{AsyncClient, Config, CredentialStore, Environment, OsRandom, now};
use kerbside_crypto::Password;
use kerbside_gss::{ContextFlags, GssName, Initiator, Step};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [user, kdc, service] = args.as_slice() else {
        return Err("usage: token_without_files USER@REALM KDC:PORT SERVICE@HOST".into());
    };
    let (_, realm) = user.rsplit_once('@').ok_or("expected USER@REALM")?;
    let text = format!(
        "[libdefaults]\ndefault_realm = {realm}\ndns_canonicalize_hostname = false\nqualify_shortname = \"\"\n\
         [realms]\n{realm} = {{\nkdc = {kdc}\n}}\n"
    );
    let config = Config::from_text(&text, "no file", Environment::default())?;
    let client = AsyncClient::new(Arc::new(config));

    let mut password = Vec::new();
    std::io::stdin().read_to_end(&mut password)?;
    let line_end = password
        .iter()
        .rposition(|octet| *octet != b'\n')
        .map_or(0, |last| last + 1);
    password.truncate(line_end);
    let store = CredentialStore::new().with_password(Password::from(password));
    let credential = client
        .initiator_credential(Some(&GssName::user(user)?), &store)
        .await?;
    let params = client
        .initiator(&credential, &GssName::host_based(service)?)
        .await?
        .with_flags(ContextFlags::INTEGRITY);
    match Initiator::krb5(params)?.start(now(), &mut OsRandom)? {
        Step::Continue { token, .. }
        | Step::Done {
            token: Some(token), ..
        } => {
            println!(
                "{}",
                token
                    .iter()
                    .map(|octet| format!("{octet:02x}"))
                    .collect::<String>()
            );
            Ok(())
        }
        _ => Err("the mechanism has no first token".into()),
    }
}
