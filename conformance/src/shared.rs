//! Servers that many cases of one run share, because they take long to make.

use std::cell::OnceCell;

use crate::heimdal::Heimdal;

/// Each is made by the first case that asks for it, and goes away with this value.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    heimdal: OnceCell<Result<Heimdal, String>>,
}

impl Shared {
    /// The Heimdal realms HEIM.TEST and OTHER.TEST.
    pub(crate) fn heimdal(&self) -> Result<&Heimdal, String> {
        self.heimdal
            .get_or_init(|| Heimdal::start("", ""))
            .as_ref()
            .map_err(Clone::clone)
    }
}
