//! The stage: a server process, an event endpoint, a robot; set up, played on, and taken down.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use robot_callback_core::ErrorType;
use robot_callback_core::Report;
use robot_callback_core::inngest_loopback::InngestLoopback;
use robot_callback_harness::simulation::{Dial, Ledger, SimulatedPortal};
use robot_callback_harness::{
    Facts, Gossip, GossipOptions, Operator, Orders, Reporter, Server, ServerSettings, Witness, drained,
    open_store,
};
use robot_coordinadora_client::{BatchOrder, BatchRequest, Portal, PortalError, PortalSession};

use crate::args::Args;
use crate::faults::{Faults, Incidents};
use crate::story::Story;

/// Whatever keeps the loop from being played.
pub(crate) type Error = Box<dyn std::error::Error + Send + Sync>;

/// The argument that makes this program the server.
pub(crate) const SERVER: &str = "server";

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

        let orders = Orders::sample(args.orders.into())?;
        let operator = Operator::new(server.address(), &token);
        let key = format!("whole-loop-{}-{}", args.seed, fastrand::u64(..));
        let job = operator.make_job(&orders.job_request(), &key).await?;
        let witness = Arc::new(Witness::default());
        witness.expect(&job);
        let batch = orders.batch(&job, &server.callback_url(), &secret);
        story.say(&format!("job {} of {} orders", job.job_id, batch.orders.len()));
        let reporter = Reporter::new(&batch.callback_url, &secret, witness.clone(), rng.u64(..))?;
        let folder = folder.to_owned();
        Ok(Self { folder, server, inngest, witness, reporter, batch, rng })
    }

    /// Plays the whole loop, and collects the facts once the server is dead for good.
    pub(crate) async fn play(mut self, args: &Args, story: &Story) -> Result<(Facts, Incidents), Error> {
        let Self { server, inngest, witness, reporter, batch, rng, folder } = &mut self;
        let options = GossipOptions { copies: 3, contradict_one_in: 5, seed: rng.u64(..) };
        let gossip = Gossip::new(reporter.clone(), options);
        let portal = SimulatedPortal::new(Ledger::at(folder.join("portal-ledger")), Dial::default());
        let pause = PAUSE.min(ALL_PAUSES / u32::from(args.orders));
        let incidents = Incidents::default();
        let faults = Faults { server, inngest, witness, story, rng: rng.fork(), incidents };
        let playing = async {
            let robot = work(batch, &portal, gossip, story, pause);
            let (gossip, incidents) = tokio::join!(robot, faults.run(batch.orders.len()));
            let truth = gossip?.known();
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

/// Works through the batch: orders without a city are reported before it starts, the others one at a time.
async fn work(
    batch: &BatchRequest,
    portal: &SimulatedPortal,
    mut gossip: Gossip,
    story: &Story,
    pause: Duration,
) -> Result<Gossip, Error> {
    let mut session = portal.log_in(&batch.credentials).await?;
    let (rejected, tried): (Vec<_>, Vec<_>) = batch.orders.iter().partition(|order| order.lacks_city());
    for order in rejected.into_iter().chain(tried) {
        let report = outcome(&mut *session, order).await;
        story.created(order, &report);
        gossip.spread(report).await;
        story.reported();
        tokio::time::sleep(pause).await;
    }
    session.close().await;
    Ok(gossip)
}

async fn outcome(session: &mut dyn PortalSession, order: &BatchOrder) -> Report {
    let error = |kind, words: String| Report::error(order.item_id, kind, words);
    if order.lacks_city() {
        return error(ErrorType::Validation, "Ciudad vacía o no proporcionada".into());
    }
    match session.create_shipment(&order.pedido_input).await {
        Ok(number) => Report::success(order.item_id, number),
        Err(PortalError::Refused(words)) => error(ErrorType::Portal, words),
        Err(PortalError::Failed(cause)) => error(ErrorType::Unknown, cause.to_string()),
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
