//! The lane gets its connection ready before the first report, and waits for no server that leaves it alone with that.

use std::time::Duration;

use robot_callback_core::{PostgresOptions, PostgresStore, Report, Store, Verdict};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::crm::Crm;
use super::database::{cluster, own};

/// A way to a server; on its `deaf`th connection nothing is answered from the first preparation of a statement on.
async fn way(server: u16, deaf: usize) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let mut count = 0;
        while let Ok((client, _)) = listener.accept().await {
            count += 1;
            tokio::spawn(carry(client, server, count == deaf));
        }
    });
    port
}

async fn carry(mut client: TcpStream, server: u16, deaf: bool) {
    let mut server = TcpStream::connect(("127.0.0.1", server)).await.unwrap();
    let (mut question, mut answer) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    loop {
        tokio::select! {
            Ok(read @ 1..) = client.read(&mut question) => {
                let preparation = question[..read].starts_with(b"P");
                if !(deaf && preparation) {
                    server.write_all(&question[..read]).await.unwrap();
                }
            }
            Ok(read @ 1..) = server.read(&mut answer) => {
                if client.write_all(&answer[..read]).await.is_err() {
                    return;
                }
            }
            else => return,
        }
    }
}

#[tokio::test]
async fn a_server_that_leaves_the_preparations_unanswered_does_not_stop_the_lane() {
    let crm = Crm::on(own()).await;
    let batch = crm.batch(1).await;
    let server = cluster().port;
    // The first is that of connecting, the second is the lane's.
    let port = way(server, 2).await;
    let url = crm.database.url().replace(&format!(":{server}/"), &format!(":{port}/"));
    let options = PostgresOptions { report_deadline: Duration::from_secs(60), ..PostgresOptions::default() };
    let store = PostgresStore::connect(&url, options).await.unwrap();
    let applied = store.apply(Report::success(batch.items[0], "73150001234")).await;
    let verdict = applied.expect("another connection answers").expect("the item is there").verdict;
    assert_eq!(verdict, Verdict::Applied);
}
