//! Decimal numbers, exactly: as so many thousand-millionths.

const PLACES: usize = 9;

/// The number that `text` is, all of it; none if it is no such number.
#[inline]
pub fn parse(text: &[u8]) -> Option<i64> {
    let (is_negative, text) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let mut number = 0;
    let mut at = 0;
    // A byte that is no digit becomes a number above 9.
    while at < text.len() && text[at].wrapping_sub(b'0') < 10 {
        number = number * 10 + i64::from(text[at] - b'0');
        at += 1;
        if at > PLACES {
            return None;
        }
    }
    let mut digits = at;
    let mut places = 0;
    if at < text.len() && text[at] == b'.' {
        at += 1;
        while at < text.len() && text[at].wrapping_sub(b'0') < 10 && places < PLACES {
            number = number * 10 + i64::from(text[at] - b'0');
            places += 1;
            at += 1;
        }
        digits += places;
    }
    if at < text.len() || digits == 0 {
        return None;
    }
    const POWERS: [i64; PLACES + 1] = [
        1_000_000_000,
        100_000_000,
        10_000_000,
        1_000_000,
        100_000,
        10_000,
        1_000,
        100,
        10,
        1,
    ];
    number *= POWERS[places];
    Some(if is_negative { -number } else { number })
}
