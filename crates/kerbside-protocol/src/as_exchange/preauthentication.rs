//! Which pre-authentication an AS exchange does, and its steps: SPAKE (RFC 9588) or the encrypted timestamp.

use alloc::boxed::Box;
use alloc::format;
use alloc::vec;
use alloc::vec::Vec;

use kerbside_asn1::{PaDataType, SpakeGroup};
use kerbside_crypto::CryptoRng;

use super::{AsAsk, AsOutcome, Exchange, Proof, Reason, Step};
use crate::error::{Misbehaviour, ProtocolError};
use crate::krb_error::KrbErrorFacts;
use crate::preauth::{Hints, KeyParams, Question, enc_timestamp};
use crate::spake::{self, Challenge, NoChallenge, SPAKE_GROUPS};
use crate::time::Now;

/// A padata element of a request: its type and its value.
type Padata = (PaDataType, Vec<u8>);

impl Exchange {
    /// What `step` puts into a request with the body `req_body`.
    pub(super) fn prove(
        &self,
        step: Step,
        req_body: &[u8],
        kdc_now: Now,
        rng: &mut dyn CryptoRng,
    ) -> Result<(Option<Padata>, Proof), ProtocolError> {
        Ok(match step {
            Step::Nothing => (None, Proof::Nothing),
            Step::Timestamp(key) => {
                let value = enc_timestamp(&key, kdc_now, rng)?;
                (Some((PaDataType::PA_ENC_TIMESTAMP, value)), Proof::Timestamp(key))
            }
            Step::SpakeSupport => {
                let value = spake::support(&self.spake_groups())?;
                let proof = Proof::SpakeSupport(value.clone());
                (Some((PaDataType::PA_SPAKE, value)), proof)
            }
            Step::SpakeResponse(agreement) => {
                let response = agreement.response(req_body, rng)?;
                let proof = Proof::SpakeResponse(response.reply_key);
                (Some((PaDataType::PA_SPAKE, response.padata_value)), proof)
            }
        })
    }

    /// The KDC says what it wants.
    pub(super) fn preauth_required(
        mut self,
        error: &KrbErrorFacts,
        now: Now,
        rng: &mut dyn CryptoRng,
    ) -> Result<AsOutcome, ProtocolError> {
        let mut hints = hints_of(error)?;
        let groups = self.spake_groups();
        let offered = |wanted| hints.offered.contains(&wanted);
        self.timestamp_offered = self.params.encrypted_timestamp && offered(PaDataType::PA_ENC_TIMESTAMP);
        let spake_offered = !groups.is_empty() && offered(PaDataType::PA_SPAKE);
        if !self.timestamp_offered && !spake_offered {
            return Err(self.no_common_preauth(hints));
        }
        self.take_hints(&mut hints)?;
        // SPAKE knows one key alone, which only ETYPE-INFO2 tells (RFC 9588 3.1).
        let spake_possible = spake_offered && hints.etype_info2.is_some();
        if !spake_possible && !self.timestamp_offered {
            let what = "it offers SPAKE, but does not say in ETYPE-INFO2 with which key";
            return Err(self.fault(Misbehaviour::Field(what)));
        }
        if !spake_possible || (self.timestamp_offered && self.prefers_timestamp()) {
            return Ok(self.ask_for_timestamp());
        }
        let value = hints.spake.unwrap_or_default();
        if value.is_empty() {
            return self.send(Step::SpakeSupport, now, rng);
        }
        match spake::optimistic_group(&value)? {
            // The KDC guessed a group that is not ours: it will be told ours (RFC 9588 4.6).
            Some(group) if !groups.contains(&group) => self.send(Step::SpakeSupport, now, rng),
            _ => self.take_challenge(None, &value),
        }
    }

