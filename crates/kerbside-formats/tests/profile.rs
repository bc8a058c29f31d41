//! The profile grammar: the corpus of krb5.conf files, MIT's own queries, includes, and errors with their lines.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails"
)]

use std::collections::BTreeMap;

use kerbside_formats::profile::{
    Item, Loader, MAX_DEPTH, MAX_INCLUDE_DEPTH, MAX_PROFILE_LEN, is_included_name,
};
use kerbside_formats::{Profile, ProfileError};
use serde_json::{Value, json};

fn vectors() -> Value {
    serde_json::from_str(include_str!("vectors/krb5_conf.json")).unwrap()
}

fn read(file: &str) -> Vec<u8> {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/bin/krb5conf/");
    std::fs::read(format!("{root}{}", file.trim_start_matches("bin/krb5conf/"))).unwrap()
}

/// Files by path.
#[derive(Default)]
struct Files(BTreeMap<String, Vec<u8>>);

impl Files {
    fn with(mut self, path: &str, text: &str) -> Self {
        self.0.insert(path.into(), text.into());
        self
    }
}

impl Loader for Files {
    fn file(&mut self, path: &str) -> Result<Vec<u8>, String> {
        self.0.get(path).cloned().ok_or_else(|| "no such file".into())
    }

    fn directory(&mut self, path: &str) -> Result<Vec<String>, String> {
        let inside = format!("{}/", path.trim_end_matches('/'));
        let mut names: Vec<String> = self
            .0
            .keys()
            .filter_map(|file| file.strip_prefix(&inside).map(Into::into))
            .collect();
        // The order is the library's business.
        names.reverse();
        if names.is_empty() {
            Err("no such directory".into())
        } else {
            Ok(names)
        }
    }
}

/// The vectors' form of a list of items, with directives apart.
fn tree(items: &[Item]) -> Value {
    items
        .iter()
        .filter_map(|item| match item {
            Item::Relation {
                name,
                value,
                is_final,
                ..
            } => Some(json!({"name": name, "final": is_final, "value": value})),
            Item::Section {
                name,
                is_final,
                items,
                ..
            } => {
                let mut section = json!({"name": name, "final": is_final, "children": tree(items)});
                let included: Vec<String> = items
                    .iter()
                    .filter_map(|item| match item {
                        Item::Include { path, .. } => Some(format!("include {path}")),
                        _ => None,
                    })
                    .collect();
                if !included.is_empty() {
                    section["directives"] = json!(included);
                }
                Some(section)
            }
            _ => None,
        })
        .collect()
}

#[test]
fn corpus() {
    let (mut good, mut modules, mut refused) = (0, 0, 0);
    for vector in vectors()["vectors"].as_array().unwrap() {
        let name = vector["file"].as_str().unwrap();
        let mut files = Files::default();
        files.0.insert(
            "testinc2.ini".into(),
            read("mit_tests_fuzzing_fuzz_profile_seed_corpus_testinc2.ini"),
        );
        let parsed = Profile::parse_with(read(name), name, &mut files);
        if name.ends_with("modtest.conf") {
            let error = parsed.unwrap_err().to_string();
            let start = format!("{name} line 1: profile modules are not supported, but found module");
            assert!(error.starts_with(&start), "{error}");
            modules += 1;
        } else if let Some(expected) = vector["mit_parse_error"].as_str() {
            assert_eq!(expected, "relation syntax @dk@");
            let error = parsed.unwrap_err().to_string();
            assert!(
                error.ends_with("expected a relation like name = value, but found \"@dk@\""),
                "{error}"
            );
            refused += 1;
        } else {
            let profile = parsed.unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(tree(&profile.files()[0].items), vector["mit_parse"], "{name}");
            good += 1;
        }
    }
    assert_eq!((good, modules, refused), (30, 1, 1));
}

