//! The places at which the robot may die: before and after each disk write, each submission, each request.
//!
//! With the feature `steps`, which is for tests alone, a hook hears of each place as it is passed; it may end the
//! process there. Without it, passing costs nothing.

#[cfg(feature = "steps")]
mod hook {
    use std::sync::OnceLock;

    type Hook = Box<dyn Fn(&'static str) + Send + Sync>;

    static HOOK: OnceLock<Hook> = OnceLock::new();

    /// Calls `hook` with the name of every place that is passed from now on, on the thread that passes it. The first
    /// hook of a process stays.
    pub fn watch(hook: impl Fn(&'static str) + Send + Sync + 'static) {
        drop(HOOK.set(Box::new(hook)));
    }

    pub(crate) fn passed(place: &'static str) {
        if let Some(hook) = HOOK.get() {
            hook(place);
        }
    }
}

#[cfg(feature = "steps")]
pub(crate) use hook::passed;
#[cfg(feature = "steps")]
pub use hook::watch;

#[cfg(not(feature = "steps"))]
pub(crate) fn passed(_place: &'static str) {}
