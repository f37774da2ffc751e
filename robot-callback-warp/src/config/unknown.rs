//! Names that no setting has: refused, with the nearest name that one has.

use super::Setting;
use super::setting::{ALL, CONFIG};

/// What our own variables begin with.
const PREFIX: &str = "ROBOT_CALLBACK_";

/// Why a key of the settings file is refused.
pub(super) fn key(unknown: &str) -> String {
    let known = ALL.iter().map(|setting| setting.key);
    let (nearness, nearest) = nearest(unknown, known);
    let hint = if nearness > 0.75 { format!("; did you mean {nearest}?") } else { String::new() };
    format!("knows no setting {unknown}{hint}")
}

/// Why a variable is refused: it is nearly one of ours. Others of our prefix are let be, for Kubernetes makes such
/// for a service of our name (`ROBOT_CALLBACK_PORT`, `ROBOT_CALLBACK_SERVICE_HOST`).
pub(super) fn variable(name: &str) -> Option<String> {
    let ours = || ALL.iter().chain([&CONFIG]).map(|setting: &Setting| setting.env);
    if !name.starts_with(PREFIX) || ours().any(|known| known == name) {
        return None;
    }
    let rest = |name: &'static str| name.strip_prefix(PREFIX);
    let (_, nearest) = nearest(&name[PREFIX.len()..], ours().filter_map(rest));
    let typos = strsim::osa_distance(&name[PREFIX.len()..], nearest);
    (typos <= 2.min(nearest.len() / 3)).then(|| format!("is no setting; did you mean {PREFIX}{nearest}?"))
}

fn nearest(name: &str, known: impl Iterator<Item = &'static str>) -> (f64, &'static str) {
    let nearness = |known: &'static str| (strsim::jaro_winkler(name, known), known);
    known.map(nearness).max_by(|a, b| a.0.total_cmp(&b.0)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_name_is_told_its_nearest_and_a_strange_one_nothing() {
        assert_eq!(key("max_conections"), "knows no setting max_conections; did you mean max_connections?");
        assert_eq!(key("idle_timeout"), "knows no setting idle_timeout; did you mean idle_timeout_secs?");
        assert_eq!(key("colour"), "knows no setting colour");
    }

    #[test]
    fn a_variable_that_is_nearly_ours_is_refused_and_what_kubernetes_makes_is_not() {
        for (wrong, right) in [
            ("ROBOT_CALLBACK_SECRT", "SECRET"),
            ("ROBOT_CALLBACK_SECRET_FIEL", "SECRET_FILE"),
            ("ROBOT_CALLBACK_OPERATOR_TOKENS", "OPERATOR_TOKEN"),
        ] {
            let said = format!("is no setting; did you mean ROBOT_CALLBACK_{right}?");
            assert_eq!(variable(wrong), Some(said), "{wrong}");
        }
        for other in [
            "ROBOT_CALLBACK_PORT",
            "ROBOT_CALLBACK_PORT_8080_TCP",
            "ROBOT_CALLBACK_SERVICE_HOST",
            "ROBOT_CALLBACK_SERVICE_PORT_HTTP",
            "SECRT",
            "ROBOT_CALLBACK_SECRET",
            "ROBOT_CALLBACK_CONFIG",
        ] {
            assert_eq!(variable(other), None, "{other}");
        }
    }
}
