//! Numbers as text.

/// A number's decimal digits.
pub struct Digits {
    text: [u8; 20],
    start: usize,
}

impl Digits {
    /// Those of `number`, without leading zeros.
    pub fn of(mut number: u64) -> Self {
        let mut text = [0; 20];
        let mut start = text.len();
        loop {
            start -= 1;
            text[start] = b'0' + (number % 10) as u8;
            number /= 10;
            if number == 0 {
                return Digits { text, start };
            }
        }
    }

    /// Them as text.
    pub fn as_slice(&self) -> &[u8] {
        &self.text[self.start..]
    }
}

/// Sixteen hexadecimal digits.
pub fn hexadecimal(number: u64) -> [u8; 16] {
    let mut text = [0; 16];
    let mut at = 0;
    while at < text.len() {
        let digit = (number >> (60 - 4 * at)) as u8 & 15;
        text[at] = if digit < 10 { b'0' + digit } else { b'a' + digit - 10 };
        at += 1;
    }
    text
}
