//! The three crates at the bottom beside what they are made of or compared with, in one run: `bench/README.md` says how
//! to read the tables.
//!
//! [`stopwatch`] takes turns and times, [`encryption`] has the rows of kerbside-crypto,
//! [`wire`] those of kerbside-asn1, [`replay`] the replay cache. A further group of rows is a
//! module with a function that returns a table, and a line in [`GROUPS`].

mod encryption;
mod replay;
mod stopwatch;
mod wire;

use std::process::ExitCode;

/// A group's heading and what makes its table.
type Group = (&'static str, fn() -> Result<String, String>);

/// All groups, in the order they are measured.
const GROUPS: &[Group] = &[
    ("Encryption beside its parts", encryption::messages),
    ("string-to-key beside PBKDF2", encryption::string_to_key),
    ("Messages beside rasn-kerberos and picky-krb", wire::as_rep),
    ("A check of the replay cache", replay::cache),
];

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).map(|word| word.to_lowercase()).collect();
    let wanted =
        |heading: &str| words.is_empty() || words.iter().any(|word| heading.to_lowercase().contains(word));
    for (heading, group) in GROUPS.iter().filter(|(heading, _)| wanted(heading)) {
        match group() {
            Ok(table) => println!("### {heading}\n\n{table}"),
            Err(failure) => {
                eprintln!("foundations: error: {heading}: {failure}");
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}