#[test]
fn queries_of_mit() {
    let vectors = vectors();
    let profile = |name: &Value| Profile::parse(read(name.as_str().unwrap()), "x").unwrap();
    let check = |profile: &Profile, vector: &Value| {
        let query: Vec<&str> = vector["query"]
            .as_array()
            .unwrap()
            .iter()
            .map(|v| v.as_str().unwrap())
            .collect();
        assert_eq!(json!(profile.get_all(&query)), vector["values"], "{query:?}");
        assert_eq!(json!(profile.get(&query)), vector["values"][0]);
    };
    let (finals, values) = (&vectors["final_queries"], &vectors["value_queries"]);
    for vector in finals.as_array().unwrap() {
        let files = vector["files"].as_array().unwrap().iter().map(profile);
        check(&Profile::merge(files), vector);
    }
    for vector in values.as_array().unwrap() {
        check(&profile(&vector["file"]), vector);
    }
    assert_eq!(
        (finals.as_array().unwrap().len(), values.as_array().unwrap().len()),
        (12, 4)
    );
}

fn parse(text: &str) -> Profile {
    Profile::parse(text, "krb5.conf").unwrap()
}

#[test]
fn grammar() {
    let text = "\u{feff}preamble = ignored\n[a]\r\n\tx = 1 # not a comment\r\n  # comment }\n ; comment {\n\n\
                y = \"q \\\"\\\\\\n\\t\\z\" rest\n z=\n{\nw* = 2\n} # closed\n[b b]*\n include = 3\ninclude = 4\n";
    let profile = parse(text);
    assert_eq!(profile.get(&["a", "x"]), Some("1 # not a comment"));
    assert_eq!(profile.get(&["a", "y"]), Some("q \"\\\n\tz"));
    assert_eq!(profile.get(&["a", "z", "w"]), Some("2"));
    assert_eq!(profile.get_all(&["b b", "include"]), ["3", "4"]);
    assert_eq!(profile.get(&["preamble"]), None);
    assert_eq!(profile.get(&["a", "z"]), None);
    assert_eq!(profile.get(&[]), None);
    assert!(profile.section(&["a", "z"]).is_some());
    let relation = profile.relation(&["a", "z", "w"]).unwrap();
    assert_eq!((relation.file, relation.line), ("krb5.conf", 10));
    let names: Vec<&str> = profile.section(&[]).unwrap().section_names().collect();
    assert_eq!(names, ["a", "b b"]);
    // A star anywhere in a name ends it.
    assert_eq!(
        parse("[a]\nb*c = 1\nb = 2\n*/x = 3\n").get_all(&["a", "b"]),
        ["1"]
    );
    // A comment may be in any encoding.
    assert!(Profile::parse(b"caf\xe9\n[a]\n# caf\xe9\nx = 1\n", "x").is_ok());
    assert!(Profile::parse("", "x").is_ok());
}

fn error(text: impl AsRef<[u8]>) -> String {
    Profile::parse(text, "krb5.conf").unwrap_err().to_string()
}

#[test]
fn errors_name_file_line_and_cause() {
    for (text, expected) in [
        (
            "[a\n",
            "line 1: expected a section header like [libdefaults], but found \"[a\"",
        ),
        (
            "[]\n",
            "line 1: expected a section header like [libdefaults], but found \"[]\"",
        ),
        (
            "[a] b\n",
            "line 1: expected a section header like [libdefaults], but found \"[a] b\"",
        ),
        (
            "[a]\nnothing\n",
            "line 2: expected a relation like name = value, but found \"nothing\"",
        ),
        (
            "[a]\n= b\n",
            "line 2: expected a relation like name = value, but found \"= b\"",
        ),
        (
            "[a]\nb c = d\n",
            "line 2: expected a relation like name = value, but found \"b c = d\"",
        ),
        (
            "[a]\n\n}\n",
            "line 3: expected a relation or a section, but found a closing brace too many",
        ),
        (
            "[a]\nb = {\nc = {\n}\n[d]\n",
            "line 5: expected a closing brace for \"b\" of line 2, but found the section \"[d]\"",
        ),
        (
            "[a]\nb = {\n} }\n",
            "line 3: expected the end of the line after the brace, but found \"}\"",
        ),
        (
            "[a]\nb =\n\nc = d\n",
            "line 2: expected an opening brace or a value for \"b\", but found nothing \
             (an empty value is written \"\")",
        ),
        (
            "[a]\nb =\nc = d\n",
            "line 2: expected an opening brace for \"b\", but found \"c = d\" (an empty value is written \"\")",
        ),
        (
            "[a]\nb =",
            "line 2: expected an opening brace or a value for \"b\", but found nothing \
             (an empty value is written \"\")",
        ),
        (
            "[a]\nb = {\nc = 1\n",
            "line 2: expected a closing brace for \"b\", but found the end of the file",
        ),
        (
            "[a]\ninclude /x\n",
            "line 2: cannot include \"/x\": includes are not allowed here",
        ),
        (
            "includedir /x\n",
            "line 1: cannot include \"/x\": includes are not allowed here",
        ),
        (
            "module m:x\n",
            "line 1: profile modules are not supported, but found module \"m:x\"",
        ),
    ] {
        assert_eq!(error(text), format!("krb5.conf {expected}"), "{text:?}");
    }
    assert_eq!(
        error(b"[a]\nx = \xff\n"),
        "krb5.conf line 2: expected UTF-8 text, but found other bytes"
    );
    assert_eq!(
        error(b"[\xff]\n"),
        "krb5.conf line 1: expected UTF-8 text, but found other bytes"
    );
    assert_eq!(
        error(b"include \xff\n"),
        "krb5.conf line 1: expected UTF-8 text, but found other bytes"
    );
}

