// The other examples, rendered, against a real server.
import { StrictMode } from "react";
import { expect, test } from "vitest";

import { eventually, live, numbers } from "../../typescript/tests/support/client.js";
import { Server } from "../../typescript/tests/support/server.js";
import { Around, Draft, Found, Log, ReadBy, Strangers } from "../examples/more.js";
import { ParlorProvider, useBlocked, usePrivacy } from "../src/index.js";
import { render } from "./support/render.js";

async function people() {
  const server = await Server.start();
  const [alice, bob] = [await live(server.url, "alice"), await live(server.url, "bob")];
  return { server, alice, bob };
}

test("a_group_s_log_has_what_happens_in_it_and_who_has_read_what", async () => {
  const { alice, bob } = await people();
  const { groupId } = await alice.command("group_create", { name: "Owls", members: ["bob"] });
  const [owls, theirs] = [alice.group(groupId), bob.group(groupId)];
  const { seq } = await owls.send("Who is awake?").sent;
  const { shows, errors } = await render(
    <StrictMode>
      <ParlorProvider parlor={alice}>
        <Log group={owls} />
        <ReadBy conversation={owls} seq={seq} />
      </ParlorProvider>
    </StrictMode>,
  );
  await shows("Who is awake?");
  await bob.command("group_leave", { groupId });
  await shows("bob left");
  await alice.command("group_add", { groupId, userIds: ["bob"] });
  await shows("alice brought in bob");
  const { seq: next } = await owls.send("Welcome back").sent;
  const { shows: second } = await render(
    <ParlorProvider parlor={alice}>
      <ReadBy conversation={owls} seq={next} />
    </ParlorProvider>,
  );
  await eventually(() => theirs.view.get().lastMessage?.seq === next, "the message to come");
  theirs.markRead();
  await second("Read by 1: bob");
  expect(errors).toEqual([]);
});

test("a_search_and_the_place_of_what_it_found", async () => {
  const { alice, bob } = await people();
  const chat = alice.direct("bob");
  for (const n of numbers(1, 60)) await bob.direct("alice").send(`text ${n}`).sent;
  const { id } = await chat.send("The owl is awake").sent;
  for (const n of numbers(61, 120)) await bob.direct("alice").send(`text ${n}`).sent;
  const { shows, element, errors } = await render(
    <StrictMode>
      <ParlorProvider parlor={alice}>
        <Found query={{ text: "owl", conversation: chat }} />
        <Found query={null} />
        <Around conversation={chat} messageId={id} />
      </ParlorProvider>
    </StrictMode>,
  );
  await shows("Found: The owl is awake");
  await shows("Around: The owl is awake");
  await shows("Around: text 61");
  expect(element.textContent).not.toContain("Around: text 120");
  const { shows: other } = await render(
    <ParlorProvider parlor={alice}>
      <Around conversation={alice.direct("nobody")} messageId="dm:alice:nobody:1" />
    </ParlorProvider>,
  );
  await other("no such conversation");
  expect(errors).toEqual([]);
});

function Own() {
  const { userIds } = useBlocked();
  const { settings } = usePrivacy();
  return (
    <p>
      Blocked: {[...userIds].join()}; last seen by {settings?.lastSeen ?? "?"}
    </p>
  );
}

test("what_is_the_user_s_own", async () => {
  const { server, alice, bob } = await people();
  await alice.privacy.set({ messageRequests: true });
  const elsewhere = await live(server.url, "alice", { deviceId: "alice-2" });
  const { shows, element, errors } = await render(
    <StrictMode>
      <ParlorProvider parlor={alice}>
        <Own />
        <Strangers />
        <Draft conversation={alice.direct("bob")} />
      </ParlorProvider>
    </StrictMode>,
  );
  await shows("last seen by everyone");
  await elsewhere.privacy.set({ lastSeen: "contacts" });
  await shows("last seen by contacts");
  await elsewhere.blocked.block("mallory");
  await shows("Blocked: mallory");
  await bob.direct("alice").send("Hello, stranger").sent;
  await shows("bob wants to write to you: Hello, stranger");
  elsewhere.direct("bob").setDraft("begun there");
  await eventually(() => element.querySelector("textarea")?.value === "begun there", "the draft");
  element.querySelector("button")?.click();
  await eventually(() => !element.textContent.includes("wants to write"), "no request");
  const known = async () => (await alice.command("contacts", {})).contacts.map(({ userId }) => userId);
  await eventually(async () => (await known()).includes("bob"), "the contact");
  expect(alice.conversations.get().conversations.map(({ name }) => name)).toEqual(["bob"]);
  expect(errors).toEqual([]);
});
