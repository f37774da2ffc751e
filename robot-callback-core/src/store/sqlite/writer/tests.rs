//! Group commit: each caller hears of its own work, and nobody's failure is another's.

use super::*;

fn writer() -> Writer {
    let db = Connection::open_in_memory().unwrap();
    db.execute_batch("CREATE TABLE t (n INTEGER PRIMARY KEY)").unwrap();
    Writer::start(db).unwrap()
}

fn insert(n: i64) -> impl FnMut(&Connection) -> rusqlite::Result<usize> + Send {
    move |db| db.execute("INSERT INTO t VALUES (?1)", [n])
}

async fn numbers(writer: &Writer) -> Vec<i64> {
    let all = |db: &Connection| {
        db.prepare("SELECT n FROM t ORDER BY n")?.query_map([], |row| row.get(0))?.collect()
    };
    writer.run(all).await.unwrap()
}

/// Holds the writer's thread inside a piece of work until told to go on, so that what follows queues up.
async fn hold(writer: &Arc<Writer>) -> std::sync::mpsc::Sender<()> {
    let (go_on, told) = std::sync::mpsc::channel();
    let (begun, has_begun) = oneshot::channel();
    let (mut begun, writer) = (Some(begun), writer.clone());
    tokio::spawn(async move {
        let piece = move |_: &Connection| {
            _ = begun.take().map(|begun| begun.send(()));
            _ = told.recv();
            Ok(())
        };
        writer.run(piece).await
    });
    has_begun.await.unwrap();
    go_on
}

#[tokio::test]
async fn one_that_fails_spoils_nobody_elses_work() {
    let writer = Arc::new(writer());
    let go_on = hold(&writer).await;
    let same_group =
        async { tokio::join!(writer.run(insert(1)), writer.run(insert(1)), writer.run(insert(2))) };
    let ((first, second, third), ()) = tokio::join!(same_group, async { go_on.send(()).unwrap() });
    assert!(first.is_ok() && third.is_ok(), "their work was fine");
    assert!(matches!(second, Err(StoreError::Fault(_))), "a number stands once: {second:?}");
    assert_eq!(numbers(&writer).await, [1, 2]);
}

#[tokio::test]
async fn one_that_panics_spoils_nobody_elses_work() {
    let writer = Arc::new(writer());
    let go_on = hold(&writer).await;
    let panicking = writer.run(|db| {
        assert!(db.execute("INSERT INTO t VALUES (7)", [])? == 0, "broken on purpose");
        Ok(())
    });
    let same_group = async { tokio::join!(writer.run(insert(1)), panicking, writer.run(insert(2))) };
    let ((first, second, third), ()) = tokio::join!(same_group, async { go_on.send(()).unwrap() });
    assert!(first.is_ok() && third.is_ok(), "their work was fine");
    assert!(matches!(second, Err(StoreError::Fault(_))), "{second:?}");
    assert_eq!(numbers(&writer).await, [1, 2], "what it had written is undone");
}

#[tokio::test]
async fn when_the_transaction_is_given_up_nobody_hears_that_it_was_done() {
    let writer = Arc::new(writer());
    let go_on = hold(&writer).await;
    let giving_up = writer.run(|db| db.execute_batch("ROLLBACK"));
    let same_group = async { tokio::join!(writer.run(insert(1)), giving_up, writer.run(insert(2))) };
    let ((first, second, third), ()) = tokio::join!(same_group, async { go_on.send(()).unwrap() });
    for result in [first.map(drop), second, third.map(drop)] {
        assert!(matches!(result, Err(StoreError::Unavailable(_))), "it may be sent again: {result:?}");
    }
    assert!(numbers(&writer).await.is_empty(), "and none of it is there");
    writer.run(insert(3)).await.unwrap();
    assert_eq!(numbers(&writer).await, [3], "the next group is committed again");
}

#[tokio::test]
async fn a_caller_that_goes_away_leaves_its_work_done() {
    let writer = Arc::new(writer());
    let go_on = hold(&writer).await;
    let (queued, gone) = (writer.clone(), tokio::time::Duration::ZERO);
    assert!(
        tokio::time::timeout(gone, queued.run(insert(5))).await.is_err(),
        "the writer is held, so it can't answer"
    );
    go_on.send(()).unwrap();
    assert_eq!(numbers(&writer).await, [5]);
}
