//! One conversation's messages: the window of the log, and what entries do to messages.

mod effects;
mod window;

pub(crate) use window::Window;
