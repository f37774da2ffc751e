//! A carrier's portal that exists in this process alone: the same order gets the same answer every time.

use robot_callback_core::{ErrorType, ItemId, Report};

use crate::batch::OrderInput;

/// Cities the simulated carrier does not go to.
const UNCOVERED: [&str; 3] = ["PUERTO CARREÑO", "MITU", "INIRIDA"];
/// The most it insures, in pesos.
const MOST_INSURED: i64 = 5_000_000;

/// The portal. Numbers the shipments it creates.
#[derive(Debug)]
pub struct Portal {
    next: u64,
}

impl Portal {
    /// A portal whose next shipments get the numbers after `seed`'s.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { next: 73_150_000_000 + seed % 1_000_000 * 1000 }
    }

    /// Tries to create a shipment, and says what came of it as the robot reports it.
    pub fn create(&mut self, item: ItemId, order: &OrderInput) -> Report {
        let refused = |kind, reason: &str| Report::error(item, kind, reason);
        if order.ciudad.trim().is_empty() {
            return refused(ErrorType::Validation, "Ciudad vacía o no proporcionada");
        }
        if UNCOVERED.contains(&order.city()) {
            return refused(ErrorType::Portal, &format!("Ciudad no cubierta: {}", order.ciudad));
        }
        if order.celular.len() != 10 {
            return refused(ErrorType::Portal, "El celular debe tener 10 dígitos");
        }
        if order.valor_declarado.hundredths() > MOST_INSURED * 100 {
            return refused(ErrorType::Portal, "El valor declarado supera el máximo permitido");
        }
        if order.peso <= 0.0 {
            return refused(ErrorType::Unknown, "TimeoutError: page.waitForSelector: #confirmacion");
        }
        self.next += 1;
        Report::success(item, self.next.to_string())
    }
}
