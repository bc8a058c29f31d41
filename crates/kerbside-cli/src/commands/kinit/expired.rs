//! An expired password leads to a new one, and that to the ticket, as with MIT's kinit.

use kerbside_asn1::{ErrorCode, KpasswdResultCode};
use kerbside_client::{Error, InitialTicket, PasswordRequest, Secret, TgtRequest};
use kerbside_crypto::Password;
use kerbside_protocol::ProtocolError;

use super::{Session, WHILE_INITIAL};
use crate::commands::kpasswd::{self, NewPassword};
use crate::diagnosis::{Doing, Proof, explain};
use crate::output::{self, Report};

/// A line of KRB5_TRACE, by MIT's name of its place.
macro_rules! trace {
    ($point:literal, $line:literal) => {
        tracing::event!(name: $point, target: kerbside_protocol::trace::TARGET, tracing::Level::DEBUG, $line)
    };
}

/// How often a new password may be typed.
const TRIES: u32 = 3;

/// Whether the KDC said that the password has expired.
pub(super) fn is_expired(error: &Error) -> bool {
    matches!(
        error,
        Error::Exchange { source, .. }
            if matches!(&**source, ProtocolError::Refused(refusal) if refusal.code == ErrorCode::KDC_ERR_KEY_EXP)
    )
}

impl Session<'_> {
    /// Changes the password (`old`, if it was typed already), and gets the ticket with the new one.
    pub(super) fn with_new_password(
        &self,
        request: &TgtRequest,
        old: Option<Password>,
    ) -> Result<InitialTicket, Report> {
        let mut secret = match old {
            Some(password) => Secret::Password(password),
            None => Secret::Prompt(Box::new(kpasswd::ask_old)),
        };
        trace!("gic_pwd_expired", "Principal expired; getting changepw ticket");
        let mut for_change = TgtRequest::for_password_change(request.client.clone());
        for_change.armor.clone_from(&request.armor);
        for_change.armor_required = request.armor_required;
        let by_password = |error: Error| explain(&error, &self.by_password(request));
        let ticket = self
            .client
            .get_tgt(&for_change, &mut secret)
            .map_err(by_password)?;
        let new = self.new_password(&ticket)?;
        trace!("gic_pwd_changed", "Getting initial TGT with changed password");
        // Another KDC than the primary one may not know of it yet.
        let mut request = request.clone();
        request.at_primary = true;
        self.client
            .get_tgt(&request, &mut Secret::Password(new))
            .map_err(by_password)
    }

    fn by_password(&self, request: &TgtRequest) -> Doing<'_> {
        let mut doing = self.doing(WHILE_INITIAL);
        doing.client = Some(request.client.clone());
        doing.proof = Proof::Password;
        doing
    }

    /// Asks until the server takes a password.
    fn new_password(&self, ticket: &InitialTicket) -> Result<Password, Report> {
        let mut banner = "Password expired.  You must change it now.".to_owned();
        let mut report = Report::new("");
        for tries in (1..=TRIES).rev() {
            trace!(
                "gic_pwd_changepw",
                "Attempting password change; {tries} tries remaining"
            );
            output::print(&format!("{banner}\n"));
            (report, banner) = match kpasswd::ask().map_err(self.failed(WHILE_INITIAL))? {
                NewPassword::Mismatch => again("Password mismatch"),
                NewPassword::Typed(new) if new.expose_secret().is_empty() => {
                    again("New password cannot be zero length")
                }
                NewPassword::Typed(new) => {
                    let mut change = PasswordRequest::new(ticket.credential.clone(), new.clone());
                    change.clock_offset_seconds = ticket.clock_offset_seconds.unwrap_or(0);
                    let reply = self.client.change_password(&change);
                    let result = reply.map_err(self.failed(WHILE_INITIAL))?.result;
                    if result.accepted() {
                        return Ok(new);
                    }
                    let refusal = kpasswd::refusal_text(&result);
                    let mut report = Report::new(format!("Password change failed {WHILE_INITIAL}"));
                    report.evidence.extend(refusal.lines().map(str::to_owned));
                    if result.code != KpasswdResultCode::KRB5_KPASSWD_SOFTERROR {
                        return Err(report);
                    }
                    // The empty line is MIT's.
                    (report, format!("{refusal}.  Please try again.\n"))
                }
            };
        }
        Err(report.hint("unless an earlier answer was lost, the old password stands: kinit asks again, and kpasswd changes it as well"))
    }
}

/// What is reported if this was the last try, and what is said before the next.
fn again(what: &str) -> (Report, String) {
    (
        Report::new(format!("{what} {WHILE_INITIAL}")),
        format!("{what}.  Please try again."),
    )
}
