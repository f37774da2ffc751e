//! Every report that a robot makes, in the language of those who read them. Pure.

use robot_callback_core::{ErrorType, ItemId, Report};

/// How every report begins that leaves open whether there is a shipment.
pub const MAY_EXIST: &str = "El envío puede existir en el portal";

/// No order of a batch names a city.
pub(super) const NO_CITY_AT_ALL: &str = "Ciudad vacía o no proporcionada en todas las órdenes";

/// The order names no city.
pub(super) fn no_city(item: ItemId) -> Report {
    error(item, ErrorType::Validation, "Ciudad vacía o no proporcionada")
}

/// The order is in process already.
pub(super) fn in_process(item: ItemId) -> Report {
    error(item, ErrorType::Validation, "La orden ya está siendo procesada")
}

/// There was no session to create the order in.
pub(super) fn login_failed(item: ItemId, why: &str) -> Report {
    error(item, ErrorType::Portal, &format!("Error de inicio de sesión en el portal: {why}"))
}

/// The shipment exists; `None` when a report can't carry the portal's number.
pub(super) fn created(item: ItemId, number: &str) -> Option<Report> {
    let report = Report::success(item, number).checked().ok()?;
    report.tracking_number.is_some().then_some(report)
}

/// The portal refused the order.
pub(super) fn refused(item: ItemId, words: &str) -> Report {
    error(item, ErrorType::Portal, words)
}

/// Nobody knows whether the shipment exists: why that is, and what the portal says now.
pub(super) fn may_exist(item: ItemId, why: &str, portal: &str) -> Report {
    let words = format!(
        "{MAY_EXIST} y no se volverá a enviar: {portal}. Verifíquelo antes de crearlo de nuevo. Causa: {why}"
    );
    error(item, ErrorType::Unknown, &words)
}

/// The batch ended before it came to the order.
pub(super) fn fatal(item: ItemId, why: &str) -> Report {
    error(item, ErrorType::Unknown, &format!("Error fatal del batch: {why}"))
}

/// In the form that it has when it is read back.
fn error(item: ItemId, kind: ErrorType, words: &str) -> Report {
    let report = Report::error(item, kind, words);
    report.clone().checked().unwrap_or(report)
}
