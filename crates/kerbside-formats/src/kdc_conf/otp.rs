//! `[otp]`: one-time passwords by way of RADIUS. Read and kept; it is not built yet.

use alloc::string::String;
use alloc::vec::Vec;

use crate::relations::relations;

relations! {
    /// One token type.
    pub struct OtpConf, OTP, read(token) {
        /// Host with optional port, or the path of a UNIX domain socket; none means `NAME.socket` in
        /// the KDC's folder.
        server => server: Option<String> = token.text();
        /// File with the secret shared with the server.
        secret => secret: Option<String> = token.text();
        /// Time for all tries together, seconds. Default 5.
        timeout => timeout_seconds: u32 = token.number(5, 0..=0xffff_ffff, "a number of seconds");
        /// Tries after the first. Default 3.
        retries => retries: u32 = token.number(3, 0..=0xffff_ffff, "a number that is not negative");
        /// Send the name without its realm. Default yes.
        strip_realm => strip_realm: bool = token.boolean(true);
        /// Authentication indicators of tickets won by it.
        indicator => indicators: Vec<String> = token.texts();
    }
}
