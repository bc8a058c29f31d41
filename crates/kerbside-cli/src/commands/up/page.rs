//! The protected page: who you are and how the service knows. Plain HTML and CSS, dark and light, no script.

use std::fmt::Write as _;

/// A titled table of the page.
pub(super) struct Section {
    pub(super) title: &'static str,
    pub(super) rows: Vec<(&'static str, String)>,
}

const STYLE: &str = "\
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #57606a; --paper: #ffffff; --line: #d0d7de; --good: #1a7f37; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6edf3; --soft: #9198a1; --paper: #0d1117; --line: #30363d; --good: #3fb950; }
}
* { box-sizing: border-box; }
body { margin: 0; padding: 3rem 1.25rem; background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, sans-serif; }
main { max-width: 44rem; margin: 0 auto; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .4rem; overflow-wrap: anywhere; }
.lead { color: var(--soft); margin: 0 0 2rem; }
.lead b { color: var(--good); font-weight: 600; }
h2 { font-size: 1rem; margin: 2rem 0 .5rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .45rem 0; border-top: 1px solid var(--line); }
th { width: 12rem; padding-right: 1rem; font-weight: 400; color: var(--soft); }
td { font-family: ui-monospace, monospace; font-size: .92rem; overflow-wrap: anywhere; }
@media (max-width: 34rem) { th, td { display: block; width: 100%; border: 0; padding: .1rem 0; }
  tr { display: block; border-top: 1px solid var(--line); padding: .4rem 0; } }
";

/// The page for an authenticated request.
pub(super) fn render(principal: &str, lead: &str, sections: &[Section]) -> String {
    let mut body = String::new();
    let _ = write!(
        body,
        "<h1>You are {}</h1>\n<p class=\"lead\"><b>Authenticated.</b> {}</p>\n",
        escape(principal),
        escape(lead)
    );
    for section in sections {
        let _ = write!(body, "<h2>{}</h2>\n<table>\n", escape(section.title));
        for (name, value) in &section.rows {
            let _ = writeln!(
                body,
                "<tr><th scope=\"row\">{}</th><td>{}</td></tr>",
                escape(name),
                escape(value)
            );
        }
        body.push_str("</table>\n");
    }
    document(&format!("{principal} · kerbside"), &body)
}

/// What somebody without a ticket is shown.
pub(super) fn log_in(principal: &str, url: &str) -> String {
    let body = format!(
        "<h1>A ticket is needed here</h1>\n<p class=\"lead\">This page is protected by Negotiate (RFC 4559): your \
         program sent no Kerberos ticket that the service could accept.</p>\n<h2>What to type</h2>\n<table>\n\
         <tr><th scope=\"row\">1. log in</th><td>kinit {}</td></tr>\n\
         <tr><th scope=\"row\">2. ask again</th><td>curl --negotiate -u : {}</td></tr>\n</table>\n",
        escape(principal),
        escape(url)
    );
    document("Log in · kerbside", &body)
}

fn document(title: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{}</title>\n\
         <style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n{body}</main>\n</body>\n</html>\n",
        escape(title)
    )
}

/// Names come from tickets: whatever they hold, they stay text.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{Section, log_in, render};

    #[test]
    fn names_stay_text() {
        let rows = vec![("Client", "<b>\u{7}&".to_owned())];
        let page = render(
            "<script>x</script>@R",
            "a \"b\"",
            &[Section { title: "Who", rows }],
        );
        assert!(page.contains("You are &lt;script&gt;x&lt;/script&gt;@R"));
        assert!(page.contains("<td>&lt;b&gt;\u{fffd}&amp;</td>"));
        assert!(page.contains("a &quot;b&quot;"));
        assert!(!page.contains("<script"));
    }

    #[test]
    fn without_a_ticket_it_says_what_to_type() {
        let page = log_in("alice", "http://localhost:8080/");
        assert!(
            page.contains("kinit alice") && page.contains("curl --negotiate -u : http://localhost:8080/")
        );
    }
}
