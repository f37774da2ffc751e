//! Amounts as people in Colombia read them.

use robot_callback_core::Amount;

/// An amount as Colombia writes it: `$ 89.900`; cents only where there are any.
#[must_use]
pub fn pesos(amount: Amount) -> String {
    let (sign, size) = (if amount.hundredths() < 0 { "-" } else { "" }, amount.hundredths().unsigned_abs());
    let digits = (size / 100).to_string();
    let mut grouped = String::new();
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n) % 3 == 0 {
            grouped.push('.');
        }
        grouped.push(digit);
    }
    let cents = if size % 100 == 0 { String::new() } else { format!(",{:02}", size % 100) };
    format!("{sign}$ {grouped}{cents}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_written_as_colombia_writes_it() {
        let written = |hundredths| pesos(Amount::from_hundredths(hundredths).unwrap());
        assert_eq!(written(8_990_000), "$ 89.900");
        assert_eq!(written(0), "$ 0");
        assert_eq!(written(99_900), "$ 999");
        assert_eq!(written(123_456_789_050), "$ 1.234.567.890,50");
        assert_eq!(written(-10_000_000), "-$ 100.000");
    }
}
