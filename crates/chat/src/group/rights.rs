//! Who may do what in a group, as a table of roles.

use super::{GroupSettings, OpenTo, Role};

/// Something that a right is needed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Saying something.
    Post,
    /// Holding a message up to view, and ending that.
    Pin,
    /// Mentioning all members at once.
    MentionAll,
    /// Bringing others in, making invites, and looking at requests to join.
    Add,
    /// Changing name and settings, and what may not be said there.
    Update,
    /// Ending the group.
    Delete,
    /// Removing, banning or muting somebody of this role.
    Discipline(Role),
    /// Ending a ban or a mute.
    Pardon,
    /// Making somebody of one role another.
    Appoint {
        /// What they are.
        from: Role,
        /// What they shall be.
        to: Role,
    },
}

/// Whether a member of a role may do it.
pub fn may(role: Role, action: Action, settings: &GroupSettings) -> bool {
    let open = |to: OpenTo| match to {
        OpenTo::Everyone => true,
        OpenTo::Admins => role >= Role::Admin,
    };
    match action {
        Action::Post => open(settings.post),
        Action::Pin | Action::MentionAll => role >= Role::Moderator,
        Action::Add => open(settings.add),
        Action::Update => role >= Role::Admin,
        Action::Delete => role == Role::Owner,
        Action::Discipline(other) => role >= Role::Moderator && other < role,
        Action::Pardon => role >= Role::Moderator,
        // Nobody makes an equal, but for the owner, who can give the group away.
        Action::Appoint { from, to } => {
            role == Role::Owner && from < role || role == Role::Admin && from < role && to < role
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::{Joining, PastShown};

    fn settings(post: OpenTo, add: OpenTo) -> GroupSettings {
        GroupSettings {
            post,
            add,
            join: Joining::Invite,
            slow_mode_ms: 0,
            members_max: 9,
            past: PastShown::FromJoin,
        }
    }

    #[test]
    fn rights_are_as_the_table_says() {
        use Role::{Admin, Member, Moderator, Owner};
        // The roles that may do it, least first, where everything is open to everyone.
        let open = settings(OpenTo::Everyone, OpenTo::Everyone);
        let closed = settings(OpenTo::Admins, OpenTo::Admins);
        let table: &[(Action, &GroupSettings, &[Role])] = &[
            (Action::Post, &open, &[Member, Moderator, Admin, Owner]),
            (Action::Post, &closed, &[Admin, Owner]),
            (Action::Pin, &open, &[Moderator, Admin, Owner]),
            (Action::Pin, &closed, &[Moderator, Admin, Owner]),
            (Action::MentionAll, &open, &[Moderator, Admin, Owner]),
            (Action::Add, &open, &[Member, Moderator, Admin, Owner]),
            (Action::Add, &closed, &[Admin, Owner]),
            (Action::Update, &open, &[Admin, Owner]),
            (Action::Delete, &open, &[Owner]),
            (Action::Discipline(Member), &open, &[Moderator, Admin, Owner]),
            (Action::Discipline(Moderator), &open, &[Admin, Owner]),
            (Action::Discipline(Admin), &open, &[Owner]),
            (Action::Discipline(Owner), &open, &[]),
            (Action::Pardon, &open, &[Moderator, Admin, Owner]),
            (Action::Appoint { from: Member, to: Moderator }, &open, &[Admin, Owner]),
            (Action::Appoint { from: Moderator, to: Member }, &open, &[Admin, Owner]),
            (Action::Appoint { from: Member, to: Admin }, &open, &[Owner]),
            (Action::Appoint { from: Admin, to: Member }, &open, &[Owner]),
            (Action::Appoint { from: Member, to: Owner }, &open, &[Owner]),
            (Action::Appoint { from: Admin, to: Owner }, &open, &[Owner]),
            (Action::Appoint { from: Owner, to: Member }, &open, &[]),
        ];
        for (action, settings, allowed) in table {
            for role in Role::ALL {
                assert_eq!(
                    may(role, *action, settings),
                    allowed.contains(&role),
                    "{role:?} {action:?}"
                );
            }
        }
    }
}
