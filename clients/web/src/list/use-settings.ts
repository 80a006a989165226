// Changing how a conversation is listed: muted, archived, pinned, marked as unread. With words, and a way back.
import type { ConversationSettings, ConversationView } from "@parlor/client";
import { useMemo } from "react";
import { useAttempt } from "../app/errors.js";
import { useText } from "../i18n/text.js";
import { showToast } from "../ui/toast.js";
import { hasUnread, isArchived, isMuted, isPinned } from "./arrange.js";

/** Further than any clock goes that matters, and yet a number that all can hold: for good. */
export const FOR_GOOD = Date.UTC(9999, 0);
const HOUR_MS = 3_600_000;

/** For how long one may mute, in hours; `null` for good. */
export const MUTE_HOURS = [1, 8, 24 * 7, null] as const;

export interface Settled {
  readonly toggleMuted: (view: ConversationView) => void;
  readonly mute: (view: ConversationView, hours: number | null) => void;
  readonly toggleArchived: (view: ConversationView) => void;
  readonly togglePinned: (view: ConversationView) => void;
  /** Marks it as read, or as unread. */
  readonly toggleUnread: (view: ConversationView) => void;
}

export function useSettings(): Settled {
  const { list, common } = useText();
  const attempt = useAttempt();
  return useMemo(() => {
    const change = async (
      { conversation }: ConversationView,
      to: ConversationSettings,
      back: ConversationSettings,
      said: string,
    ) => {
      if (!(await attempt(() => conversation.configure(to)))) return;
      const undo = () => void attempt(() => conversation.configure(back));
      showToast({ text: said, action: { label: common.undo, onSelect: undo } });
    };
    const mute = (view: ConversationView, hours: number | null) => {
      const mutedUntil = hours === null ? FOR_GOOD : Date.now() + hours * HOUR_MS;
      void change(view, { mutedUntil }, { mutedUntil: 0 }, list.muted);
    };
    return {
      mute,
      toggleMuted: (view) => {
        if (!isMuted(view, Date.now())) mute(view, null);
        else void change(view, { mutedUntil: 0 }, { mutedUntil: view.settings.mutedUntil ?? 0 }, list.unmuted);
      },
      toggleArchived: (view) => {
        const archived = !isArchived(view);
        void change(view, { archived }, { archived: !archived }, archived ? list.archived : list.unarchived);
      },
      togglePinned: ({ conversation, settings }) => {
        void attempt(() => conversation.configure({ pinned: !isPinned({ settings }) }));
      },
      toggleUnread: (view) => {
        const { conversation } = view;
        if (!hasUnread(view)) void attempt(() => conversation.configure({ markedUnread: true }));
        else {
          conversation.markRead();
          if (view.settings.markedUnread) void attempt(() => conversation.configure({ markedUnread: false }));
        }
      },
    };
  }, [attempt, list, common]);
}
