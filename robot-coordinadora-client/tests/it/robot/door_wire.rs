//! The robot's door over real connections: what callers that stall, send too much, or name a host of their own get.

use std::net::SocketAddr;
use std::time::Duration;

use robot_coordinadora_client::{BatchRequest, CallbackHosts, DoorOptions, Robot, door};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::door::{PATH, refusal};
use super::world::{Told, World, batch};
use crate::spool::LONG;

/// A door that is served until it is dropped.
struct Door {
    address: SocketAddr,
    serving: JoinHandle<()>,
}

impl Door {
    async fn open(robot: &Robot, options: DoorOptions) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = tokio::spawn(warp::serve(door(robot.clone(), options)).incoming(listener).run());
        Self { address, serving }
    }

    /// Sends that, and gives the status and the body of the answer, which comes whether or not more would.
    async fn answer(&self, request: &[u8]) -> (u16, String) {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(request).await.unwrap();
        let mut answer = Vec::new();
        tokio::time::timeout(LONG, async {
            while !is_whole(&String::from_utf8_lossy(&answer)) {
                let read = stream.read_buf(&mut answer).await.unwrap();
                assert_ne!(read, 0, "the door hangs up: {}", String::from_utf8_lossy(&answer));
            }
        })
        .await
        .expect("there is an answer");
        let answer = String::from_utf8(answer).unwrap();
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        (answer[9..12].parse().unwrap(), body.to_owned())
    }

    async fn answer_to(&self, batch: &BatchRequest) -> (u16, String) {
        let body = serde_json::to_string(batch).unwrap();
        self.answer(format!("{}{body}", head(&format!("content-length: {}", body.len()))).as_bytes()).await
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

fn is_whole(answer: &str) -> bool {
    let Some((head, body)) = answer.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    body.len() == length.parse::<usize>().unwrap()
}

fn head(length: &str) -> String {
    format!("POST {PATH} HTTP/1.1\r\nhost: robot\r\ncontent-type: application/json\r\n{length}\r\n\r\n")
}

fn refused(status: u16, words: &str) -> (u16, String) {
    (status, refusal(words).to_string())
}

#[tokio::test]
async fn a_body_that_never_comes_is_answered_408_and_others_are_served_meanwhile() {
    let (world, batch) = (World::new(), batch(["#1"]));
    let robot = world.robot().await;
    let callback_hosts = CallbackHosts::parse(["crm.example.com"]).unwrap().on_private_networks();
    let body_deadline = Duration::from_millis(20);
    let stalls = Door::open(&robot, DoorOptions { body_deadline, ..DoorOptions::default() }).await;
    let late = refused(408, "El cuerpo tardó demasiado");
    assert_eq!(stalls.answer(head("content-length: 1000").as_bytes()).await, late, "nothing of it");
    let begins = format!("{}{{\"workspaceId\":", head("content-length: 1000"));
    assert_eq!(stalls.answer(begins.as_bytes()).await, late, "its beginning alone");
    let chunk = format!("{}5\r\n{{\"wor\r\n", head("transfer-encoding: chunked"));
    assert_eq!(stalls.answer(chunk.as_bytes()).await, late, "a chunk without an end");

    let door = Door::open(&robot, DoorOptions { callback_hosts, ..DoorOptions::default() }).await;
    let mut stalled = TcpStream::connect(door.address).await.unwrap();
    stalled.write_all(begins.as_bytes()).await.unwrap();
    assert_eq!(door.answer_to(&batch).await.0, 200, "while one stalls, another is served");
    robot.idle().await;
    assert_eq!(world.told(&batch), [Told::success("73150000001")], "and nothing else was taken");
}

#[tokio::test]
async fn a_body_over_the_limit_is_answered_413_before_the_rest_of_it_has_come() {
    let world = World::new();
    let robot = world.robot().await;
    let door = Door::open(&robot, DoorOptions { max_body: 1000, ..DoorOptions::default() }).await;
    let too_large = refused(413, "El cuerpo supera 1000 bytes");
    assert_eq!(door.answer(head("content-length: 1001").as_bytes()).await, too_large, "none of it was sent");
    let piece = format!("258\r\n{}\r\n", "x".repeat(600));
    let chunks = format!("{}{piece}{piece}", head("transfer-encoding: chunked"));
    assert_eq!(door.answer(chunks.as_bytes()).await, too_large, "there was no end to it");
    assert_eq!(world.portal.facts().logins, 0, "nothing is taken");
}

/// In a process of its own, which has names of its own.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_listed_name_that_leads_to_a_private_address_is_refused() {
    use crate::process;

    const NAME: &str = "robot::door_wire::a_listed_name_that_leads_to_a_private_address_is_refused";
    const NAMES: &str = "10.1.2.3 crm.example.com\n127.0.0.1 here.example.com\n8.8.8.8 public.example.com\n";
    if std::env::var_os("ROBOT_TEST_NAMES").is_none() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&file, NAMES).unwrap();
        let script = r#"mount --bind "$ROBOT_TEST_NAMES" /etc/hosts"#;
        let mut test = process::after(&process::MOUNTER, script, NAME);
        test.env("ROBOT_TEST_NAMES", file.path());
        if process::may_mount() {
            process::output(test).await;
        } // else there are no names to try it with but in the tests of the list itself
        return;
    }
    let (world, mut batch) = (World::new(), batch(["#1"]));
    let robot = world.robot().await;
    let hosts = ["crm.example.com", "here.example.com", "public.example.com"];
    let callback_hosts = CallbackHosts::parse(hosts).unwrap();
    let door = Door::open(&robot, DoorOptions { callback_hosts, ..DoorOptions::default() }).await;
    let not_there = refused(400, "Campo inválido: callbackUrl no está permitida");
    for name in ["crm", "here"] {
        batch.callback_url = format!("https://{name}.example.com/api/webhooks/robot-callback");
        assert_eq!(door.answer_to(&batch).await, not_there, "{name}");
    }
    assert_eq!(world.portal.facts().logins, 0, "nothing is taken");
    batch.callback_url = "https://public.example.com/".to_owned();
    assert_eq!(door.answer_to(&batch).await.0, 200, "a public address is where results may go");
    robot.idle().await;
}
