//! Every class of answer, over a real connection: sent again until taken, or given up with the right advice.

use robot_callback_core::Verdict;
use robot_coordinadora_client::{AttemptError, ReportFailure, TryAgain};

use crate::server::{APPLIED, Server, Step, answer, applied, hang_up, problem};
use crate::{client, destination, report};

/// Reports to a server that follows the script and then takes everything. Gives the number of requests it saw.
async fn delivered_after(script: Vec<Step>) -> usize {
    let server = Server::start(script.into_iter().chain([applied()])).await;
    let delivered = client().report_result(&destination(&server), &report()).await.unwrap();
    assert_eq!(delivered.verdict, Some(Verdict::Applied));
    let requests = server.requests();
    assert!(requests.iter().all(|request| *request == requests[0]), "the same report is sent each time");
    requests.len()
}

async fn refused_by(step: Step) -> ReportFailure {
    let server = Server::start([step, applied()]).await;
    let failure = client().report_result(&destination(&server), &report()).await.unwrap_err();
    assert_eq!(server.requests().len(), 1, "a refusal is not tried again");
    assert_eq!((failure.attempts, failure.wait), (1, None));
    failure
}

#[tokio::test]
async fn statuses_that_may_pass_are_tried_again() {
    for status in [408, 425, 429, 500, 502, 503, 504, 507, 599] {
        assert_eq!(
            delivered_after(vec![problem(status, "Not now"), answer(status, "", "")]).await,
            3,
            "{status}"
        );
    }
}

#[tokio::test]
async fn a_2xx_from_somebody_else_is_tried_again() {
    let page = "<html><title>Accept the terms of this network</title></html>";
    let bodies = vec![
        answer(200, "content-type: text/html\r\n", page),
        answer(200, "content-type: application/json\r\n", r#"{"ok":true}"#),
        answer(200, "", ""),
        Step::Send("HTTP/1.1 204 No Content\r\n\r\n".into()),
    ];
    assert_eq!(delivered_after(bodies).await, 5);
}

#[tokio::test]
async fn a_connection_that_breaks_after_the_report_landed_is_no_delivery() {
    let cut_short = APPLIED.len() + 1;
    let broken = vec![
        hang_up(),
        Step::HangUp("HTTP/1.1 200 OK\r\ncontent-le".into()),
        Step::HangUp(format!("HTTP/1.1 200 OK\r\ncontent-length: {cut_short}\r\n\r\n{APPLIED}")),
        Step::Send("SSH-2.0-OpenSSH_9.2\r\n".into()),
    ];
    assert_eq!(delivered_after(broken).await, 5, "the report is sent again, though it may have been taken");
}

#[tokio::test]
async fn a_duplicate_is_a_delivery_too() {
    let server = Server::start([answer(200, "", r#"{"received":true,"verdict":"duplicate"}"#)]).await;
    let delivered = client().report_result(&destination(&server), &report()).await.unwrap();
    assert_eq!(delivered.verdict, Some(Verdict::Duplicate));
}

#[tokio::test]
async fn a_refused_secret_waits_for_another_one() {
    for status in [401, 403] {
        let failure = refused_by(problem(status, "Unauthorized")).await;
        assert_eq!(failure.try_again(), TryAgain::Reconfigured);
        let cause = failure.cause.to_string();
        assert_eq!(cause, format!("answered {status}, the secret is refused: Unauthorized"));
    }
}

#[tokio::test]
async fn a_refused_report_is_refused_for_good_in_the_receivers_words() {
    for status in [400, 404, 405, 409, 413, 415, 422] {
        let failure = refused_by(problem(status, "trackingNumber must be a string")).await;
        assert_eq!(failure.try_again(), TryAgain::Never);
        let cause = failure.cause.to_string();
        assert_eq!(cause, format!("answered {status}: trackingNumber must be a string"));
    }
}

#[tokio::test]
async fn a_refusal_by_somebody_else_says_nothing_of_the_report() {
    for status in [400, 404, 405, 413, 415] {
        let failure = refused_by(answer(status, "content-type: text/html\r\n", "<h1>nginx</h1>")).await;
        assert_eq!(failure.try_again(), TryAgain::Reconfigured, "{status}: the URL is to be corrected");
    }
}

#[tokio::test]
async fn a_huge_answer_is_read_no_further_than_needed() {
    // The server announces a terabyte, sends a little of it and waits: whoever waits for all of it never ends.
    let endless = |status: u16, body: &str| {
        let filler = " ".repeat(200_000);
        Step::Send(format!("HTTP/1.1 {status} Any\r\ncontent-length: 1000000000000\r\n\r\n{body}{filler}"))
    };
    assert_eq!(delivered_after(vec![endless(503, "busy"), endless(200, "{")]).await, 3);
    let failure = refused_by(endless(404, r#"{"error":"Item not found"}"#)).await;
    let AttemptError::Answered(answer) = failure.cause else { panic!("{failure:?}") };
    assert_eq!(answer.status, 404, "the status counts though the body was left unread");
}

#[tokio::test]
async fn a_wait_past_the_total_deadline_is_handed_to_the_caller() {
    let server = Server::start([answer(503, "retry-after: 3600\r\n", ""), applied()]).await;
    let failure = client().report_result(&destination(&server), &report()).await.unwrap_err();
    assert_eq!(server.requests().len(), 1, "no second attempt before the hour is over");
    assert_eq!(failure.try_again(), TryAgain::Later);
    assert_eq!(failure.wait.unwrap().as_secs(), 3600);
}

#[tokio::test]
async fn one_try_is_one_request_whatever_the_answer() {
    for step in [problem(503, "Not now"), hang_up(), answer(200, "", "")] {
        let server = Server::start([step, applied()]).await;
        let error = client().try_once(&destination(&server), &report()).await.unwrap_err();
        assert_eq!(error.try_again(), TryAgain::Later);
        assert_eq!(server.requests().len(), 1);
    }
    let server = Server::start([applied()]).await;
    let delivered = client().try_once(&destination(&server), &report()).await.unwrap();
    assert_eq!(delivered.verdict, Some(Verdict::Applied));
}
