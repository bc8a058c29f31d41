//! How a principal's keys come out of its password, asked of the KDC: the beginning of an AS exchange.

use kerbside_crypto::{EncryptionType, Password};
use kerbside_protocol::{AsExchange, AsOutcome, KeyParams, ProtocolError, Question};

use crate::attempt::Attempt;
use crate::clock;
use crate::core::{Core, not_built};
use crate::driver::Driver;
use crate::error::Error;
use crate::random::OsRandom;
use crate::request::TgtRequest;
use crate::secret::Secret;
use crate::trace;

impl<D: Driver> Core<D> {
    /// Enctypes and salts in the KDC's order.
    pub(crate) async fn key_params(
        &self,
        request: &TgtRequest,
        enctypes: Option<Vec<EncryptionType>>,
    ) -> Result<Vec<KeyParams>, Error> {
        trace::init_creds(&request.client, request.service.as_ref());
        let realm = request.client.realm.clone();
        // The exchange ends before any password is needed.
        let mut params = self.as_params(request, &Secret::Password(Password::from(Vec::new())))?;
        if let Some(enctypes) = enctypes {
            params.enctypes = enctypes;
        }
        let mut attempts = Vec::new();
        let failed = |source: ProtocolError, attempts: &mut Vec<Attempt>| Error::Exchange {
            realm: realm.clone(),
            source: Box::new(source),
            attempts: std::mem::take(attempts),
        };
        let mut outcome = AsExchange::start(params, clock::now(), &mut OsRandom)
            .map_err(|source| failed(source, &mut attempts))?;
        loop {
            outcome = match outcome {
                AsOutcome::Ask {
                    question: Question::LongTermKey { candidates, .. },
                    ..
                } => return Ok(candidates),
                AsOutcome::Send {
                    request,
                    realm,
                    constraints,
                    pending,
                } => {
                    let delivered = self.round_trip(request, &realm, constraints).await?;
                    attempts = delivered.attempts;
                    pending
                        .reply(&delivered.reply, clock::now(), &mut OsRandom)
                        .map_err(|source| failed(source, &mut attempts))?
                }
                _ => return Err(not_built("this step of the AS exchange")),
            };
        }
    }
}
