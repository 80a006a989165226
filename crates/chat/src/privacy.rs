//! What a user lets others do and see: kept among the user's own records, decided here.
//!
//! [`Privacy`] is read from the records of its kind; a setting that was never made is as open as
//! can be. [`Regard`] is how one user stands to another, and answers what that one may.

use crate::own::{OwnKey, OwnKind, OwnRecord, OwnValue};

/// For whom something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Audience {
    /// For every user.
    #[default]
    Everyone,
    /// For the user's contacts.
    Contacts,
    /// For nobody else.
    Nobody,
}

impl Audience {
    /// Every audience there is.
    pub const ALL: [Self; 3] = [Self::Everyone, Self::Contacts, Self::Nobody];

    /// Its name in the event protocol.
    pub fn name(self) -> &'static str {
        match self {
            Self::Everyone => "everyone",
            Self::Contacts => "contacts",
            Self::Nobody => "nobody",
        }
    }

    /// The audience of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|audience| audience.name() == name)
    }

    /// What is kept of it: its name as JSON.
    pub fn value(self) -> OwnValue {
        OwnValue::of(match self {
            Self::Everyone => "\"everyone\"",
            Self::Contacts => "\"contacts\"",
            Self::Nobody => "\"nobody\"",
        })
    }

    /// What a kept value stands for; one that nobody could have kept lets nobody in.
    pub fn of_value(json: &str) -> Self {
        Self::ALL.into_iter().find(|it| &*it.value().0 == json).unwrap_or(Self::Nobody)
    }

    /// Whether it includes somebody, who is a contact or not.
    pub fn has(self, is_contact: bool) -> bool {
        match self {
            Self::Everyone => true,
            Self::Contacts => is_contact,
            Self::Nobody => false,
        }
    }
}

/// A setting of [`Privacy`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PrivacySetting {
    /// Who may write to the user.
    Messages,
    /// Who may see when the user was last here.
    LastSeen,
    /// Who may see that the user is here.
    Online,
    /// Whether others are told what the user has read, and the user what others have.
    ReadReceipts,
    /// Whether strangers' first messages come as requests.
    MessageRequests,
}

impl PrivacySetting {
    /// Every setting there is.
    pub const ALL: [Self; 5] =
        [Self::Messages, Self::LastSeen, Self::Online, Self::ReadReceipts, Self::MessageRequests];

    /// Its name in the event protocol, which is also its key among the records.
    pub fn name(self) -> &'static str {
        match self {
            Self::Messages => "messages",
            Self::LastSeen => "lastSeen",
            Self::Online => "online",
            Self::ReadReceipts => "readReceipts",
            Self::MessageRequests => "messageRequests",
        }
    }

    /// Its key among the records.
    pub fn key(self) -> OwnKey {
        OwnKey::setting(self.name())
    }
}

/// What a user lets others do and see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Privacy {
    /// Who may write to the user.
    pub messages: Audience,
    /// Who may see when the user was last here.
    pub last_seen: Audience,
    /// Who may see that the user is here.
    pub online: Audience,
    /// Whether others are told what the user has read, and the user what others have.
    pub read_receipts: bool,
    /// Whether strangers' first messages come as requests ([`crate::requests`]).
    pub message_requests: bool,
}

impl Default for Privacy {
    fn default() -> Self {
        let everyone = Audience::Everyone;
        Self {
            messages: everyone,
            last_seen: everyone,
            online: everyone,
            read_receipts: true,
            message_requests: false,
        }
    }
}

impl Privacy {
    /// What the records of a user say; those of other kinds are passed over.
    pub fn of(records: &[OwnRecord]) -> Self {
        let mut privacy = Self::default();
        for record in records.iter().filter(|record| record.kind == OwnKind::Privacy) {
            if let Some(value) = &record.value {
                privacy.take(record.key.as_str(), &value.0);
            }
        }
        privacy
    }

    /// Takes one setting as it is kept.
    pub fn take(&mut self, key: &str, json: &str) {
        let audience = Audience::of_value(json);
        match PrivacySetting::ALL.into_iter().find(|setting| setting.name() == key) {
            Some(PrivacySetting::Messages) => self.messages = audience,
            Some(PrivacySetting::LastSeen) => self.last_seen = audience,
            Some(PrivacySetting::Online) => self.online = audience,
            Some(PrivacySetting::ReadReceipts) => self.read_receipts = json != "false",
            Some(PrivacySetting::MessageRequests) => self.message_requests = json == "true",
            None => {}
        }
    }

    /// Whether a message is taken from somebody else, who is a contact or not, and to whom the user
    /// has written in that conversation or not.
    pub fn accepts(messages: Audience, is_contact: bool, has_written: bool) -> bool {
        messages.has(is_contact || (messages == Audience::Contacts && has_written))
    }
}

/// How one user stands to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Regard {
    /// What the one lets others do and see.
    pub privacy: Privacy,
    /// Whether the other is among the one's contacts.
    pub is_contact: bool,
    /// Whether the one keeps the other out.
    pub keeps_out: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::Millis;

    #[test]
    fn settings_are_read_from_records_and_open_without() {
        assert_eq!(Privacy::of(&[]), Privacy::default());
        let record = |setting: PrivacySetting, value: OwnValue| OwnRecord {
            kind: OwnKind::Privacy,
            key: setting.key(),
            value: Some(value),
            at: Millis(1),
        };
        let privacy = Privacy::of(&[
            record(PrivacySetting::Messages, Audience::Contacts.value()),
            record(PrivacySetting::Online, Audience::Nobody.value()),
            record(PrivacySetting::ReadReceipts, OwnValue::of("false")),
            record(PrivacySetting::MessageRequests, OwnValue::of("true")),
        ]);
        let expected = Privacy {
            messages: Audience::Contacts,
            last_seen: Audience::Everyone,
            online: Audience::Nobody,
            read_receipts: false,
            message_requests: true,
        };
        assert_eq!(privacy, expected);
    }

    #[test]
    fn an_audience_has_one_name_and_what_is_no_name_is_closed() {
        for audience in Audience::ALL {
            assert_eq!(Audience::named(audience.name()), Some(audience));
            assert_eq!(Audience::of_value(&audience.value().0), audience);
        }
        assert_eq!(Audience::named("Everyone"), None);
        assert_eq!(Audience::of_value("7"), Audience::Nobody);
    }

    #[test]
    fn who_may_write() {
        for (messages, contact, written, accepted) in [
            (Audience::Everyone, false, false, true),
            (Audience::Contacts, false, false, false),
            (Audience::Contacts, true, false, true),
            (Audience::Contacts, false, true, true),
            (Audience::Nobody, true, true, false),
        ] {
            assert_eq!(Privacy::accepts(messages, contact, written), accepted, "{messages:?}");
        }
    }
}
