// Whom a message is for, and what conversation that is.

/** Another user, oneself, or a group. */
export type Target = { readonly toUserId: string } | { readonly groupId: string };

/** One text for each target. */
export function keyOf(target: Target): string {
  return "groupId" in target ? `group:${target.groupId}` : `user:${target.toUserId}`;
}

function encode(userId: string): string {
  return userId.replaceAll("%", "%25").replaceAll(":", "%3A");
}

function decode(part: string): string {
  return part.replaceAll("%3A", ":").replaceAll("%25", "%");
}

function isBefore(one: string, other: string): boolean {
  const [a, b] = [new TextEncoder().encode(one), new TextEncoder().encode(other)];
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const [x, y] = [a[i] ?? 0, b[i] ?? 0];
    if (x !== y) return x < y;
  }
  return a.length < b.length;
}

/** The conversation's id as the protocol makes it: user ids in the order of their bytes. */
export function conversationIdOf(target: Target, userId: string): string {
  if ("groupId" in target) return `group:${target.groupId}`;
  const pair = isBefore(userId, target.toUserId) ? [userId, target.toUserId] : [target.toUserId, userId];
  return `dm:${pair.map(encode).join(":")}`;
}

/** Whom a conversation is with, as `userId` sees it; `null` if the id is of no known form. */
export function targetOf(conversationId: string, userId: string): Target | null {
  const [kind, ...parts] = conversationId.split(":");
  if (kind === "group" && parts.length === 1 && parts[0]) return { groupId: parts[0] };
  const [one, other] = parts.map(decode);
  if (kind !== "dm" || parts.length !== 2 || !one || !other) return null;
  if (one !== userId && other !== userId) return null;
  return { toUserId: one === userId ? other : one };
}

/** The number of a message in its conversation, which its id ends with; `null` if it is no such id. */
export function seqOf(messageId: string): number | null {
  const digits = /:(\d{1,15})$/.exec(messageId)?.[1];
  return digits === undefined ? null : Number(digits);
}
