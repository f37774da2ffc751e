//! The stage: a server process, an event endpoint, a robot; set up, played on, and taken down.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use robot_callback_core::inngest_loopback::InngestLoopback;
use robot_callback_harness::{
    BatchRequest, Facts, Operator, Reporter, Robot, RobotOptions, Server, ServerSettings, Witness, drained,
    open_store,
};

use crate::args::Args;
use crate::faults::{Faults, Incidents};
use crate::story::Story;

/// Whatever keeps the loop from being played.
pub(crate) type Error = Box<dyn std::error::Error + Send + Sync>;

/// The argument that makes this program the server.
pub(crate) const SERVER: &str = "server";

const BATCH: &[u8] = include_bytes!("../data/batch.json");
/// How long the robot pauses between two orders, and in a large batch all in all.
const PAUSE: Duration = Duration::from_millis(80);
const ALL_PAUSES: Duration = Duration::from_secs(4);
/// How long the last events may take to arrive.
const DRAIN_DEADLINE: Duration = Duration::from_secs(30);

/// Everything that plays.
pub(crate) struct Stage {
    folder: PathBuf,
    server: Server,
    inngest: InngestLoopback,
    witness: Arc<Witness>,
    reporter: Reporter,
    batch: BatchRequest,
    rng: fastrand::Rng,
}

impl Stage {
    pub(crate) async fn build(args: &Args, folder: &Path, story: &Story) -> Result<Self, Error> {
        let mut rng = fastrand::Rng::with_seed(args.seed);
        let inngest = InngestLoopback::start().await?;
        let settings = settings(args, folder, &inngest)?;
        let (secret, token) = (settings.secret.clone(), settings.token.clone());
        let server = Server::start(settings).await?;
        story.say(&format!("a server at {}, on {}", server.address(), args.database));

        let batch: BatchRequest = serde_json::from_slice(BATCH)?;
        let batch = batch.with_orders(args.orders.into());
        let operator = Operator::new(server.address(), &token);
        let key = format!("whole-loop-{}-{}", args.seed, fastrand::u64(..));
        let job = operator.make_job(&batch.job_request(), &key).await?;
        let witness = Arc::new(Witness::default());
        witness.expect(&job);
        let batch = batch.of_job(&job, server.callback_url(), secret.clone());
        story.say(&format!("job {} of {} orders", job.job_id, batch.orders.len()));
        let reporter = Reporter::new(&batch.callback_url, &secret, witness.clone(), rng.u64(..))?;
        let folder = folder.to_owned();
        Ok(Self { folder, server, inngest, witness, reporter, batch, rng })
    }

    /// Plays the whole loop, and collects the facts once the server is dead for good.
    pub(crate) async fn play(mut self, args: &Args, story: &Story) -> Result<(Facts, Incidents), Error> {
        let Self { server, inngest, witness, reporter, batch, rng, folder } = &mut self;
        let options = RobotOptions {
            pause: PAUSE.min(ALL_PAUSES / u32::from(args.orders)),
            copies: 3,
            contradict_one_in: 5,
            seed: rng.u64(..),
        };
        let robot = Robot::new(reporter.clone(), options);
        let incidents = Incidents::default();
        let faults = Faults { server, inngest, witness, story, rng: rng.fork(), incidents };
        let playing = async {
            let (truth, incidents) = tokio::join!(robot.run(batch, story), faults.run(batch.orders.len()));
            let store = open_store(&args.database, folder).await?;
            tokio::time::timeout(DRAIN_DEADLINE, drained(&*store))
                .await
                .map_err(|_| "events still wait")??;
            Ok::<_, Error>((truth, incidents?))
        };
        let (truth, incidents) = tokio::select! {
            played = playing => played?,
            () = witness.watch_arrivals(inngest) => unreachable!("it watches for as long as it is polled"),
        };
        // Killed and never stopped: what is there now is there whatever happens.
        server.kill().await?;
        let store = open_store(&args.database, folder).await?;
        let mut facts = Facts::collect(truth, witness, &*store, inngest.events()).await?;
        if args.pretend_second_completion {
            pretend_second_completion(&mut facts);
        }
        Ok((facts, incidents))
    }
}

fn settings(args: &Args, folder: &Path, inngest: &InngestLoopback) -> Result<ServerSettings, Error> {
    Ok(ServerSettings {
        program: (std::env::current_exe()?, vec![SERVER.into()]),
        folder: folder.to_owned(),
        database: args.database.clone(),
        secret: format!("callback-{:016x}", fastrand::u64(..)),
        token: format!("operator-{:016x}", fastrand::u64(..)),
        inngest: inngest.base_url(),
    })
}

fn pretend_second_completion(facts: &mut Facts) {
    let completion = facts.events.iter().find(|event| event.name == "robot/job.batch_completed").cloned();
    facts.events.extend(completion.map(|mut event| {
        event.id.push_str("-again");
        event
    }));
}
