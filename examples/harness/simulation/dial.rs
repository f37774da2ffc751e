//! The portal's faults, as they are dialled. Pure: which order meets which fault is drawn from the seed and the order's
//! reference, so that it is the same after a restart.

use clap::Args;

/// What goes wrong in the portal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
#[command(next_help_heading = "Faults of the portal")]
pub struct Dial {
    /// Every login is refused
    #[arg(long, env = "ROBOT_LOGIN_FAILS")]
    pub login_fails: bool,
    /// Refuses one order in N
    #[arg(long, env = "ROBOT_REFUSE_ONE_IN", value_name = "N")]
    pub refuse_one_in: Option<u32>,
    /// Fails at one order in N, the shipment being created or not
    #[arg(long, env = "ROBOT_FAIL_ONE_IN", value_name = "N")]
    pub fail_one_in: Option<u32>,
    /// Hangs at one order in N, the shipment being created or not
    #[arg(long, env = "ROBOT_HANG_ONE_IN", value_name = "N")]
    pub hang_one_in: Option<u32>,
    /// Panics at one order in N, the shipment being created or not
    #[arg(long, env = "ROBOT_PANIC_ONE_IN", value_name = "N")]
    pub panic_one_in: Option<u32>,
    /// Can't tell whether a shipment exists
    #[arg(long, env = "ROBOT_CANNOT_TELL")]
    pub cannot_tell: bool,
    /// Draws which orders meet a fault
    #[arg(long, env = "ROBOT_SEED", value_name = "N", default_value_t = 0)]
    pub seed: u64,
}

/// What goes wrong with one order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mishap {
    pub(super) kind: Kind,
    /// Whether the shipment is created before it goes wrong. A refused one never is.
    pub(super) created: bool,
}

/// How it goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Refuses,
    Fails,
    Hangs,
    Panics,
}

impl Dial {
    /// What goes wrong with the order of that reference.
    pub(super) fn mishap(&self, reference: &str) -> Option<Mishap> {
        let mix = |seed: u64, byte| (seed ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
        let mut rng = fastrand::Rng::with_seed(reference.bytes().fold(self.seed, mix));
        let dialled = [
            (Kind::Refuses, self.refuse_one_in),
            (Kind::Fails, self.fail_one_in),
            (Kind::Hangs, self.hang_one_in),
            (Kind::Panics, self.panic_one_in),
        ];
        let drawn = |one_in: Option<u32>, rng: &mut fastrand::Rng| {
            one_in.is_some_and(|one_in| rng.u32(0..one_in.max(1)) == 0)
        };
        let (kind, _) = dialled.into_iter().find(|(_, one_in)| drawn(*one_in, &mut rng))?;
        Some(Mishap { kind, created: kind != Kind::Refuses && rng.bool() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mishaps(dial: &Dial) -> Vec<Option<Mishap>> {
        (0..400).map(|n| dial.mishap(&format!("#{n}"))).collect()
    }

    #[test]
    fn nothing_goes_wrong_unless_it_is_dialled() {
        assert!(mishaps(&Dial::default()).iter().all(Option::is_none));
    }

    #[test]
    fn each_fault_meets_some_orders_always_the_same_and_other_ones_under_another_seed() {
        let some = Some(6);
        let dial = Dial {
            refuse_one_in: some,
            fail_one_in: some,
            hang_one_in: some,
            panic_one_in: some,
            ..Dial::default()
        };
        let drawn = mishaps(&dial);
        for kind in [Kind::Refuses, Kind::Fails, Kind::Hangs, Kind::Panics] {
            for created in [false, true] {
                let met = drawn.contains(&Some(Mishap { kind, created }));
                assert_eq!(met, kind != Kind::Refuses || !created, "{kind:?}, created: {created}");
            }
        }
        assert!(drawn.contains(&None), "and most meet none");
        assert_eq!(mishaps(&dial), drawn);
        assert_ne!(mishaps(&Dial { seed: 1, ..dial }), drawn);
    }
}
