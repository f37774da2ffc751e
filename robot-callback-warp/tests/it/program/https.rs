//! The program with a certificate of its own.

use super::*;
use crate::tls::{Pair, call};

#[tokio::test]
async fn the_certificate_changes_when_its_files_do() {
    let folder = tempfile::tempdir().unwrap();
    let pair = Pair::in_folder(folder.path());
    let args = ["--tls-cert-file", "cert.pem", "--tls-key-file", "key.pem", "--database-url", "memory:"];
    let mut server = Running::start(folder.path(), &args).await;
    let (_, address) = server.first.trim().split_once(" listens on https://").expect("it says where");
    let address = address.parse().unwrap();
    let old = pair.trusting();
    assert!(call(address, &old).await.is_ok());

    pair.renew();
    let new = pair.trusting();
    server.signal("-HUP").await;
    server.says("read the secrets again").await;
    assert!(call(address, &new).await.is_ok() && call(address, &old).await.is_err(), "by a signal");

    pair.renew();
    let newer = pair.trusting();
    server.says("files of secrets have changed and were read again").await;
    assert!(call(address, &newer).await.is_ok() && call(address, &new).await.is_err(), "by itself");

    std::fs::write(&pair.key, "no key").unwrap();
    server.says("the certificate stays as it was").await;
    assert!(call(address, &newer).await.is_ok(), "what can't be read changes nothing");
    server.terminate("-TERM").await;
}
