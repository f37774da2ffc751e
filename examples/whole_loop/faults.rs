//! What goes wrong while the robot works, and when: by how far it is, not by the clock.

use std::time::Duration;

use robot_callback_core::inngest_loopback::{Fault, InngestLoopback};
use robot_callback_harness::simulation::{Death, places_died_at};
use robot_callback_harness::{RobotProcess, Server, Witness};
use tokio::sync::watch;

use crate::stage::Error;
use crate::story::{Steps, Story};

/// What has gone wrong with the server and the event endpoint.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Incidents {
    /// How often the server was killed while reports were on their way.
    pub(crate) kills: usize,
    /// How many reports were on their way then, all in all.
    pub(crate) in_flight: usize,
    /// How many requests the event endpoint failed on purpose, having taken their events or not.
    pub(crate) faults: usize,
    /// How often it was down.
    pub(crate) outages: usize,
}

/// Whoever makes things go wrong with the server and the event endpoint.
pub(crate) struct Faults<'a> {
    pub(crate) server: &'a mut Server,
    pub(crate) inngest: &'a InngestLoopback,
    pub(crate) witness: &'a Witness,
    pub(crate) story: &'a Story,
    pub(crate) rng: fastrand::Rng,
    pub(crate) incidents: Incidents,
}

impl Faults<'_> {
    /// Lets everything go wrong while a robot works through that many orders.
    pub(crate) async fn run(mut self, orders: usize) -> Result<Incidents, Error> {
        let mut steps = self.story.steps();
        reached(&mut steps, orders * 15 / 100).await?;
        self.deny_what_was_taken();
        reached(&mut steps, orders * 30 / 100).await?;
        self.kill_in_flight(orders).await?;
        reached(&mut steps, orders * 50 / 100).await?;
        self.inngest.stop().await;
        self.incidents.outages += 1;
        self.story.say("    the event endpoint goes down");
        reached(&mut steps, orders * 65 / 100).await?;
        self.kill_in_flight(orders).await?;
        reached(&mut steps, orders * 85 / 100).await?;
        self.inngest.restart().await?;
        self.story.say("    the event endpoint is up again");
        reached(&mut steps, orders).await?;
        self.kill_in_flight(orders).await?;
        Ok(self.incidents)
    }

    fn deny_what_was_taken(&mut self) {
        let taken = [Fault::status(500).after_landing(), Fault::close().after_landing(), Fault::status(503)];
        self.incidents.faults += taken.len();
        self.inngest.script(taken);
        self.story.say("    the event endpoint takes the next events and denies it");
    }

    /// Kills the server while reports are on their way, somewhere between their sending and their answers.
    async fn kill_in_flight(&mut self, orders: usize) -> Result<(), Error> {
        let (mut progress, mut steps) = (self.witness.watch(), self.story.steps());
        tokio::select! {
            sent = progress.wait_for(|progress| progress.in_flight > 0) => drop(sent?),
            // The robot may be done by now; then it is killed while its events leave.
            ended = steps.wait_for(|steps| steps.reported >= orders) => drop(ended?),
        }
        tokio::time::sleep(Duration::from_micros(self.rng.u64(0..1500))).await;
        let in_flight = self.witness.watch().borrow().in_flight;
        self.server.kill().await?;
        self.incidents.kills += 1;
        self.incidents.in_flight += in_flight;
        self.story.say(&format!("    the server is killed (SIGKILL); reports on their way: {in_flight}"));
        tokio::time::sleep(Duration::from_millis(self.rng.u64(100..400))).await;
        self.server.restart().await?;
        self.story.say(&format!("    the server is back, in its life number {}", self.server.lives()));
        Ok(())
    }
}

/// How often the robot dies before it may live.
pub(crate) const DEATHS: u32 = 3;

/// When the robot dies next: after so many writes, submissions and requests that all its deaths come before its last
/// order, for it takes a dozen of them for each.
pub(crate) fn next_death(rng: &mut fastrand::Rng, orders: usize) -> Death {
    let places = u64::try_from(orders * 3).unwrap_or(u64::MAX);
    Death { die_after: Some(rng.u64(1..=places)), ..Death::default() }
}

/// Lets the robot die by its own hand where it was told to, and starts it again.
pub(crate) async fn robot_deaths(
    robot: &mut RobotProcess,
    story: &Story,
    rng: &mut fastrand::Rng,
    orders: usize,
) -> Result<(), Error> {
    for death in 1..=DEATHS {
        robot.death().await?;
        let place = places_died_at(&robot.log())?.pop().unwrap_or_default();
        story.say(&format!("    the robot is killed (SIGKILL) {place}"));
        let next = if death < DEATHS { next_death(rng, orders) } else { Death::default() };
        robot.restart(&next).await?;
        story.say(&format!("    the robot is back, in its life number {}", robot.lives()));
    }
    Ok(())
}

async fn reached(steps: &mut watch::Receiver<Steps>, orders: usize) -> Result<(), Error> {
    steps.wait_for(|steps| steps.created >= orders).await?;
    Ok(())
}
