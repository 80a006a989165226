//! What wakes the poll to the microsecond: its own timeout is in whole milliseconds, and a load that waits for the
//! rest without sleep takes the core from the loads beside it.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::Duration;

use mio::unix::SourceFd;
use mio::{Interest, Registry, Token};
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};

/// One time at which the poll is woken.
#[derive(Debug)]
pub(super) struct Alarm(OwnedFd);

impl Alarm {
    /// Wakes the poll with this token.
    pub(super) fn new(registry: &Registry, token: Token) -> io::Result<Self> {
        let timer = timerfd_create(
            TimerfdClockId::Monotonic,
            TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC,
        )?;
        registry.register(&mut SourceFd(&timer.as_raw_fd()), token, Interest::READABLE)?;
        Ok(Self(timer))
    }

    /// Wakes it after this time, which is not zero, and not when it was to be woken before.
    pub(super) fn set(&self, after: Duration) -> io::Result<()> {
        let never = Timespec { tv_sec: 0, tv_nsec: 0 };
        let once = Timespec::try_from(after).map_err(io::Error::other)?;
        let time = Itimerspec { it_interval: never, it_value: once };
        timerfd_settime(&self.0, TimerfdTimerFlags::empty(), &time)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use mio::{Events, Poll};

    use super::*;

    #[test]
    fn it_wakes_the_poll_each_time_it_is_set() {
        let mut poll = Poll::new().expect("a poll");
        let alarm = Alarm::new(poll.registry(), Token(7)).expect("a timer");
        let mut events = Events::with_capacity(4);
        for _ in 0..3 {
            let (began, after) = (Instant::now(), Duration::from_micros(700));
            alarm.set(Duration::from_secs(60)).expect("set");
            alarm.set(after).expect("set anew");
            poll.poll(&mut events, Some(Duration::from_secs(20))).expect("polled");
            assert_eq!(events.iter().map(|event| event.token()).collect::<Vec<_>>(), [Token(7)]);
            assert!(began.elapsed() >= after);
        }
    }
}
