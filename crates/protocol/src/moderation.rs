//! Reports, notices, and what moderators do.

use crate::shape::{Json, Nullable, SaysOk, shapes};

shapes! {
    Report {
        message_id: Option<String>,
        user_id: Option<String>,
        reason: String,
        comment: Option<String>,
        client_id: Option<String>,
    }
    Reported {
        status: SaysOk,
        report_id: String,
        state: String,
    }
    /// What moderators tell a user.
    Notice { notice_id: String, text: String, at: u64, }
    NoticeConfirm { notice_id: String, }

    ReportLine {
        report_id: String,
        state: String,
        at: u64,
        accused: String,
        by: Nullable<String>,
        reason: Option<String>,
        rule: Option<String>,
        comment: Option<String>,
        message_id: Option<String>,
        conversation_id: Option<String>,
        seq: Option<u64>,
        content: Option<Json>,
        moderator: Option<String>,
        moved_at: Option<u64>,
        outcome: Option<String>,
        note: Option<String>,
    }
    ReportsQuery { state: Option<String>, cursor: Option<String>, limit: Option<u64>, }
    ReportsPage {
        status: SaysOk,
        reports: Vec<ReportLine>,
        cursor: Nullable<String>,
    }
    ReportId { report_id: String, }
    ReportTaken {
        status: SaysOk,
        report: ReportLine,
    }
    ReportResolve {
        report_id: String,
        action: String,
        text: Option<String>,
        reason: Option<String>,
        until: Option<u64>,
        note: Option<String>,
    }
    Warn { user_id: String, text: String, note: Option<String>, client_id: Option<String>, }
    Suspend { user_id: String, reason: String, until: Option<u64>, note: Option<String>, }
    Unsuspend { user_id: String, note: Option<String>, }
    MessageRemove { message_id: String, note: Option<String>, }
    AuditLine {
        number: u64,
        at: u64,
        by: String,
        action: String,
        user_id: String,
        report_id: Option<String>,
        message_id: Option<String>,
        until: Option<u64>,
        text: Option<String>,
        note: Option<String>,
        hash: String,
    }
    Audit {
        status: SaysOk,
        entries: Vec<AuditLine>,
        cursor: Nullable<String>,
    }
}
