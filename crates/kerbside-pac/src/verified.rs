//! What a verified PAC tells the application.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Deref;

use kerbside_asn1::{KerberosTime, NameType, Principal};

use crate::account::Account;
use crate::attributes::PacAttributesInfo;
use crate::buffer_type::PacBufferType;
use crate::claims::{ClaimsSet, ClaimsSetMetadata};
use crate::client_info::PacClientInfo;
use crate::credentials::PacCredentialInfo;
use crate::delegation_info::S4uDelegationInfo;
use crate::device_info::PacDeviceInfo;
use crate::error::PacError;
use crate::filetime::FileTime;
use crate::guid::Guid;
use crate::logon_info::KerbValidationInfo;
use crate::pac_type::{Entry, Pac, PacBuffer};
use crate::reader::Reader;
use crate::sid::Sid;
use crate::upn_dns_info::UpnDnsInfo;

/// What the ticket says of its client, for the PAC to be compared with.
#[derive(Clone, Copy, Debug)]
pub struct TicketClient<'a> {
    /// `crealm` and `cname` of the decrypted ticket.
    pub client: &'a Principal,
    /// The decrypted ticket's `authtime`.
    pub authtime: KerberosTime,
    /// How PAC_CLIENT_INFO has the name.
    pub name_form: ClientNameForm,
    /// Whether the ticket's client has to be the account's own name.
    pub account: AccountPolicy,
}

impl<'a> TicketClient<'a> {
    /// The client of a service ticket, with [`ClientNameForm::Name`] and [`AccountPolicy::Report`].
    #[must_use]
    pub const fn new(client: &'a Principal, authtime: KerberosTime) -> Self {
        Self {
            client,
            authtime,
            name_form: ClientNameForm::Name,
            account: AccountPolicy::Report,
        }
    }

    /// The name as PAC_CLIENT_INFO has it: nothing is quoted.
    fn display_name(&self) -> Vec<u8> {
        let mut name = self.client.name.components.join(&b"/"[..]);
        if self.name_form == ClientNameForm::NameAndRealm {
            name.push(b'@');
            name.extend(self.client.realm.as_bytes());
        }
        name
    }
}

fn components(principal: &Principal) -> String {
    let joined = principal.name.components.join(&b"/"[..]);
    String::from_utf8_lossy(&joined).into_owned()
}

/// How PAC_CLIENT_INFO names the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum ClientNameForm {
    /// By `cname`: every ticket that a service sees.
    #[default]
    Name,
    /// By `cname@crealm`: referral tickets of S4U2self between realms, which only KDCs see.
    NameAndRealm,
}

/// What to do where the ticket's client is named otherwise than the account.
///
/// `cname` is what the client typed, and domain controllers find accounts by more than one name: sAMAccountName, UPN,
/// aliases, names that differ by accents, names of another realm mapped to an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum AccountPolicy {
    /// [`VerifiedPac::account_match`] tells.
    #[default]
    Report,
    /// The PAC is refused unless the name is the sAMAccountName or the UPN. For applications that go by names rather
    /// than by the SID.
    MustMatch,
}

/// How the ticket's client is named, compared with the account. Case does not matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountMatch {
    /// By the account's sAMAccountName.
    SamAccountName,
    /// By its UPN.
    UserPrincipalName,
    /// By another name.
    Other,
    /// The PAC has no LOGON_INFO to compare with.
    NoAccount,
}

/// A PAC of which the server signature verified and which is of the ticket's client: what an application may believe.
///
/// There is no other way to one than [`Pac::verify_server`](crate::Pac::verify_server) and
/// [`check_client`](crate::ServerVerified::check_client).
#[derive(Clone, Debug)]
pub struct VerifiedPac {
    bytes: Vec<u8>,
    table: Vec<Entry>,
    client_info: PacClientInfo,
    account: Option<Account>,
    upn_dns_info: Option<UpnDnsInfo>,
    requestor_sid: Option<Sid>,
    account_match: AccountMatch,
}

