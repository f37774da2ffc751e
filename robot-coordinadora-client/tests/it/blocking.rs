//! The blocking wrapper, from a thread that knows of no runtime.

use robot_coordinadora_client::{Client, Handed, blocking};

use crate::server::{Server, applied, problem};
use crate::spool::{LONG, Robot, a_report, crm};
use crate::{client, destination, quick, report};

/// Runs `work` on a thread of its own, and the server meanwhile.
async fn meanwhile<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let (told, hears) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || told.send(work()));
    hears.await.unwrap()
}

#[tokio::test]
async fn a_result_is_reported_from_a_thread_without_a_runtime() {
    let server = Server::start([problem(503, "Not now"), applied()]).await;
    let to = destination(&server);
    let reported = meanwhile(move || {
        let client = blocking::Client::new(quick()).unwrap();
        client.report_result(&to, &report()).map(drop)
    });
    reported.await.unwrap();
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn a_spool_works_from_a_thread_without_a_runtime() {
    let server = Server::start([problem(404, "Item not found"), applied()]).await;
    let (robot, to) = (Robot::new(), crm(&server));
    let left = meanwhile(move || {
        let spool =
            blocking::Spool::open(robot.path(), client(), robot.keyring.clone(), robot.options.clone());
        let spool = spool.unwrap();
        assert_eq!(spool.report_result(&to, &a_report()).unwrap(), Handed::Spooled);
        assert_eq!(spool.flush(LONG).dead, 1);
        let dead = spool.dead_letters().unwrap();
        assert_eq!(spool.redrive(&[dead[0].id]).unwrap(), 1);
        assert_eq!(spool.flush(LONG).dead, 0);
        assert_eq!(spool.discard(&[dead[0].id]).unwrap(), 0, "it is no dead letter any longer");
        spool.resume(&to);
        assert_eq!(spool.report_result(&to, &a_report()).unwrap(), Handed::Spooled);
        spool.shutdown(LONG)
    });
    assert_eq!(left.await.waiting, 0);
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn it_sends_while_nobody_calls_and_gives_the_folder_back_when_dropped() {
    let server = Server::start([applied()]).await;
    let (robot, to) = (Robot::new(), crm(&server));
    let spool = meanwhile({
        let (path, keyring, options) =
            (robot.path().to_owned(), robot.keyring.clone(), robot.options.clone());
        move || {
            let spool = blocking::Spool::open(path, client(), keyring, options).unwrap();
            spool.report_result(&to, &a_report()).unwrap();
            spool
        }
    })
    .await;
    while spool.status().waiting > 0 {
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
    meanwhile(move || drop(spool)).await;
    assert_eq!(robot.open().status().waiting, 0);
}

#[test]
fn a_client_that_can_not_work_says_so() {
    let options =
        robot_coordinadora_client::ClientOptions { total_deadline: std::time::Duration::ZERO, ..quick() };
    let refused = blocking::Client::new(options).unwrap_err();
    assert_eq!(refused.to_string(), Client::new(options).unwrap_err().to_string());
}
