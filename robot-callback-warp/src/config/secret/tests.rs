use std::sync::Barrier;

use super::*;

fn kept(folder: &Path) -> SecretSource {
    SecretSource::Kept(folder.join(FOLDER).join("secret"))
}

#[test]
fn of_many_starts_at_once_one_makes_the_secret_and_all_have_it() {
    const STARTS: usize = 16;
    let folder = tempfile::tempdir().unwrap();
    let barrier = Barrier::new(STARTS);
    let made: Vec<Credential> = std::thread::scope(|scope| {
        let start = || {
            barrier.wait();
            kept(folder.path()).resolve().unwrap()
        };
        let starts: Vec<_> = (0..STARTS).map(|_| scope.spawn(start)).collect();
        starts.into_iter().map(|start| start.join().unwrap()).collect()
    });
    assert_eq!(made[0].value.len(), 64, "256 bits in hexadecimal");
    assert!(made.iter().all(|credential| credential.value == made[0].value), "one secret for all");
    let makers = made.iter().filter(|credential| credential.source.contains("made just now")).count();
    assert_eq!(makers, 1, "one of them made it");
    let left = fs::read_dir(folder.path().join(FOLDER)).unwrap().count();
    assert_eq!(left, 1, "no drafts are left behind");
}

#[test]
fn every_secret_is_another() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    assert_ne!(kept(one.path()).resolve().unwrap().value, kept(two.path()).resolve().unwrap().value);
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_read_what_is_kept() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    kept(folder.path()).resolve().unwrap();
    let path = folder.path().join(FOLDER);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&path), mode(&path.join("secret"))), (0o700, 0o600));
    fs::set_permissions(path.join("secret"), fs::Permissions::from_mode(0o644)).unwrap();
    kept(folder.path()).resolve().unwrap();
    assert_eq!(mode(&path.join("secret")), 0o600, "a file of ours that was opened to others is closed again");
}

#[test]
fn a_file_holds_one_line_or_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    for (content, secret) in
        [("abc", Some("abc")), ("abc\r\n", Some("abc")), ("", None), ("\n", None), ("a\nb", None)]
    {
        fs::write(&path, content).unwrap();
        let resolved = SecretSource::File(path.clone()).resolve().ok().map(|credential| credential.value);
        assert_eq!(resolved.as_deref(), secret, "{content:?}");
    }
    let absent = SecretSource::File("/nowhere/s".into()).resolve().err().map(|error| error.to_string());
    assert!(absent.unwrap().starts_with("the secret in /nowhere/s can't be read"));
}

#[test]
fn a_path_is_one_word_to_a_shell() {
    assert_eq!(cat(Path::new(".robot-callback/secret")), "$(cat .robot-callback/secret)");
    assert_eq!(cat(Path::new("it's here/$x")), r"$(cat 'it'\''s here/$x')");
}
