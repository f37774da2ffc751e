//! A job for people to read, in a terminal.

use std::fmt::Write;

use robot_callback_core::{ErrorType, ItemStatus, ItemView, JobView};

/// The job's line, and a line for each item.
pub(super) fn table(view: &JobView) -> String {
    let job = &view.job;
    let open = job.total_items.saturating_sub(job.success_count + job.error_count);
    let mut text = format!(
        "job {}  {}  run {}\n{} items: {} success, {} error, {open} open\n",
        job.id,
        job.status.name(),
        job.run,
        job.total_items,
        job.success_count,
        job.error_count
    );
    let rows: Vec<[String; 4]> = view.items.iter().map(row).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let (orders, results) = (width(1), width(2));
    for [mark, order, result, item] in &rows {
        let _ = write!(text, "\n{mark} {order:orders$}  {result:results$}  {item}");
    }
    text
}

fn row(view: &ItemView) -> [String; 4] {
    let item = &view.item;
    let order = view.order.as_ref().and_then(|order| order.shown_name()).unwrap_or("(no name)");
    let (mark, result) = match item.status {
        ItemStatus::Success => ("✅", item.tracking_number.clone().unwrap_or_else(|| "no number".into())),
        ItemStatus::Error => ("❌", reason(view)),
        ItemStatus::Pending | ItemStatus::Processing => ("⏳", item.status.name().into()),
    };
    [mark.into(), one_line(order), one_line(&result), item.id.to_string()]
}

fn reason(view: &ItemView) -> String {
    let kind = view.item.error_type.map_or("error", ErrorType::name);
    view.item.error_message.as_ref().map_or_else(|| kind.into(), |message| format!("{kind}: {message}"))
}

fn one_line(text: &str) -> String {
    text.replace(char::is_control, " ")
}
