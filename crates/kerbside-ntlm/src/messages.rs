//! The three messages (MS-NLMP 2.2.1): read without a copy, and written.

mod authenticate;
mod challenge;
mod negotiate;

pub use authenticate::{AuthenticateMessage, MIC_LEN};
pub use challenge::ChallengeMessage;
pub use negotiate::NegotiateMessage;

pub(crate) use authenticate::{MIC_AT, without_mic};
