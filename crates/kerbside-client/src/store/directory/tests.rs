#![allow(clippy::unwrap_used)] // a failure here is the test's failure

use std::os::unix::fs::PermissionsExt;

use super::*;

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn a_directory_is_made_for_its_user_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("tickets");
    assert_eq!(primary(&path).unwrap(), path.join("tkt"));
    assert_eq!(files(&path).unwrap(), Vec::<PathBuf>::new());
    assert!(!path.exists(), "reading makes nothing");
    make(&path).unwrap();
    assert_eq!(mode(&path), 0o700);
    assert_eq!(mode(&path.join("primary")), 0o600);
    assert_eq!(std::fs::read(path.join("primary")).unwrap(), b"tkt\n");
    switch(&path.join("tktmail")).unwrap();
    make(&path).unwrap();
    assert_eq!(std::fs::read(path.join("primary")).unwrap(), b"tktmail\n");
    assert_eq!(primary(&path).unwrap(), path.join("tktmail"));
}

#[test]
fn a_missing_parent_is_not_made() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("no").join("such");
    for refused in [primary(&path).map(drop), make(&path), switch(&path.join("tkt"))] {
        assert_eq!(refused, Err(CacheFault::NoDirectory(path.clone())));
    }
    assert_eq!(
        primary(Path::new("")),
        Err(CacheFault::NoDirectory(PathBuf::new()))
    );
    let file = dir.path().join("file");
    std::fs::write(&file, "text").unwrap();
    assert_eq!(primary(&file), Err(CacheFault::NotADirectory(file.clone())));
}

#[test]
fn names_begin_with_tkt_and_stay_in_the_directory() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["cache", "primary", ".."] {
        let path = dir.path().join(name);
        assert_eq!(switch(&path), Err(CacheFault::NotInCollection(path.clone())));
        assert_eq!(check(&path), Err(CacheFault::NotInCollection(path.clone())));
    }
    let file = dir.path().join("primary");
    let long = format!("tkt{}\n", "a".repeat(300));
    for text in [
        "",
        "\n",
        "tkt",
        "bad\n",
        "../tkt\n",
        "tkt/../../x\n",
        "tkt\0\n",
        &long,
    ] {
        std::fs::write(&file, text).unwrap();
        assert_eq!(
            primary(dir.path()),
            Err(CacheFault::BadPrimary(file.clone())),
            "{text:?}"
        );
    }
    std::fs::write(dir.path().join("tktone"), "").unwrap();
    assert_eq!(files(dir.path()).unwrap(), [dir.path().join("tktone")]);
}

#[test]
fn the_primary_comes_first_and_other_files_are_passed_over() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["tkta", "tktb", "tktc", "notes", ".tktd"] {
        std::fs::write(dir.path().join(name), "").unwrap();
    }
    switch(&dir.path().join("tktb")).unwrap();
    let found = files(dir.path()).unwrap();
    assert_eq!(found.first(), Some(&dir.path().join("tktb")));
    assert_eq!(found.len(), 3);
    // A primary that does not exist (yet) is no cache.
    switch(&dir.path().join("tktz")).unwrap();
    assert_eq!(files(dir.path()).unwrap().len(), 3);
}

#[test]
fn new_names_are_like_mits_and_not_taken() {
    let dir = tempfile::tempdir().unwrap();
    let (one, two) = (unique(dir.path()).unwrap(), unique(dir.path()).unwrap());
    assert_ne!(one, two);
    let name = one.file_name().unwrap().to_str().unwrap();
    assert!(name.len() == 9 && name.starts_with("tkt") && name.chars().all(|c| c.is_ascii_alphanumeric()));
}

#[test]
fn root_writes_into_no_other_users_directory() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let parent = tempfile::tempdir().unwrap();
    let theirs = parent.path().join("theirs");
    std::fs::create_dir(&theirs).unwrap();
    std::os::unix::fs::chown(&theirs, Some(12345), None).unwrap();
    assert_eq!(files(&theirs), Ok(Vec::new()));
    for refused in [
        make(&theirs),
        switch(&theirs.join("tkt")),
        unique(&theirs).map(|_| ()),
    ] {
        assert!(matches!(
            refused,
            Err(CacheFault::File(FileFault::Owner { owner: 12345, .. }))
        ));
    }
}
