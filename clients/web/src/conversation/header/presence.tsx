// The line below the name: who types, whether the other is there, or how many of a group are.
import { useConversation, useParlor, usePresence, useTyping } from "@parlor/react";
import { type ReactNode, useEffect, useState } from "react";
import { useLanguage, useText } from "../../i18n/text.js";
import { usePerson } from "../../people/profiles.js";
import { useChat } from "../chat.js";
import { agoOf } from "../times.js";
import css from "./header.module.css";

const MINUTE_MS = 60_000;

export function Presence(): ReactNode {
  const { conversation, me } = useChat();
  const { userIds, count } = useTyping(conversation);
  const { target } = conversation;
  const first = userIds[0];
  if (count > 0 && first !== undefined) return <Typing first={first} count={count} />;
  if ("groupId" in target) return <GroupLine groupId={target.groupId} />;
  return target.toUserId === me ? null : <PersonLine userId={target.toUserId} />;
}

function Line({ children, isLively = false }: { children: ReactNode; isLively?: boolean }): ReactNode {
  return (
    <span className={css.presence} data-lively={isLively} aria-live={isLively ? "polite" : undefined}>
      {children}
    </span>
  );
}

function Typing({ first, count }: { first: string; count: number }): ReactNode {
  const { isGroup } = useChat();
  const { name } = usePerson(first);
  const text = useText();
  if (!isGroup) return <Line isLively>{text.conversation.typing}</Line>;
  return <Line isLively>{text.conversation.typingIn(name, count - 1)}</Line>;
}

function PersonLine({ userId }: { userId: string }): ReactNode {
  const { online, lastSeen } = usePresence(userId);
  const text = useText();
  const language = useLanguage();
  const [now, setNow] = useState(Date.now);
  const isAway = online === false && lastSeen !== null;
  useEffect(() => {
    if (!isAway) return;
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), MINUTE_MS);
    return () => clearInterval(timer);
  }, [isAway]);
  if (online === true) return <Line isLively>{text.conversation.online}</Line>;
  if (online === false && lastSeen !== null) {
    return <Line>{text.conversation.lastSeen(agoOf(language, lastSeen, now))}</Line>;
  }
  return null;
}

function GroupLine({ groupId }: { groupId: string }): ReactNode {
  const parlor = useParlor();
  const { conversation } = useChat();
  const { members, role } = useConversation(conversation);
  const text = useText();
  const [online, setOnline] = useState<number | null>(null);
  const isIn = role !== null;
  useEffect(() => {
    if (!isIn) return;
    let isHere = true;
    const read = () =>
      parlor.command("presence", { groupId, limit: 1 }).then(
        (answer) => isHere && "count" in answer && setOnline(answer.count),
        () => {},
      );
    void read();
    // Of smaller groups nobody tells.
    const timer = setInterval(read, MINUTE_MS);
    const unsubscribe = parlor.on("presence", (event) => {
      if ("groupId" in event && event.groupId === groupId) setOnline(event.count);
    });
    return () => {
      isHere = false;
      clearInterval(timer);
      unsubscribe();
    };
  }, [parlor, groupId, isIn]);
  if (members === null) return null;
  const all = text.conversation.members(members);
  return <Line>{online === null || online < 2 ? all : `${all}, ${text.conversation.membersOnline(online)}`}</Line>;
}
