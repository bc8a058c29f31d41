//! A KRB-ERROR in an AS exchange: what goes on after it, and with what.

use alloc::boxed::Box;

use kerbside_asn1::{self as asn1, ErrorCode, MethodData, PaDataType, Principal, Realm};
use kerbside_crypto::CryptoRng;

use super::{AsNeedArmor, AsOutcome, Exchange, Proof, Sent, Step};
use crate::error::{Misbehaviour, ProtocolError};
use crate::krb_error::KrbErrorFacts;
use crate::service_exchange::MAX_REFERRALS;
use crate::time::{Now, ahead, within};
use crate::trace;

impl Exchange {
    /// Takes a KRB-ERROR: in armor the one in its tunnel, and no other.
    pub(super) fn take_krb_error(
        self,
        sent: Sent,
        bytes: &[u8],
        now: Now,
        rng: &mut dyn CryptoRng,
    ) -> Result<AsOutcome, ProtocolError> {
        let outer = KrbErrorFacts::parse(bytes)?;
        trace::error_reply(outer.code);
        if outer.code == ErrorCode::KRB_ERR_RESPONSE_TOO_BIG {
            // Whoever wrote it: the same bytes over a stream tell nobody more.
            return self.send_over_stream(sent);
        }
        let Some(tunnel) = &self.tunnel else {
            return self.take_error(sent, outer, now, rng);
        };
        let inner = tunnel.open_error(&self.kdc(), &outer, sent.nonce, &self.params.enctype_policy)?;
        match inner {
            Some(inner) => self.take_error(sent, inner, now, rng),
            None => Err(match self.refusal(outer) {
                ProtocolError::Refused(refusal) => ProtocolError::UnarmoredRefusal(refusal),
                other => other,
            }),
        }
    }

    fn take_error(
        mut self,
        sent: Sent,
        error: KrbErrorFacts,
        now: Now,
        rng: &mut dyn CryptoRng,
    ) -> Result<AsOutcome, ProtocolError> {
        if sent.proof.given().is_none() && self.upgrades_to_fast(&error) {
            trace::upgrading_to_fast();
            self.put_on_armor(now, rng)?;
            return self.send(Step::Nothing, now, rng);
        }
        let ahead_seconds = ahead(error.server_time.time, now.time);
        let skewed = !within(ahead_seconds, self.params.skew_seconds_max);
        match error.code {
            ErrorCode::KDC_ERR_PREAUTH_REQUIRED => match sent.proof {
                Proof::Nothing => self.preauth_required(&error, now, rng),
                _ => Err(self.fault(Misbehaviour::PreauthAgain)),
            },
            ErrorCode::KDC_ERR_MORE_PREAUTH_DATA_REQUIRED => self.more_preauth(&sent.proof, &error, now, rng),
            ErrorCode::KDC_ERR_PREAUTH_EXPIRED if !self.restarted => self.restart(now, rng),
            // A KDC that only says "failed" may mean the clock: its own time in the error tells.
            ErrorCode::KRB_AP_ERR_SKEW | ErrorCode::KDC_ERR_PREAUTH_FAILED
                if matches!(sent.proof, Proof::Key(..))
                    && !self.offset_learnt
                    && (skewed || error.code == ErrorCode::KRB_AP_ERR_SKEW)
                    && ahead_seconds != self.offset_seconds =>
            {
                self.offset_seconds = ahead_seconds;
                self.offset_learnt = true;
                let step = match sent.proof {
                    Proof::Key(kind, key) => Step::Key(kind, key),
                    _ => Step::Nothing,
                };
                self.send(step, now, rng)
            }
            ErrorCode::KRB_AP_ERR_SKEW if skewed => Err(ProtocolError::ClockSkew {
                by: self.kdc(),
                ahead_seconds,
                allowed_seconds: self.params.skew_seconds_max,
            }),
            ErrorCode::KDC_ERR_PREAUTH_FAILED => match (self.second_choice, &sent.proof) {
                // The KDC takes none of our groups (RFC 9588 4.2). No password was tried so far.
                (Some(kind), Proof::SpakeSupport(_)) => self.ask_for_proof(kind, now, rng),
                _ => Err(self.refusal(error)),
            },
            ErrorCode::KDC_ERR_WRONG_REALM | ErrorCode::KDC_ERR_C_PRINCIPAL_UNKNOWN => {
                match self.referral(&sent.proof, &error) {
                    Some(realm) => self.follow_referral(realm, now, rng),
                    None => Err(self.refusal(error)),
                }
            }
            _ => Err(self.refusal(error)),
        }
    }

