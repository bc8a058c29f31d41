//! A running KDC: its sockets, its administration socket, its store

use core::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kerbside_kdc::{ClientAddress, Kdc, KdcPolicy, Transport};

use crate::admin::{Admin, AdminDefaults, AdminSocket};
use crate::audit::{AuditLog, AuditTarget};
use crate::error::Result;
use crate::net::Limits;
use crate::net::listen::Listeners;
use crate::net::tcp::TcpServer;
use crate::net::udp::UdpServer;
use crate::service::Service;
use crate::store::PrincipalStore;

/// What a KDC is made of
#[derive(Debug)]
pub struct KdcServerConfig {
    /// The realm's rules
    pub policy: KdcPolicy,
    /// Its principals
    pub store: Arc<dyn PrincipalStore>,
    /// Where it listens; without sockets it answers [`KdcServer::exchange`] only
    pub listeners: Listeners,
    /// What it takes at the same time
    pub limits: Limits,
    /// Where its audit lines go
    pub audit: Vec<AuditTarget>,
    /// Where it takes administration, beside its database
    pub admin_socket: Option<PathBuf>,
    /// What new principals get
    pub admin_defaults: AdminDefaults,
}

impl KdcServerConfig {
    /// A KDC with default limits, without sockets and without a log
    #[must_use]
    pub fn new(policy: KdcPolicy, store: Arc<dyn PrincipalStore>) -> KdcServerConfig {
        let admin_defaults = AdminDefaults::under(&policy);
        KdcServerConfig {
            policy,
            store,
            listeners: Listeners::default(),
            limits: Limits::default(),
            audit: Vec::new(),
            admin_socket: None,
            admin_defaults,
        }
    }
}

/// A running KDC; it ends, and writes what it holds, when dropped
pub struct KdcServer {
    // Dropped in this order: nothing new comes in, then what was counted is written.
    _admin_socket: Option<AdminSocket>,
    _udp: UdpServer,
    _tcp: Option<TcpServer>,
    service: Arc<Service>,
    admin: Admin,
    udp_addresses: Vec<SocketAddr>,
    tcp_addresses: Vec<SocketAddr>,
    admin_path: Option<PathBuf>,
}

impl fmt::Debug for KdcServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KdcServer")
            .field("udp", &self.udp_addresses)
            .field("tcp", &self.tcp_addresses)
            .finish_non_exhaustive()
    }
}

impl KdcServer {
    /// Starts answering
    ///
    /// # Errors
    /// When a log cannot be opened, a thread not started or the administration socket not made.
    pub fn start(config: KdcServerConfig) -> Result<KdcServer> {
        let audit = AuditLog::start(&config.audit)?;
        let admin = Admin::new(Arc::clone(&config.store), config.admin_defaults);
        let service = Arc::new(Service::new(Kdc::new(config.policy), config.store, audit));
        let udp_addresses = config.listeners.udp_addresses();
        let tcp_addresses = config.listeners.tcp_addresses();
        let admin_socket = match &config.admin_socket {
            Some(path) => Some(AdminSocket::listen(path, admin.clone())?),
            None => None,
        };
        let udp = UdpServer::start(
            config.listeners.udp,
            &service,
            config.limits.udp_threads,
            config.limits.udp_reply_bytes_max,
        )?;
        let tcp = if config.listeners.tcp.is_empty() {
            None
        } else {
            Some(TcpServer::start(config.listeners.tcp, &service, &config.limits)?)
        };
        Ok(KdcServer {
            _admin_socket: admin_socket,
            _udp: udp,
            _tcp: tcp,
            service,
            admin,
            udp_addresses,
            tcp_addresses,
            admin_path: config.admin_socket,
        })
    }

    /// Answers one request within the process; `None` when it is not to be answered
    #[must_use]
    pub fn exchange(&self, request: &[u8]) -> Option<Vec<u8>> {
        self.service
            .answer(request, ClientAddress::InProcess, Transport::Stream)
            .reply
    }

    /// Administration of its store
    #[must_use]
    pub fn admin(&self) -> &Admin {
        &self.admin
    }

    /// Its UDP addresses
    #[must_use]
    pub fn udp_addresses(&self) -> &[SocketAddr] {
        &self.udp_addresses
    }

    /// Its TCP addresses
    #[must_use]
    pub fn tcp_addresses(&self) -> &[SocketAddr] {
        &self.tcp_addresses
    }

    /// Where it takes administration
    #[must_use]
    pub fn admin_socket(&self) -> Option<&Path> {
        self.admin_path.as_deref()
    }

    /// Waits until the audit lines of all requests answered so far are written
    pub fn flush_audit(&self) {
        self.service.audit().flush();
    }

    /// Opens log files by their names again, after a rotation
    pub fn reopen_logs(&self) {
        self.service.audit().reopen();
    }
}
