//! What is to be seen, as plain values: what is drawn depends on nothing else.

/// A line of the list.
#[derive(Debug, Clone, Default)]
pub(crate) struct ListLine {
    pub(crate) name: String,
    pub(crate) unread: u64,
    pub(crate) is_selected: bool,
    pub(crate) is_online: bool,
}

/// How far a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tick {
    None,
    Sending,
    Failed,
    Sent,
    Delivered,
    Read,
}

/// A message.
#[derive(Debug, Clone)]
pub(crate) struct MessageLine {
    pub(crate) from: String,
    pub(crate) at: String,
    pub(crate) text: String,
    /// What is added to it: that it was edited, why it was refused, reactions.
    pub(crate) note: String,
    pub(crate) tick: Tick,
    pub(crate) is_mine: bool,
}

/// The whole screen. All texts in it are harmless.
#[derive(Debug, Clone, Default)]
pub(crate) struct View {
    pub(crate) me: String,
    pub(crate) status: String,
    pub(crate) is_live: bool,
    pub(crate) list: Vec<ListLine>,
    pub(crate) title: String,
    /// Who types, or whether the other is there.
    pub(crate) subtitle: String,
    pub(crate) messages: Vec<MessageLine>,
    pub(crate) is_loading: bool,
    /// How many lines the newest is below the bottom.
    pub(crate) scroll: usize,
    /// What is asked for in place of a message.
    pub(crate) prompt: Option<&'static str>,
    pub(crate) written: String,
    /// What of it is before the cursor.
    pub(crate) before_cursor: String,
    pub(crate) notice: Option<String>,
}
