//! Rows for people to read in a terminal: columns that line up.

use std::fmt::Write;

/// A line of headings and a line for each row; nothing where there are no rows.
pub(super) fn columns<const N: usize>(headings: [&str; N], rows: &[[String; N]]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let headings = headings.map(str::to_owned);
    let lines: Vec<[String; N]> =
        std::iter::once(&headings).chain(rows).map(|row| row.each_ref().map(|cell| one_line(cell))).collect();
    let width = |column: usize| lines.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; N] = std::array::from_fn(width);
    let mut text = String::new();
    for row in &lines {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            let _ = write!(line, "{cell:width$}  ");
        }
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text.truncate(text.trim_end().len());
    text
}

fn one_line(text: &str) -> String {
    text.replace(char::is_control, " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_nothing_breaks_a_line() {
        let rows = [["1".to_owned(), "Bogotá\nD.C.".to_owned()], ["22".to_owned(), "Cali".to_owned()]];
        assert_eq!(columns(["id", "city"], &rows), "id  city\n1   Bogotá D.C.\n22  Cali");
        assert_eq!(columns(["id"], &[]), "");
    }
}
