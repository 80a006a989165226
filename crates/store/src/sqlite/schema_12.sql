-- What a direct conversation is to a member: 0 for an ordinary one, else a request (1), a declined one
-- (2) or an accepted one (3). The member's own record of it says the same: see requests.rs.
ALTER TABLE member ADD COLUMN request INTEGER NOT NULL DEFAULT 0;
CREATE INDEX member_requests ON member (user, conversation) WHERE request = 1;

-- Whether nobody but its sender may see an entry, as its envelope says. Such a message is of kind 10 and is
-- not counted.
ALTER TABLE entry ADD COLUMN shadow INTEGER;

-- What may not be said in a group, as JSON: see body.rs.
ALTER TABLE chat_group ADD COLUMN rules TEXT;
CREATE INDEX group_ruled ON chat_group (name) WHERE rules IS NOT NULL;
