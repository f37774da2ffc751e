//! Whose items a caller may report on: everybody's, or one workspace's.

use crate::id::WorkspaceId;

/// How far a secret reaches. What lies beyond is answered as if it were not there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// Every item.
    #[default]
    All,
    /// The items of that workspace's jobs.
    Workspace(WorkspaceId),
}

impl Scope {
    /// Whether items of that workspace are within reach.
    #[must_use]
    pub fn covers(self, workspace: WorkspaceId) -> bool {
        match self {
            Self::All => true,
            Self::Workspace(own) => own == workspace,
        }
    }
}
