//! The ways to fail on demand.

/// How one request fails. Unless told otherwise, nothing of it lands.
///
/// ```
/// # use robot_callback_core::inngest_loopback::Fault;
/// Fault::status(429).header("retry-after", "30"); // not now
/// Fault::status(500).after_landing(); // the events are in, and the answer denies it
/// Fault::close().held(); // a long silence, and then nothing
/// ```
#[derive(Clone, Debug)]
pub struct Fault {
    pub(super) lands: bool,
    pub(super) held: bool,
    pub(super) end: End,
}

/// How the request ends.
#[derive(Clone, Debug)]
pub(super) enum End {
    Well,
    Reply(Reply),
    IdsCutTo(usize),
    Closed,
}

/// An answer made up.
#[derive(Clone, Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: String,
}

impl Fault {
    /// Answers that status, in Inngest's form.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self::reply(status, format!(r#"{{"error":"scripted failure","status":{status}}}"#))
    }

    /// Answers that status and that body.
    #[must_use]
    pub fn reply(status: u16, body: impl Into<String>) -> Self {
        Self::ending(End::Reply(Reply { status, headers: Vec::new(), body: body.into() }))
    }

    /// Closes the connection without an answer.
    #[must_use]
    pub fn close() -> Self {
        Self::ending(End::Closed)
    }

    /// Takes everything, but names the first `ids` of its ids only.
    #[must_use]
    pub fn ids_cut_to(ids: usize) -> Self {
        Self::ending(End::IdsCutTo(ids)).after_landing()
    }

    /// Does nothing until it is [released](super::InngestLoopback::release); then all goes well.
    #[must_use]
    pub fn hold() -> Self {
        Self::ending(End::Well).held()
    }

    /// The same, with that header in its answer. For faults that answer.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        if let End::Reply(reply) = &mut self.end {
            reply.headers.push((name, value.into()));
        }
        self
    }

    /// The same, after the events have been taken.
    #[must_use]
    pub fn after_landing(mut self) -> Self {
        self.lands = true;
        self
    }

    /// The same, but not before it is [released](super::InngestLoopback::release).
    #[must_use]
    pub fn held(mut self) -> Self {
        self.held = true;
        self
    }

    fn ending(end: End) -> Self {
        Self { lands: false, held: false, end }
    }
}
