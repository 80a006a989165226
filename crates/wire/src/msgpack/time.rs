//! Timestamps, as JavaScript prints them.

use std::fmt::Write as _;

use crate::packet::PacketError;

/// The farthest from 1970 that a JavaScript date can be, in milliseconds.
const DATE_MS_MAX: i64 = 8_640_000_000_000_000;

const DAY_MS: i64 = 86_400_000;

/// Reads the payload of a timestamp extension (type −1); `None` is an invalid date.
pub(super) fn timestamp_ms(bytes: &[u8]) -> Result<Option<i64>, PacketError> {
    let (seconds, nanos) = match *bytes {
        [a, b, c, d] => (i64::from(u32::from_be_bytes([a, b, c, d])), 0),
        [a, b, c, d, e, f, g, h] => {
            let both = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
            ((both & ((1 << 34) - 1)) as i64, (both >> 34) as u32)
        }
        [a, b, c, d, ref rest @ ..] => {
            let seconds = <[u8; 8]>::try_from(rest).map_err(|_| PacketError::Data)?;
            (i64::from_be_bytes(seconds), u32::from_be_bytes([a, b, c, d]))
        }
        _ => return Err(PacketError::Data),
    };
    let ms = seconds.checked_mul(1000).and_then(|ms| ms.checked_add(i64::from(nanos / 1_000_000)));
    Ok(ms)
}

/// Appends a date as a JSON string in ISO 8601, or `null` where JavaScript has no such date.
pub(super) fn push_date(ms: Option<i64>, out: &mut String) {
    let Some(ms) = ms.filter(|ms| (-DATE_MS_MAX..=DATE_MS_MAX).contains(ms)) else {
        out.push_str("null");
        return;
    };
    let (days, in_day) = (ms.div_euclid(DAY_MS), ms.rem_euclid(DAY_MS));
    let (year, month, day) = civil(days);
    let (hour, minute) = (in_day / 3_600_000, in_day / 60_000 % 60);
    let (second, milli) = (in_day / 1000 % 60, in_day % 1000);
    let written = match year {
        0..=9999 => write!(out, "\"{year:04}"),
        _ => write!(out, "\"{year:+07}"),
    }
    .and_then(|()| {
        write!(out, "-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z\"")
    });
    written.expect("a String takes all that is written");
}

/// Year, month and day, by the Gregorian rule throughout, of a day counted from 1970-01-01.
///
/// Counts years from March, so that the leap day comes last, in eras of 400 years.
fn civil(days: i64) -> (i64, i64, i64) {
    const ERA_DAYS: i64 = 146_097;
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(ERA_DAYS), days.rem_euclid(ERA_DAYS));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (year + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(ms: i64) -> String {
        let mut out = String::new();
        push_date(Some(ms), &mut out);
        out
    }

    #[test]
    fn dates_print_as_javascript_prints_them() {
        for (ms, text) in [
            (0, "\"1970-01-01T00:00:00.000Z\""),
            (-1, "\"1969-12-31T23:59:59.999Z\""),
            (951_782_400_000, "\"2000-02-29T00:00:00.000Z\""),
            (1_709_251_199_999, "\"2024-02-29T23:59:59.999Z\""),
            (-62_167_219_200_000, "\"0000-01-01T00:00:00.000Z\""),
            (-62_167_219_200_001, "\"-000001-12-31T23:59:59.999Z\""),
            (253_402_300_800_000, "\"+010000-01-01T00:00:00.000Z\""),
            (DATE_MS_MAX, "\"+275760-09-13T00:00:00.000Z\""),
            (-DATE_MS_MAX, "\"-271821-04-20T00:00:00.000Z\""),
            (DATE_MS_MAX + 1, "null"),
            (i64::MIN, "null"),
        ] {
            assert_eq!(printed(ms), text);
        }
    }

    #[test]
    fn the_three_lengths_of_timestamps_are_read() {
        assert_eq!(timestamp_ms(&[0, 0, 0, 2]), Ok(Some(2000)));
        let both: u64 = 7_000_000 << 34 | 3;
        assert_eq!(timestamp_ms(&both.to_be_bytes()), Ok(Some(3007)));
        let mut long = 7_000_000u32.to_be_bytes().to_vec();
        long.extend_from_slice(&(-1i64).to_be_bytes());
        assert_eq!(timestamp_ms(&long), Ok(Some(-993)));
        long.truncate(4);
        long.extend_from_slice(&i64::MAX.to_be_bytes());
        assert_eq!(timestamp_ms(&long), Ok(None));
        for len in [0, 1, 3, 5, 7, 9, 11, 13] {
            assert_eq!(timestamp_ms(&vec![0; len]), Err(PacketError::Data), "{len}");
        }
    }
}
