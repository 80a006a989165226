// What a line says of what happened, in pieces: texts, people, and names that somebody gave.
//
// Each language has a sentence for each case (`i18n/*/happened.ts`), with `{by}`, `{whom}`, `{name}` and `{time}` where
// the pieces go, and another one where it is the user who does it, or to whom it is done.
import type { Happening } from "@parlor/client";
import { durationText } from "../../asking/durations.js";
import type { LanguageCode } from "../../i18n/languages.js";
import type { More } from "../../i18n/text.js";
import { briefTimeOf, listPartsOf } from "../times.js";

export type Part =
  | { readonly text: string }
  | { readonly userId: string }
  /** A name that somebody gave the group. */
  | { readonly name: string };

type Words = More["happened"];
/** Somebody does something to others. */
type Deed = Words["added"];
/** Somebody does something. */
type Act = Words["renamed"];
/** People come, go, or are something from now on. */
type Turn = Words["joined"];

/** More people are not named in a line: the last of them are counted. */
const NAMED_MAX = 4;

/** Who reads it, in which language. */
export interface Reader {
  readonly me: string | null;
  readonly words: Words;
  readonly language: LanguageCode;
}

/** What happenings of one sort say together: a sentence, or two. */
export function sentencesOf(happenings: readonly Happening[], reader: Reader): Part[][] {
  const { me, words, language } = reader;
  const last = happenings.at(-1);
  if (last === undefined) return [];
  const { by } = last;
  const act = (forms: Act, more: Record<string, Part> = {}) =>
    filled(by === me ? forms.you : forms.other, { by: [{ userId: by }], ...listed(more) });
  switch (last.kind) {
    case "group_created": {
      const others = last.userIds.filter((userId) => userId !== by);
      const created = act(words.created, { name: { name: last.name } });
      return others.length === 0 ? [created] : [created, deed(words.added, by, others, reader)];
    }
    case "group_updated": {
      const said = [];
      if (last.name !== undefined) said.push(act(words.renamed, { name: { name: last.name } }));
      if (last.settings !== undefined) said.push(act(words.settings));
      return said;
    }
    case "group_deleted":
      return [act(words.deleted)];
    case "group_rules_set":
      return [act(words.rules)];
    case "timer": {
      if (last.seconds === null) return [act(words.timerOff)];
      return [act(words.timer, { time: { text: durationText(last.seconds, language) } })];
    }
    case "member_added":
      return [deed(words.added, by, whom(happenings), reader)];
    case "member_kicked":
      return [deed(words.removed, by, whom(happenings), reader)];
    case "member_unbanned":
      return [deed(words.unbanned, by, whom(happenings), reader)];
    case "member_unmuted":
      return [deed(words.unmuted, by, whom(happenings), reader)];
    case "member_banned":
      return [[...deed(words.banned, by, whom(happenings), reader), ...until(last.until, reader)]];
    case "member_muted":
      return [[...deed(words.muted, by, whom(happenings), reader), ...until(last.until, reader)]];
    case "member_joined":
      return [turn(words.joined, whom(happenings), reader)];
    case "member_left":
      return [turn(words.left, whom(happenings), reader)];
    case "role_changed":
      return [turn(words.roles[last.role], whom(happenings), reader)];
    default:
      return [];
  }
}

/** Whom it is about, each once, in the order in which it happened. */
function whom(happenings: readonly Happening[]): string[] {
  const all = happenings.flatMap((happening) => {
    if ("userIds" in happening) return happening.userIds;
    return "userId" in happening ? [happening.userId] : [happening.by];
  });
  return [...new Set(all)];
}

function deed(forms: Deed, by: string, userIds: readonly string[], reader: Reader): Part[] {
  const { me, words } = reader;
  const isToMe = me !== null && userIds.includes(me);
  const toMe = userIds.length === 1 ? forms.toYou : forms.toYouAnd;
  const template = by === me ? forms.byYou : isToMe ? toMe : forms.other;
  return filled(template, { by: [{ userId: by }], whom: people(userIds, words.youToo, reader) });
}

function turn(forms: Turn, userIds: readonly string[], reader: Reader): Part[] {
  const { me, words } = reader;
  const isMe = me !== null && userIds.includes(me);
  const template = userIds.length === 1 ? (isMe ? forms.you : forms.one) : isMe ? forms.youAnd : forms.many;
  return filled(template, { whom: people(userIds, words.you, reader) });
}

function until(ts: number | undefined, { words, language }: Reader): Part[] {
  if (ts === undefined) return [];
  return [{ text: " " }, ...filled(words.until, { time: [{ text: briefTimeOf(language, ts) }] })];
}

/** People as the language lists them: the user first, and not more than can be read at a glance. */
function people(userIds: readonly string[], you: string, { me, words, language }: Reader): Part[] {
  const isMe = me !== null && userIds.includes(me);
  const others: Part[] = userIds.filter((userId) => userId !== me).map((userId) => ({ userId }));
  const all = isMe ? [{ text: you }, ...others] : others;
  const named = all.length > NAMED_MAX ? all.slice(0, NAMED_MAX - 1) : all;
  const rest = all.length - named.length;
  const elements = rest === 0 ? named : [...named, { text: words.others(rest) }];
  const parts = listPartsOf(
    language,
    elements.map((_, index) => String(index)),
  );
  return parts.map(({ type, value }) => (type === "element" ? elements[Number(value)] : undefined) ?? { text: value });
}

function listed(parts: Record<string, Part>): Record<string, Part[]> {
  return Object.fromEntries(Object.entries(parts).map(([place, part]) => [place, [part]]));
}

/** A sentence with its pieces where they belong. */
function filled(template: string, pieces: Readonly<Record<string, readonly Part[]>>): Part[] {
  // Each second one is the name of a place.
  return template
    .split(/\{(\w+)\}/u)
    .flatMap((text, index) => (index % 2 === 1 ? (pieces[text] ?? []) : text === "" ? [] : [{ text }]));
}