impl VerifiedPac {
    pub(crate) fn check(pac: Pac<'_>, client: &TicketClient<'_>) -> Result<Self, PacError> {
        let client_info = pac.buffer(PacBufferType::CLIENT_INFO).ok_or(PacError::Missing {
            buffer: PacBufferType::CLIENT_INFO,
        })?;
        let client_info = PacClientInfo::from_bytes(client_info)?;
        check_client_info(&client_info, client)?;
        let account = pac
            .buffer(PacBufferType::LOGON_INFO)
            .map(|buffer| KerbValidationInfo::from_bytes(buffer).and_then(Account::new))
            .transpose()?;
        let upn_dns_info = pac
            .buffer(PacBufferType::UPN_DNS_INFO)
            .map(UpnDnsInfo::from_bytes)
            .transpose()?;
        let requestor_sid = pac
            .buffer(PacBufferType::REQUESTOR_SID)
            .map(Sid::from_bytes)
            .transpose()?;
        if let Some(account) = &account {
            // The service that asks for a ticket by delegation is another account than the client's.
            let delegated = pac.entry(PacBufferType::DELEGATION_INFO).is_some();
            let requestor = requestor_sid.filter(|_| !delegated);
            check_account(account, upn_dns_info.as_ref(), requestor)?;
        }
        let account_match = account_match(client.client, account.as_ref(), upn_dns_info.as_ref());
        if client.account == AccountPolicy::MustMatch && account_match == AccountMatch::Other {
            return Err(PacError::Account {
                ticket: components(client.client),
                sam_name: account
                    .map(|account| account.sam_account_name().into())
                    .unwrap_or_default(),
                upn: upn_dns_info.map(|info| info.upn).unwrap_or_default(),
            });
        }
        Ok(Self {
            bytes: pac.bytes().to_vec(),
            table: pac.into_table(),
            client_info,
            account,
            upn_dns_info,
            requestor_sid,
            account_match,
        })
    }

    /// The account and its groups. MIT's KDC without a directory makes PACs that have none.
    #[must_use]
    pub const fn account(&self) -> Option<&Account> {
        self.account.as_ref()
    }

    /// UPN and DNS domain.
    #[must_use]
    pub const fn upn_dns_info(&self) -> Option<&UpnDnsInfo> {
        self.upn_dns_info.as_ref()
    }

    /// The user principal name.
    #[must_use]
    pub fn upn(&self) -> Option<&str> {
        self.upn_dns_info.as_ref().map(|info| info.upn.as_str())
    }

    /// The DNS name of the account's domain.
    #[must_use]
    pub fn dns_domain_name(&self) -> Option<&str> {
        self.upn_dns_info
            .as_ref()
            .map(|info| info.dns_domain_name.as_str())
    }

    /// How the ticket's client is named, compared with the account.
    #[must_use]
    pub const fn account_match(&self) -> AccountMatch {
        self.account_match
    }

    /// Name and authentication time, equal to the ticket's.
    #[must_use]
    pub const fn client_info(&self) -> &PacClientInfo {
        &self.client_info
    }

    /// Who asked for the ticket; only ticket-granting tickets say so.
    #[must_use]
    pub const fn requestor_sid(&self) -> Option<Sid> {
        self.requestor_sid
    }

    /// Who asked for the ticket, by GUID.
    ///
    /// # Errors
    /// [`PacError::Malformed`].
    pub fn requestor_guid(&self) -> Result<Option<Guid>, PacError> {
        self.read(PacBufferType::REQUESTOR_GUID, |buffer| {
            let mut reader = Reader::new("PAC_REQUESTOR_GUID", buffer);
            let guid = Guid(reader.array()?);
            reader.end()?;
            Ok(guid)
        })
    }

    /// Whether the client asked for the PAC; only ticket-granting tickets say so.
    ///
    /// # Errors
    /// [`PacError::Malformed`].
    pub fn attributes(&self) -> Result<Option<PacAttributesInfo>, PacError> {
        self.read(PacBufferType::ATTRIBUTES, PacAttributesInfo::from_bytes)
    }

    /// The services that delegated the client to each other.
    ///
    /// # Errors
    /// [`PacError::Malformed`].
    pub fn delegation_info(&self) -> Result<Option<S4uDelegationInfo>, PacError> {
        self.read(PacBufferType::DELEGATION_INFO, S4uDelegationInfo::from_bytes)
    }

    /// The client's claims, decompressed.
    ///
    /// # Errors
    /// [`PacError::Malformed`].
    pub fn client_claims(&self) -> Result<Option<ClaimsSet>, PacError> {
        self.claims(PacBufferType::CLIENT_CLAIMS)
    }

    /// The claims of the client's machine, decompressed.
    ///
    /// # Errors
    /// [`PacError::Malformed`].
    pub fn device_claims(&self) -> Result<Option<ClaimsSet>, PacError> {
        self.claims(PacBufferType::DEVICE_CLAIMS)
    }

    fn claims(&self, buffer_type: PacBufferType) -> Result<Option<ClaimsSet>, PacError> {
        self.read(buffer_type, |buffer| {
            ClaimsSetMetadata::from_bytes(buffer)?.claims_set()
        })
    }

    /// The client's machine and its groups.
    ///
    /// # Errors
    /// [`PacError::Malformed`].
    pub fn device_info(&self) -> Result<Option<PacDeviceInfo>, PacError> {
        self.read(PacBufferType::DEVICE_INFO, PacDeviceInfo::from_bytes)
    }

