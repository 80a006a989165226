-- The peer Prosody, with what a chat needs: sessions, archive, rooms. Everything else of the usual
-- configuration (TLS, other servers, web, pubsub) is left out, which only makes it lighter. The bench
-- puts folders and port in.
--
-- Passwords are not checked, as by most of the peers. Messages are archived for
-- both sides, and those of rooms for the room, in files, as by default: written before the ack, not
-- synchronised.
--
-- Garbage is collected as Lua itself does by default, which takes a third of the time that Prosody's own
-- default takes (a new cycle at every twentieth more), for more memory while it works.
run_as_root = true
gc = { mode = "incremental", threshold = 200, speed = 200 }
pidfile = "@FOLDER@/prosody.pid"
data_path = "@FOLDER@/data"
plugin_paths = { "@MODULES@" }
log = { warn = "*console" }

c2s_ports = { @PORT@ }
c2s_interfaces = { "127.0.0.1" }
c2s_direct_tls_ports = { }
s2s_ports = { }
c2s_require_encryption = false
allow_unencrypted_plain_auth = true
authentication = "insecure"
insecure_open_authentication = "Yes please, I know what I'm doing!"

modules_enabled = {
	"disco", "saslauth", "presence", "message", "iq", "mam", "smacks", "posix", "collect_garbage",
}
modules_disabled = { "s2s", "offline" }

-- Nobody's archive is read anew from its file because too many others are active, and nothing is noted
-- for a cleanup that no run lasts long enough for.
storage_archive_item_limit_cache_size = 100000
archive_expires_after = "never"
muc_log_expires_after = "never"

VirtualHost "localhost"

Component "conference.localhost" "muc"
	modules_enabled = { "muc_mam" }
	restrict_room_creation = false
	muc_log_by_default = true
	muc_room_locking = false
	-- Rooms of ten thousand: nobody is told who is there.
	muc_room_default_presence_broadcast = { visitor = false, participant = false, moderator = false }
