//! The times of records.

/// Reads times that come one after another, as those of a file do: most are of the same minute as the last.
#[derive(Default)]
pub struct Clock {
    /// The last time's text without its seconds, and the time at which they are zero.
    minute: Option<([u8; MINUTE], i64)>,
}

/// The length of `2026-03-01T10:00:`.
const MINUTE: usize = 17;

impl Clock {
    /// The time of `text` in seconds since 1970, `None` where it is not readable as one.
    pub fn seconds(&mut self, text: &str) -> Option<i64> {
        let Some((minute, [tens, ones, b'Z'])) = text.as_bytes().split_first_chunk::<MINUTE>()
        else {
            return seconds(text);
        };
        let second = match (minute[MINUTE - 1], tens, ones) {
            (b':', b'0'..=b'5', b'0'..=b'9') => i64::from((tens - b'0') * 10 + (ones - b'0')),
            _ => return seconds(text),
        };
        if let Some((known, start)) = self.minute
            && known == *minute
        {
            return Some(start + second);
        }
        let time = seconds(text)?;
        self.minute = Some((*minute, time - second));
        Some(time)
    }
}

/// A time of the log in seconds since 1970. Athena and Lake print it without a zone; it is UTC all the same.
pub fn seconds(text: &str) -> Option<i64> {
    plain_seconds(text.as_bytes()).or_else(|| any_seconds(text))
}

/// A time as CloudTrail writes it, `2026-03-01T10:00:00Z`, of a day that every month has.
fn plain_seconds(text: &[u8]) -> Option<i64> {
    let text: &[u8; 20] = text.try_into().ok()?;
    let marks = [
        (4, b'-'),
        (7, b'-'),
        (10, b'T'),
        (13, b':'),
        (16, b':'),
        (19, b'Z'),
    ];
    if marks.iter().any(|&(at, mark)| text[at] != mark) {
        return None;
    }
    let number = |digits: &[u8]| {
        digits.iter().try_fold(0, |number, digit| {
            digit
                .is_ascii_digit()
                .then(|| number * 10 + i64::from(digit - b'0'))
        })
    };
    let (year, month, day) = (
        number(&text[..4])?,
        number(&text[5..7])?,
        number(&text[8..10])?,
    );
    let (hour, minute, second) = (
        number(&text[11..13])?,
        number(&text[14..16])?,
        number(&text[17..19])?,
    );
    let fits = (1970..2100).contains(&year)
        && (1..=12).contains(&month)
        && (1..=28).contains(&day)
        && hour < 24
        && minute < 60
        && second < 60;
    // Days since 1970 up to the month, in years of 365 days; every fourth had one more since 1972.
    const BEFORE: [i64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    let leaps = (year - 1969) / 4 + i64::from(year % 4 == 0 && month > 2);
    let days = (year - 1970) * 365 + BEFORE.get((month - 1) as usize)? + day - 1 + leaps;
    fits.then_some(days * 86_400 + hour * 3_600 + minute * 60 + second)
}

/// A time in any form that is known.
fn any_seconds(text: &str) -> Option<i64> {
    if let Ok(time) = text.parse::<jiff::Timestamp>() {
        return Some(time.as_second());
    }
    let time = text.parse::<jiff::civil::DateTime>().ok()?;
    Some(
        time.to_zoned(jiff::tz::TimeZone::UTC)
            .ok()?
            .timestamp()
            .as_second(),
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Clock, any_seconds, plain_seconds, seconds};

    #[test]
    fn a_plain_time_is_what_any_reader_takes_it_for() {
        for day in 0..48_000 {
            let second = day * 86_400 + day % 86_400;
            let time = jiff::Timestamp::from_second(second).unwrap();
            let text = time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
            if let Some(plain) = plain_seconds(text.as_bytes()) {
                assert_eq!(plain, second, "{text}");
            }
            assert_eq!(seconds(&text), Some(second), "{text}");
        }
        assert!(plain_seconds(b"2026-03-01T10:00:00Z").is_some());
        for odd in [
            "2026-00-01T10:00:00Z",
            "2026-03-00T10:00:00Z",
            "2026-03-01T24:00:00Z",
            "2026-03-01T10:00:60Z",
        ] {
            assert_eq!(
                (plain_seconds(odd.as_bytes()), seconds(odd)),
                (None, any_seconds(odd)),
                "{odd}"
            );
        }
    }

    proptest! {
        #[test]
        fn a_clock_reads_what_each_time_tells(
            texts in prop::collection::vec("(20260301T100005[.]1[0-9]{2}Z|2026-0[12]-(28|29)T10:0[01]:[0-6][0-9][Zz0]|[ -~]{17}[0-9]{2}Z|.{0,20})", 1..40),
        ) {
            let mut clock = Clock::default();
            for text in &texts {
                prop_assert_eq!(clock.seconds(text), seconds(text), "{}", text);
            }
        }
    }
}
