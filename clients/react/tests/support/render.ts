// Renders components into a document, for as long as a test lasts.
import { Window } from "happy-dom";
import type { ReactNode } from "react";
import { beforeAll, onTestFinished, vi } from "vitest";

import { eventually } from "../../../typescript/tests/support/client.js";

// A document alone: the connection is Node's.
const window = new Window();

beforeAll(() => {
  const { document, navigator, HTMLElement, HTMLIFrameElement } = window;
  const globals = { window, document, navigator, HTMLElement, HTMLIFrameElement };
  for (const [name, value] of Object.entries(globals)) vi.stubGlobal(name, value);
});

/** Renders it, and collects the errors that nobody caught. */
export async function render(node: ReactNode) {
  const { createRoot } = await import("react-dom/client");
  const element = window.document.createElement("div");
  window.document.body.append(element);
  const errors: unknown[] = [];
  const root = createRoot(element as never, { onUncaughtError: (error) => errors.push(error) });
  onTestFinished(() => root.unmount());
  root.render(node);
  return {
    element,
    errors,
    /** Waits until what is rendered has a text. */
    shows: (text: string) => eventually(() => element.textContent.includes(text), `${text} in ${element.textContent}`),
  };
}
