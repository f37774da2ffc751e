//! Law 117: what operators and the relay ask happens whole or not at all, too, wherever its caller goes away.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use super::World;
use super::fixture::{COMPLETION, MINUTE, failure, job_of, success};
use crate::deadline::Deadline;
use crate::id::JobId;
use crate::job::JobStatus;
use crate::new_job::{Creation, NewJob};
use crate::operation::{Actor, Command, Effect, Operation};
use crate::outbox::Settlement;
use crate::query::ActionQuery;

/// Each call is dropped before it begins, and then one step later each time.
const STEPS: usize = 12;

/// **Law 117.** Like a report, any other change happens whole or not at all when its caller goes away in the middle, and
/// can be asked for again: a job is made, an operator's word is done and recorded, a deadline is kept, and it is recorded
/// what became of entries, each once.
pub async fn a_dropped_change_happens_whole_or_not_at_all(world: World) {
    for steps in 0..STEPS {
        let job = world.make_after_a_drop(steps).await;
        world.retry_after_a_drop(steps, job).await;
        world.expire_after_a_drop(steps, job).await;
        world.settle_after_a_drop(steps).await;
        world.finds_nothing_amiss().await;
    }
}

/// Lets a call make so many steps, and drops it when it is about to make the next one.
async fn dropped_after<T>(mut steps: usize, call: impl Future<Output = T>) {
    let mut call = pin!(call);
    let some_steps = poll_fn(|context| {
        if steps == 0 {
            return Poll::Ready(());
        }
        steps -= 1;
        call.as_mut().poll(context).map(drop)
    });
    some_steps.await;
}

impl World {
    async fn make_after_a_drop(&self, steps: usize) -> JobId {
        let new = NewJob { idempotency_key: Some("key".to_owned()), ..job_of(2) };
        let job = new.id;
        dropped_after(steps, self.store.create_job(new.clone())).await;
        let creation = self.create(new).await;
        let there = matches!(creation, Creation::Created(id) | Creation::Existing(id) if id == job);
        assert!(there, "asked for again, the job is there, and not {creation:?}");
        let items = self.view(job).await.items;
        assert!(items.len() == 2 && items.iter().all(|view| view.order.is_some()), "it is there whole");
        assert_eq!(self.verbs(job).await, ["create"], "and recorded once");
        job
    }

    async fn retry_after_a_drop(&self, steps: usize, job_id: JobId) {
        for view in self.view(job_id).await.items {
            self.apply(failure(view.item.id)).await;
        }
        let deadline = Deadline::At(self.now().after(MINUTE));
        let retry = Operation::Retry { job_id, items: None, run: None, deadline };
        let command = Command::new(retry, Actor::new("ana")).under(job_id.to_string());
        dropped_after(steps, self.store.operate(command.clone())).await;
        let done = self.command(command).await.expect("nothing stands against it");
        let reopened = matches!(&done.effect, Effect::Reopened { run: 2, items, .. } if items.len() == 2);
        assert!(reopened, "asked for again, it is done, and not {done:?}");
        let job = self.job(job_id).await;
        assert_eq!((job.run, job.error_count), (2, 0), "an operator's word is done once");
        assert_eq!(self.verbs(job_id).await, ["retry", "create"], "and recorded once");
    }

    async fn expire_after_a_drop(&self, steps: usize, job: JobId) {
        self.drain().await;
        self.clock.advance(MINUTE);
        dropped_after(steps, self.store.expire(1)).await;
        self.expire().await;
        let job = self.job(job).await;
        let closed = (job.status, job.error_count);
        assert_eq!(closed, (JobStatus::Completed, 2), "asked for again, the deadline is kept");
        let events = self.drain().await;
        let names: Vec<_> = events.iter().map(|event| event.name.as_str()).collect();
        assert_eq!(names, [COMPLETION], "and the job announced once");
    }

    async fn settle_after_a_drop(&self, steps: usize) {
        let made = self.make(job_of(3)).await;
        for item in &made.items[..2] {
            self.apply(success(*item)).await;
        }
        let lease = self.claim(2).await;
        let dead = Settlement::Dead { reason: "refused as it is".to_owned() };
        let settlements = vec![(lease.entries[0].id, Settlement::Delivered), (lease.entries[1].id, dead)];
        let letters = self.letters().await.len();
        dropped_after(steps, self.store.settle(lease.token, settlements.clone())).await;
        let (waiting, dead) = self.depth().await;
        let whole = matches!((waiting, usize::try_from(dead).unwrap_or_default() - letters), (2, 0) | (0, 1));
        assert!(whole, "all entries are settled or none, but {waiting} wait");
        self.settle(lease.token, settlements).await;
        assert_eq!(self.depth().await.0, 0, "asked for again, both are settled");
        let letters = self.letters().await.split_off(letters);
        assert_eq!(letters.len(), 1, "each in its own way");
        assert_eq!(letters[0].failures, 1, "and once");
    }

    async fn verbs(&self, job: JobId) -> Vec<String> {
        let query = ActionQuery { job: Some(job), ..ActionQuery::default() };
        let actions = self.store.actions(query).await.expect("the store answers").rows;
        actions.into_iter().map(|action| action.verb).collect()
    }
}
