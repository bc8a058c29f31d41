//! Which message this is, before it is decoded.

use crate::MsgType;

/// The bits of a tag that say `APPLICATION`, constructed.
const APPLICATION: u8 = 0x60;

/// The kind of a Kerberos message by its APPLICATION tag; `None` for anything that is not a message on its own.
pub fn peek_message(bytes: &[u8]) -> Option<MsgType> {
    let tag = bytes.first()?;
    let number = tag.checked_sub(APPLICATION).filter(|number| *number < 0x1f)?;
    let msg_type = MsgType(i32::from(number));
    matches!(
        msg_type,
        MsgType::AS_REQ
            | MsgType::AS_REP
            | MsgType::TGS_REQ
            | MsgType::TGS_REP
            | MsgType::AP_REQ
            | MsgType::AP_REP
            | MsgType::KRB_SAFE
            | MsgType::KRB_PRIV
            | MsgType::KRB_CRED
            | MsgType::KRB_ERROR
    )
    .then_some(msg_type)
}
