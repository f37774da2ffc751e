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
    assert_eq!(made[0].values[0].len(), 64, "256 bits in hexadecimal");
    assert!(made.iter().all(|credential| credential.values == made[0].values), "one secret for all");
    let makers = made.iter().filter(|credential| credential.source.contains("made just now")).count();
    assert_eq!(makers, 1, "one of them made it");
    let left = fs::read_dir(folder.path().join(FOLDER)).unwrap().count();
    assert_eq!(left, 1, "no drafts are left behind");
}

#[test]
fn every_secret_is_another() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    assert_ne!(kept(one.path()).resolve().unwrap().values, kept(two.path()).resolve().unwrap().values);
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
fn a_file_holds_secrets_line_by_line_or_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s");
    let cases: [(&str, &[&str]); 7] = [
        ("abc", &["abc"]),
        ("abc\r\n", &["abc"]),
        ("new\nold\n", &["new", "old"]),
        ("new\r\n old \r\n", &["new", "old"]),
        ("", &[]),
        ("\n", &[]),
        ("a\n\nb", &[]),
    ];
    for (content, secrets) in cases {
        fs::write(&path, content).unwrap();
        let resolved = SecretSource::File(path.clone()).resolve().map(|credential| credential.values);
        assert_eq!(resolved.unwrap_or_default(), secrets, "{content:?}");
    }
    let absent = SecretSource::File("/nowhere/s".into()).resolve().err().map(|error| error.to_string());
    assert!(absent.unwrap().starts_with("the secret in /nowhere/s can't be read"));
}

#[test]
fn a_shell_finds_the_current_secret_whatever_the_file_is_called() {
    let shell = |path: &str, secrets: &[&str]| {
        let secrets = secrets.iter().map(ToString::to_string).collect();
        Credential::of_file(secrets, Path::new(path), "").shell
    };
    assert_eq!(shell(".robot-callback/secret", &["a"]), "$(cat .robot-callback/secret)");
    assert_eq!(shell("it's here/$x", &["a"]), r"$(cat 'it'\''s here/$x')");
    assert_eq!(shell("secrets", &["new", "old"]), "$(sed -n 1p secrets)");
}
