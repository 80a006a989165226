// The links by which one comes into a group: made, copied, revoked.
import type { Invite } from "@parlor/client";
import { useParlor } from "@parlor/react";
import { Link2 } from "lucide-react";
import { type ReactNode, useState } from "react";
import { useAttempt } from "../app/errors.js";
import { useAsked } from "../asking/asked.js";
import { isForGood, momentText } from "../asking/dates.js";
import { durationText, INVITE_SECONDS, INVITE_USES } from "../asking/durations.js";
import { useLanguage, useMoreText } from "../i18n/text.js";
import panel from "../people/panel.module.css";
import { usePerson } from "../people/profiles.js";
import { Button } from "../ui/button.js";
import { Select } from "../ui/choice.js";
import { ConfirmDialog } from "../ui/confirm-dialog.js";
import { useCopy } from "../ui/copy.js";
import { EmptyState } from "../ui/empty-state.js";
import { List, ListRow } from "../ui/list-row.js";
import { Page } from "../ui/page.js";
import { Loading } from "../ui/wait.js";
import type { Group } from "./group.js";
import { inviteLink } from "./invite-links.js";
import css from "./links-page.module.css";
import type { PanelPageProps } from "./panel-page.js";

const WEEK = "604800";
/** As many uses are as good as any number. */
const MANY_USES = 1_000;

export function LinksPage({ group, onBack, onClose }: { group: Group } & PanelPageProps): ReactNode {
  const parlor = useParlor();
  const { groups: text } = useMoreText();
  const attempt = useAttempt();
  const copy = useCopy();
  const { groupId, settings } = group;
  const invites = useAsked<Invite[]>(groupId, async () => (await parlor.command("group_invites", { groupId })).invites);
  const revoke = async (invite: string) => {
    invites.change((all) => all.filter((other) => other.invite !== invite));
    if (!(await attempt(() => parlor.command("group_invite_revoke", { groupId, invite })))) invites.reload();
  };
  const make = (forSeconds: number, uses: number | null) =>
    attempt(async () => {
      const wish = { groupId, forSeconds, ...(uses === null ? {} : { uses }) };
      const { invite } = await parlor.command("group_invite", wish);
      invites.reload();
      await copy(inviteLink(groupId, invite));
    });
  return (
    <Page title={text.links} onBack={onBack} onClose={onClose}>
      <p className={panel.lead}>{text.linksHint}</p>
      <NewLink onMake={make} />
      {settings.join !== "invite" && (
        <List title={text.groupLink} hint={text.joinHints[settings.join]}>
          <LinkRow link={inviteLink(groupId, null)} />
        </List>
      )}
      {invites.value === null && invites.isAsking && <Loading />}
      {invites.value?.length === 0 && <EmptyState icon={<Link2 />} title={text.noLinks} />}
      {invites.value?.map((invite) => (
        <List key={invite.invite}>
          <LinkRow
            link={inviteLink(groupId, invite.invite)}
            facts={<LinkFacts invite={invite} />}
            onRevoke={() => void revoke(invite.invite)}
          />
        </List>
      ))}
    </Page>
  );
}

function NewLink({ onMake }: { onMake: (forSeconds: number, uses: number | null) => Promise<boolean> }): ReactNode {
  const { groups: text } = useMoreText();
  const language = useLanguage();
  const [lasts, setLasts] = useState(WEEK);
  const [uses, setUses] = useState("null");
  const [isBusy, setBusy] = useState(false);
  const make = async () => {
    setBusy(true);
    await onMake(Number(lasts), uses === "null" ? null : Number(uses));
    setBusy(false);
  };
  const numbers = new Intl.NumberFormat(language);
  return (
    <List title={text.newLink}>
      <ListRow
        title={text.linkLasts}
        end={
          <Select
            label={text.linkLasts}
            value={lasts}
            choices={INVITE_SECONDS.map((s) => ({ value: String(s), label: durationText(s, language) }))}
            onChange={setLasts}
          />
        }
      />
      <ListRow
        title={text.linkUses}
        end={
          <Select
            label={text.linkUses}
            value={uses}
            choices={INVITE_USES.map((count) => ({
              value: String(count),
              label: count === null ? text.anyNumber : numbers.format(count),
            }))}
            onChange={setUses}
          />
        }
      />
      <li className={css.link}>
        <Button kind="primary" disabled={isBusy} onClick={() => void make()}>
          {text.makeLink}
        </Button>
      </li>
    </List>
  );
}

interface LinkRowProps {
  readonly link: string;
  readonly facts?: ReactNode;
  readonly onRevoke?: () => void;
}

function LinkRow({ link, facts, onRevoke }: LinkRowProps): ReactNode {
  const { groups: text } = useMoreText();
  const copy = useCopy();
  const [isAsking, ask] = useState(false);
  return (
    <li className={css.link}>
      <span className={css.address}>{link}</span>
      <span className={css.foot}>
        <span className={css.facts}>{facts}</span>
        <span className={css.deeds}>
          {onRevoke && (
            <Button kind="quiet" onClick={() => ask(true)}>
              {text.revoke}
            </Button>
          )}
          <Button onClick={() => void copy(link)}>{text.copyLink}</Button>
        </span>
      </span>
      {isAsking && onRevoke && (
        <ConfirmDialog
          title={text.revokeTitle}
          action={text.revoke}
          isDanger
          onConfirm={onRevoke}
          onClose={() => ask(false)}
        >
          {text.revokeHint}
        </ConfirmDialog>
      )}
    </li>
  );
}

function LinkFacts({ invite }: { invite: Invite }): ReactNode {
  const { groups: text } = useMoreText();
  const language = useLanguage();
  const { by, until, uses } = invite;
  const { name } = usePerson(by);
  const facts = [
    ...(until === undefined || isForGood(until) ? [] : [text.linkUntil(momentText(until, language))]),
    ...(uses > MANY_USES ? [] : [text.linkUsesLeft(uses)]),
    text.linkBy(name),
  ];
  return new Intl.ListFormat(language, { style: "short", type: "unit" }).format(facts);
}
