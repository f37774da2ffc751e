//! Keeps the process's memory, with the secrets in it, out of core dumps.

/// From now on nothing of this process is dumped, and no other process of the same user can look into its memory or
/// its environment. What the system does not allow is logged and lived with.
#[cfg(target_os = "linux")]
pub(super) fn dump_no_core() {
    use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};
    let limited = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    if let Err(error) = limited.and_then(|()| set_dumpable_behavior(DumpableBehavior::NotDumpable)) {
        tracing::warn!(%error, "core dumps can't be switched off");
    }
}

#[cfg(not(target_os = "linux"))]
pub(super) fn dump_no_core() {}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use rustix::process::{DumpableBehavior, Resource, dumpable_behavior, getrlimit};

    #[test]
    fn nothing_of_the_process_is_dumped() {
        super::dump_no_core();
        assert_eq!(dumpable_behavior().unwrap(), DumpableBehavior::NotDumpable);
        assert_eq!(getrlimit(Resource::Core).current, Some(0));
    }
}
