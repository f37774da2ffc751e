//! A folder, a portal, a sink and a keyring, which outlast the robot that works with them.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use robot_callback_core::{Amount, ErrorType, ItemId, JobId, OrderId, Outcome, Report, WorkspaceId};
use robot_coordinadora_client::{
    AcceptError, Acceptance, BatchOrder, BatchRequest, Credentials, Keyring, MemoryKeyring, PedidoInput,
    Robot, RobotError, RobotOptions,
};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::portal::TestPortal;
use super::sink::TestSink;

pub(crate) const CALLBACK_SECRET: &str = "hunter2-of-the-batch";
pub(crate) const PASSWORD: &str = "hunter3-of-the-portal";

pub(crate) struct World {
    pub(crate) folder: TempDir,
    pub(crate) portal: TestPortal,
    pub(crate) sink: TestSink,
    pub(crate) keyring: Arc<MemoryKeyring>,
    pub(crate) options: RobotOptions,
}

impl World {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = RobotOptions {
            pause: Duration::ZERO,
            again_after: Duration::from_millis(1),
            order_limit: Duration::from_millis(50),
            ..RobotOptions::in_folder(folder.path().join("journal"))
        };
        Self {
            folder,
            portal: TestPortal::default(),
            sink: TestSink::default(),
            keyring: Arc::default(),
            options,
        }
    }

    pub(crate) async fn robot(&self) -> Robot {
        self.try_robot().await.unwrap()
    }

    pub(crate) async fn try_robot(&self) -> Result<Robot, RobotError> {
        let (portal, sink) = (Arc::new(self.portal.clone()), Arc::new(self.sink.clone()));
        Robot::start(self.options.clone(), portal, sink, self.keyring.clone()).await
    }

    /// A process in which a robot does something and that is killed then; the last thing it does says when.
    pub(crate) fn until_killed<F: Future>(&self, live: impl FnOnce(Robot) -> F) {
        let runtime = runtime();
        runtime.block_on(async { live(self.robot().await).await });
    }

    /// A process in which a robot ends what was left.
    pub(crate) fn recover(&self) {
        runtime().block_on(async {
            let robot = self.robot().await;
            robot.idle().await;
        });
    }

    /// Shuts a robot down that waits for the portal, which answers when nothing is accepted any more.
    pub(crate) async fn shut_down(&self, robot: &Robot, batch: &BatchRequest) {
        let stopping = tokio::spawn({
            let robot = robot.clone();
            async move { robot.shutdown().await }
        });
        while !matches!(robot.accept(batch.clone()).await, Err(AcceptError::Stopping)) {
            tokio::task::yield_now().await;
        }
        self.portal.release();
        stopping.await.unwrap();
    }

    /// Everything that is in the folder, in one text.
    pub(crate) fn on_disk(&self) -> String {
        fn read(folder: &Path, text: &mut String) {
            for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
                if entry.file_type().unwrap().is_dir() {
                    read(&entry.path(), text);
                } else {
                    text.push_str(&format!("{}\n", entry.path().display()));
                    text.push_str(&String::from_utf8_lossy(&fs::read(entry.path()).unwrap()));
                }
            }
        }
        let mut text = String::new();
        read(self.folder.path(), &mut text);
        text
    }

    /// Lets a robot work through the batch.
    pub(crate) async fn process(&self, batch: &BatchRequest) -> Vec<Told> {
        let robot = self.robot().await;
        assert_eq!(robot.accept(batch.clone()).await.unwrap(), Acceptance::Accepted);
        robot.idle().await;
        self.told(batch)
    }

    /// What was reported of each order, after a look at what always holds: each once, with the batch's secret, and
    /// every session closed.
    pub(crate) fn told(&self, batch: &BatchRequest) -> Vec<Told> {
        let kept = self.sink.kept().reports.clone();
        for (to, _) in &kept {
            assert_eq!(to.callback_url, batch.callback_url, "a report goes to the batch's URL");
            assert_eq!(
                self.keyring.secret(&to.secret_name).as_deref(),
                Some(CALLBACK_SECRET),
                "with its secret"
            );
        }
        let facts = self.portal.facts().clone();
        assert_eq!(facts.opened, facts.closed, "every session is closed");
        let reports =
            |item: ItemId| kept.iter().map(|(_, report)| report).filter(move |report| report.item_id == item);
        let told = |order: &BatchOrder| {
            let reports: Vec<_> = reports(order.item_id).collect();
            assert_eq!(reports.len(), 1, "{} is reported exactly once", order.pedido_input.referencia);
            Told::of(reports[0])
        };
        assert_eq!(kept.len(), batch.orders.len(), "nothing else is reported");
        batch.orders.iter().map(told).collect()
    }
}

pub(crate) fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

/// A report, without the item it is on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    Success(String),
    Error(ErrorType, String),
}

impl Told {
    pub(crate) fn of(report: &Report) -> Self {
        match report.outcome {
            Outcome::Success => Self::Success(report.tracking_number.clone().unwrap()),
            Outcome::Error => {
                Self::Error(report.error_type.unwrap(), report.error_message.clone().unwrap_or_default())
            }
        }
    }

    pub(crate) fn success(number: &str) -> Self {
        Self::Success(number.into())
    }

    pub(crate) fn error(kind: ErrorType, words: &str) -> Self {
        Self::Error(kind, words.into())
    }

    /// Whether it says that there may be a shipment, and why.
    pub(crate) fn may_exist(&self, why: &str) -> bool {
        let Self::Error(ErrorType::Unknown, words) = self else { return false };
        words.starts_with(robot_coordinadora_client::MAY_EXIST) && words.contains(why)
    }
}

/// A batch with those references, each order's city taken from it: `-` is none.
pub(crate) fn batch<const N: usize>(references: [&str; N]) -> BatchRequest {
    BatchRequest {
        workspace_id: WorkspaceId::random(),
        credentials: Credentials { username: "tienda".into(), password: PASSWORD.into() },
        callback_url: "https://crm.example.com/api/webhooks/robot-callback".into(),
        callback_secret: Some(CALLBACK_SECRET.into()),
        job_id: JobId::random(),
        orders: references.map(order).into(),
    }
}

fn order(reference: &str) -> BatchOrder {
    let city = if reference.starts_with('-') { " " } else { "MEDELLIN (ANTIOQUIA)" };
    let pesos = |pesos: i64| Amount::from_hundredths(pesos * 100).unwrap();
    BatchOrder {
        item_id: ItemId::random(),
        order_id: OrderId::random(),
        attempt: None,
        pedido_input: PedidoInput {
            identificacion: "1070564595".into(),
            nombres: "Ana María".into(),
            apellidos: "Restrepo".into(),
            direccion: "Cra 43A # 1-50".into(),
            ciudad: city.into(),
            departamento: "ANTIOQUIA".into(),
            celular: "3810510690".into(),
            email: "ana@correo.example".into(),
            referencia: reference.into(),
            unidades: 1,
            total_con_iva: pesos(89_900),
            valor_declarado: pesos(89_900),
            peso: 1.5,
            alto: 10.0,
            largo: 30.0,
            ancho: 10.0,
            es_recaudo_contraentrega: true,
        },
    }
}
