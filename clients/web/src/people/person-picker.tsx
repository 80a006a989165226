// Picks people: by a search, from contacts, or by their id.
import { X } from "lucide-react";
import { type ReactNode, useState } from "react";
import { useMoreText } from "../i18n/text.js";
import { SearchField } from "../ui/field.js";
import { PersonAvatar, PersonName } from "./person.js";
import css from "./person-picker.module.css";
import { usePerson } from "./profiles.js";
import { usePeopleSearch } from "./search.js";

interface PickerProps {
  /** Who is not offered. */
  readonly excluded: ReadonlySet<string>;
  readonly autoFocus?: boolean;
}

export interface PeoplePickerProps extends PickerProps {
  readonly chosen: readonly string[];
  readonly onChange: (chosen: readonly string[]) => void;
}

/** Any number of people. */
export function PeoplePicker({ chosen, onChange, excluded, autoFocus }: PeoplePickerProps): ReactNode {
  const text = useMoreText();
  const [query, setQuery] = useState("");
  const found = usePeopleSearch(query, excluded);
  const toggle = (userId: string) => {
    onChange(chosen.includes(userId) ? chosen.filter((other) => other !== userId) : [...chosen, userId]);
    setQuery("");
  };
  return (
    <div className={css.picker}>
      {chosen.length > 0 && (
        <ul className={css.chips} aria-label={text.groups.selected}>
          {chosen.map((userId) => (
            <Chip key={userId} userId={userId} onRemove={() => toggle(userId)} />
          ))}
        </ul>
      )}
      <SearchField label={text.people.search} value={query} onChange={setQuery} autoFocus={autoFocus} />
      <Results found={found}>
        {(userId) => (
          <label className={css.row}>
            <PersonAvatar userId={userId} size="sm" />
            <Names userId={userId} />
            <input type="checkbox" checked={chosen.includes(userId)} onChange={() => toggle(userId)} />
          </label>
        )}
      </Results>
    </div>
  );
}

export interface PersonPickerProps extends PickerProps {
  readonly onPick: (userId: string) => void;
}

/** One person. */
export function PersonPicker({ onPick, excluded, autoFocus }: PersonPickerProps): ReactNode {
  const text = useMoreText();
  const [query, setQuery] = useState("");
  const found = usePeopleSearch(query, excluded);
  return (
    <div className={css.picker}>
      <SearchField label={text.people.search} value={query} onChange={setQuery} autoFocus={autoFocus} />
      <Results found={found}>
        {(userId) => (
          <button type="button" className={css.row} onClick={() => onPick(userId)}>
            <PersonAvatar userId={userId} size="sm" />
            <Names userId={userId} />
          </button>
        )}
      </Results>
    </div>
  );
}

function Results({
  found,
  children,
}: {
  found: ReturnType<typeof usePeopleSearch>;
  children: (userId: string) => ReactNode;
}): ReactNode {
  const text = useMoreText();
  const { userIds, asId, isSearching } = found;
  return (
    <>
      <ul className={css.list} aria-busy={isSearching}>
        {userIds.map((userId) => (
          <li key={userId}>{children(userId)}</li>
        ))}
        {asId !== null && <li key={asId}>{children(asId)}</li>}
      </ul>
      {userIds.length === 0 && asId === null && !isSearching && <p className={css.nobody}>{text.people.searchHint}</p>}
    </>
  );
}

function Names({ userId }: { userId: string }): ReactNode {
  const { name } = usePerson(userId);
  return (
    <span className={css.names}>
      <PersonName userId={userId} />
      {name !== userId && (
        <small>
          <bdi>{userId}</bdi>
        </small>
      )}
    </span>
  );
}

function Chip({ userId, onRemove }: { userId: string; onRemove: () => void }): ReactNode {
  const text = useMoreText();
  const { name } = usePerson(userId);
  return (
    <li>
      <button type="button" className={css.chip} onClick={onRemove}>
        <PersonAvatar userId={userId} size="sm" />
        <span aria-hidden="true">{name}</span>
        <span className="visually-hidden">{text.groups.remove(name)}</span>
        <X aria-hidden="true" />
      </button>
    </li>
  );
}
