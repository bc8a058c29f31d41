//! The direction of the layers and the `no_std` promise, checked from the manifests and the crate roots.
//!
//! The layers are those of ARCHITECTURE.md; an arrow may only point down.
#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Crate, its layer, and the crates of its own layer or below that it may name.
const ALLOWED: &[(&str, &[&str])] = &[
    ("kerbside-crypto", &[]),
    ("kerbside-asn1", &["kerbside-crypto"]),
    ("kerbside-formats", &["kerbside-crypto", "kerbside-asn1"]),
    (
        "kerbside-protocol",
        &["kerbside-crypto", "kerbside-asn1", "kerbside-formats"],
    ),
    (
        "kerbside-gss",
        &[
            "kerbside-crypto",
            "kerbside-asn1",
            "kerbside-formats",
            "kerbside-protocol",
            "kerbside-pac",
        ],
    ),
    ("kerbside-pac", &["kerbside-crypto", "kerbside-asn1"]),
    (
        "kerbside-ntlm",
        &[
            "kerbside-crypto",
            "kerbside-asn1",
            "kerbside-formats",
            "kerbside-protocol",
            "kerbside-gss",
        ],
    ),
    (
        "kerbside-kdc",
        &["kerbside-crypto", "kerbside-asn1", "kerbside-protocol"],
    ),
    (
        "kerbside-client",
        &[
            "kerbside-crypto",
            "kerbside-asn1",
            "kerbside-formats",
            "kerbside-protocol",
            "kerbside-gss",
        ],
    ),
    (
        "kerbside-server",
        &[
            "kerbside-crypto",
            "kerbside-asn1",
            "kerbside-formats",
            "kerbside-protocol",
            "kerbside-kdc",
        ],
    ),
    (
        "kerbside-http",
        &[
            "kerbside-crypto",
            "kerbside-asn1",
            "kerbside-formats",
            "kerbside-protocol",
            "kerbside-gss",
            "kerbside-client",
        ],
    ),
    (
        "kerbside-cli",
        &[
            "kerbside-crypto",
            "kerbside-asn1",
            "kerbside-formats",
            "kerbside-protocol",
            "kerbside-gss",
            "kerbside-kdc",
            "kerbside-client",
            "kerbside-server",
            "kerbside-http",
        ],
    ),
];

/// Layers 1 and 2: no clock, randomness, environment, file or socket.
const NO_STD: [&str; 8] = [
    "kerbside-crypto",
    "kerbside-asn1",
    "kerbside-formats",
    "kerbside-protocol",
    "kerbside-gss",
    "kerbside-pac",
    "kerbside-ntlm",
    "kerbside-kdc",
];

/// What would bring a clock, a socket or the operating system's randomness into layers 1 and 2.
const STD_ONLY: &[&str] = &[
    "tokio",
    "getrandom",
    "rustix",
    "redb",
    "libc",
    "socket2",
    "hyper",
    "axum",
    "rand",
    "jiff",
];

/// Crates that need no std but can have it: layers 1 and 2 take them as the workspace has them, which is without.
const WITHOUT_STD: &[&str] = &["tracing"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The names under `[dependencies]` of one manifest (dev-dependencies may point anywhere).
fn dependencies(manifest: &str) -> BTreeSet<String> {
    let mut inside = false;
    let mut names = BTreeSet::new();
    for line in manifest.lines().map(str::trim) {
        if line.starts_with('[') {
            inside = line == "[dependencies]";
        } else if inside && !line.is_empty() && !line.starts_with('#') {
            let name = line.split(['.', '=', ' ']).next().unwrap_or_default();
            names.insert(name.to_owned());
        }
    }
    names
}

/// Every way in which these manifests and crate roots break the layers.
fn violations(
    manifests: &BTreeMap<String, BTreeSet<String>>,
    roots: &BTreeMap<String, String>,
) -> Vec<String> {
    let mut found = Vec::new();
    for (name, uses) in manifests {
        let Some((_, allowed)) = ALLOWED.iter().find(|(known, _)| known == name) else {
            found.push(format!("{name} has no layer in this test"));
            continue;
        };
        for used in uses.iter().filter(|used| used.starts_with("kerbside-")) {
            if !allowed.contains(&used.as_str()) {
                found.push(format!("{name} may not depend on {used}"));
            }
        }
        if NO_STD.contains(&name.as_str()) {
            for used in uses.iter().filter(|used| STD_ONLY.contains(&used.as_str())) {
                found.push(format!("{name} is of layer 1 or 2 and may not depend on {used}"));
            }
            let source = roots.get(name).map(String::as_str).unwrap_or_default();
            let promises = ["#![no_std]", "#![cfg_attr(not(test), no_std)]"];
            if !source.lines().any(|line| promises.contains(&line.trim())) {
                found.push(format!("{name} is of layer 1 or 2 and must be #![no_std]"));
            }
        }
    }
    found
}

#[test]
fn arrows_only_point_down() {
    let mut manifests = BTreeMap::new();
    let mut roots = BTreeMap::new();
    for entry in fs::read_dir(root().join("crates")).expect("crates/") {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        let manifest = fs::read_to_string(path.join("Cargo.toml")).expect("a manifest");
        manifests.insert(name.clone(), dependencies(&manifest));
        roots.insert(
            name,
            fs::read_to_string(path.join("src/lib.rs")).unwrap_or_default(),
        );
    }
    assert_eq!(
        manifests.len(),
        ALLOWED.len(),
        "a crate is missing from ALLOWED, or ALLOWED names one too many"
    );
    assert_eq!(violations(&manifests, &roots), Vec::<String>::new());
}

/// Nothing of layers 1 and 2 brings `std` back but for its own unit tests; without it, no `use std::` compiles.
#[test]
fn layers_1_and_2_link_std_for_tests_only() {
    let mut bad = Vec::new();
    for name in NO_STD {
        let mut folders = vec![root().join("crates").join(name).join("src")];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).expect("src/") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    folders.push(path);
                } else if links_std(&fs::read_to_string(&path).expect("a source file")) {
                    bad.push(path);
                }
            }
        }
    }
    assert_eq!(bad, Vec::<PathBuf>::new());
}

