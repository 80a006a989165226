// The words that may not be said in a group.
import type { GroupRules } from "@parlor/client";
import { useParlor } from "@parlor/react";
import { type FormEvent, type ReactNode, useState } from "react";
import { useAttempt } from "../app/errors.js";
import { useAsked } from "../asking/asked.js";
import { useMoreText } from "../i18n/text.js";
import panel from "../people/panel.module.css";
import { Button } from "../ui/button.js";
import { RadioGroup } from "../ui/choice.js";
import { TextArea } from "../ui/field.js";
import { Page } from "../ui/page.js";
import { showToast } from "../ui/toast.js";
import { Loading } from "../ui/wait.js";
import type { PanelPageProps } from "./panel-page.js";
import { faultOf, WORDS_MAX, wordsOf } from "./word-rules.js";

const ACTIONS = ["refuse", "mask"] as const;
type Action = (typeof ACTIONS)[number];

export function RulesPage({ groupId, onBack, onClose }: { groupId: string } & PanelPageProps): ReactNode {
  const parlor = useParlor();
  const { groups: text } = useMoreText();
  const rules = useAsked(groupId, () => parlor.command("group_rules", { groupId }));
  return (
    <Page title={text.rules} onBack={onBack} onClose={onClose}>
      <p className={panel.lead}>{text.rulesHint}</p>
      {rules.value === null ? <Loading /> : <RulesForm groupId={groupId} rules={rules.value} onSaved={onBack} />}
    </Page>
  );
}

interface RulesFormProps {
  readonly groupId: string;
  readonly rules: GroupRules;
  readonly onSaved: () => void;
}

function RulesForm({ groupId, rules, onSaved }: RulesFormProps): ReactNode {
  const parlor = useParlor();
  const { groups: text, common } = useMoreText();
  const attempt = useAttempt();
  const [typed, setTyped] = useState(rules.words.join("\n"));
  const [action, setAction] = useState<Action>(rules.action === "mask" ? "mask" : "refuse");
  const words = wordsOf(typed);
  const fault = faultOf(words);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (fault !== null) return;
    if (!(await attempt(() => parlor.command("group_rules_set", { groupId, words, action })))) return;
    showToast({ text: text.saved });
    onSaved();
  };
  return (
    <form className={panel.form} onSubmit={(event) => void submit(event)}>
      <TextArea
        label={text.words}
        value={typed}
        rows={8}
        spellCheck={false}
        hint={text.wordCount(words.length)}
        error={
          fault === null ? null : fault.kind === "many" ? text.tooManyWords(WORDS_MAX) : text.wordTooLong(fault.word)
        }
        onChange={setTyped}
      />
      <RadioGroup
        label={text.ruleAction}
        value={action}
        choices={ACTIONS.map((value) => ({ value, label: text.ruleActions[value] }))}
        onChange={setAction}
      />
      <Button type="submit" kind="primary" disabled={fault !== null}>
        {common.save}
      </Button>
    </form>
  );
}
