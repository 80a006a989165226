// Every view of the client, with something in it: a scene in which all that can be shown is there, and the way to each.
import type { Page } from "playwright-core";
import { expect } from "vitest";
import { addressOf, composer, message, visit } from "./page.js";
import { play, Scene } from "./scene.js";
import { ask, connect } from "./seed.js";

const HOUR_MS = 3_600_000;

/** Of a server on which Mira, who looks, is a moderator. */
export const VIEWED = { env: { PARLOR_MODERATION__DEV_MODERATORS: "mira" } };

export interface View {
  readonly name: string;
  /** Goes there, and waits until it is there. */
  readonly open: (page: Page) => Promise<unknown>;
}

/** Fills a server with what there is to see; gives the views of it. */
export async function playViews(url: string): Promise<View[]> {
  const scene = await Scene.enter(url);
  const groupId = await play(scene);
  const mira = await connect(url, "mira");
  const stranger = await connect(url, "stranger");
  await ask(mira, "privacy_set", { messageRequests: true });
  await ask(stranger, "private_message", { toUserId: "mira", content: "Hello, is the bicycle still for sale?" });
  await ask(mira, "contact_add", { userId: "noor", name: "Noor from work" });
  await ask(mira, "block", { userId: "spammer" });
  const hello = await scene.says(
    "jonas",
    "mira",
    "Shall I bring it over on *Sunday*? See https://lamps.example/repair",
  );
  await ask(mira, "star", { messageId: hello });
  const thread = await scene.tells("tomas", groupId, "@mira, is this the place? `N 61.5, E 23.8`", {
    mentions: ["mira"],
  });
  await scene.tells("mira", groupId, "Just behind it", { thread });
  await scene.tells("ada", groupId, "Then turn left at the mill", { thread });
  const sendAt = Date.now() + 20 * HOUR_MS;
  await ask(mira, "private_message", { toUserId: "noor", content: "Happy birthday! 🎂", clientId: "later", sendAt });
  await ask(mira, "group_update", { groupId, settings: { join: "request" } }).catch(() => {});
  const bad = await scene.says("tomas", "noor", "You will regret this");
  await scene.asks("noor", "report", { messageId: bad, reason: "abuse", comment: "Out of nowhere", clientId: "r1" });
  await scene.asks("jonas", "report", { userId: "spammer", reason: "spam", clientId: "r2" });
  const own = (await ask(mira, "group_create", { name: "Book club", members: ["ada", "noor"] })).groupId ?? "";
  await ask(mira, "group_update", { groupId: own, settings: { join: "request" } });
  await ask(mira, "group_invite", { groupId: own });
  await scene.asks("leila", "group_join", { groupId: own });
  await scene.asks("tomas", "group_join", { groupId: own });

  const at = (hash: string, wait: (page: Page) => Promise<unknown>) => async (page: Page) => {
    await visit(page, hash);
    await wait(page);
  };
  const title = (page: Page) => page.locator("main :is([data-page-title], h2):visible").first().waitFor();
  const panel = (page: Page) => page.locator("aside [data-page-title]").waitFor();
  const group = `group:${groupId}`;
  const ownInfo = at(addressOf(`group:${own}`, "?panel=info"), panel);
  const within = (row: number) => async (page: Page) => {
    await visit(page, addressOf(`group:${own}`));
    await ownInfo(page);
    await page.locator("aside ul").first().locator("button").nth(row).click();
    await page.locator("aside header button").first().waitFor();
  };
  /** Something that a message's menu asks for: the items that do so, in their order. */
  const dialog = (key: string, nth: number) => async (page: Page) => {
    await page.keyboard.press("Escape");
    await visit(page, addressOf(key));
    await openMenu(page, "three seats");
    const icon = ["lucide-forward", "lucide-flag", "lucide-trash-2"][nth];
    await page.locator(`[role=menuitem]:has(svg.${icon})`).click();
    await page.getByRole("dialog").waitFor();
  };
  return [
    { name: "list", open: at("#/", (page) => page.locator("[data-conversation]").first().waitFor()) },
    { name: "group", open: at(addressOf(group), (page) => message(page, "N 61.5").waitFor()) },
    { name: "direct", open: at(addressOf("user:jonas"), (page) => message(page, "lamps.example").waitFor()) },
    { name: "arabic", open: at(addressOf("user:leila"), (page) => message(page, "🌷").waitFor()) },
    { name: "empty", open: at(addressOf("user:nobody"), (page) => composer(page).waitFor()) },
    { name: "self", open: at(addressOf("user:mira"), (page) => composer(page).waitFor()) },
    { name: "request", open: at(addressOf("user:stranger"), (page) => message(page, "bicycle").waitFor()) },
    {
      name: "menu",
      open: async (page) => {
        await visit(page, addressOf(group));
        await openMenu(page, "three seats");
      },
    },
    {
      name: "emoji",
      open: async (page) => {
        await page.keyboard.press("Escape");
        await page.locator("main form button").first().click();
        await page.locator("[popover] h3").first().waitFor();
      },
    },
    {
      name: "group-info",
      open: async (page) => {
        await page.keyboard.press("Escape");
        await at(addressOf(group, "?panel=info"), panel)(page);
      },
    },
    ...["Forward", "Report", "Delete"].map((item, nth) => ({ name: item.toLowerCase(), open: dialog(group, nth) })),
    {
      name: "later",
      open: async (page: Page) => {
        await page.keyboard.press("Escape");
        await visit(page, addressOf("user:noor"));
        await composer(page).fill("Many happy returns");
        await page.locator("main form button:has(svg.lucide-clock-3)").click();
        await page.getByRole("dialog").getByText("🎂").waitFor();
      },
    },
    {
      name: "found",
      open: async (page: Page) => {
        await page.keyboard.press("Escape");
        await composer(page).fill("");
        await visit(page, "#/");
        await page.keyboard.press("Control+k");
        await page.keyboard.type("the");
        await page.getByRole("option").nth(1).waitFor();
      },
    },
    {
      name: "shortcuts",
      open: async (page: Page) => {
        await page.keyboard.press("Escape");
        await page.keyboard.press("Escape");
        await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
        await page.keyboard.press("?");
        await page.getByRole("dialog").waitFor();
      },
    },
    {
      name: "person-info",
      open: async (page: Page) => {
        await page.keyboard.press("Escape");
        await at(addressOf("user:noor", "?panel=info"), panel)(page);
      },
    },
    { name: "search-here", open: at(addressOf(group, "?panel=search"), panel) },
    { name: "pins", open: at(addressOf(group, "?panel=pins"), panel) },
    { name: "thread", open: at(addressOf(group, `?panel=thread&message=${encodeURIComponent(thread)}`), panel) },
    { name: "receipts", open: at(addressOf(group, `?panel=receipts&message=${encodeURIComponent(thread)}`), panel) },
    { name: "own-group", open: ownInfo },
    { name: "links", open: within(1) },
    { name: "join-requests", open: within(2) },
    { name: "group-settings", open: within(3) },
    { name: "word-rules", open: within(4) },
    { name: "new-group", open: at("#/new/group", title) },
    { name: "new-direct", open: at("#/new/direct", (page) => page.locator("input").first().waitFor()) },
    { name: "join", open: at(`#/join/${own}`, title) },
    { name: "starred", open: at("#/starred", title) },
    { name: "requests", open: at("#/requests", title) },
    { name: "moderation", open: at("#/moderation", title) },
    { name: "moderation-log", open: at("#/moderation/audit", title) },
    { name: "moderation-users", open: at("#/moderation/users", title) },
    ...PAGES.map((page) => ({ name: `settings-${page || "index"}`, open: at(`#/settings/${page}`, title) })),
  ];
}

/** Opens a message's menu. What was just opened may still move under the pointer: then it is tried again. */
async function openMenu(page: Page, text: string): Promise<void> {
  const isOpen = () =>
    page
      .getByRole("menu")
      .waitFor({ timeout: 3_000 })
      .then(
        () => true,
        () => false,
      );
  const open = async () => {
    await message(page, text).first().click({ button: "right" });
    return await isOpen();
  };
  await expect.poll(open, { timeout: 30_000 }).toBe(true);
}

const PAGES = [
  "",
  "profile",
  "appearance",
  "language",
  "notifications",
  "chats",
  "privacy",
  "blocked",
  "contacts",
  "scheduled",
  "devices",
  "shortcuts",
  "about",
];
