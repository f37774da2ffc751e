//! Who may come in: where the secrets, the signing keys and the operator's tokens are, and reading them, at the start
//! and again whenever they may have changed.

use std::time::Duration;

use robot_callback_core::{Secrets, SigningKey};

use super::layers::Layers;
use super::number::{seconds, switch};
use super::secret::{Credential, SecretError, SecretSource};
use super::{SettingError, setting};

/// What Standard Webhooks' own libraries use.
const TOLERANCE: Duration = Duration::from_secs(300);

/// Where everything is that lets somebody in.
#[derive(Debug)]
pub(crate) struct Access {
    pub(crate) secret: SecretSource,
    pub(crate) previous_secret: Option<String>,
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
    /// The callback secret, to be told of; none where every callback must be signed.
    pub(crate) secret: Option<Credential>,
    /// The operator's token, to be told of.
    pub(crate) token: Credential,
}

impl Access {
    pub(super) fn of(layers: &Layers) -> Result<Self, SettingError> {
        use setting::{
            OPERATOR_TOKEN, OPERATOR_TOKEN_FILE, SECRET, SECRET_FILE, SIGNING_KEYS, SIGNING_KEYS_FILE,
        };
        let secret = SecretSource::set(layers, &SECRET, &SECRET_FILE)?;
        let token = SecretSource::set(layers, &OPERATOR_TOKEN, &OPERATOR_TOKEN_FILE)?;
        let access = Self {
            secret: secret.unwrap_or_else(|| SecretSource::kept("secret")),
            previous_secret: layers.get(&setting::SECRET_PREVIOUS).map(|given| given.value),
            signing_keys: SecretSource::set(layers, &SIGNING_KEYS, &SIGNING_KEYS_FILE)?,
            tolerance: seconds(layers, &setting::SIGNATURE_TOLERANCE)?.unwrap_or(TOLERANCE),
            signed_only: switch(layers, &setting::SIGNED_ONLY)?.unwrap_or_default(),
            operator_token: token.unwrap_or_else(|| SecretSource::kept("operator-token")),
        };
        match layers.get(&setting::SIGNED_ONLY).filter(|_| access.signed_only) {
            Some(given) if access.signing_keys.is_none() => {
                Err(given.error(format!("needs {}: nobody could get in", SIGNING_KEYS.env)))
            }
            _ => Ok(access),
        }
    }

    /// Reads everything anew.
    pub(crate) fn read(&self) -> Result<Granted, SecretError> {
        let keys = self.signing_keys.as_ref().map_or(Ok(Vec::new()), keys)?;
        let secret = if self.signed_only { None } else { Some(self.secret.resolve()?) };
        let plain = secret.iter().flat_map(|secret| secret.values.iter().chain(&self.previous_secret));
        let secrets = Secrets::new(plain).signed_with(keys, self.tolerance);
        let token = self.operator_token.resolve()?;
        Ok(Granted { secrets, tokens: Secrets::new(&token.values), secret, token })
    }
}

/// Keys stand in lines, or with spaces or commas in between.
fn keys(source: &SecretSource) -> Result<Vec<SigningKey>, SecretError> {
    let found = source.resolve()?;
    let each =
        found.values.iter().flat_map(|line| line.split([' ', ',', '\t'])).filter(|key| !key.is_empty());
    let refused = |source| SecretError::SigningKey { origin: found.source.clone(), source };
    each.map(|key| SigningKey::parse(key).map_err(refused)).collect()
}
