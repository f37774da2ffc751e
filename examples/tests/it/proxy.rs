//! A proxy between the robot and the server that loses requests, loses answers, and makes answers up.
//!
//! `PROXY_SEED` replays in which order.

use robot_callback_harness::{ProxyEnd, ProxyFault, hand_over};

use crate::program::setting;
use crate::stage::Stage;

const ORDERS: usize = 60;
/// How often each fault happens.
const TIMES: usize = 5;

/// Every fault some times, and as many requests without one, in an order of the seed's.
fn script(seed: u64) -> Vec<Option<ProxyFault>> {
    let ends = [ProxyEnd::Says500, ProxyEnd::Closes, ProxyEnd::KeepsSilent];
    let faults =
        ends.into_iter().flat_map(|end| [true, false].map(|handed_on| ProxyFault { handed_on, end }));
    let mut script: Vec<_> = faults.flat_map(|fault| [Some(fault), None].repeat(TIMES)).collect();
    fastrand::Rng::with_seed(seed).shuffle(&mut script);
    script
}

#[tokio::test]
async fn a_proxy_that_loses_answers_or_makes_them_up_neither_loses_nor_doubles_a_result() {
    let seed = setting("PROXY_SEED", fastrand::u64(..1_000_000));
    println!("seed {seed}");
    let (mut stage, server, robot) = Stage::build(|robot| robot.with("ROBOT_ATTEMPT_DEADLINE_MS", 300)).await;
    let script = script(seed);
    let handed_on = script.iter().flatten().filter(|fault| fault.handed_on).count();
    stage.proxy.script(script);
    let batch = stage.batch(ORDERS).await;
    hand_over(robot.address(), &batch).await.unwrap();
    stage.until_complete().await;
    let facts = stage.end(server, robot).await;
    assert_eq!(stage.proxy.faults_left(), 0, "seed {seed}: every fault had its turn");
    let answers = facts.answered.len();
    println!("{answers} reports of {ORDERS} orders answered 200, {handed_on} of them in vain");
    assert!(answers >= ORDERS + handed_on, "seed {seed}: what was taken and denied was sent again");
    stage.judge(&facts, seed);
}
