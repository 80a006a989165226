// Whom to write to: contacts first, anybody by name or by their exact id, oneself, or a new group.
import { useContacts, useParlor } from "@parlor/react";
import { AtSign, Users } from "lucide-react";
import { type ReactNode, useMemo, useState } from "react";
import { useErrorText } from "../app/errors.js";
import { go, hrefOf } from "../app/route.js";
import { useFound } from "../asking/found.js";
import { useLanguage, useText } from "../i18n/text.js";
import { personName } from "../people/profiles.js";
import { isMeant, isUserId, useAskForPeople } from "../people/search.js";
import { SearchField } from "../ui/field.js";
import { PageHeader } from "../ui/page.js";
import { matches } from "./match.js";
import { ActionResult, PersonResult, SelfResult } from "./result-rows.js";
import { type Result, type Section, useResults } from "./results.js";
import css from "./search-all.module.css";

export function NewConversation(): ReactNode {
  const { list } = useText();
  const [query, setQuery] = useState("");
  const wanted = query.trim();
  const sections = useSections(wanted);
  const leave = () => go({ name: "home" });
  const { field, list: results } = useResults(sections, wanted, () => (query === "" ? leave() : setQuery("")));
  return (
    <>
      <PageHeader title={list.newConversation} onBack={leave} />
      <search className={css.people}>
        <SearchField autoFocus label={list.searchPeople} value={query} onChange={setQuery} {...field} />
      </search>
      {results}
    </>
  );
}

function useSections(query: string): Section[] {
  const parlor = useParlor();
  const { list } = useText();
  const language = useLanguage();
  const words = useErrorText();
  const contacts = useContacts().byUserId;
  const me = parlor.userId;

  const known = useMemo(() => {
    const byName = new Intl.Collator(language).compare;
    return [...contacts.keys()]
      .filter((userId) => isMeant(query, userId, personName(parlor, userId)))
      .sort((a, b) => byName(personName(parlor, a), personName(parlor, b)));
  }, [parlor, contacts, query, language]);

  const people = useFound(query, useAskForPeople());
  const others = people.items.filter(({ userId }) => userId !== me && !contacts.has(userId));
  const person = (userId: string, content: ReactNode): Result => ({
    key: `user:${userId}`,
    href: hrefOf({ name: "conversation", key: `user:${userId}` }),
    content,
  });
  const isListed = known.includes(query) || others.some(({ userId }) => userId === query) || query === me;
  const self = me !== null && (query === "" || matches(list.noteToSelf, query) || query === me);
  return [
    {
      key: "actions",
      title: null,
      results: [
        ...(query === ""
          ? [
              {
                key: "group",
                href: hrefOf({ name: "new", kind: "group" }),
                content: <ActionResult icon={<Users />} title={list.newGroup} />,
              },
            ]
          : []),
        ...(self ? [person(me, <SelfResult userId={me} />)] : []),
      ],
    },
    {
      key: "contacts",
      title: list.contacts,
      results: known.map((userId) => person(userId, <PersonResult userId={userId} />)),
      note:
        query === "" && contacts !== null && known.length === 0 ? <p className={css.note}>{list.noContacts}</p> : null,
    },
    {
      key: "people",
      title: list.people,
      results: others.map((profile) =>
        person(profile.userId, <PersonResult userId={profile.userId} found={profile} />),
      ),
      note: people.error !== null ? <p className={css.note}>{words(people.error)}</p> : null,
    },
    {
      key: "exact",
      title: null,
      results:
        !isListed && isUserId(query)
          ? [person(query, <ActionResult icon={<AtSign />} title={list.writeTo(query)} detail={list.writeToHint} />)]
          : [],
    },
  ];
}
