//! Laws 93 to 98: lists, page by page.

use super::World;
use super::fixture::{MINUTE, failure, job_of, success};
use crate::id::{JobId, WorkspaceId};
use crate::job::{ItemStatus, Job, JobStatus};
use crate::new_job::NewJob;
use crate::outbox::Settlement;
use crate::page::{Page, PageRequest};
use crate::query::{ActionQuery, ItemQuery, JobQuery, KeptQuery, LetterQuery};

impl World {
    async fn list(&self, query: JobQuery) -> Page<Job> {
        self.store.jobs(query).await.expect("the store lists jobs")
    }

    async fn listed(&self, query: JobQuery) -> Vec<JobId> {
        self.list(query).await.rows.iter().map(|job| job.id).collect()
    }
}

/// Every row of a list, asked for page by page.
async fn walk<T>(limit: usize, list: impl AsyncFn(PageRequest) -> Page<T>) -> Vec<T> {
    let (mut rows, mut page) = (Vec::new(), PageRequest::first(limit));
    loop {
        let found = list(page).await;
        assert!(found.rows.len() <= limit, "a page has at most so many rows");
        rows.extend(found.rows);
        let Some(next) = found.next else { return rows };
        page.after = Some(next);
    }
}

/// **Law 93.** Jobs are listed newest first, page by page, each once; jobs that are made meanwhile disturb nobody.
pub async fn jobs_are_listed_newest_first_page_by_page(world: World) {
    let mut made = Vec::new();
    for n in 0..7 {
        made.push(world.make(job_of(1)).await.job);
        // Some are made at the same moment.
        world.clock.advance(MINUTE * (n % 2));
    }
    let first = world.list(JobQuery { page: PageRequest::first(3), ..JobQuery::default() }).await;
    world.make(job_of(1)).await;
    let mut listed: Vec<Job> = first.rows;
    let mut next = first.next;
    while next.is_some() {
        let page = PageRequest { limit: 3, after: next };
        let more = world.list(JobQuery { page, ..JobQuery::default() }).await;
        listed.extend(more.rows);
        next = more.next;
    }
    assert!(listed.is_sorted_by(|a, b| a.created_at >= b.created_at), "newest first");
    let mut ids: Vec<JobId> = listed.iter().map(|job| job.id).collect();
    ids.sort();
    made.sort();
    assert_eq!(ids, made, "each once, and none that came meanwhile");
    assert_eq!(listed[0], world.job(listed[0].id).await, "whole");
    assert!(world.list(JobQuery { page: PageRequest::first(8), ..JobQuery::default() }).await.next.is_none());
}

/// **Law 94.** Jobs are found by owner, state, passed deadline and when they were made.
pub async fn jobs_are_found_by_what_is_known_of_them(world: World) {
    let owner = WorkspaceId::random();
    let begun = world.now();
    let old = world.make(NewJob { deadline: world.in_a_minute().into(), ..job_of(2) }).await;
    world.clock.advance(MINUTE);
    let theirs = NewJob { workspace_id: owner, items: Vec::new(), ..job_of(0) };
    let details = super::fixture::details(super::fixture::order(owner));
    let theirs = world.make(NewJob::of_orders(theirs.workspace_id, [details])).await;
    world.apply(success(theirs.items[0])).await;
    let all = JobQuery::default();
    assert_eq!(world.listed(JobQuery { workspace: Some(owner), ..all }).await, [theirs.job], "by owner");
    let completed = Some(JobStatus::Completed);
    assert_eq!(world.listed(JobQuery { status: completed, ..all }).await, [theirs.job], "by state");
    assert_eq!(world.listed(JobQuery { overdue: true, ..all }).await, [old.job], "by a passed deadline");
    let from = Some(world.now());
    assert_eq!(
        world.listed(JobQuery { created_from: from, ..all }).await,
        [theirs.job],
        "made then or later"
    );
    assert_eq!(world.listed(JobQuery { created_before: from, ..all }).await, [old.job], "made before");
    assert_eq!(world.listed(JobQuery { created_from: Some(begun), ..all }).await.len(), 2);
    let none = JobQuery { status: completed, overdue: true, ..all };
    assert!(world.listed(none).await.is_empty(), "each narrows");
    world.expire().await;
    assert!(world.listed(JobQuery { overdue: true, ..all }).await.is_empty(), "until it is closed");
}

