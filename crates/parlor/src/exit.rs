//! Exit codes, and the failures that carry them.

use std::fmt;
use std::process::ExitCode;

/// Why the process ends otherwise than well. The numbers are documented in `parlor --help` and
/// docs/running.md.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Code {
    /// Failed while running, or `check` found something.
    Failed = 1,
    /// The command line or the configuration is wrong.
    Usage = 2,
    /// The data directory cannot be used.
    Data = 3,
    /// The address cannot be listened on.
    Listen = 4,
    /// Ended before all connections had.
    Cut = 5,
}

impl From<Code> for ExitCode {
    fn from(code: Code) -> Self {
        Self::from(code as u8)
    }
}

/// A failure with its exit code and what to tell the operator.
#[derive(Debug)]
pub(crate) struct Failure {
    /// The exit code.
    pub(crate) code: Code,
    /// What happened and what to do.
    pub(crate) message: String,
}

impl Failure {
    /// A failure of that kind.
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<crate::config::ConfigError> for Failure {
    fn from(error: crate::config::ConfigError) -> Self {
        Self::new(Code::Usage, error.to_string())
    }
}
