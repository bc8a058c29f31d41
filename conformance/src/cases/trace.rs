//! `KRB5_TRACE`: the lines of our programs beside those of MIT's for the same, with MIT's KDC; and that no secret is in
//! them.

mod compare;
mod contexts;
mod exchanges;
mod output;

use super::{case, full_case};
use crate::Case;

pub(super) fn cases() -> Vec<Case> {
    vec![
        case(
            "trace: our lines are MIT's lines but for a written list",
            exchanges::beside_mit,
        ),
        case(
            "trace: a login in armor is told in MIT's lines",
            exchanges::armored,
        ),
        case(
            "trace: a way from realm to realm is told in MIT's lines",
            exchanges::from_realm_to_realm,
        ),
        case(
            "trace: a refusal asked again of the primary KDC is told in MIT's lines",
            exchanges::at_primary,
        ),
        case(
            "trace: a service acting for a user is told in MIT's lines",
            exchanges::for_another,
        ),
        case("trace: a login by SPAKE is told in MIT's lines", exchanges::spake),
        case(
            "trace: what is done in a collection is told in MIT's lines",
            exchanges::collection,
        ),
        case(
            "trace: a change of password is told in MIT's lines",
            exchanges::password,
        ),
        case(
            "trace: the lines of a context are MIT's, in both roles",
            contexts::contexts,
        ),
        case("walkthrough A10: KRB5_TRACE=/dev/stdout kinit", output::to_stdout),
        case(
            "trace: a service's lines stand beside its log",
            contexts::of_a_service,
        ),
        case(
            "trace: no secret in any line, whichever way one logs in",
            output::no_secret,
        ),
        full_case(
            "trace: the way through a proxy is told in MIT's lines",
            exchanges::by_proxy,
        ),
        full_case(
            "trace: a program with more rights than its user traces nothing",
            output::more_rights,
        ),
        case(
            "trace: a file that cannot be written is a warning, a cache is left alone",
            output::bad_files,
        ),
    ]
}
