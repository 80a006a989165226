// What stock clients see of moderation: reports, notices, suspensions, and content rules.
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { Person } from "./person.mjs";
import { Server } from "./server.mjs";

const env = { PARLOR_MODERATION__DEV_MODERATORS: "mo" };

test("a report reaches the moderators, and its outcome the user who was reported", async (t) => {
  const server = await Server.start(t, { env });
  const [alice, bob, mo] = await Promise.all(
    ["alice", "bob", "mo"].map((user) => Person.connect(t, server, user)),
  );
  const { id } = await alice.send("bob", { text: "rude" });
  await bob.has(1);
  const filed = await bob.ask("report", { messageId: id, reason: "abuse", clientId: "k" });
  assert.deepEqual(filed, { status: "ok", reportId: "1", state: "open" });
  await mo.until(() => mo.heard("report").length > 0, "report");
  const [report] = mo.heard("report");
  assert.deepEqual([report.accused, report.by, report.content], ["alice", "bob", { text: "rude" }]);
  const { reportId } = report;
  assert.equal((await mo.ask("report_take", { reportId })).report.state, "taken");
  const closed = await mo.ask("report_resolve", { reportId, action: "warn", text: "Be kind." });
  assert.deepEqual(closed, { status: "ok" });
  await alice.until(() => alice.heard("notice").length > 0, "notice");
  const [{ noticeId, text }] = alice.heard("notice");
  assert.equal(text, "Be kind.");
  assert.deepEqual(await alice.ask("notice_confirm", { noticeId }), { status: "ok" });
  assert.equal((await bob.ask("reports", {})).code, "forbidden");
});

test("a suspended user's client stays away by itself, over a restart too", async (t) => {
  const server = await Server.start(t, { env });
  const alice = await Person.connect(t, server, "alice");
  const mo = await Person.connect(t, server, "mo");
  const until = Date.now() + 3_600_000;
  assert.equal((await mo.ask("suspend", { userId: "alice", reason: "spam", until })).status, "ok");
  await alice.until(() => alice.disconnects.length > 0, "a disconnect");
  const [closing] = alice.heard("closing");
  assert.deepEqual([closing.code, closing.until], ["suspended", until]);
  assert.deepEqual(alice.disconnects, ["io server disconnect"]);
  assert.equal(alice.socket.active, false, "a stock client does not try again");
  await server.restart();
  const error = await Person.refused(t, server, "alice");
  assert.deepEqual([error.message, error.data.until], ["suspended", until]);
  const again = await Person.connect(t, server, "mo");
  assert.equal((await again.ask("unsuspend", { userId: "alice" })).status, "ok");
  const back = await Person.connect(t, server, "alice");
  assert.equal((await back.send("mo", "back")).status, "sent");
});

test("a masked message is known again, and a refused one holds up nothing", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "parlor-rules-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, "parlor.toml");
  const rules = [
    { id: "mask", action: "mask" },
    { id: "refuse", action: "refuse" },
  ];
  const tables = rules.map(({ id, action }) =>
    `[[moderation.rules]]\nid = "${id}"\naction = "${action}"\nwords = ["${id}me"]\n`,
  );
  await writeFile(file, tables.join("\n"));
  const server = await Server.start(t, { env: { PARLOR_CONFIG: file } });
  const bob = await Person.connect(t, server, "bob");
  const alice = await Person.connect(t, server, "alice");
  const answers = await Promise.all(
    ["one", "MaskMe", "refuseme", "two"].map((text, n) => alice.send("bob", { text }, { clientId: `k${n}` })),
  );
  assert.deepEqual(answers.map((ack) => ack.code ?? ack.seq), [1, 2, "content_refused", 3]);
  assert.deepEqual([answers[1].masked, answers[2].rule], [true, "refuse"]);
  assert.deepEqual(await alice.send("bob", { text: "MaskMe" }, { clientId: "k1" }), answers[1]);
  const heard = (await bob.has(3)).map((message) => message.content.text);
  assert.deepEqual(heard, ["one", "******", "two"]);
});
