//! `kerbside up` without a command: the realm in a data folder, served until interrupted.

use std::path::Path;
use std::sync::Arc;

use kerbside_asn1::Principal;
use kerbside_client::{CacheName, Client, Config, Environment, KeytabName, Secret, TgtRequest};

use super::arguments::Arguments;
use super::home::{self, Home};
use super::proof::{self, Rung, rung};
use super::web::Web;
use super::{server_report, start_log};
use crate::output::{self, Report};

pub(super) fn run(args: &Arguments) -> Result<(), Report> {
    start_log();
    let home = Home::start(args)?;
    let service = home.web_service()?;
    let web = Web::start(&home.path(home::SERVICE_KEYTAB), &service, &home.user.to_string())?;
    let what = if home.created {
        "made and serving"
    } else {
        "serving"
    };
    let kdc = home
        .server
        .udp_addresses()
        .first()
        .map(ToString::to_string)
        .unwrap_or_default();
    let mut text = format!("{what} the realm {} in {}\n", home.realm, home.dir.display());
    text.push_str(&format!("  KDC   {kdc} (UDP and TCP)\n  page  {}\n", web.url));
    for (user, password) in &home.made {
        text.push_str(&format!("  user  {user}  password  {password}\n"));
    }
    output::print(&text);
    let ladder = prove(&home, &web, &service)?;
    output::print(&format!(
        "\nproof, end to end:\n{}\n{}",
        proof::print(&ladder),
        next(&home, &web)
    ));
    wait_for_interrupt()?;
    output::print("\nstopping\n");
    drop(web);
    home.server.admin().store().flush().map_err(server_report)
}

/// An AS, a TGS and an HTTP request, as a stranger's programs would make them.
fn prove(home: &Home, web: &Web, service: &Principal) -> Result<Vec<Rung>, Report> {
    let failed = |e: kerbside_client::Error| {
        Report::new(format!("the realm was started, but the proof failed: {e}")).hint(format!(
            "{} says what the KDC answered",
            home.path(home::KDC_LOG).display()
        ))
    };
    let path = home.path(home::KRB5_CONF);
    let text = std::fs::read_to_string(&path).map_err(|e| Report::new(format!("{}: {e}", path.display())))?;
    let config =
        Config::from_text(&text, &path.display().to_string(), Environment::default()).map_err(failed)?;
    let client = Client::new(Arc::new(config));
    let cache = CacheName::Memory("proof".into());
    let mut ladder = Vec::new();
    let mut secret = Secret::keytab(&KeytabName::file(home.path(home::CLIENT_KEYTAB))).map_err(failed)?;
    rung(
        format!("AS   {}", home.user),
        || {
            let ticket = client
                .get_tgt(&TgtRequest::new(home.user.clone()), &mut secret)
                .map_err(failed)?;
            client.initialize_cache(&cache, &ticket).map_err(failed)?;
            let answer = format!("→ {}", ticket.credential.server);
            Ok(((), answer))
        },
        &mut ladder,
    )?;
    let ticket = rung(
        format!("TGS  {service}"),
        || {
            let ticket = client
                .get_service_ticket(&cache, service, &Default::default())
                .map_err(failed)?;
            let answer = format!("→ {}", ticket.credential.session_key.enctype());
            Ok((ticket, answer))
        },
        &mut ladder,
    )?;
    rung(
        format!("HTTP {}", web.url),
        || {
            let status = proof::visit(web.port, ticket.credential, &home.user.to_string())?;
            Ok(((), format!("→ 401, Negotiate, {status}")))
        },
        &mut ladder,
    )?;
    Ok(ladder)
}

/// What to export and what to type next.
fn next(home: &Home, web: &Web) -> String {
    let path = |file: &str| quoted(&home.path(file));
    let (user, url) = (&home.user, &web.url);
    format!(
        "export KRB5_CONFIG={}\nexport KRB5_KDC_PROFILE={}\nexport KRB5CCNAME={}\n\n\
         then, with MIT's programs or ours (kerbside kinit, ...):\n  kinit {user}\n  kvno HTTP/localhost\n  klist -e\n  \
         curl --negotiate -u : {url}\n  kerbside kadmin.local -q listprincs\n\n\
         the KDC's log is {}; Ctrl-C stops\n",
        path(home::KRB5_CONF),
        path(home::KDC_CONF),
        path("ccache"),
        path(home::KDC_LOG),
    )
}

/// A path as a shell takes it back.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:@%,".contains(c);
    if text.chars().all(plain) {
        text
    } else {
        format!("'{}'", text.replace('\'', "'\\''"))
    }
}

fn wait_for_interrupt() -> Result<(), Report> {
    use tokio::signal::unix::{SignalKind, signal};
    let failed = |e: std::io::Error| Report::new(format!("signals cannot be caught: {e}"));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(failed)?;
    runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
        let mut hangup = signal(SignalKind::hangup()).map_err(failed)?;
        tokio::select! {
            interrupted = tokio::signal::ctrl_c() => interrupted.map_err(failed),
            _ = terminate.recv() => Ok(()),
            _ = hangup.recv() => Ok(()),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_survive_a_shell() {
        assert_eq!(quoted(Path::new("/tmp/a-b_1.c")), "/tmp/a-b_1.c");
        assert_eq!(quoted(Path::new("/tmp/it's here")), "'/tmp/it'\\''s here'");
    }
}
