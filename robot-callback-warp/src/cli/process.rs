//! What the process asks of its system: to keep its memory, with the secrets in it, out of core dumps, and to let it
//! have as many connections as it may.

/// From now on nothing of this process is dumped, and no other process of the same user can look into its memory or
/// its environment. What the system does not allow is logged and lived with.
#[cfg(target_os = "linux")]
pub(super) fn dump_no_core() {
    use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};
    let limited = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    // Each for itself: what forbids the one may allow the other.
    for done in [set_dumpable_behavior(DumpableBehavior::NotDumpable), limited] {
        if let Err(error) = done {
            tracing::warn!(%error, "core dumps can't be switched off");
        }
    }
}

/// A connection is a file to the system, and what it allows unasked (often 1024) is for older programs.
#[cfg(target_os = "linux")]
pub(super) fn allow_many_connections() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
        tracing::warn!(%error, "the number of open files can't be raised");
    }
}

#[cfg(not(target_os = "linux"))]
pub(super) fn dump_no_core() {}

#[cfg(not(target_os = "linux"))]
pub(super) fn allow_many_connections() {}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use rustix::process::{DumpableBehavior, Resource, Rlimit, dumpable_behavior, getrlimit};

    #[test]
    fn nothing_of_the_process_is_dumped() {
        super::dump_no_core();
        assert_eq!(dumpable_behavior().unwrap(), DumpableBehavior::NotDumpable);
        assert_eq!(getrlimit(Resource::Core).current, Some(0));
    }

    #[test]
    fn as_many_connections_are_allowed_as_may_be() {
        super::allow_many_connections();
        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        assert_eq!(current, maximum);
    }
}