/// Whether a source links std other than right under `#[cfg(test)]` or in its unit tests, which come last.
fn links_std(source: &str) -> bool {
    let code = source
        .split("#[cfg(test)]\nmod tests {")
        .next()
        .unwrap_or_default();
    let lines: Vec<&str> = code.lines().map(str::trim).collect();
    lines.iter().enumerate().any(|(at, line)| {
        let before = at.checked_sub(1).and_then(|at| lines.get(at));
        line.starts_with("extern crate std") && before != Some(&"#[cfg(test)]")
    })
}

/// Without std is how the workspace has these crates, and no crate of layers 1 and 2 asks for more.
#[test]
fn layers_1_and_2_do_not_switch_std_on() {
    let workspace = fs::read_to_string(root().join("Cargo.toml")).expect("the workspace's manifest");
    let manifests = NO_STD.map(|name| {
        fs::read_to_string(root().join("crates").join(name).join("Cargo.toml")).expect("a manifest")
    });
    for name in WITHOUT_STD {
        assert!(!has_std(&workspace, name), "{name} has std in the workspace");
        let asking = manifests.iter().find(|manifest| has_std(manifest, name));
        assert_eq!(asking, None);
    }
    assert!(has_std("tracing = { version = \"0.1\" }", "tracing"));
    assert!(has_std(
        "tracing = { workspace = true, features = [\"std\"] }",
        "tracing"
    ));
    assert!(!has_std(
        "tracing.workspace = true\ntracing-other = \"1\"",
        "tracing"
    ));
}

/// Whether a manifest takes a crate with std.
fn has_std(manifest: &str, name: &str) -> bool {
    let mut lines = manifest.lines().filter_map(|line| line.strip_prefix(name));
    let own = lines.find(|rest| rest.starts_with([' ', '.', '=']));
    own.is_some_and(|rest| {
        let bare = rest == ".workspace = true" || rest.contains("default-features = false");
        !bare || rest.contains("features = [")
    })
}

/// The check itself fails when an arrow points up, when a crate is unknown and when `no_std` is gone.
#[test]
fn the_check_can_fail() {
    let manifests = BTreeMap::from([
        (
            "kerbside-asn1".to_owned(),
            dependencies("[dependencies]\nkerbside-kdc.workspace = true\ntokio = \"1\"\n"),
        ),
        ("kerbside-new".to_owned(), BTreeSet::new()),
    ]);
    assert!(links_std("extern crate std;") && links_std("#[cfg(unix)]\nextern crate std;"));
    assert!(!links_std("#[cfg(test)]\nextern crate std;"));
    let found = violations(&manifests, &BTreeMap::new());
    for expected in [
        "kerbside-asn1 may not depend on kerbside-kdc",
        "kerbside-asn1 is of layer 1 or 2 and may not depend on tokio",
        "kerbside-asn1 is of layer 1 or 2 and must be #![no_std]",
        "kerbside-new has no layer in this test",
    ] {
        assert!(
            found.iter().any(|text| text == expected),
            "{expected:?} not in {found:?}"
        );
    }
}
