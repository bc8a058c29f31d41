//! Servers that many cases of one run share, because they take long to make.

use std::cell::OnceCell;

use crate::Suite;
use crate::heimdal::Heimdal;
use crate::samba::Samba;

/// Each is made by the first case that asks for it, and goes away with this value.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    heimdal: OnceCell<Result<Heimdal, String>>,
    samba: OnceCell<Result<Samba, String>>,
}

impl Shared {
    /// The Heimdal realms HEIM.TEST and OTHER.TEST.
    pub(crate) fn heimdal(&self) -> Result<&Heimdal, String> {
        self.heimdal
            .get_or_init(|| Heimdal::start("", ""))
            .as_ref()
            .map_err(Clone::clone)
    }

    /// The Active Directory domain AD.TEST.
    pub(crate) fn samba(&self, suite: &Suite) -> Result<&Samba, String> {
        self.samba
            .get_or_init(|| Samba::start(&suite.bin, &suite.peers))
            .as_ref()
            .map_err(Clone::clone)
    }
}
