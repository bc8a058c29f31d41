//! Asking for the old and the new password, and telling why the new one was refused.

use kerbside_asn1::Principal;
use kerbside_client::Error;
use kerbside_crypto::Password;
use kerbside_protocol::KpasswdDone;

use crate::output;
use crate::prompt;

/// What was typed for a new password.
#[derive(Debug)]
pub(in crate::commands) enum NewPassword {
    /// The same twice.
    Typed(Password),
    /// Two different passwords.
    Mismatch,
}

/// Asks for a principal's password.
pub(in crate::commands) fn ask_old(principal: &Principal) -> std::io::Result<Password> {
    prompt::password(&format!(
        "Password for {}: ",
        output::escape(&principal.to_string())
    ))
}

/// Asks for a new password twice.
pub(in crate::commands) fn ask() -> Result<NewPassword, Error> {
    let line = |text: &str| {
        prompt::password(text).map_err(|error| Error::Prompt {
            reason: error.to_string(),
        })
    };
    let first = line("Enter new password: ")?;
    let second = line("Enter it again: ")?;
    // Both were typed by one person: there is no secret in how far they agree.
    Ok(if first.expose_secret() == second.expose_secret() {
        NewPassword::Typed(first)
    } else {
        NewPassword::Mismatch
    })
}

/// `Password change rejected: WHY`, with the server's line breaks and tabs and nothing else of its control characters.
pub(in crate::commands) fn refusal_text(result: &KpasswdDone) -> String {
    line_by_line(&result.summary(), &result.message())
}

fn line_by_line(summary: &str, message: &str) -> String {
    let line = |line: &str| {
        line.split('\t')
            .map(output::escape)
            .collect::<Vec<_>>()
            .join("\t")
    };
    let lines: Vec<String> = message.trim_end().lines().map(line).collect();
    format!("{}: {}", output::escape(summary), lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_servers_text_keeps_its_lines_and_drives_no_terminal() {
        assert_eq!(
            line_by_line("Password change rejected", "Too short.\n\t- digits\x1b[2J\r\n\n"),
            "Password change rejected: Too short.\n\t- digits\\u{1b}[2J"
        );
    }
}
