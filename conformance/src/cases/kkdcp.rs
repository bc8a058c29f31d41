//! KDC proxies (MS-KKDCP): kinit, kvno and kpasswd through the proxy of the Python package kdcproxy, beside MIT's.

use std::path::Path;

use super::full_case;
use super::kpasswd;
use crate::realm::{PASSWORD, REALM, Realm, Side, write};
use crate::run::{Env, Program, Server, free_port, listens};
use crate::{Case, Suite};

pub(super) fn cases() -> Vec<Case> {
    vec![
        full_case(
            "kkdcp: kinit, kvno and kpasswd by a proxy, kdcproxy and MIT KDC",
            through,
        ),
        full_case(
            "kkdcp: a proxy that is not trusted or not there, kdcproxy",
            refused,
        ),
    ]
}

pub(super) struct Proxied {
    pub(super) realm: Realm,
    port: u16,
    _kadmind: Server,
    _proxy: Server,
}

fn openssl(realm: &Realm, args: &str) -> Result<(), String> {
    Program::new("/usr/bin/openssl")
        .args(args)
        .ok(&realm.env)
        .map(|_| ())
}

/// An authority, a certificate of it for localhost, and the proxy that has it.
pub(super) fn start(suite: &Suite) -> Result<Proxied, String> {
    let (realm, kadmind) = kpasswd::start(suite, "")?;
    let conf = std::fs::read_to_string(realm.path("krb5.conf")).map_err(|e| e.to_string())?;
    let kpasswd = conf
        .lines()
        .find_map(|line| line.trim().strip_prefix("kpasswd_server = "))
        .ok_or("krb5.conf names no kpasswd_server")?;
    let path = |name: &str| realm.path(name).display().to_string();
    let (ca_key, ca, key) = (path("ca.key"), path("ca.pem"), path("proxy.key"));
    let (request, certificate, extensions) = (path("proxy.csr"), path("proxy.pem"), path("proxy.ext"));
    write(
        Path::new(&extensions),
        "subjectAltName=DNS:localhost\nbasicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\n",
    )?;
    let new_key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    openssl(
        &realm,
        &format!(
            "req -x509 {new_key} -keyout {ca_key} -out {ca} -days 2 -subj /CN=test -addext basicConstraints=critical,CA:TRUE \
             -addext keyUsage=critical,keyCertSign"
        ),
    )?;
    openssl(
        &realm,
        &format!("req {new_key} -keyout {key} -out {request} -subj /CN=localhost"),
    )?;
    openssl(
        &realm,
        &format!(
            "x509 -req -in {request} -CA {ca} -CAkey {ca_key} -CAcreateserial -days 2 -extfile {extensions} -out {certificate}"
        ),
    )?;
    let port = free_port()?;
    let conf = realm.path("kdcproxy.conf");
    write(
        &conf,
        &format!(
            "[global]\nuse_dns = false\n[{REALM}]\nkerberos = kerberos+tcp://127.0.0.1:{}\nkpasswd = \
             kpasswd+tcp://{kpasswd}\n",
            realm.port
        ),
    )?;
    let program = Program::new("/usr/bin/python3")
        .arg(suite.peers.join("kdcproxy_server.py"))
        .args(&format!("{port} {certificate} {key}"));
    let env = realm.env.with("KDCPROXY_CONFIG", conf);
    let proxy = Server::start("kdcproxy", &program, &env, &|| listens(port))?;
    Ok(Proxied {
        realm,
        port,
        _kadmind: kadmind,
        _proxy: proxy,
    })
}

impl Proxied {
    /// The environment of a client that knows the proxy alone.
    pub(super) fn client(&self, name: &str, host: &str, anchors: &str) -> Result<Env, String> {
        let realm = &self.realm;
        let path = realm.path(name);
        let url = format!("https://{host}:{}/KdcProxy", self.port);
        write(
            &path,
            &format!(
                "[libdefaults]\n  default_realm = {REALM}\n  dns_lookup_kdc = false\n  dns_canonicalize_hostname = \
                 false\n  rdns = false\n[realms]\n  {REALM} = {{\n    kdc = {url}\n    kpasswd_server = {url}\n{anchors}  }}\n\
                 [domain_realm]\n  localhost = {REALM}\n"
            ),
        )?;
        Ok(realm.env.with("KRB5_CONFIG", path))
    }
}

