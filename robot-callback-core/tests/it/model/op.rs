//! What can happen to a store, and how likely each is to be tried.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::Index;
use robot_callback_core::{ErrorType, ItemId, JobType, Report};

/// One thing that happens. An [`Index`] picks among what is there by then.
#[derive(Clone, Debug)]
pub(crate) enum Op {
    Create {
        orders: usize,
        known_order: Option<Index>,
        job_type: JobType,
        workspace: usize,
        key: Option<u8>,
        due: Due,
    },
    Report {
        item: Index,
        said: Said,
        attempt: Named,
    },
    ReportUnknownItem,
    Retry {
        job: Index,
        only: Option<Vec<Index>>,
        run: Option<u32>,
        due: Due,
        key: Option<u8>,
    },
    SetDeadline {
        job: Index,
        due: Due,
    },
    Advance {
        seconds: u64,
    },
    Expire {
        limit: usize,
    },
    Resolve {
        kept: Index,
        accept: bool,
    },
    Relay {
        limit: usize,
        ending: Ending,
    },
    SettleAtLast,
    Redrive {
        only: Option<Vec<Index>>,
    },
    Drop {
        entry: Index,
    },
    Acknowledge {
        job: Index,
        run: Option<u32>,
        key: Option<u8>,
    },
    Prune {
        limit: usize,
    },
    Restart,
}

/// What is said about a deadline.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Due {
    Never,
    In(u64),
    Each(u64),
}

/// What a report says.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Said {
    Success(u8),
    SuccessWithoutNumber,
    Error(ErrorType),
}

/// The attempt a report names.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Named {
    None,
    TheOpenOne,
    AnEarlierOne,
    ALaterOne,
}

/// How a relay's step ends, once it has claimed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Ending {
    Delivered,
    FailsBeforeLanding,
    FailsAfterLanding,
    /// They land, and leave once more later.
    Repeated,
    Refused,
    DiesBeforeLanding,
    DiesAfterLanding,
    /// The events land; what became of them is told much later, perhaps under a lease that was lost.
    SettlesLate,
}

impl Said {
    pub(crate) fn of(self, item: ItemId) -> Report {
        match self {
            Self::Success(number) => Report::success(item, format!("7315000{number}")),
            Self::SuccessWithoutNumber => Report { tracking_number: None, ..Report::success(item, "") },
            Self::Error(kind) => Report::error(item, kind, "Ciudad no cubierta"),
        }
    }
}

pub(crate) fn said() -> impl Strategy<Value = Said> {
    prop_oneof![
        4 => (0..2_u8).prop_map(Said::Success),
        1 => Just(Said::SuccessWithoutNumber),
        3 => prop_oneof![Just(ErrorType::Portal), Just(ErrorType::Timeout)].prop_map(Said::Error),
    ]
}

fn named() -> impl Strategy<Value = Named> {
    prop_oneof![
        6 => Just(Named::None),
        3 => Just(Named::TheOpenOne),
        2 => Just(Named::AnEarlierOne),
        1 => Just(Named::ALaterOne),
    ]
}

fn ending() -> impl Strategy<Value = Ending> {
    use Ending::*;
    prop_oneof![
        4 => Just(Delivered),
        1 => Just(FailsBeforeLanding),
        1 => Just(FailsAfterLanding),
        3 => Just(Repeated),
        1 => Just(Refused),
        1 => Just(DiesBeforeLanding),
        1 => Just(DiesAfterLanding),
        1 => Just(SettlesLate),
    ]
}

fn create() -> impl Strategy<Value = Op> {
    let job_type = prop_oneof![
        4 => Just(JobType::CreateShipment), 1 => Just(JobType::GuideLookup), 1 => Just(JobType::OcrGuideRead)
    ];
    let known_order = option::weighted(0.3, any::<Index>());
    let key = option::weighted(0.3, 0..2_u8);
    (1..5_usize, known_order, job_type, 0..2_usize, key, due()).prop_map(
        |(orders, known_order, job_type, workspace, key, due)| Op::Create {
            orders,
            known_order,
            job_type,
            workspace,
            key,
            due,
        },
    )
}

fn due() -> impl Strategy<Value = Due> {
    prop_oneof![
        2 => Just(Due::Never),
        3 => (0..200_u64).prop_map(Due::In),
        1 => (0..50_u64).prop_map(Due::Each),
    ]
}

fn retry() -> impl Strategy<Value = Op> {
    let only = option::weighted(0.4, vec(any::<Index>(), 0..3));
    let (run, key) = (option::weighted(0.3, 1..3_u32), option::weighted(0.2, 0..3_u8));
    (any::<Index>(), only, run, due(), key).prop_map(|(job, only, run, due, key)| Op::Retry {
        job,
        only,
        run,
        due,
        key,
    })
}

fn acknowledge() -> impl Strategy<Value = Op> {
    let (run, key) = (option::weighted(0.3, 0..3_u32), option::weighted(0.2, 0..3_u8));
    (any::<Index>(), run, key).prop_map(|(job, run, key)| Op::Acknowledge { job, run, key })
}

pub(crate) fn op() -> impl Strategy<Value = Op> {
    let index = any::<Index>;
    prop_oneof![
        3 => create(),
        20 => (index(), said(), named()).prop_map(|(item, said, attempt)| Op::Report { item, said, attempt }),
        1 => Just(Op::ReportUnknownItem),
        4 => retry(),
        2 => (index(), due()).prop_map(|(job, due)| Op::SetDeadline { job, due }),
        3 => acknowledge(),
        4 => (1..120_u64).prop_map(|seconds| Op::Advance { seconds }),
        3 => (1..3_usize).prop_map(|limit| Op::Expire { limit }),
        4 => (index(), any::<bool>()).prop_map(|(kept, accept)| Op::Resolve { kept, accept }),
        6 => (1..5_usize, ending()).prop_map(|(limit, ending)| Op::Relay { limit, ending }),
        2 => Just(Op::SettleAtLast),
        1 => option::of(vec(index(), 0..3)).prop_map(|only| Op::Redrive { only }),
        1 => index().prop_map(|entry| Op::Drop { entry }),
        1 => (1..3_usize).prop_map(|limit| Op::Prune { limit }),
        1 => Just(Op::Restart),
    ]
}
