//! Random sequences against a model: whatever comes, nothing acknowledged is lost, nothing goes to another's
//! destination, and the reports of an item arrive in their order.

use std::collections::BTreeMap;
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};

use proptest::prelude::*;
use tokio::runtime::Builder;

use super::*;

#[derive(Clone, Debug)]
enum Act {
    /// Hands over a report on one of few items to one of few shops.
    Hand {
        shop: u8,
        item: u8,
    },
    /// Kills the robot, and starts it again.
    Restart,
    /// From now on the shop answers so.
    Answer {
        shop: u8,
        mode: Mode,
    },
    /// The disk will fail.
    Fail(Fault),
    /// Kills the robot; one bit flips; starts it again.
    Flip {
        place: prop::sample::Index,
        bit: u8,
    },
    Wait(u16),
    Resume {
        shop: u8,
    },
    RedriveAll,
}

const SHOPS: u8 = 3;

fn act() -> impl Strategy<Value = Act> {
    use Mode::{Busy, Hangs, LocksOut, Panics, Refuses, Takes};
    let modes = prop::sample::select(vec![Takes, Takes, Busy(None), Refuses, LocksOut, Hangs, Panics]);
    let faults = prop::sample::select(vec![Fault::Create, Fault::Append, Fault::Cut, Fault::Sync]);
    prop_oneof![
        8 => (0..SHOPS, 0..4_u8).prop_map(|(shop, item)| Act::Hand { shop, item }),
        2 => Just(Act::Restart),
        3 => (0..SHOPS, modes).prop_map(|(shop, mode)| Act::Answer { shop, mode }),
        2 => faults.prop_map(Act::Fail),
        1 => (any::<prop::sample::Index>(), 0..8_u8).prop_map(|(place, bit)| Act::Flip { place, bit }),
        3 => (0..2000_u16).prop_map(Act::Wait),
        1 => (0..SHOPS).prop_map(|shop| Act::Resume { shop }),
        1 => Just(Act::RedriveAll),
    ]
}

/// What happened so far.
struct World {
    robot: Robot,
    spool: Option<Spool>,
    /// The acknowledged reports, by the number each bears as its tracking number, with where they were to go.
    safe: BTreeMap<u32, String>,
    handed: u32,
    flips: usize,
    /// Something happened after which a later report may have overtaken an earlier one: one was lost or given up.
    disordered: Arc<AtomicBool>,
}

impl World {
    fn new(segment_bytes: u64) -> Self {
        let mut robot = Robot::new();
        robot.options.segment_bytes = segment_bytes;
        robot.options.schedule = vec![Duration::from_secs(1); 3];
        let disordered = Arc::new(AtomicBool::new(false));
        let told = disordered.clone();
        robot.options.on_alarm = Some(Arc::new(move |alarm| {
            told.fetch_or(!matches!(alarm, SpoolAlarm::Stopped { .. }), Ordering::SeqCst);
        }));
        let spool = Some(robot.open());
        Self { robot, spool, safe: BTreeMap::new(), handed: 0, flips: 0, disordered }
    }

    fn spool(&mut self) -> &Spool {
        self.spool.get_or_insert_with(|| self.robot.open())
    }

    async fn act(&mut self, act: &Act) {
        match act {
            Act::Hand { shop, item } => self.hand(*shop, *item).await,
            Act::Restart => self.spool = None,
            Act::Answer { shop, mode } => self.robot.receivers.set(&numbered(*shop), *mode),
            Act::Fail(fault) => self.robot.disk.fail(&[*fault]),
            Act::Flip { place, bit } => self.flip(place, *bit),
            Act::Wait(millis) => tokio::time::sleep(Duration::from_millis((*millis).into())).await,
            Act::Resume { shop } => self.spool().resume(&numbered(*shop)),
            Act::RedriveAll => self.redrive_all().await,
        }
    }

