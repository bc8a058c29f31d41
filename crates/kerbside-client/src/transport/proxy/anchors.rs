//! Whom to trust to vouch for a proxy: `http_anchors` of krb5.conf, else the system's certificates.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::environment::Environment;
use crate::transport::io_words;

/// No bundle of certificates is longer.
const MAX_FILE_BYTES: u64 = 16 << 20;

/// No folder of certificates has more files.
const MAX_FILES: usize = 4096;

/// One value of `http_anchors`, with `ENV:` replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Anchors {
    File(PathBuf),
    Dir(PathBuf),
}

impl Anchors {
    /// Parses `FILE:path`, `DIR:path` or `ENV:variable`.
    ///
    /// # Errors
    /// What was expected.
    pub(crate) fn parse(value: &str, variable: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        let plain = |value: &str| {
            value
                .strip_prefix("FILE:")
                .map(|path| Self::File(path.into()))
                .or_else(|| value.strip_prefix("DIR:").map(|path| Self::Dir(path.into())))
        };
        let found = match value.strip_prefix("ENV:") {
            Some(name) => {
                let text = variable(name).ok_or_else(|| format!("http_anchors: {name} is not set"))?;
                plain(&text)
            }
            None => plain(value),
        };
        found.ok_or_else(|| {
            format!(
                "http_anchors: expected FILE:, DIR: or ENV:, but found {:?}",
                value.escape_debug().to_string()
            )
        })
    }
}

/// TLS that trusts these anchors; without any, those of the system. It reads files and may block.
///
/// # Errors
/// A file that cannot be read; no certificate at all.
pub(crate) fn tls_config(anchors: &[Anchors]) -> Result<Arc<ClientConfig>, String> {
    let mut roots = RootCertStore::empty();
    if anchors.is_empty() {
        roots.add_parsable_certificates(system_certificates(Environment::ignored()));
    }
    for anchor in anchors {
        match anchor {
            Anchors::File(path) => {
                let certificates = read(path)?;
                if roots.add_parsable_certificates(certificates).0 == 0 {
                    return Err(format!("http_anchors: no certificate in {}", path.display()));
                }
            }
            Anchors::Dir(path) => add_folder(&mut roots, path)?,
        }
    }
    if roots.is_empty() {
        return Err("no certificate is trusted: http_anchors names none, and the system has none".to_owned());
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

/// Where systems keep their certificates, in the order in which they are looked for.
const SYSTEM_FILES: &[&str] = &[
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/usr/local/etc/ssl/cert.pem",
];

/// What the system trusts. `SSL_CERT_FILE` and `SSL_CERT_DIR` choose other files, but not in a program that was given
/// more rights than its user has: `ignore_variables`.
pub(super) fn system_certificates(ignore_variables: bool) -> Vec<CertificateDer<'static>> {
    if !ignore_variables {
        return rustls_native_certs::load_native_certs().certs;
    }
    let file = SYSTEM_FILES.iter().map(Path::new).find(|file| file.is_file());
    let folder = Some(Path::new("/etc/ssl/certs")).filter(|folder| file.is_none() && folder.is_dir());
    rustls_native_certs::load_certs_from_paths(file, folder).certs
}

/// As MIT does: every file of the folder, those without certificates for nothing.
fn add_folder(roots: &mut RootCertStore, path: &Path) -> Result<(), String> {
    let unreadable =
        |error: std::io::Error| format!("http_anchors: {}: {}", path.display(), io_words(&error));
    for entry in std::fs::read_dir(path).map_err(unreadable)?.take(MAX_FILES) {
        let file = entry.map_err(unreadable)?.path();
        if file.is_file() {
            roots.add_parsable_certificates(read(&file)?);
        }
    }
    Ok(())
}

/// The certificates of a PEM file.
fn read(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let mut text = Vec::new();
    File::open(path)
        .and_then(|file| file.take(MAX_FILE_BYTES).read_to_end(&mut text))
        .map_err(|error| format!("http_anchors: {}: {}", path.display(), io_words(&error)))?;
    Ok(CertificateDer::pem_slice_iter(&text)
        .filter_map(Result::ok)
        .collect())
}