    /// Credentials of other protocols, encrypted for the client.
    ///
    /// # Errors
    /// [`PacError::Malformed`].
    pub fn credentials(&self) -> Result<Option<PacCredentialInfo<'_>>, PacError> {
        self.read(PacBufferType::CREDENTIALS, PacCredentialInfo::from_bytes)
    }

    /// All buffers, those that MS-PAC does not have among them.
    pub fn buffers(&self) -> impl Iterator<Item = PacBuffer<'_>> {
        self.table.iter().map(|entry| PacBuffer {
            buffer_type: entry.buffer_type,
            bytes: self.bytes.get(entry.range.clone()).unwrap_or_default(),
        })
    }

    /// All of the PAC's octets.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What `read` makes of a buffer. An empty one says nothing: some domain controllers send them.
    fn read<'a, T>(
        &'a self,
        buffer_type: PacBufferType,
        read: impl FnOnce(&'a [u8]) -> Result<T, PacError>,
    ) -> Result<Option<T>, PacError> {
        let buffer = self.buffers().find(|buffer| buffer.buffer_type == buffer_type);
        buffer
            .filter(|buffer| !buffer.bytes.is_empty())
            .map(|buffer| read(buffer.bytes))
            .transpose()
    }
}

/// A [`VerifiedPac`] whose KDC signature verified too.
#[derive(Clone, Debug)]
pub struct KdcVerifiedPac {
    pac: VerifiedPac,
    full: bool,
    ticket: bool,
}

impl KdcVerifiedPac {
    pub(crate) const fn new(pac: VerifiedPac, full: bool, ticket: bool) -> Self {
        Self { pac, full, ticket }
    }

    /// Whether the full signature verified too.
    #[must_use]
    pub const fn has_full_signature(&self) -> bool {
        self.full
    }

    /// Whether the ticket signature verified too.
    #[must_use]
    pub const fn has_ticket_signature(&self) -> bool {
        self.ticket
    }
}

impl Deref for KdcVerifiedPac {
    type Target = VerifiedPac;

    fn deref(&self) -> &VerifiedPac {
        &self.pac
    }
}

fn check_client_info(info: &PacClientInfo, client: &TicketClient<'_>) -> Result<(), PacError> {
    if info.client_id != FileTime::from_kerberos_time(client.authtime) {
        return Err(PacError::AuthTime {
            pac: info.client_id.to_kerberos_time(),
            ticket: client.authtime,
        });
    }
    // Octets, not text: a name that is no UTF-8 equals none.
    let ticket = client.display_name();
    if info.name.as_bytes() != ticket {
        return Err(PacError::ClientName {
            pac: info.name.clone(),
            ticket: String::from_utf8_lossy(&ticket).into_owned(),
        });
    }
    Ok(())
}

fn check_account(
    account: &Account,
    upn_dns_info: Option<&UpnDnsInfo>,
    requestor_sid: Option<Sid>,
) -> Result<(), PacError> {
    let logon_info = account.user_sid();
    let extended = upn_dns_info.and_then(|info| info.account.as_ref());
    if let Some(extended) = extended
        && !same_text(&extended.sam_name, account.sam_account_name())
    {
        return Err(PacError::SamName {
            upn_dns_info: extended.sam_name.clone(),
            logon_info: account.sam_account_name().into(),
        });
    }
    let sids = [
        (PacBufferType::UPN_DNS_INFO, extended.map(|extended| extended.sid)),
        (PacBufferType::REQUESTOR_SID, requestor_sid),
    ];
    for (buffer, found) in sids {
        if let Some(found) = found.filter(|found| *found != logon_info) {
            return Err(PacError::Sid {
                buffer,
                found: Box::new(found),
                logon_info: Box::new(logon_info),
            });
        }
    }
    Ok(())
}

fn account_match(
    client: &Principal,
    account: Option<&Account>,
    upn_dns_info: Option<&UpnDnsInfo>,
) -> AccountMatch {
    let Some(account) = account else {
        return AccountMatch::NoAccount;
    };
    let name = components(client);
    let realm = String::from_utf8_lossy(client.realm.as_bytes());
    // An enterprise name has its realm in it; Samba gives that type to any name of S4U2self.
    let enterprise = client.name.name_type == NameType::NT_ENTERPRISE && name.contains('@');
    let own_domain = upn_dns_info.is_none_or(|info| same_text(&info.dns_domain_name, &realm));
    if !enterprise && own_domain && same_text(&name, account.sam_account_name()) {
        return AccountMatch::SamAccountName;
    }
    let upn = if enterprise {
        name
    } else {
        let mut upn = name;
        upn.push('@');
        upn.push_str(&realm);
        upn
    };
    match upn_dns_info {
        Some(info) if same_text(&upn, &info.upn) => AccountMatch::UserPrincipalName,
        _ => AccountMatch::Other,
    }
}

/// Names of Active Directory do not differ by case alone.
fn same_text(one: &str, other: &str) -> bool {
    let folded = |text: &str| text.chars().flat_map(char::to_lowercase).collect::<String>();
    one == other || folded(one) == folded(other)
}