#[test]
fn limits() {
    let nested = |depth: usize| format!("[a]\n{}{}", "b = {\n".repeat(depth), "}\n".repeat(depth));
    parse(&nested(MAX_DEPTH));
    assert_eq!(
        error(nested(MAX_DEPTH + 1)),
        "krb5.conf line 34: expected at most 32 nested braces, but found more"
    );
    assert_eq!(
        error(vec![b'#'; MAX_PROFILE_LEN + 1]),
        "krb5.conf: expected at most 4194304 bytes, but found 4194305"
    );
    let mut files = Files::default();
    for depth in 0..=MAX_INCLUDE_DEPTH {
        files = files.with(&format!("/{depth}"), &format!("include /{}\n", depth + 1));
    }
    let error = Profile::parse_with("include /1\n", "top", &mut files).unwrap_err();
    assert_eq!(
        error.to_string(),
        "/10 line 1: expected at most 10 nested includes, but found more"
    );
    let mut itself = Files::default().with("/me", "[a]\ninclude /me\n");
    let error = Profile::parse_with("include /me\n", "top", &mut itself).unwrap_err();
    assert_eq!(
        error.to_string(),
        "/me line 2: expected at most 10 nested includes, but found more"
    );
    // Two includes a level would be two to the tenth files.
    let mut twice = Files::default().with("/me", "include /me2\ninclude /me2\n");
    for depth in 2..=MAX_INCLUDE_DEPTH {
        let next = format!("include /me{0}\ninclude /me{0}\n", depth + 1);
        twice = twice.with(&format!("/me{depth}"), &next);
    }
    twice = twice.with("/me10", "");
    let error = Profile::parse_with("include /me\ninclude /me\n", "top", &mut twice).unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("expected at most 1000 included files, but found more"),
        "{error}"
    );
}

/// Sections of a name that a hundred thousand relations share: each is found without a walk over those.
#[test]
fn a_mebibyte_of_one_name_is_put_together_at_once() {
    let half = 1 << 19;
    let text = format!("[s]\n{}{}", "a=1\n".repeat(half / 4), "a={\n}\n".repeat(half / 6));
    let start = std::time::Instant::now();
    let profile = parse(&text);
    assert!(profile.section(&["s", "a"]).is_some());
    assert_eq!(profile.get_all(&["s", "a"]).len(), half / 4);
    assert!(start.elapsed() < std::time::Duration::from_secs(10));
}

