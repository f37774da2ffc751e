//! Secrets, tokens and signing keys that change while the server runs.

use std::time::SystemTime;

use robot_callback_core::{CALLBACK_PATH, SigningKey, seconds};

use super::*;

const UNKNOWN: &str = "0f0e0d0c-0b0a-4908-8706-050403020100";
const OLD: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const NEW: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oDC2FV";

impl Running {
    /// The status of a callback with those headers: 404 means that it was let in, for there is no such item.
    async fn callback(&self, headers: &[(&str, &[u8])]) -> u16 {
        let mut caller = Caller::connect(self.address()).await;
        caller.send(request("POST", CALLBACK_PATH, headers, success(UNKNOWN).as_bytes())).await;
        caller.answer().await.status
    }

    async fn by_secret(&self, secret: &str) -> u16 {
        self.callback(&[("x-callback-secret", secret.as_bytes())]).await
    }

    async fn by_signature(&self, key: &str) -> u16 {
        let at = SystemTime::now().into();
        let signature = SigningKey::parse(key).unwrap().sign("msg_1", at, success(UNKNOWN).as_bytes());
        let (id, time) = (("webhook-id", &b"msg_1"[..]), seconds(at));
        self.callback(&[
            id,
            ("webhook-timestamp", time.as_bytes()),
            ("webhook-signature", signature.as_bytes()),
        ])
        .await
    }

    async fn by_token(&self, token: &str) -> u16 {
        let token = format!("Bearer {token}");
        let mut caller = Caller::connect(self.address()).await;
        let headers: &[(&str, &[u8])] = &[("authorization", token.as_bytes())];
        caller.send(request("GET", &format!("/api/jobs/{UNKNOWN}"), headers, b"")).await;
        caller.answer().await.status
    }
}

#[tokio::test]
async fn secrets_tokens_and_signing_keys_rotate_without_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, content: &str| std::fs::write(folder.path().join(name), content).unwrap();
    write("secrets", "old");
    write("tokens", "old");
    write("keys", OLD);
    let files =
        ["--secret-file", "secrets", "--operator-token-file", "tokens", "--signing-keys-file", "keys"];
    let mut server =
        Running::start(folder.path(), &[&files[..], &["--database-url", "memory:"]].concat()).await;
    assert_eq!((server.by_secret("old").await, server.by_secret("new").await), (404, 401));
    assert_eq!((server.by_signature(OLD).await, server.by_signature(NEW).await), (404, 401));
    assert_eq!((server.by_token("old").await, server.by_token("new").await), (404, 401));

    write("secrets", "new\nold\n");
    write("tokens", "new\nold\n");
    write("keys", &format!("{NEW}\n{OLD}\n"));
    server.signal("-HUP").await;
    server.says("read the secrets again").await;
    for valid in ["old", "new"] {
        assert_eq!((server.by_secret(valid).await, server.by_token(valid).await), (404, 404), "{valid}");
    }
    assert_eq!((server.by_signature(OLD).await, server.by_signature(NEW).await), (404, 404));

    write("secrets", "new");
    write("tokens", "new");
    write("keys", NEW);
    server.signal("-HUP").await;
    server.says("read the secrets again").await;
    assert_eq!((server.by_secret("old").await, server.by_secret("new").await), (401, 404));
    assert_eq!((server.by_signature(OLD).await, server.by_signature(NEW).await), (401, 404));
    assert_eq!((server.by_token("old").await, server.by_token("new").await), (401, 404));

    write("keys", "no key");
    server.signal("-HUP").await;
    server.says("the secrets stay as they were").await;
    assert_eq!(server.by_signature(NEW).await, 404, "what can't be read takes nobody's key away");
    server.terminate("-TERM").await;
}

#[tokio::test]
async fn where_callbacks_must_be_signed_the_secret_lets_nobody_in() {
    let folder = tempfile::tempdir().unwrap();
    let settings = format!(
        "database_url = 'memory:'\nsecret = 'plain'\nsigning_keys = '{OLD}, {NEW}'\nsigned_only = true\n"
    );
    std::fs::write(folder.path().join("robot-callback.toml"), settings).unwrap();
    let server = Running::start(folder.path(), &[]).await;
    assert_eq!(server.by_secret("plain").await, 401);
    assert_eq!((server.by_signature(OLD).await, server.by_signature(NEW).await), (404, 404));
    let (_, rest) = server.terminate("-TERM").await;
    assert!(!rest.contains(OLD), "a key is never shown: {rest}");
}
