// Signing in where the operator's site knows who it is: a small site hands out tokens.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { expect, onTestFinished, test } from "vitest";
import { tokenOf } from "../../../typescript/tests/support/server.js";
import { App } from "../support/app.js";
import { button, expectAccessible, message, openConversation, say } from "../support/page.js";

/** The operator's site: `/login?as=…` remembers who it is in a cookie and goes on, `/token` hands out a token. */
class TokenSite {
  /** How many tokens were handed out. */
  given = 0;
  /** How long they are good for, in seconds. */
  expiresIn = 3_600;
  /** Where the client is. */
  client = "";
  url = "";

  static async start(): Promise<TokenSite> {
    const site = new TokenSite();
    const front = createServer((asked, answer) => site.#answer(asked, answer));
    await new Promise<void>((ready) => front.listen(0, "127.0.0.1", ready));
    const address = front.address();
    if (address === null || typeof address === "string") throw new Error("the site does not listen");
    site.url = `http://127.0.0.1:${address.port}`;
    onTestFinished(() => {
      front.closeAllConnections();
      front.close();
    });
    return site;
  }

  #answer(asked: IncomingMessage, answer: ServerResponse): void {
    const { pathname, searchParams } = new URL(asked.url ?? "/", this.url);
    if (pathname === "/login") {
      const cookie = `who=${searchParams.get("as") ?? "alice"}; Path=/token; HttpOnly`;
      answer.writeHead(303, { location: `${this.client}/`, "set-cookie": cookie }).end();
      return;
    }
    const who = /(?:^|; )who=([^;]+)/u.exec(asked.headers.cookie ?? "")?.[1];
    const shared = { "access-control-allow-origin": this.client, "access-control-allow-credentials": "true" };
    if (who === undefined) {
      answer.writeHead(401, shared).end();
      return;
    }
    this.given += 1;
    answer.writeHead(200, { ...shared, "content-type": "text/plain" });
    answer.end(`${tokenOf(who, { expiresIn: this.expiresIn })}\n`);
  }
}

async function startWith(site: TokenSite): Promise<App> {
  const app = await App.start({
    dev: false,
    env: {
      PARLOR_WEB__TOKEN_URL: `${site.url}/token`,
      PARLOR_WEB__SIGN_IN_URL: `${site.url}/login`,
      PARLOR_IDENTITY__LEEWAY_MS: "0",
    },
  });
  site.client = app.url;
  return app;
}

test("who_has_no_session_at_the_site_is_sent_there_and_comes_back_signed_in", async () => {
  const site = await TokenSite.start();
  const app = await startWith(site);
  app.tolerate(/401/u);
  const page = await (await app.context()).newPage();
  await page.goto(app.url);
  await button(page, "Sign in").waitFor();
  await expectAccessible(page, "sign-in elsewhere");
  await button(page, "Sign in").click();
  await page.getByText("No conversations yet").waitFor();
  await openConversation(page, "user:bob");
  await say(page, "Here I am");
  await message(page, "Here I am").getByRole("img", { name: "Sent" }).waitFor();
});

test("a_token_is_renewed_before_it_ends_and_nothing_is_noticed_of_it", async () => {
  const site = await TokenSite.start();
  site.expiresIn = 3;
  const app = await startWith(site);
  const context = await app.context();
  const page = await context.newPage();
  await page.goto(`${site.url}/login?as=alice`);
  await button(page, "Sign in").click();
  await openConversation(page, "user:bob");
  let cuts = 0;
  page.on("websocket", () => {
    cuts += 1;
  });
  await expect.poll(() => site.given, { timeout: 15_000 }).toBeGreaterThanOrEqual(3);
  await say(page, "Still here");
  await message(page, "Still here").getByRole("img", { name: "Sent" }).waitFor();
  expect(cuts, "the connection lasts").toBe(0);

  // Who signs in at the site as somebody else is not shown what was another's.
  app.tolerate(/401/u);
  await context.clearCookies();
  await page.getByText("You are signed out at the site").waitFor({ timeout: 30_000 });
  await page.goto(`${site.url}/login?as=mallory`);
  await page.getByText("Somebody else is signed in now").waitFor();
  await button(page, "Sign in again").click();
  await button(page, "Sign in").click();
  await page.getByText("No conversations yet").waitFor();
});
