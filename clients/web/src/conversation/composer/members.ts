// The members of the group that is open, for mentions: read when the first is begun.
import { useParlor } from "@parlor/react";
import { useCallback, useRef, useState } from "react";
import { useChat } from "../chat.js";

const PAGE = 100;
const MEMBERS_MAX = 500;

export interface Members {
  /** User ids of the others; empty until they were asked for. */
  readonly ids: readonly string[];
  readonly load: () => void;
}

export function useMembers(): Members {
  const parlor = useParlor();
  const { conversation, me } = useChat();
  const [ids, setIds] = useState<readonly string[]>([]);
  const isAsked = useRef(false);
  const load = useCallback(() => {
    const { target } = conversation;
    if (!("groupId" in target) || isAsked.current) return;
    isAsked.current = true;
    const read = async () => {
      const found: string[] = [];
      let cursor: string | null | undefined;
      while (found.length < MEMBERS_MAX && cursor !== null) {
        const page = await parlor.command("group_members", {
          groupId: target.groupId,
          limit: PAGE,
          ...(cursor ? { cursor } : {}),
        });
        found.push(...page.members.map(({ userId }) => userId));
        cursor = page.cursor;
        setIds(found.filter((id) => id !== me));
      }
    };
    // The next mention tries again.
    read().catch(() => {
      isAsked.current = false;
    });
  }, [parlor, conversation, me]);
  return { ids, load };
}
