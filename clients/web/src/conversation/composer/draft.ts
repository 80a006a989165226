// What was begun and not sent, of each conversation: kept on the server, so that it is the same on all devices.
import type { Conversation, Parlor } from "@parlor/client";
import { useParlor } from "@parlor/react";
import { useCallback, useEffect, useRef } from "react";
import { ownTextOf } from "../content.js";

const SAVE_AFTER_MS = 800;
const PAGES_MAX = 10;

/** The drafts of one client, as far as they are known. */
class Drafts {
  #texts = new Map<string, string>();
  #listeners = new Set<(conversationId: string) => void>();
  #parlor: Parlor;
  #reading: Promise<void> | null = null;

  constructor(parlor: Parlor) {
    this.#parlor = parlor;
    parlor.on("draft", ({ conversationId, content }) => {
      this.#take(conversationId, ownTextOf(content) ?? "");
      for (const listener of [...this.#listeners]) listener(conversationId);
    });
  }

  #take(conversationId: string, text: string): void {
    if (text === "") this.#texts.delete(conversationId);
    else this.#texts.set(conversationId, text);
  }

  /** Hears of drafts that change, here or on other devices. */
  subscribe(listener: (conversationId: string) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  of(conversationId: string): string {
    return this.#texts.get(conversationId) ?? "";
  }

  /** Reads them once. What was written meanwhile stays. */
  read(): Promise<void> {
    this.#reading ??= this.#readAll().catch(() => {
      this.#reading = null;
    });
    return this.#reading;
  }

  async #readAll(): Promise<void> {
    await this.#parlor.live();
    let cursor: string | null | undefined;
    for (let page = 0; page < PAGES_MAX && cursor !== null; page += 1) {
      const answer = await this.#parlor.command("drafts", { limit: 100, ...(cursor ? { cursor } : {}) });
      for (const { conversationId, content } of answer.drafts) {
        if (!this.#texts.has(conversationId)) this.#take(conversationId, ownTextOf(content) ?? "");
      }
      cursor = answer.cursor;
    }
  }

  save(conversationId: string, text: string): void {
    if (text === this.of(conversationId)) return;
    this.#take(conversationId, text);
    for (const listener of [...this.#listeners]) listener(conversationId);
    // Without a connection it is kept here, and said with the next change.
    this.#parlor.command("draft_set", { conversationId, content: text === "" ? null : text }).catch(() => {});
  }
}

const books = new WeakMap<Parlor, Drafts>();

function draftsOf(parlor: Parlor): Drafts {
  const known = books.get(parlor) ?? new Drafts(parlor);
  books.set(parlor, known);
  return known;
}

/** Fills in the draft when it is known, and gives what keeps it: `soon` at each key, `now` where it is done. */
export function useDraft(
  conversation: Conversation,
  fill: (text: string) => void,
): { readonly soon: (text: string) => void; readonly now: (text: string) => void } {
  const drafts = draftsOf(useParlor());
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const pending = useRef<string | null>(null);
  const latest = useRef(fill);
  latest.current = fill;

  const now = useCallback(
    (text: string) => {
      clearTimeout(timer.current);
      pending.current = null;
      if (conversation.id !== null) drafts.save(conversation.id, text);
    },
    [conversation, drafts],
  );
  const soon = useCallback(
    (text: string) => {
      clearTimeout(timer.current);
      pending.current = text;
      timer.current = setTimeout(() => now(text), SAVE_AFTER_MS);
    },
    [now],
  );

  useEffect(() => {
    let isHere = true;
    const show = () => {
      const { id } = conversation;
      if (isHere && id !== null && pending.current === null) latest.current(drafts.of(id));
    };
    show();
    void drafts.read().then(show);
    const unsubscribe = drafts.subscribe((conversationId) => {
      if (conversationId === conversation.id) show();
    });
    return () => {
      isHere = false;
      unsubscribe();
      if (pending.current !== null) now(pending.current);
    };
  }, [conversation, drafts, now]);

  return { soon, now };
}