#[test]
fn includes_stand_in_order_and_at_the_root() {
    let mut files = Files::default()
        .with("/etc/d/b.conf", "[a]\nx = b\n[r]\ny = 1\n")
        .with("/etc/d/a", "[a]\nx = a\n")
        .with("/etc/d/.hidden.conf", "broken")
        .with("/etc/d/a~", "[broken")
        .with("/etc/one", "ignored\n[a]\nx = one\n");
    let text = "include /etc/one\n[a]\nx = 1\nsub = {\nincludedir /etc/d/\n}\nx = 2\n";
    let profile = Profile::parse_with(text, "top", &mut files).unwrap();
    assert_eq!(profile.get_all(&["a", "x"]), ["one", "1", "a", "b", "2"]);
    assert_eq!(profile.relation(&["r", "y"]).unwrap().file, "/etc/d/b.conf");
    let missing = |text| {
        Profile::parse_with(text, "top", &mut Files::default())
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        missing("\ninclude /none\n"),
        "top line 2: cannot include \"/none\": no such file"
    );
    assert_eq!(
        missing("includedir /none\n"),
        "top line 1: cannot include \"/none\": no such directory"
    );
    let mut broken = Files::default().with("/x", "[a]\n[b\n");
    let inside: ProfileError = Profile::parse_with("include /x\n", "top", &mut broken).unwrap_err();
    assert_eq!((inside.file.as_str(), inside.line), ("/x", 2));
}

#[test]
fn names_in_an_included_directory() {
    for good in ["realms", "a-b_C9", "x.conf", "a~.conf"] {
        assert!(is_included_name(good), "{good}");
    }
    for bad in ["", ".x.conf", "x.conf~", "a b", "a.bak", ".conf", "caf\u{e9}"] {
        assert!(!is_included_name(bad), "{bad}");
    }
}

#[test]
fn the_first_file_wins_and_all_values_are_there() {
    let first = Profile::parse("[a]\nx = 1\ns = {\nk* = 1\n}\n", "first").unwrap();
    let second = Profile::parse("[a]\nx = 2\ny = 2\ns = {\nk = 2\nl = 2\n}\n", "second").unwrap();
    let both = Profile::merge([first, second]);
    assert_eq!(both.get(&["a", "x"]), Some("1"));
    assert_eq!(both.get_all(&["a", "x"]), ["1", "2"]);
    assert_eq!(both.relation(&["a", "y"]).unwrap().file, "second");
    assert_eq!(both.get_all(&["a", "s", "k"]), ["1"]);
    assert_eq!(both.get(&["a", "s", "l"]), Some("2"));
    assert_eq!(both.files().len(), 2);
}

/// No prefix of a corpus file makes the parser do anything but parse or refuse with a line that exists.
#[test]
fn every_truncation() {
    for vector in vectors()["vectors"].as_array().unwrap() {
        let text = read(vector["file"].as_str().unwrap());
        for len in 0..text.len() {
            if let Err(error) = Profile::parse(&text[..len], "x") {
                let lines = text[..len].split(|byte| *byte == b'\n').count();
                assert!((1..=lines).contains(&error.line), "{error}");
            }
        }
    }
}

#[test]
fn values_of_a_kind() {
    let profile = parse("[a]\nyes = On\nno = nil\nbad = maybe\nn = 0x10\nd = 1d2h\n");
    assert_eq!(profile.get_bool(&["a", "yes"]), Ok(Some(true)));
    assert_eq!(profile.get_bool(&["a", "no"]), Ok(Some(false)));
    assert_eq!(profile.get_bool(&["a", "none"]), Ok(None));
    assert_eq!(profile.get_integer(&["a", "n"]), Ok(Some(16)));
    assert_eq!(profile.get_duration(&["a", "d"]), Ok(Some(93_600)));
    let text = |error: ProfileError| error.to_string();
    assert_eq!(
        text(profile.get_bool(&["a", "bad"]).unwrap_err()),
        "krb5.conf line 4: bad: expected a boolean (yes, no, true, false, 1, 0, on, off), but found \"maybe\""
    );
    assert_eq!(
        text(profile.get_integer(&["a", "d"]).unwrap_err()),
        "krb5.conf line 6: d: expected an integer, but found \"1d2h\""
    );
    assert_eq!(
        text(profile.get_duration(&["a", "bad"]).unwrap_err()),
        "krb5.conf line 4: bad: expected a duration (1d2h3m4s, 26:30 or a number of seconds), but found \"maybe\""
    );
}
