//! The stage: a server and a robot, each a process, a proxy between them, an event endpoint; set up, played on, and
//! taken down.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use robot_callback_core::Report;
use robot_callback_core::inngest_loopback::InngestLoopback;
use robot_callback_harness::{
    Facts, Gossip, GossipOptions, Operator, Orders, Proxy, Reporter, RobotProcess, RobotSettings, Server,
    ServerSettings, Witness, drained, hand_over, open_store, truth_of,
};
use robot_coordinadora_client::BatchRequest;
use tokio::sync::mpsc::UnboundedReceiver;

use crate::args::Args;
use crate::faults::{Faults, Incidents, next_death, robot_deaths};
use crate::story::Story;

/// Whatever keeps the loop from being played.
pub(crate) type Error = Box<dyn std::error::Error + Send + Sync>;

/// The argument that makes this program the server.
pub(crate) const SERVER: &str = "server";
/// The argument that makes this program the robot.
pub(crate) const ROBOT: &str = "robot";

/// How long the robot pauses between two orders, and in a large batch all in all.
const PAUSE: Duration = Duration::from_millis(80);
const ALL_PAUSES: Duration = Duration::from_secs(4);
/// How long the last events may take to arrive.
const DRAIN_DEADLINE: Duration = Duration::from_secs(30);

/// Everything that plays.
pub(crate) struct Stage {
    folder: PathBuf,
    server: Server,
    robot: RobotProcess,
    heard: UnboundedReceiver<Report>,
    _proxy: Proxy,
    inngest: InngestLoopback,
    witness: Arc<Witness>,
    gossip: Gossip,
    batch: BatchRequest,
    rng: fastrand::Rng,
}

impl Stage {
    pub(crate) async fn build(args: &Args, folder: &Path, story: &Story) -> Result<Self, Error> {
        let mut rng = fastrand::Rng::with_seed(args.seed);
        let inngest = InngestLoopback::start().await?;
        let settings = server_settings(args, folder, &inngest)?;
        let (secret, token) = (settings.secret.clone(), settings.token.clone());
        let server = Server::start(settings).await?;
        story.say(&format!("a server at {}, on {}", server.address(), args.database));
        let witness = Arc::new(Witness::default());
        let (proxy, heard) = Proxy::start(server.address(), witness.clone()).await?;
        let mut robot = RobotProcess::start(robot_settings(args, folder, &proxy)?).await?;
        story.say(&format!("a robot at {}, with a simulated portal", robot.address()));

        let orders = Orders::sample(args.orders.into())?;
        let operator = Operator::new(server.address(), &token);
        let key = format!("whole-loop-{}-{}", args.seed, fastrand::u64(..));
        let job = operator.make_job(&orders.job_request(), &key).await?;
        witness.expect(&job);
        let batch = orders.batch(&job, &proxy.callback_url(), &secret);
        story.say(&format!("job {} of {} orders", job.job_id, batch.orders.len()));
        let reporter = Reporter::new(&server.callback_url(), &secret, witness.clone(), rng.u64(..))?;
        let options = GossipOptions { copies: 3, contradict_one_in: 5, seed: rng.u64(..) };
        let gossip = Gossip::new(reporter, options);
        robot.kill().await?;
        robot.restart(&next_death(&mut rng, batch.orders.len())).await?;
        let (folder, _proxy) = (folder.to_owned(), proxy);
        Ok(Self { folder, server, robot, heard, _proxy, inngest, witness, gossip, batch, rng })
    }

    /// Plays the whole loop, and collects the facts once the server is dead for good.
    pub(crate) async fn play(mut self, args: &Args, story: &Story) -> Result<(Facts, Incidents), Error> {
        let Self { server, robot, heard, inngest, witness, gossip, batch, rng, folder, .. } = &mut self;
        let (orders, robot_address) = (batch.orders.len(), robot.address());
        let incidents = Incidents::default();
        let faults = Faults { server, inngest, witness, story, rng: rng.fork(), incidents };
        let playing = async {
            let ((), (), (), incidents) = tokio::try_join!(
                async { Ok(hand_over(robot_address, batch).await?) },
                robot_deaths(robot, story, rng, orders),
                listen(heard, gossip, batch, story),
                faults.run(orders),
            )?;
            let store = open_store(&args.database, folder).await?;
            let drained = tokio::time::timeout(DRAIN_DEADLINE, drained(&*store));
            drained.await.map_err(|_| "events still wait")??;
            Ok::<_, Error>(incidents)
        };
        let incidents = witness.beside(inngest, playing).await?;
        // Killed and never stopped: what is there now is there whatever happens.
        robot.kill().await?;
        server.kill().await?;
        let shipments = robot.shipments()?;
        let store = open_store(&args.database, folder).await?;
        let truth = truth_of(batch, &shipments);
        let facts = Facts::collect(truth, witness, &*store, inngest.events()).await?;
        let mut facts = Facts { shipments, ..facts };
        if args.pretend_second_completion {
            pretend_second_completion(&mut facts);
        }
        Ok((facts, incidents))
    }
}

/// Tells of every order as the robot reports it for the first time, and spreads gossip about it, until all are told of.
async fn listen(
    heard: &mut UnboundedReceiver<Report>,
    gossip: &mut Gossip,
    batch: &BatchRequest,
    story: &Story,
) -> Result<(), Error> {
    let mut untold: BTreeMap<_, _> = batch.orders.iter().map(|order| (order.item_id, order)).collect();
    while !untold.is_empty() {
        let report = heard.recv().await.ok_or("nobody reports any more")?;
        if let Some(order) = untold.remove(&report.item_id) {
            story.created(order, &report);
            gossip.spread(report).await;
            story.reported();
        }
    }
    Ok(())
}

fn server_settings(args: &Args, folder: &Path, inngest: &InngestLoopback) -> Result<ServerSettings, Error> {
    Ok(ServerSettings {
        program: (std::env::current_exe()?, vec![SERVER.into()]),
        folder: folder.to_owned(),
        database: args.database.clone(),
        secret: format!("callback-{:016x}", fastrand::u64(..)),
        token: format!("operator-{:016x}", fastrand::u64(..)),
        inngest: inngest.base_url(),
    })
}

fn robot_settings(args: &Args, folder: &Path, proxy: &Proxy) -> Result<RobotSettings, Error> {
    let pause = PAUSE.min(ALL_PAUSES / u32::from(args.orders));
    let program = (std::env::current_exe()?, vec![ROBOT.into()]);
    Ok(RobotSettings::hasty(program, folder, proxy.origin()).with("ROBOT_PAUSE_MS", pause.as_millis()))
}

fn pretend_second_completion(facts: &mut Facts) {
    let completion = facts.events.iter().find(|event| event.name == "robot/job.batch_completed").cloned();
    facts.events.extend(completion.map(|mut event| {
        event.id.push_str("-again");
        event
    }));
}
