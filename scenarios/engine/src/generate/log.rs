//! The log of a web shop that sells fruit: lines in the combined log format, some of which
//! mention banana, as a word or as part of one.
//!
//! How many lines do differs from object to object. Near misses ("bandana", "Banana", "banan")
//! are in it, so that a search that is nearly right is found out. Leaves out realism of traffic:
//! hours of the day, sessions, returning visitors.

use bytes::Bytes;
use rand::Rng;

use super::stream;

/// No line is longer.
const MAX_LINE_BYTES: usize = 512;
/// Second of the day at which each log begins.
const FIRST_SECOND: u32 = 6 * 3_600;

const METHODS: [&str; 8] = ["GET", "GET", "GET", "GET", "GET", "HEAD", "POST", "PUT"];
const STATUSES: [&str; 8] = ["200", "200", "200", "200", "304", "404", "301", "503"];
const SECTIONS: [&str; 8] =
    ["/shop/", "/recipes/", "/img/", "/api/v2/items/", "/search?q=", "/blog/2024/", "/cart/", "/"];
const WORDS: [&str; 32] = [
    "apple",
    "apricot",
    "avocado",
    "bandana",
    "banan",
    "blackberry",
    "blueberry",
    "cherry",
    "clementine",
    "coconut",
    "cranberry",
    "date",
    "fig",
    "grape",
    "grapefruit",
    "guava",
    "kiwi",
    "lemon",
    "lime",
    "lychee",
    "mandarin",
    "mango",
    "melon",
    "nectarine",
    "orange",
    "papaya",
    "peach",
    "pear",
    "pineapple",
    "plum",
    "Banana",
    "quince",
];
const BANANAS: [&str; 8] = [
    "banana",
    "banana",
    "bananas",
    "banana-bread",
    "redbanana",
    "banana.jpg",
    "bananasplit",
    "green-banana",
];
const AGENTS: [&str; 8] = [
    "Mozilla/5.0 (X11; Linux x86_64; rv:125.0) Gecko/20100101 Firefox/125.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/124.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_4) AppleWebKit/605.1.15 Version/17.4 Safari/605.1.15",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148",
    "curl/8.7.1",
    "Wget/1.24.5",
    "fruitbot/1.2 (+https://fruit.example/bot)",
    "Go-http-client/2.0",
];

/// Exactly `size_bytes` bytes of log for the object at `path`; the last line may be cut short.
#[must_use]
pub fn log(seed: u64, path: &str, size_bytes: usize) -> Bytes {
    let mut rng = stream(seed, path);
    // Between 2 and 14 % of the lines, in 256ths.
    let banana_share = 5 + rng.next_u64() % 32;
    let mut text = Vec::with_capacity(size_bytes.saturating_add(MAX_LINE_BYTES));
    let mut second = FIRST_SECOND;
    while text.len() < size_bytes {
        let draw = rng.next_u64();
        second += u32::from(draw & 3 == 0);
        line(&mut text, draw >> 2, rng.next_u64(), second, banana_share);
    }
    text.truncate(size_bytes);
    Bytes::from(text)
}

/// Bits of a draw, taken from its low end.
struct Bits(u64);

impl Bits {
    fn take(&mut self, count: u32) -> usize {
        let taken = self.0 & ((1 << count) - 1);
        self.0 >>= count;
        usize::try_from(taken).unwrap_or(0)
    }
}

fn line(text: &mut Vec<u8>, first: u64, second: u64, time: u32, banana_share: u64) {
    let (mut a, mut b) = (Bits(first), Bits(second));
    let banana = (a.take(8) as u64) < banana_share;
    // Where the banana goes: into the path, the query or the referrer.
    let drawn_place = 1 + a.take(4) % 3;
    let place = if banana { drawn_place } else { 0 };
    let mut word = |here: bool| {
        let at = b.take(5);
        if here { BANANAS[at % BANANAS.len()] } else { WORDS[at] }
    };
    let (in_path, in_query, in_referrer) = (word(place == 1), word(place == 2), word(place == 3));

    push_number(text, 10 + a.take(6));
    text.push(b'.');
    push_number(text, a.take(8));
    text.push(b'.');
    push_number(text, a.take(8));
    text.extend_from_slice(b".7 - - [");
    push_time(text, time);
    text.extend_from_slice(b"] \"");
    push(text, METHODS[a.take(3)]);
    text.push(b' ');
    push(text, SECTIONS[a.take(3)]);
    push(text, in_path);
    text.extend_from_slice(b"?ref=");
    push(text, in_query);
    text.extend_from_slice(b"&id=");
    push_number(text, b.take(17));
    text.extend_from_slice(b" HTTP/1.1\" ");
    push(text, STATUSES[a.take(3)]);
    text.push(b' ');
    push_number(text, b.take(16));
    text.extend_from_slice(b" \"https://fruit.example/find?q=");
    push(text, in_referrer);
    text.extend_from_slice(b"\" \"");
    push(text, AGENTS[a.take(3)]);
    text.extend_from_slice(b"\"\n");
}

fn push(text: &mut Vec<u8>, part: &str) {
    text.extend_from_slice(part.as_bytes());
}

fn push_number(text: &mut Vec<u8>, mut n: usize) {
    let mut digits = [0_u8; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + u8::try_from(n % 10).unwrap_or(0);
        n /= 10;
        if n == 0 {
            break;
        }
    }
    text.extend_from_slice(&digits[at..]);
}

/// A date in January 2024 and a time; days after the 31st begin again with the first.
fn push_time(text: &mut Vec<u8>, second: u32) {
    let day = 1 + second / 86_400 % 31;
    let of_day = second % 86_400;
    let two = |n: u32| [b'0' + (n / 10 % 10) as u8, b'0' + (n % 10) as u8];
    text.extend_from_slice(&two(day));
    text.extend_from_slice(b"/Jan/2024:");
    text.extend_from_slice(&two(of_day / 3_600));
    text.push(b':');
    text.extend_from_slice(&two(of_day / 60 % 60));
    text.push(b':');
    text.extend_from_slice(&two(of_day % 60));
    text.extend_from_slice(b" +0000");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bananas(log: &[u8]) -> usize {
        let text = std::str::from_utf8(log).unwrap();
        text.lines().filter(|line| line.contains("banana")).count()
    }

    #[test]
    fn size_is_exact_and_bytes_depend_on_seed_and_path_only() {
        for size in [0, 1, 100, 65_536, 1_000_003] {
            assert_eq!(log(1, "demo/a", size).len(), size);
        }
        assert_eq!(log(1, "demo/a", 50_000), log(1, "demo/a", 50_000));
        assert_ne!(log(1, "demo/a", 50_000), log(2, "demo/a", 50_000));
        assert_ne!(log(1, "demo/a", 50_000), log(1, "demo/b", 50_000));
    }

    #[test]
    fn some_lines_mention_banana_and_their_number_varies() {
        let counts: Vec<_> =
            (0..8).map(|n| bananas(&log(7, &format!("demo/{n}"), 500_000))).collect();
        assert!(counts.iter().all(|n| (20..=600).contains(n)), "{counts:?}");
        assert!(counts.iter().any(|n| *n != counts[0]), "{counts:?}");
    }

    #[test]
    fn the_word_moves_within_lines_and_words() {
        let text = log(3, "demo/a", 1_000_000);
        let text = std::str::from_utf8(&text).unwrap();
        for form in ["/banana?", "ref=bananas&", "q=redbanana\"", "q=bandana\"", "Banana"] {
            assert!(text.contains(form), "{form}");
        }
        assert!(text.lines().all(|line| line.len() < MAX_LINE_BYTES));
    }
}
