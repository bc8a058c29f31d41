//! Logging in where the newest word is: replicas learn of new passwords late.

use kerbside_asn1::ErrorCode;
use kerbside_crypto::Password;
use kerbside_protocol::{Answer, ProtocolError, Question};

use super::Core;
use crate::attempt::{Attempt, AttemptOutcome};
use crate::driver::Driver;
use crate::error::Error;
use crate::locate::Service;
use crate::request::{InitialTicket, TgtRequest};
use crate::secret::Secret;
use crate::trace;

impl<D: Driver> Core<D> {
    /// Gets a first ticket. What another KDC than the primary one refuses is asked once more of the primary one, with the
    /// password that was typed already.
    pub(crate) async fn initial(
        &self,
        request: &TgtRequest,
        secret: &mut Secret<'_>,
    ) -> Result<InitialTicket, Error> {
        trace::init_creds(&request.client, request.service.as_ref());
        let realm = &request.client.realm;
        let mut secret = KeptSecret::new(secret);
        let at_primary = request.at_primary && self.servers(realm, Service::PrimaryKdc).await.is_ok();
        let refused = match self.initial_at(at_primary, request, &mut secret).await {
            Err(error) if !at_primary => error,
            other => return other,
        };
        if !self.primary_may_know_better(&refused).await {
            return Err(refused);
        }
        trace::retrying_at_primary();
        trace::init_creds(&request.client, request.service.as_ref());
        match self.initial_at(true, request, &mut secret).await {
            // Then the other KDC's word stands.
            Err(Error::Unreachable { .. }) => Err(refused),
            other => other,
        }
    }

    /// Whether a KDC refused that is not the primary one, of which one is known.
    async fn primary_may_know_better(&self, error: &Error) -> bool {
        let Error::Exchange {
            realm,
            source,
            attempts,
        } = error
        else {
            return false;
        };
        let by_its_database = match &**source {
            // A clock is no matter of the database.
            ProtocolError::Refused(refusal) => refusal.code != ErrorCode::KRB_AP_ERR_SKEW,
            ProtocolError::WrongReplyKey { .. } => true,
            _ => false,
        };
        let answered = |attempt: &&Attempt| attempt.outcome == AttemptOutcome::Answered;
        let Some(address) = attempts.iter().find(answered).and_then(|attempt| attempt.address) else {
            return false;
        };
        if !by_its_database {
            return false;
        }
        match self.servers(realm, Service::PrimaryKdc).await {
            Ok(primary) => !primary.includes(address),
            Err(_) => false,
        }
    }
}

/// A secret that remembers the password it gave, for a second exchange.
pub(super) struct KeptSecret<'a, 'b> {
    secret: &'a mut Secret<'b>,
    password: Option<Password>,
}

impl<'a, 'b> KeptSecret<'a, 'b> {
    fn new(secret: &'a mut Secret<'b>) -> Self {
        Self {
            secret,
            password: None,
        }
    }

    pub(super) fn get(&self) -> &Secret<'b> {
        self.secret
    }

    /// Answers the question of an AS exchange.
    pub(super) fn answer(&mut self, question: &Question) -> Result<Answer, Error> {
        if let (Question::LongTermKey { .. }, Some(password)) = (question, &self.password) {
            return Ok(Answer::Password(password.clone()));
        }
        let answer = self.secret.answer(question)?;
        if let Answer::Password(password) = &answer {
            self.password = Some(password.clone());
        }
        Ok(answer)
    }
}
