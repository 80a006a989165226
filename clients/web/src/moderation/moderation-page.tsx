// For moderators: what was reported, what was done, and what can be done to a user.
import { isRefused } from "@parlor/client";
import { useParlor } from "@parlor/react";
import { ShieldAlert } from "lucide-react";
import type { ReactNode } from "react";
import { useErrorText } from "../app/errors.js";
import { go } from "../app/route.js";
import { useAsked } from "../asking/asked.js";
import { useMoreText } from "../i18n/text.js";
import { Button } from "../ui/button.js";
import { EmptyState } from "../ui/empty-state.js";
import { PageHeader } from "../ui/page.js";
import { Tabs } from "../ui/tabs.js";
import { Loading } from "../ui/wait.js";
import { AuditLog } from "./audit-log.js";
import css from "./moderation-page.module.css";
import { Queue } from "./queue.js";
import { UserDeeds } from "./user-deeds.js";

const PAGES = ["reports", "audit", "users"] as const;

/** `page` is one of the tabs; without a known one it is the first. */
export function ModerationPage({ page }: { page: string | null }): ReactNode {
  const parlor = useParlor();
  const { moderation: text, common } = useMoreText();
  const words = useErrorText();
  // Who may ask for reports is a moderator; nothing else says so.
  const right = useAsked("moderator", async () => {
    try {
      await parlor.command("reports", { limit: 1 });
      return true;
    } catch (error) {
      if (isRefused(error, "forbidden")) return false;
      throw error;
    }
  });
  const shown = PAGES.find((known) => known === page) ?? "reports";
  return (
    <section className={css.page} aria-label={text.title}>
      <PageHeader title={text.title} onBack={() => go({ name: "home" })} isBackNarrow />
      {right.value === false && <EmptyState icon={<ShieldAlert />} title={text.notForYou} hint={text.notForYouHint} />}
      {right.value === null &&
        (right.error === null ? (
          <Loading />
        ) : (
          <EmptyState title={words(right.error)} action={<Button onClick={right.reload}>{common.tryAgain}</Button>} />
        ))}
      {right.value === true && (
        <Tabs
          className={css.tabs ?? ""}
          label={text.title}
          tabs={PAGES.map((value) => ({ value, label: text[value] }))}
          value={shown}
          onChange={(value) => go({ name: "moderation", page: value }, "replace")}
        >
          {shown === "reports" && <Queue />}
          {shown === "audit" && <AuditLog />}
          {shown === "users" && <UserDeeds />}
        </Tabs>
      )}
    </section>
  );
}
