//! Callbacks that are signed, beside the secret or instead of it.

use super::*;
use crate::clock::Timestamp;
use crate::signature::{SigningKey, seconds};

const TOLERANCE: Duration = Duration::from_secs(300);

fn key() -> SigningKey {
    SigningKey::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap()
}

fn endpoint(secrets: Secrets) -> CallbackEndpoint {
    let secrets = secrets.signed_with([key()], TOLERANCE);
    CallbackEndpoint::new(Scripted::new(taken), Arc::new(NoEmitter), secrets)
}

/// The right request, signed just now in the place of its secret.
fn signed() -> Ask {
    let ask = Ask::right().without("x-callback-secret");
    let (body, at) = (ask.pieces.concat(), SystemClock.now());
    ask.header("webhook-id", "msg_1")
        .header("webhook-timestamp", seconds(at))
        .header("webhook-signature", key().sign("msg_1", at, &body))
}

#[tokio::test]
async fn a_signature_is_as_good_as_the_secret_and_either_is_enough() {
    let instead = endpoint(Secrets::default());
    assert_eq!(signed().of(&instead).await.status, 200, "signed, where no secret is valid");
    Ask::right().of(&instead).await.is_problem(401, "Unauthorized");
    let beside = endpoint(Secrets::new(["right"]));
    assert_eq!(signed().of(&beside).await.status, 200);
    assert_eq!(Ask::right().of(&beside).await.status, 200);
    assert_eq!(signed().header("x-callback-secret", "wrong").of(&beside).await.status, 200);
    let wrong = signed().header("webhook-signature", "v1,wrong").header("x-callback-secret", "right");
    assert_eq!(wrong.of(&beside).await.status, 200);
}

#[tokio::test]
async fn what_can_not_be_right_is_refused_before_the_body_is_asked_for() {
    let long_ago = seconds(Timestamp::from_millis(1_767_225_600_000));
    let strangers = [
        signed().without("webhook-id"),
        signed().without("webhook-timestamp"),
        signed().without("webhook-signature"),
        signed().also("webhook-signature", "v1,AAAA"),
        signed().header("webhook-signature", "v2,AAAA"),
        signed().header("webhook-timestamp", long_ago),
    ];
    for stranger in strangers {
        let told = stranger.header("expect", "100-continue").of(&endpoint(Secrets::default())).await;
        told.is_problem(401, "Unauthorized");
        told.left_the_body_alone();
    }
    let unkeyed = CallbackEndpoint::new(Scripted::new(taken), Arc::new(NoEmitter), Secrets::new(["right"]));
    let told = signed().header("expect", "100-continue").of(&unkeyed).await;
    told.is_problem(401, "Unauthorized");
    told.left_the_body_alone();
}

#[tokio::test]
async fn a_signature_of_another_body_is_401_whatever_the_body_is() {
    for body in [r#"{"itemId":"0f0e0d0c-0b0a-4908-8706-050403020100","status":"success"}"#, "no json", ""] {
        signed().body(body).of(&endpoint(Secrets::default())).await.is_problem(401, "Unauthorized");
    }
}
