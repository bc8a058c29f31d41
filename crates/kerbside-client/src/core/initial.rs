//! The AS exchange as a client runs it.

use kerbside_asn1::{KdcOptions, PaDataType, Principal, SpakeGroup};
use kerbside_protocol::{AsExchange, AsOutcome, AsParams};

use super::at_primary::KeptSecret;
use super::{Core, not_built};
use crate::addresses::local_addresses;
use crate::clock;
use crate::driver::Driver;
use crate::error::Error;
use crate::random::OsRandom;
use crate::request::{InitialTicket, TgtRequest};
use crate::secret::Secret;

impl<D: Driver> Core<D> {
    /// One AS exchange, with the realm's primary KDC alone where `primary_only` says so.
    pub(super) async fn initial_at(
        &self,
        primary_only: bool,
        request: &TgtRequest,
        secret: &mut KeptSecret<'_, '_>,
    ) -> Result<InitialTicket, Error> {
        let mut realm = request.client.realm.clone();
        let mut params = self.as_params(request, secret.get())?;
        if let Some(armor) = self.armor_for(request, &realm).await? {
            params.armor = Some(armor.armor);
            params.clock_offset_seconds = armor.clock_offset_seconds;
        }
        let mut attempts = Vec::new();
        let mut next = AsExchange::start(params, clock::now(), &mut OsRandom);
        loop {
            let outcome = next.map_err(|source| Error::Exchange {
                realm: realm.clone(),
                source: Box::new(source),
                attempts: std::mem::take(&mut attempts),
            })?;
            next = match outcome {
                AsOutcome::Done(done) => {
                    return Ok(InitialTicket {
                        client_vouched: done.client_vouched,
                        credential: done.credential,
                        clock_offset_seconds: done.clock_offset_seconds,
                        key_expiration: done.key_expiration,
                        preauthenticated: done.preauthenticated,
                        preauth_type: done.preauth_type,
                        armored: done.armored,
                        fast_avail: done.fast_avail,
                        attempts,
                    });
                }
                AsOutcome::Send {
                    request,
                    realm: to,
                    mut constraints,
                    pending,
                } => {
                    // A referral leads to another realm.
                    realm = to;
                    constraints.primary_only |= primary_only;
                    let delivered = self.round_trip(request, &realm, constraints).await?;
                    attempts = delivered.attempts;
                    pending.reply(&delivered.reply, clock::now(), &mut OsRandom)
                }
                AsOutcome::Ask { question, pending } => {
                    let answer = secret.answer(&question)?;
                    // String-to-key takes tens of milliseconds.
                    let work = move || pending.answer(answer, clock::now(), &mut OsRandom);
                    self.driver.offload(work).await?
                }
                AsOutcome::NeedArmor { realm: to, pending } => match self.armor_for(request, &to).await? {
                    Some(armor) => pending.armor(armor.armor, clock::now(), &mut OsRandom),
                    None => return Err(Error::NoArmor),
                },
                _ => return Err(not_built("this step of the AS exchange")),
            };
        }
    }

    /// The AS exchange's parameters from the request and krb5.conf.
    pub(crate) fn as_params(&self, request: &TgtRequest, secret: &Secret<'_>) -> Result<AsParams, Error> {
        let realm = String::from_utf8_lossy(request.client.realm.as_bytes());
        let conf = self.config.krb5_conf().libdefaults_for(&realm)?;
        let service = match &request.service {
            Some(service) => service.clone(),
            None => Principal::krbtgt(&request.client.realm, &request.client.realm),
        };
        let mut params = AsParams::for_service(request.client.clone(), service);
        params.options = KdcOptions(conf.kdc_default_options);
        let asked = |given: Option<bool>, configured: bool| given.unwrap_or(configured);
        params.options.set(
            KdcOptions::FORWARDABLE,
            asked(request.forwardable, conf.forwardable),
        );
        params
            .options
            .set(KdcOptions::PROXIABLE, asked(request.proxiable, conf.proxiable));
        params.options.set(
            KdcOptions::CANONICALIZE,
            asked(request.canonicalize, conf.canonicalize),
        );
        params.start = request.start;
        params.lifetime_seconds = request.lifetime_seconds.unwrap_or(conf.ticket_lifetime_seconds);
        let renew = request
            .renew_lifetime_seconds
            .unwrap_or(conf.renew_lifetime_seconds);
        // As with MIT, not for less than the ticket itself.
        params.renew_lifetime_seconds = (renew > 0).then_some(renew.max(params.lifetime_seconds));
        // Who asks for a renewable ticket need not accept one instead of a longer one.
        if params.renew_lifetime_seconds.is_some() {
            params.options.remove(KdcOptions::RENEWABLE_OK);
        }
        params.enctype_policy = conf.enctype_policy();
        params.enctypes = secret.order(&request.client, conf.default_tkt_enctypes.enctypes.clone())?;
        params.skew_seconds_max = conf.clockskew_seconds;
        if let Some(groups) = conf.spake_preauth_groups {
            params.spake_groups = groups.iter().map(|&group| SpakeGroup(group as i32)).collect();
        }
        params.encrypted_timestamp = !self.config.krb5_conf().realm(&realm)?.disable_encrypted_timestamp;
        params.preferred_preauth = conf.preferred_preauth_types.into_iter().map(PaDataType).collect();
        if !request.any_address.unwrap_or(conf.noaddresses) {
            params.addresses = local_addresses(&conf.extra_addresses);
        }
        params.include_pac = request.request_pac;
        if let Some(allowed) = request.allowed_preauth {
            allow_only(allowed, &mut params);
        }
        Ok(params)
    }
}

/// Leaves out every pre-authentication but this one. Where the KDC no longer offers it, it is said which are offered.
fn allow_only(allowed: PaDataType, params: &mut AsParams) {
    if allowed != PaDataType::PA_SPAKE {
        params.spake_groups.clear();
    }
    params.encrypted_timestamp &= allowed == PaDataType::PA_ENC_TIMESTAMP;
}
