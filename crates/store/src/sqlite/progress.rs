//! How far a long piece of work is, told to whoever shows it.

/// One reading; readings of one step follow each other, and `done` does not fall within it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// What is being done: a word or two, for people.
    pub step: &'static str,
    /// How much of it is done.
    pub done: u64,
    /// How much there is, where that is known.
    pub total: Option<u64>,
}

/// Hears each reading. It must not block for long.
pub type Report<'a> = &'a mut dyn FnMut(Progress);
