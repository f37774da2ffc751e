//! Laws of reports whose word reaches one workspace's items only.

use super::World;
use super::fixture::{OTHER_NUMBER, failure, job_of, success};
use crate::id::WorkspaceId;
use crate::report::Report;
use crate::scope::Scope;
use crate::verdict::Verdict;

/// **Law 79.** A report of an item beyond the report's scope is `None`, as if the item were not there, whatever state
/// it is in: nothing changes and nothing is kept. Within its scope a report is like any other.
pub async fn a_report_beyond_its_scope_is_of_no_item(world: World) {
    let made = world.make(job_of(2)).await;
    let own = Scope::Workspace(world.job(made.job).await.workspace_id);
    let beyond = Scope::Workspace(WorkspaceId::random());
    let contradiction = |item| Report { tracking_number: Some(OTHER_NUMBER.into()), ..success(item) };

    let untouched = world.picture(made.job).await;
    for report in [success(made.items[0]), failure(made.items[0]), success(made.items[0]).for_attempt(7)] {
        assert_eq!(world.try_apply(report.within(beyond)).await, None, "an open item beyond is not there");
    }
    assert_eq!(world.picture(made.job).await, untouched, "who may not report changes and keeps nothing");

    assert_eq!(world.verdict(success(made.items[0]).within(own)).await, Verdict::Applied, "its own is there");
    let ended = world.picture(made.job).await;
    for report in [success(made.items[0]), contradiction(made.items[0])] {
        assert_eq!(world.try_apply(report.within(beyond)).await, None, "nor is one that has ended");
    }
    assert_eq!(world.picture(made.job).await, ended, "who may not report changes and keeps nothing");

    assert_eq!(world.verdict(success(made.items[0]).within(own)).await, Verdict::Duplicate);
    for scope in [own, Scope::All] {
        let again = contradiction(made.items[0]).within(scope);
        assert_eq!(
            world.verdict(again).await,
            Verdict::Conflict,
            "a conflict is kept, whoever may report it"
        );
    }
    let kept = world.kept(made.job).await;
    assert_eq!((kept.len(), kept[0].times), (1, 2), "and it is the same one by whichever secret it came");
    world.finds_nothing_amiss().await;
}
