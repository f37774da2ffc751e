//! What the robot says when it starts: where everything is, and what to type next.

use std::fmt;
use std::net::SocketAddr;
use std::path::Path;

use robot_callback_core::{CALLBACK_PATH, SECRET_HEADER};
use serde_json::json;

use super::args::RobotArgs;
use super::death::Death;
use super::dial::Dial;
use crate::orders::Orders;
use crate::robot::DOOR;

/// The lines; [`Display`](fmt::Display) writes them.
#[derive(Debug)]
pub struct Banner<'a> {
    /// Where it listens.
    pub address: SocketAddr,
    /// How it was started.
    pub args: &'a RobotArgs,
}

impl fmt::Display for Banner<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { address, args } = self;
        writeln!(f, "robot listens on http://{address}")?;
        writeln!(f)?;
        writeln!(f, "  data    {} (remove it to start anew)", absolute(&args.data))?;
        writeln!(f, "  portal  simulated; what it has created is in {}", absolute(&args.ledger()))?;
        let normal = args.dial == Dial { seed: args.dial.seed, ..Dial::default() };
        let faults =
            if normal && args.death == Death::default() { "none; --help lists them" } else { "some" };
        writeln!(f, "  faults  {faults}")?;
        writeln!(f)?;
        self.steps(f)
    }
}

impl Banner<'_> {
    /// Lines that work when pasted into a shell in the server's folder.
    fn steps(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const AUTH: &str = r#"-H "authorization: Bearer $(cat .robot-callback/operator-token)""#;
        const JSON: &str = "-H 'content-type: application/json'";
        let Self { address, args } = self;
        let secret = args.secret.as_ref().map(|_| format!(r#"-H "{SECRET_HEADER}: $ROBOT_SECRET" "#));
        let secret = secret.unwrap_or_default();
        let Ok(sample) = Orders::sample(1) else { return Err(fmt::Error) };
        let server = &args.server;
        let id_of = |name: &str| format!(r#"$(echo "$JOB" | sed 's/.*"{name}":"\([^"]*\)".*/\1/')"#);
        writeln!(f, "To try it, start the server in another terminal: cargo run")?;
        writeln!(
            f,
            "Then paste these lines into a third one, in the server's folder. Make a job with one order:"
        )?;
        writeln!(f)?;
        writeln!(f, "  JOB=$(curl -sS {server}/api/jobs {AUTH} {JSON} -d '{}')", job(&sample))?;
        writeln!(f)?;
        writeln!(
            f,
            "Hand it to the robot, which creates the shipment in its portal and reports it to the server:"
        )?;
        writeln!(f)?;
        writeln!(f, "  ID={} ITEM={} ORDER={}", id_of("jobId"), id_of("itemId"), id_of("orderId"))?;
        writeln!(
            f,
            "  curl -sS http://{address}{DOOR} {secret}{JSON} -d '{}'; echo",
            batch(&sample, server)
                .replace("{ID}", "'$ID'")
                .replace("{ITEM}", "'$ITEM'")
                .replace("{ORDER}", "'$ORDER'")
                .replace("{SECRET}", r#"'"$(cat .robot-callback/secret)"'"#),
        )?;
        writeln!(f)?;
        writeln!(f, "Look at the job on the server:")?;
        writeln!(f)?;
        writeln!(f, "  curl -sS {server}/api/jobs/$ID {AUTH}; echo")
    }
}

/// The job's request, without the order's id: the server makes one.
fn job(sample: &Orders) -> String {
    let mut job = sample.job_request();
    if let Some(order) = job["orders"][0].as_object_mut() {
        order.remove("orderId");
    }
    job.to_string()
}

/// The batch's request, with names in braces for what only the shell knows.
fn batch(sample: &Orders, server: &str) -> String {
    let forms = sample.orders.iter().map(|order| &order.pedido_input);
    let orders = forms.map(|form| json!({"itemId": "{ITEM}", "orderId": "{ORDER}", "pedidoInput": form}));
    let batch = json!({
        "workspaceId": sample.workspace_id, "jobId": "{ID}", "credentials": sample.credentials,
        "callbackUrl": format!("{server}{CALLBACK_PATH}"), "callbackSecret": "{SECRET}",
        "orders": orders.collect::<Vec<_>>(),
    });
    batch.to_string()
}

fn absolute(path: &Path) -> String {
    std::path::absolute(path).unwrap_or_else(|_| path.into()).display().to_string()
}
