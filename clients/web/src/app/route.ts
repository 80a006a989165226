// Where the user is: a place for each view, kept in the address behind `#`, so that back, forward, reload and
// links work, and the server hears nothing of it.
import { useMemo, useSyncExternalStore } from "react";

/** What is shown beside a conversation. */
export type Panel =
  | { readonly name: "info" }
  | { readonly name: "search" }
  | { readonly name: "pins" }
  | { readonly name: "thread"; readonly messageId: string }
  | { readonly name: "receipts"; readonly messageId: string };

/** A place. `key` is a conversation's `key` of the SDK: `user:…` or `group:…`. */
export type Route =
  | { readonly name: "home" }
  | { readonly name: "conversation"; readonly key: string; readonly panel?: Panel; readonly seq?: number }
  | { readonly name: "new"; readonly kind: "direct" | "group" }
  | { readonly name: "join"; readonly groupId: string; readonly invite: string | null }
  | { readonly name: "settings"; readonly page: string | null }
  | { readonly name: "starred" }
  | { readonly name: "requests" }
  | { readonly name: "moderation"; readonly page: string | null };

const HOME: Route = { name: "home" };

function panelOf(params: URLSearchParams): Panel | null {
  const name = params.get("panel");
  const messageId = params.get("message");
  if (name === "info" || name === "search" || name === "pins") return { name };
  if ((name === "thread" || name === "receipts") && messageId) return { name, messageId };
  return null;
}

function decoded(part: string | undefined): string | null {
  if (part === undefined || part === "") return null;
  try {
    return decodeURIComponent(part);
  } catch {
    return null;
  }
}

/** Reads a place from what is behind `#`; what is no place is home. */
export function parseRoute(hash: string): Route {
  const [path = "", query = ""] = hash.replace(/^#?\/?/u, "").split("?");
  const [name, ...rest] = path.split("/");
  const [first, second] = rest.map(decoded);
  const params = new URLSearchParams(query);
  switch (name) {
    case "c": {
      if (!first || !/^(user|group):./su.test(first)) return HOME;
      const panel = panelOf(params);
      const seq = Number(params.get("seq"));
      return {
        name: "conversation",
        key: first,
        ...(panel === null ? {} : { panel }),
        ...(Number.isSafeInteger(seq) && seq > 0 ? { seq } : {}),
      };
    }
    case "new":
      return { name: "new", kind: first === "group" ? "group" : "direct" };
    case "join":
      return first ? { name: "join", groupId: first, invite: second ?? null } : HOME;
    case "settings":
      return { name: "settings", page: first ?? null };
    case "moderation":
      return { name: "moderation", page: first ?? null };
    case "starred":
    case "requests":
      return { name };
    default:
      return HOME;
  }
}

/** The address of a place, as `href`. */
export function hrefOf(route: Route): string {
  switch (route.name) {
    case "home":
      return "#/";
    case "conversation": {
      const params = new URLSearchParams();
      if (route.panel) params.set("panel", route.panel.name);
      if (route.panel && "messageId" in route.panel) params.set("message", route.panel.messageId);
      if (route.seq !== undefined) params.set("seq", String(route.seq));
      const query = params.size > 0 ? `?${params}` : "";
      return `#/c/${encodeURIComponent(route.key)}${query}`;
    }
    case "new":
      return `#/new/${route.kind}`;
    case "join":
      return `#/join/${encodeURIComponent(route.groupId)}${route.invite === null ? "" : `/${encodeURIComponent(route.invite)}`}`;
    case "settings":
    case "moderation":
      return route.page === null ? `#/${route.name}` : `#/${route.name}/${encodeURIComponent(route.page)}`;
    default:
      return `#/${route.name}`;
  }
}

/** Goes to a place; `replace` leaves no way back to this one. */
export function go(route: Route, how: "push" | "replace" = "push"): void {
  const href = hrefOf(route);
  if (how === "push") location.hash = href;
  else location.replace(href);
}

function subscribe(listener: () => void): () => void {
  addEventListener("hashchange", listener);
  return () => removeEventListener("hashchange", listener);
}

/** The place where the user is. */
export function useRoute(): Route {
  const hash = useSyncExternalStore(subscribe, () => location.hash);
  return useMemo(() => parseRoute(hash), [hash]);
}
