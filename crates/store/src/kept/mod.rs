//! What every backend keeps alike: how bodies and envelopes are written, the chain of the audit log, what
//! of a content is searched, what is counted, and which commands are traced. Stores that are out there hold these forms, so that a log can be
//! carried from one backend to another.

pub(crate) mod audit;

pub(crate) mod body;

pub(crate) mod clock;

pub(crate) mod envelope;

pub(crate) mod numbers;

pub(crate) mod stats;

pub(crate) mod text;

pub(crate) mod traces;
