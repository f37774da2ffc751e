//! What the threads of a process do, for whoever wonders why it does not answer.

use std::time::Duration;

/// Each thread's name, its state (as in `ps`), and how much of a second it has computed; nothing where there is no `/proc`.
pub(crate) async fn threads(pid: u32) -> String {
    const WHILE: Duration = Duration::from_secs(1);
    let before = looked_at(pid);
    tokio::time::sleep(WHILE).await;
    let told = looked_at(pid).into_iter().map(|(id, thread)| {
        let since = before.iter().find(|(same, _)| *same == id).map_or(0, |(_, thread)| thread.ticks);
        format!("{} {} {} %", thread.name, thread.state, thread.ticks.saturating_sub(since))
    });
    told.collect::<Vec<_>>().join(", ")
}

struct Thread {
    name: String,
    state: String,
    /// Hundredths of a second.
    ticks: u64,
}

fn looked_at(pid: u32) -> Vec<(String, Thread)> {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    tasks.filter_map(|task| Some((task.file_name().into_string().ok()?, thread(&task.path())?))).collect()
}

fn thread(task: &std::path::Path) -> Option<Thread> {
    let stat = std::fs::read_to_string(task.join("stat")).ok()?;
    let (name, fields) = stat.split_once('(')?.1.rsplit_once(") ")?;
    let fields: Vec<&str> = fields.split(' ').collect();
    // The state is the third of all fields; the time in the program and in the kernel are the fourteenth and fifteenth.
    let ticks = fields.get(11..13)?.iter().filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
    Some(Thread { name: name.to_owned(), state: (*fields.first()?).to_owned(), ticks })
}
