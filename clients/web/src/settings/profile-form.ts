// What may stand in a profile, by the server's bounds.

const NAME_BYTES_MAX = 256;
const LONG_BYTES_MAX = 2_048;

/** The fields as they are typed. */
export interface ProfileFields {
  readonly name: string;
  readonly about: string;
  readonly avatarUrl: string;
}

export type ProfileFault = { readonly kind: "long"; readonly max: number } | { readonly kind: "no_url" };

function isTooLong(value: string, max: number): boolean {
  return new TextEncoder().encode(value).length > max;
}

function isUrl(value: string): boolean {
  return URL.canParse(value) && /^https?:$/u.test(new URL(value).protocol);
}

/** What the server would refuse, for each field. */
export function profileFaults({
  name,
  about,
  avatarUrl,
}: ProfileFields): Partial<Record<keyof ProfileFields, ProfileFault>> {
  const url = avatarUrl.trim();
  return {
    ...(isTooLong(name.trim(), NAME_BYTES_MAX) ? { name: { kind: "long", max: NAME_BYTES_MAX } } : {}),
    ...(isTooLong(about.trim(), LONG_BYTES_MAX) ? { about: { kind: "long", max: LONG_BYTES_MAX } } : {}),
    ...(url !== "" && !isUrl(url) ? { avatarUrl: { kind: "no_url" } } : {}),
    ...(isTooLong(url, LONG_BYTES_MAX) ? { avatarUrl: { kind: "long", max: LONG_BYTES_MAX } } : {}),
  };
}

/** The fields that are others than before, as the server takes them. */
export function changedFields(before: ProfileFields, now: ProfileFields): Partial<ProfileFields> {
  const fields = ["name", "about", "avatarUrl"] as const;
  const changed = fields.filter((field) => now[field].trim() !== before[field].trim());
  return Object.fromEntries(changed.map((field) => [field, now[field].trim()]));
}
