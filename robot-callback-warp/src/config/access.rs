//! Who may come in: where the secrets, the signing keys and the operator's tokens are, and reading them, at the start
//! and again whenever they may have changed.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use robot_callback_core::{Secrets, SigningKey};

use super::layers::Layers;
use super::number::{seconds, switch};
use super::problems::Problems;
use super::secret::{Credential, Hidden, SecretError, SecretSource};
use super::workspaces::{self, WorkspaceFile};
use super::{Setting, setting};

/// What Standard Webhooks' own libraries use.
const TOLERANCE: Duration = Duration::from_secs(300);

/// Where everything is that lets somebody in.
#[derive(Clone, Debug)]
pub(crate) struct Access {
    /// None where it would let nobody in, or workspaces have their own and nobody set one for all.
    pub(crate) secret: Option<SecretSource>,
    pub(crate) previous_secret: Option<Hidden>,
    pub(crate) workspaces: Option<PathBuf>,
    pub(crate) signing_keys: Option<SecretSource>,
    pub(crate) tolerance: Duration,
    pub(crate) signed_only: bool,
    pub(crate) operator_token: SecretSource,
}

/// What was found there.
pub(crate) struct Granted {
    /// Who may report.
    pub(crate) secrets: Secrets,
    /// Who is an operator.
    pub(crate) tokens: Secrets,
    /// The callback secret, to be told of; none where there is none for all.
    pub(crate) secret: Option<Credential>,
    /// The operator's token, to be told of.
    pub(crate) token: Credential,
}

impl Access {
    pub(super) fn of(layers: &Layers, problems: &mut Problems) -> Self {
        use setting::{
            OPERATOR_TOKEN, OPERATOR_TOKEN_FILE, SECRET, SECRET_FILE, SIGNING_KEYS, SIGNING_KEYS_FILE,
        };
        let mut source = |value: &'static Setting, file| {
            let set = SecretSource::set(layers, value, file);
            problems.or(set, None)
        };
        let secret = source(&SECRET, &SECRET_FILE);
        let token = source(&OPERATOR_TOKEN, &OPERATOR_TOKEN_FILE);
        let signing_keys = source(&SIGNING_KEYS, &SIGNING_KEYS_FILE);
        let workspaces = layers.get(&setting::WORKSPACE_SECRETS).map(|given| PathBuf::from(given.value));
        let signed_only = problems.or(switch(layers, &setting::SIGNED_ONLY), None).unwrap_or_default();
        if let Some(given) = layers.get(&setting::SIGNED_ONLY).filter(|_| signed_only)
            && signing_keys.is_none()
            && workspaces.is_none()
        {
            problems.push(given.error(format!("needs {}: nobody could get in", SIGNING_KEYS.env)));
        }
        let own = || workspaces.is_none().then(|| SecretSource::kept("secret"));
        Self {
            secret: secret.or_else(own).filter(|_| !signed_only),
            previous_secret: layers.get(&setting::SECRET_PREVIOUS).map(|given| Hidden(given.value)),
            workspaces,
            signing_keys,
            tolerance: problems.or(seconds(layers, &setting::SIGNATURE_TOLERANCE), None).unwrap_or(TOLERANCE),
            signed_only,
            operator_token: token.unwrap_or_else(|| SecretSource::kept("operator-token")),
        }
    }

    /// The files and folders that all of it is read from.
    pub(crate) fn paths(&self) -> Vec<PathBuf> {
        let sources = [self.secret.as_ref(), self.signing_keys.as_ref(), Some(&self.operator_token)];
        let files = sources.into_iter().flatten().filter_map(SecretSource::path).map(Path::to_owned);
        files.chain(self.workspaces.clone()).collect()
    }

    /// Whether everything can be read. What a start would make is not made.
    pub(crate) fn check(&self) -> Result<(), SecretError> {
        let secret = self.secret.clone().map(SecretSource::or_stand_in);
        let operator_token = self.operator_token.clone().or_stand_in();
        Self { secret, operator_token, ..self.clone() }.read().map(drop)
    }

    /// Reads everything anew.
    pub(crate) fn read(&self) -> Result<Granted, SecretError> {
        let keys = self.signing_keys.as_ref().map_or(Ok(Vec::new()), keys)?;
        let secret = self.secret.as_ref().map(SecretSource::resolve).transpose()?;
        let own = self.workspaces.as_deref().map_or(Ok(Vec::new()), workspaces::read)?;
        let plain = || {
            let given = secret.iter().flat_map(|secret| &secret.values);
            given
                .chain(self.previous_secret.iter().map(|Hidden(secret)| secret).filter(|_| !self.signed_only))
        };
        tell_apart(plain(), &own)?;
        let mut secrets = Secrets::new(plain()).signed_with(keys, self.tolerance);
        for WorkspaceFile { workspace, secrets: plain, keys, .. } in own {
            let plain = plain.into_iter().filter(|_| !self.signed_only);
            secrets = secrets.with_workspace(workspace, plain, keys);
        }
        let token = self.operator_token.resolve()?;
        Ok(Granted { secrets, tokens: Secrets::new(&token.values), secret, token })
    }
}

/// A secret that is somebody else's, too, would say nothing of who came.
fn tell_apart<'a>(
    everybodys: impl Iterator<Item = &'a String>,
    own: &[WorkspaceFile],
) -> Result<(), SecretError> {
    const WEAK: usize = 16;
    let mut taken: HashSet<&str> = everybodys.map(String::as_str).collect();
    let mut weak = taken.iter().any(|secret| secret.len() < WEAK);
    for file in own {
        let secrets: HashSet<&str> = file.secrets.iter().map(String::as_str).collect();
        if !taken.is_disjoint(&secrets) {
            return Err(SecretError::Shared { path: file.path.display().to_string() });
        }
        weak |= secrets.iter().any(|secret| secret.len() < WEAK);
        taken.extend(secrets);
    }
    if weak {
        tracing::warn!("a callback secret is shorter than {WEAK} characters: it can be guessed");
    }
    Ok(())
}

/// Keys stand in lines, or with spaces or commas in between.
fn keys(source: &SecretSource) -> Result<Vec<SigningKey>, SecretError> {
    let found = source.resolve()?;
    let each =
        found.values.iter().flat_map(|line| line.split([' ', ',', '\t'])).filter(|key| !key.is_empty());
    let refused = |source| SecretError::SigningKey { origin: found.source.clone(), source };
    each.map(|key| SigningKey::parse(key).map_err(refused)).collect()
}