fn through(suite: &Suite) -> Result<(), String> {
    let proxied = start(suite)?;
    let realm = &proxied.realm;
    let anchors = format!("    http_anchors = FILE:{}\n", realm.path("ca.pem").display());
    let env = proxied.client("proxy.conf", "localhost", &anchors)?;
    let mut password = PASSWORD.to_owned();
    for side in [Side::Mit, Side::Ours] {
        let program = |name| match side {
            Side::Mit => realm.mit(name),
            Side::Ours => realm.ours(name),
        };
        program("kinit")
            .args("alice")
            .stdin(&format!("{password}\n"))
            .ok(&env)?;
        program("kvno")
            .args("host/localhost")
            .ok(&env)?
            .prints(&["host/localhost@CONFORM.TEST: kvno = 2"])?;
        let new = format!("By-proxy-{side:?}-1");
        program("kpasswd")
            .args("alice")
            .stdin(&format!("{password}\n{new}\n{new}\n"))
            .ok(&env)?
            .prints(&["Password changed.\n"])?;
        password = new;
    }
    // The same trust by a folder and by a variable.
    let folder = realm.path("anchors");
    std::fs::create_dir(&folder).map_err(|e| e.to_string())?;
    std::fs::copy(realm.path("ca.pem"), folder.join("ca.pem")).map_err(|e| e.to_string())?;
    let by_folder = format!("    http_anchors = DIR:{}\n", folder.display());
    let env = proxied.client("folder.conf", "localhost", &by_folder)?;
    realm
        .ours("kinit")
        .args("alice")
        .stdin(&format!("{password}\n"))
        .ok(&env)?;
    let env = proxied
        .client("variable.conf", "localhost", "    http_anchors = ENV:PROXY_CA\n")?
        .with("PROXY_CA", format!("FILE:{}", realm.path("ca.pem").display()));
    realm
        .ours("kinit")
        .args("alice")
        .stdin(&format!("{password}\n"))
        .ok(&env)?;
    Ok(())
}

fn refused(suite: &Suite) -> Result<(), String> {
    let proxied = start(suite)?;
    let realm = &proxied.realm;
    let kinit = |side: Side, env: &Env| {
        let program = match side {
            Side::Mit => realm.mit("kinit"),
            Side::Ours => realm.ours("kinit"),
        };
        program.args("alice").stdin(&format!("{PASSWORD}\n")).fails(env)
    };
    let anchors = format!("    http_anchors = FILE:{}\n", realm.path("ca.pem").display());
    let unknown = proxied.client("unknown.conf", "localhost", "")?;
    let named = proxied.client("named.conf", "127.0.0.1", &anchors)?;
    for env in [&unknown, &named] {
        kinit(Side::Mit, env)?;
    }
    let url = format!(
        "  https://127.0.0.1:{0}/KdcProxy (127.0.0.1:{0}) https: ",
        proxied.port
    );
    let message =
        "kinit: error: Cannot contact any KDC for realm 'CONFORM.TEST' while getting initial credentials\n";
    kinit(Side::Ours, &unknown)?
        .complains(&[message, "https: TLS: invalid peer certificate: UnknownIssuer"])?;
    kinit(Side::Ours, &named)?.complains(&[message, &url, "TLS: invalid peer certificate: "])?;
    let missing = proxied.client(
        "missing.conf",
        "localhost",
        "    http_anchors = FILE:/nonexistent\n",
    )?;
    kinit(Side::Ours, &missing)?.complains(&["http_anchors: /nonexistent: no such file or directory"])?;
    Ok(())
}