    async fn hand(&mut self, shop: u8, item: u8) {
        self.handed += 1;
        let (to, number) = (numbered(shop), self.handed);
        let item: ItemId = format!("00000000-0000-4000-8000-0000000000{shop:x}{item:x}").parse().unwrap();
        let report = Report::success(item, format!("N{number:06}"));
        match self.spool().report_result(&to, &report).await {
            Ok(Handed::Spooled) => drop(self.safe.insert(number, url(&to))),
            Ok(Handed::Delivered(_)) | Err(HandError::Unsafe(_)) => {
                self.disordered.store(true, Ordering::SeqCst)
            }
            Err(error) => panic!("a good report is refused: {error}"),
        }
    }

    /// Dead letters that can't be marked as redriven are redriven all the same.
    async fn redrive_all(&mut self) {
        let spool = self.spool();
        let dead: Vec<_> = spool.dead_letters().await.unwrap().iter().map(|letter| letter.id).collect();
        drop(spool.redrive(&dead).await);
    }

    fn flip(&mut self, place: &prop::sample::Index, bit: u8) {
        self.spool = None;
        let files = fs::read_dir(self.robot.folder.path()).unwrap().map(|file| file.unwrap().path());
        let mut files: Vec<_> =
            files.filter(|path| path.extension().is_some_and(|extension| extension == "spool")).collect();
        files.sort();
        let sizes: Vec<usize> = files.iter().map(|file| fs::read(file).unwrap().len()).collect();
        let all = sizes.iter().sum();
        if all == 0 {
            return;
        }
        let mut place = place.index(all);
        let file = sizes.iter().position(|size| place.checked_sub(*size).map(|rest| place = rest).is_none());
        let file = &files[file.unwrap()];
        let mut bytes = fs::read(file).unwrap();
        bytes[place] ^= 1 << bit;
        fs::write(file, bytes).unwrap();
        self.flips += 1;
        self.disordered.store(true, Ordering::SeqCst);
    }

    /// All is well again; what can be delivered is.
    async fn end(&mut self) {
        self.robot.disk.heal();
        for shop in 0..SHOPS {
            self.robot.receivers.set(&numbered(shop), Mode::Takes);
        }
        self.spool = None;
        self.redrive_all().await;
        let left = self.spool().flush(LONG).await;
        assert_eq!((left.waiting, left.dead), (0, 0), "everything can be delivered: {left:?}");
    }

    fn check(&self) {
        let sent = self.robot.receivers.sent();
        for sent in &sent {
            let item = sent.report.item_id.to_string();
            assert_eq!(
                sent.url,
                url(&numbered(item.as_bytes()[34] - b'0')),
                "each goes to its own destination"
            );
        }
        let taken =
            sent.iter().filter(|sent| sent.taken).map(|sent| number(&sent.report)).collect::<Vec<_>>();
        let lost: Vec<_> = self.safe.keys().filter(|number| !taken.contains(number)).collect();
        assert!(
            lost.len() <= self.flips,
            "acknowledged and lost: {lost:?}, with {} bits flipped",
            self.flips
        );
        if !self.disordered.load(Ordering::SeqCst) {
            self.check_order(sent.iter().filter(|sent| sent.taken).map(|sent| &sent.report));
        }
    }

    /// Of each item, the first deliveries come in the order of handing over.
    fn check_order<'a>(&self, taken: impl Iterator<Item = &'a Report>) {
        let mut latest = BTreeMap::new();
        let mut seen = std::collections::BTreeSet::new();
        for report in taken.filter(|report| seen.insert(number(report))) {
            let before = latest.insert(report.item_id, number(report));
            assert!(before < Some(number(report)), "of an item, {before:?} came before {}", number(report));
        }
    }
}

fn numbered(shop_number: u8) -> NamedDestination {
    shop(&format!("shop{shop_number}"))
}

fn url(to: &NamedDestination) -> String {
    to.callback_url.clone()
}

fn number(report: &Report) -> u32 {
    report.tracking_number.as_deref().unwrap()[1..].parse().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn nothing_acknowledged_is_lost_and_nothing_is_delivered_under_anothers_destination(
        acts in prop::collection::vec(act(), 1..60),
        segment_bytes in prop::sample::select(vec![1_u64, 600, 1 << 20]),
    ) {
        let runtime = Builder::new_current_thread().enable_all().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let mut world = World::new(segment_bytes);
            for act in &acts {
                world.act(act).await;
            }
            world.end().await;
            world.check();
        });
    }
}
