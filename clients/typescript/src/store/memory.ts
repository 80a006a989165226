// An outbox that lasts as long as the program.
import type { OutboxItem, OutboxNews, Store } from "./store.js";
import { Turns } from "./turns.js";

/**
 * Keeps outboxes in memory: what was not sent is gone when the program ends. Several clients of one program
 * may share it.
 */
export function memoryStore(): Store {
  const kept = new Map<number, OutboxItem>();
  const listeners = new Set<(news: OutboxNews) => void>();
  const turns = new Map<string, Turns>();
  let last = 0;
  return {
    async items(owner) {
      return [...kept.values()].filter((item) => item.owner === owner).sort((a, b) => a.order - b.order);
    },
    async add(item) {
      last += 1;
      kept.set(last, { ...item, order: last });
      return last;
    },
    async put(item) {
      if (kept.has(item.order)) kept.set(item.order, item);
    },
    async remove({ order }) {
      kept.delete(order);
    },
    exclusive(owner, signal, work) {
      const line = turns.get(owner) ?? new Turns();
      turns.set(owner, line);
      return line.take(signal, work);
    },
    announce(news) {
      for (const listener of listeners) queueMicrotask(() => listener(news));
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },
    close() {},
  };
}
