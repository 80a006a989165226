// What was begun and not sent, of each conversation: kept on the server, so that it is the same on all devices.
import type { Conversation, Parlor } from "@parlor/client";
import { useParlor } from "@parlor/react";
import { useEffect, useSyncExternalStore } from "react";
import { perClient } from "../asking/kept.js";
import { ownTextOf } from "./content.js";

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
  readonly subscribe = (listener: (conversationId: string) => void): (() => void) => {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  };

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
        if (this.#texts.has(conversationId)) continue;
        this.#take(conversationId, ownTextOf(content) ?? "");
        for (const listener of [...this.#listeners]) listener(conversationId);
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

export const draftsOf = perClient((parlor) => new Drafts(parlor));

/** What is begun in a conversation, here or on another device; empty where nothing is. */
export function useDraftText({ id }: Conversation): string {
  const drafts = draftsOf(useParlor());
  useEffect(() => void drafts.read(), [drafts]);
  return useSyncExternalStore(drafts.subscribe, () => (id === null ? "" : drafts.of(id)));
}