    /// The KDC goes on with what was begun: its challenge, and no more than one.
    pub(super) fn more_preauth(
        mut self,
        proof: &Proof,
        error: &KrbErrorFacts,
    ) -> Result<AsOutcome, ProtocolError> {
        let Proof::SpakeSupport(support) = proof else {
            let what = "it wants more pre-authentication data, but there is nothing to add";
            return Err(self.fault(Misbehaviour::Field(what)));
        };
        let mut hints = hints_of(error)?;
        let Some(value) = hints.spake.take() else {
            let what = "it wants more pre-authentication data, but sends no SPAKE challenge";
            return Err(self.fault(Misbehaviour::Field(what)));
        };
        if hints.etype_info2.is_some() {
            self.take_hints(&mut hints)?;
        } else {
            self.cookie = hints.cookie;
        }
        self.take_challenge(Some(support), &value)
    }

    /// Asks for the key that the challenge is answered with.
    fn take_challenge(self, support: Option<&[u8]>, value: &[u8]) -> Result<AsOutcome, ProtocolError> {
        let challenge = match Challenge::take(support, value, &self.spake_groups()) {
            Ok(challenge) => challenge,
            Err(NoChallenge::Undecodable(error)) => return Err(error),
            Err(NoChallenge::Broken(what)) => return Err(self.fault(what)),
            Err(NoChallenge::Factors(factors)) => {
                let because = format!(
                    "{} wants one of {} for {}",
                    self.kdc(),
                    crate::error::List(&factors),
                    self.params.client
                );
                return Err(ProtocolError::NotBuilt {
                    what: "second factors of SPAKE",
                    because,
                });
            }
        };
        let params = self
            .hints
            .first()
            .cloned()
            .ok_or(ProtocolError::Misuse("no key would do"))?;
        let candidates = vec![params.clone()];
        Ok(self.ask(candidates, Reason::Spake(challenge, params)))
    }

    pub(super) fn ask_for_timestamp(self) -> AsOutcome {
        let candidates = self.hints.clone();
        self.ask(candidates.clone(), Reason::Timestamp(candidates))
    }

    fn ask(self, candidates: Vec<KeyParams>, reason: Reason) -> AsOutcome {
        let question = Question::LongTermKey {
            principal: self.params.client.clone(),
            candidates,
        };
        AsOutcome::Ask {
            question,
            pending: AsAsk(Box::new((self, reason))),
        }
    }

    /// Keeps what the KDC says of the client's keys, best first, and its cookie.
    fn take_hints(&mut self, hints: &mut Hints) -> Result<(), ProtocolError> {
        self.hints = hints.candidates(&self.params.enctypes, &self.params.client);
        self.cookie = hints.cookie.take();
        if self.hints.is_empty() {
            return Err(ProtocolError::NoCommonEnctype {
                client: self.params.client.clone(),
                asked: self.params.enctypes.clone(),
                offered: hints.enctypes(),
            });
        }
        Ok(())
    }

    /// The groups that we offer.
    fn spake_groups(&self) -> Vec<SpakeGroup> {
        let wanted = self.params.spake_groups.iter().copied();
        wanted.filter(|group| SPAKE_GROUPS.contains(group)).collect()
    }

    fn prefers_timestamp(&self) -> bool {
        let first = self
            .params
            .preferred_preauth
            .iter()
            .find(|&&wanted| wanted == PaDataType::PA_SPAKE || wanted == PaDataType::PA_ENC_TIMESTAMP);
        first == Some(&PaDataType::PA_ENC_TIMESTAMP)
    }

    fn no_common_preauth(&self, hints: Hints) -> ProtocolError {
        let mut expected = Vec::new();
        if !self.spake_groups().is_empty() {
            expected.push(PaDataType::PA_SPAKE);
        }
        if self.params.encrypted_timestamp {
            expected.push(PaDataType::PA_ENC_TIMESTAMP);
        }
        ProtocolError::NoCommonPreauth {
            realm: self.params.client.realm.clone(),
            expected,
            offered: hints.offered,
        }
    }
}

fn hints_of(error: &KrbErrorFacts) -> Result<Hints, ProtocolError> {
    error
        .e_data
        .as_deref()
        .map_or_else(|| Ok(Hints::none()), Hints::of_method_data)
}
