//! Tickets made from one that is there: renewed, validated, forwarded, proxied, postdated.

use kerbside_asn1::{AddressType, KdcOptions, KerberosTime, Principal};
use kerbside_formats::Credential;
use kerbside_protocol::{TgsArmor, TgsParams};

use super::Core;
use crate::driver::Driver;
use crate::error::Error;
use crate::names::CacheName;
use crate::request::{ServiceTicket, ServiceTicketOptions};

impl<D: Driver> Core<D> {
    /// Renews a ticket.
    pub(crate) async fn renew(
        &self,
        ticket: Credential,
        clock_offset_seconds: i64,
    ) -> Result<ServiceTicket, Error> {
        self.tgs(self.configured(TgsParams::renew(ticket), clock_offset_seconds))
            .await
    }

    /// Makes a postdated ticket valid.
    pub(crate) async fn validate(
        &self,
        ticket: Credential,
        clock_offset_seconds: i64,
    ) -> Result<ServiceTicket, Error> {
        self.tgs(self.configured(TgsParams::validate(ticket), clock_offset_seconds))
            .await
    }

    /// The cache's TGT for another host.
    pub(crate) async fn forward(
        &self,
        name: &CacheName,
        addresses: Vec<(AddressType, Vec<u8>)>,
    ) -> Result<ServiceTicket, Error> {
        let ground = self.ground(name).await?;
        let params = TgsParams::forward(ground.tgt()?.clone(), addresses);
        self.tgs(self.configured(params, ground.offset_seconds)).await
    }

    /// A ticket for `server` that another host may use.
    pub(crate) async fn proxy(
        &self,
        name: &CacheName,
        server: &Principal,
        addresses: Vec<(AddressType, Vec<u8>)>,
    ) -> Result<ServiceTicket, Error> {
        let ground = self.ground(name).await?;
        let mut params = self.service_params(&ground, server.clone(), &ServiceTicketOptions::default());
        params.options.insert(KdcOptions::PROXY);
        params.addresses = addresses;
        self.walk(&ground, params, false).await
    }

    /// A ticket for `server` that begins at `start`.
    pub(crate) async fn postdated(
        &self,
        name: &CacheName,
        server: &Principal,
        start: KerberosTime,
    ) -> Result<ServiceTicket, Error> {
        let ground = self.ground(name).await?;
        let mut params = self.service_params(&ground, server.clone(), &ServiceTicketOptions::default());
        params.options.insert(KdcOptions::POSTDATED);
        params.start_time = Some(start);
        self.walk(&ground, params, false).await
    }

    /// The parameters with what krb5.conf says.
    pub(super) fn configured(&self, mut params: TgsParams, clock_offset_seconds: i64) -> TgsParams {
        params.clock_offset_seconds = clock_offset_seconds;
        params.skew_seconds_max = self.libdefaults().clockskew_seconds;
        params.enctypes = self.libdefaults().default_tgs_enctypes.enctypes.clone();
        params.enctype_policy = self.config.enctype_policy();
        if params.tgt.server.is_krbtgt() {
            params.armor = TgsArmor::Offered;
        }
        params
    }
}
