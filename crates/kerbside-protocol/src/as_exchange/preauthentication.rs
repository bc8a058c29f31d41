//! Which pre-authentication an AS exchange does, and its steps: SPAKE (RFC 9588), in armor the encrypted challenge (RFC 6113
//! 5.4.6), or the encrypted timestamp.

use alloc::boxed::Box;
use alloc::format;
use alloc::vec;
use alloc::vec::Vec;

use kerbside_asn1::{PaDataType, SpakeGroup};
use kerbside_crypto::CryptoRng;

use super::{AsAsk, AsOutcome, Exchange, KeyProof, Proof, Reason, Step};
use crate::error::{Misbehaviour, ProtocolError};
use crate::fast::Padata;
use crate::krb_error::KrbErrorFacts;
use crate::preauth::{Answer, Hints, KeyParams, Question, enc_timestamp};
use crate::spake::{self, Challenge, NoChallenge, SPAKE_GROUPS};
use crate::time::Now;
use crate::trace;

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
            Step::Nothing => {
                trace::preauth_none();
                (None, Proof::Nothing)
            }
            Step::Key(kind, key) => {
                let value = match (kind, &self.tunnel) {
                    (KeyProof::Timestamp, _) => enc_timestamp(&key, kdc_now, rng)?,
                    (KeyProof::Challenge, Some(tunnel)) => tunnel.challenge(&key, kdc_now, rng)?,
                    (KeyProof::Challenge, None) => {
                        return Err(ProtocolError::Misuse("an encrypted challenge needs armor"));
                    }
                };
                trace::key_proof(kind.padata_type(), key.enctype(), kdc_now);
                (Some((kind.padata_type(), value)), Proof::Key(kind, key))
            }
            Step::SpakeSupport => {
                let value = spake::support(&self.spake_groups())?;
                trace::spake_support();
                trace::preauth_module(PaDataType::PA_SPAKE);
                let proof = Proof::SpakeSupport(value.clone());
                (Some((PaDataType::PA_SPAKE, value)), proof)
            }
            Step::SpakeResponse(agreement) => {
                let response = agreement.response(req_body, rng)?;
                trace::preauth_module(PaDataType::PA_SPAKE);
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
        trace::using_method_data();
        let mut hints = hints_of(error)?;
        trace::preauth_input(&hints.offered);
        let groups = self.spake_groups();
        let offered = |wanted| hints.offered.contains(&wanted);
        self.second_choice = self
            .key_proofs()
            .into_iter()
            .find(|proof| offered(proof.padata_type()));
        let spake_offered = !groups.is_empty() && offered(PaDataType::PA_SPAKE);
        if self.second_choice.is_none() && !spake_offered {
            return Err(self.no_common_preauth(hints));
        }
        self.take_hints(&mut hints)?;
        // SPAKE knows one key alone, which only ETYPE-INFO2 tells (RFC 9588 3.1).
        let spake_possible = spake_offered && hints.has_etype_info2;
        match self.second_choice {
            None if !spake_possible => {
                let what = "it offers SPAKE, but does not say in ETYPE-INFO2 with which key";
                return Err(self.fault(Misbehaviour::Field(what)));
            }
            Some(proof) if !spake_possible || self.prefers_to_spake(proof) => {
                return self.ask_for_proof(proof, now, rng);
            }
            _ => {}
        }
        let value = hints.spake.unwrap_or_default();
        if value.is_empty() {
            return self.send(Step::SpakeSupport, now, rng);
        }
        match spake::optimistic_group(&value)? {
            // The KDC guessed a group that is not ours: it will be told ours (RFC 9588 4.6).
            Some(group) if !groups.contains(&group) => {
                trace::spake_challenge_rejected(group);
                self.send(Step::SpakeSupport, now, rng)
            }
            _ => self.take_challenge(None, &value, now, rng),
        }
    }

    /// The KDC goes on with what was begun: its challenge, and no more than one.
    pub(super) fn more_preauth(
        mut self,
        proof: &Proof,
        error: &KrbErrorFacts,
        now: Now,
        rng: &mut dyn CryptoRng,
    ) -> Result<AsOutcome, ProtocolError> {
        let Proof::SpakeSupport(support) = proof else {
            let what = "it wants more pre-authentication data, but there is nothing to add";
            return Err(self.fault(Misbehaviour::Field(what)));
        };
        trace::preauth_more(PaDataType::PA_SPAKE);
        let mut hints = hints_of(error)?;
        trace::preauth_input(&hints.offered);
        let Some(value) = hints.spake.take() else {
            let what = "it wants more pre-authentication data, but sends no SPAKE challenge";
            return Err(self.fault(Misbehaviour::Field(what)));
        };
        if hints.has_etype_info2 {
            self.take_hints(&mut hints)?;
        } else {
            self.cookie = hints.cookie;
            trace::cookie(self.cookie.as_deref());
        }
        self.take_challenge(Some(support), &value, now, rng)
    }

    /// Asks for the key that the challenge is answered with.
    fn take_challenge(
        self,
        support: Option<&[u8]>,
        value: &[u8],
        now: Now,
        rng: &mut dyn CryptoRng,
    ) -> Result<AsOutcome, ProtocolError> {
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
        self.ask(candidates, Reason::Spake(challenge, params), now, rng)
    }

    /// Asks for the key that a timestamp or a challenge is made with.
    pub(super) fn ask_for_proof(
        self,
        kind: KeyProof,
        now: Now,
        rng: &mut dyn CryptoRng,
    ) -> Result<AsOutcome, ProtocolError> {
        let candidates = self.hints.clone();
        self.ask(candidates.clone(), Reason::Prove(kind, candidates), now, rng)
    }

    /// Asks, or takes the password that was given before.
    fn ask(
        self,
        candidates: Vec<KeyParams>,
        reason: Reason,
        now: Now,
        rng: &mut dyn CryptoRng,
    ) -> Result<AsOutcome, ProtocolError> {
        let question = Question::LongTermKey {
            principal: self.params.client.clone(),
            candidates,
        };
        let known = self.password.clone();
        let pending = AsAsk(Box::new((self, reason)));
        match known {
            Some(password) => pending.answer(Answer::Password(password), now, rng),
            None => Ok(AsOutcome::Ask { question, pending }),
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
        self.hints
            .first()
            .into_iter()
            .for_each(trace::selected_etype_info);
        trace::cookie(self.cookie.as_deref());
        Ok(())
    }

    /// The groups that we offer.
    fn spake_groups(&self) -> Vec<SpakeGroup> {
        let wanted = self.params.spake_groups.iter().copied();
        wanted.filter(|group| SPAKE_GROUPS.contains(group)).collect()
    }

    /// The proofs by key that may be given, best first. The challenge exists in armor alone.
    fn key_proofs(&self) -> Vec<KeyProof> {
        let challenge = self.tunnel.is_some().then_some(KeyProof::Challenge);
        let timestamp = self.params.encrypted_timestamp.then_some(KeyProof::Timestamp);
        challenge.into_iter().chain(timestamp).collect()
    }

    fn prefers_to_spake(&self, proof: KeyProof) -> bool {
        let wanted = proof.padata_type();
        let mut named = self.params.preferred_preauth.iter();
        named.find(|&&named| named == PaDataType::PA_SPAKE || named == wanted) == Some(&wanted)
    }

    fn no_common_preauth(&self, hints: Hints) -> ProtocolError {
        let mut expected = Vec::new();
        if !self.spake_groups().is_empty() {
            expected.push(PaDataType::PA_SPAKE);
        }
        expected.extend(self.key_proofs().into_iter().map(KeyProof::padata_type));
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
        .map_or_else(|| Ok(Hints::default()), Hints::of_method_data)
}