/// **Law 95.** A job's items are shown page by page in the order they were given, all or those of one state; what is
/// reported meanwhile shows none twice.
pub async fn items_are_shown_page_by_page(world: World) {
    let made = world.make(job_of(7)).await;
    for item in &made.items[..4] {
        world.apply(failure(*item)).await;
    }
    let show = async |query: ItemQuery| {
        let shown = world.store.job_page(made.job, query).await.expect("the store answers");
        shown.expect("the job is there")
    };
    let all = walk(3, async |page| show(ItemQuery { page, status: None }).await.items).await;
    assert_eq!(all, world.view(made.job).await.items, "all of them, in the order they were given");
    let open = ItemQuery { status: Some(ItemStatus::Pending), page: PageRequest::first(2) };
    let first = show(open).await;
    assert_eq!(first.job, world.job(made.job).await, "with the job");
    world.apply(success(made.items[4])).await;
    let rest = show(ItemQuery { page: PageRequest { limit: 2, after: first.items.next }, ..open }).await;
    let ids: Vec<_> = first.items.rows.iter().chain(&rest.items.rows).map(|view| view.item.id).collect();
    assert_eq!((ids, rest.items.next), (made.items[4..].to_vec(), None), "those of one state, each once");
    let unknown = world.store.job_page(JobId::random(), ItemQuery::default()).await;
    assert_eq!(unknown.expect("the store answers"), None, "a job that is not there is none");
}

/// **Law 96.** Kept reports are listed over all jobs, oldest first, page by page; those that wait for a decision can be
/// had alone.
pub async fn kept_reports_are_listed_over_all_jobs(world: World) {
    let (one, other) = (world.make(job_of(2)).await, world.make(job_of(1)).await);
    for item in [one.items[0], other.items[0], one.items[1]] {
        world.apply(failure(item)).await;
        world.apply(success(item)).await;
    }
    let list = async |query: KeptQuery| world.store.kept_reports(query).await.expect("the store answers");
    let all = walk(2, async |page| list(KeptQuery { page, ..KeptQuery::default() }).await).await;
    let items: Vec<_> = all.iter().map(|kept| kept.report.item_id).collect();
    assert_eq!(items, [one.items[0], other.items[0], one.items[1]], "oldest first, each once");
    world.resolve(all[0].id, crate::kept::Resolution::Dismissed).await;
    let open = list(KeptQuery { open: true, ..KeptQuery::default() }).await.rows;
    assert_eq!(open, all[1..], "a settled one waits no more");
    let of_one = list(KeptQuery { open: true, job: Some(one.job), page: PageRequest::first(9) }).await.rows;
    assert_eq!(of_one, all[2..], "of one job only");
}

/// **Law 97.** Dead letters are listed oldest first, page by page.
pub async fn dead_letters_are_listed_page_by_page(world: World) {
    let made = world.make(job_of(6)).await;
    let begun = world.now();
    for item in &made.items[..5] {
        world.apply(success(*item)).await;
    }
    let lease = world.claim(5).await;
    let dead = || Settlement::Dead { reason: "refused as it is".to_owned() };
    world.settle(lease.token, lease.entries.iter().map(|entry| (entry.id, dead())).collect()).await;
    let list = async |page| {
        let query = LetterQuery { page, dropped: false };
        world.store.dead_letters(query).await.expect("the store answers")
    };
    let letters = walk(2, list).await;
    let places: Vec<_> = letters.iter().map(|letter| letter.id).collect();
    let expected: Vec<_> = lease.entries.iter().map(|entry| entry.id).collect();
    assert_eq!(places, expected, "oldest first, each once");
    assert!(letters.iter().all(|letter| letter.recorded_at == begun), "each since it was recorded");
}

/// **Law 98.** Actions are listed newest first, page by page.
pub async fn actions_are_listed_page_by_page(world: World) {
    let mut made = Vec::new();
    for _ in 0..5 {
        made.push(world.make(job_of(1)).await.job);
    }
    let list = async |page| {
        let query = ActionQuery { page, job: None };
        world.store.actions(query).await.expect("the store answers")
    };
    let listed = walk(2, list).await;
    let jobs: Vec<_> = listed.iter().rev().filter_map(|action| action.job_id).collect();
    assert_eq!(jobs, made, "newest first, each once");
}