    fn refusal(&self, error: KrbErrorFacts) -> ProtocolError {
        let client = Some(self.params.client.clone());
        error.into_refusal(self.kdc(), client, self.params.service.clone())
    }

    fn send_over_stream(mut self, sent: Sent) -> Result<AsOutcome, ProtocolError> {
        if self.stream_only {
            return Err(self.fault(Misbehaviour::TooBigOverStream));
        }
        trace::retry_tcp();
        self.stream_only = true;
        self.transmit(sent)
    }

    /// Whether there is armor that is not in use, and the KDC says that it would take it.
    fn upgrades_to_fast(&self, error: &KrbErrorFacts) -> bool {
        let methods = error.e_data.as_deref().map(asn1::decode::<MethodData<'_>>);
        self.tunnel.is_none()
            && self.params.armor.is_some()
            && matches!(methods, Some(Ok(methods)) if methods.find(PaDataType::PA_FX_FAST).is_some())
    }

    /// Begins again, once: what the KDC knew of the exchange is gone (RFC 6113 5.2). The password is kept.
    fn restart(mut self, now: Now, rng: &mut dyn CryptoRng) -> Result<AsOutcome, ProtocolError> {
        self.restarted = true;
        self.cookie = None;
        if self.tunnel.is_some() {
            self.put_on_armor(now, rng)?;
        }
        self.send(Step::Nothing, now, rng)
    }

    /// The realm that the client is sent to (RFC 6806 section 7), where it asked for that and has shown nothing yet: a
    /// KDC that took a proof knows the client. Windows says "unknown" and names the realm.
    fn referral(&self, proof: &Proof, error: &KrbErrorFacts) -> Option<Realm> {
        if !self.canonicalizes() || proof.given().is_some() {
            return None;
        }
        let realm = error.client_realm.clone()?;
        let named = !realm.as_bytes().is_empty();
        let elsewhere = realm != self.params.client.realm;
        let wrong_realm = error.code == ErrorCode::KDC_ERR_WRONG_REALM;
        (named && (wrong_realm || elsewhere)).then_some(realm)
    }

    /// Begins again in `realm`. Outside of armor nobody vouches for the referral; the reply proves that the realm knows the
    /// client's key, as without one.
    fn follow_referral(
        mut self,
        realm: Realm,
        now: Now,
        rng: &mut dyn CryptoRng,
    ) -> Result<AsOutcome, ProtocolError> {
        let from = self.params.client.realm.clone();
        if realm == from || self.left.contains(&realm) {
            return Err(self.fault(Misbehaviour::ReferralLoop { realm }));
        }
        let limit = MAX_REFERRALS;
        if self.left.len() >= usize::try_from(limit).unwrap_or(0) {
            return Err(self.fault(Misbehaviour::TooManyReferrals { limit }));
        }
        trace::client_referral(&realm);
        self.left.push(from);
        let own_tgt = Principal::krbtgt(&self.params.client.realm, &self.params.client.realm);
        if self.params.service == own_tgt {
            self.params.service = Principal::krbtgt(&realm, &realm);
        } else {
            self.params.service.realm = realm.clone();
        }
        self.params.client.realm = realm.clone();
        // What was learnt of one realm is nothing to the other.
        self.offset_seconds = self.params.clock_offset_seconds;
        self.offset_learnt = false;
        self.rounds = 0;
        self.stream_only = false;
        self.hints.clear();
        self.cookie = None;
        self.second_choice = None;
        self.tunnel = None;
        self.restarted = false;
        if self.params.armor.take().is_some() {
            let pending = AsNeedArmor(Box::new(self));
            return Ok(AsOutcome::NeedArmor { realm, pending });
        }
        self.begin(now, rng)
    }
}
