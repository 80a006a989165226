// A person in a list: their picture, name, and whether they are here.
import { usePresence } from "@parlor/react";
import type { ReactNode } from "react";
import { distanceText } from "../asking/dates.js";
import { useLanguage, useText } from "../i18n/text.js";
import { Avatar, type AvatarProps } from "../ui/avatar.js";
import { usePerson } from "./profiles.js";

/** A user's picture. `showsPresence` asks the server whether they are here. */
export function PersonAvatar({
  userId,
  size = "md",
  showsPresence = false,
}: {
  userId: string;
  size?: NonNullable<AvatarProps["size"]>;
  showsPresence?: boolean;
}): ReactNode {
  const { name, avatarUrl } = usePerson(userId);
  // The colour is that of the conversation with them.
  const avatar = { id: `user:${userId}`, name, url: avatarUrl, size };
  return showsPresence ? <PresentAvatar userId={userId} {...avatar} /> : <Avatar {...avatar} />;
}

function PresentAvatar({ userId, ...avatar }: { userId: string } & AvatarProps): ReactNode {
  const { online } = usePresence(userId);
  return <Avatar {...avatar} isOnline={online === true} />;
}

/** A user's name. */
export function PersonName({ userId }: { userId: string }): ReactNode {
  return <bdi>{usePerson(userId).name}</bdi>;
}

/** Whether a user is here, or when they were last, in words; nothing where that is not told. */
export function PresenceText({ userId }: { userId: string }): ReactNode {
  const { online, lastSeen } = usePresence(userId);
  const text = useText();
  const language = useLanguage();
  if (online === true) return text.common.online;
  return lastSeen === null ? null : text.common.lastSeen(distanceText(lastSeen, Date.now(), language));
}
