// A message's text with its formatting: elements that React makes, never HTML.
import { Fragment, memo, type ReactNode, useMemo } from "react";
import { hrefOf } from "../../app/route.js";
import { useText } from "../../i18n/text.js";
import { PersonName } from "../../people/person.js";
import css from "./formatted-text.module.css";
import { disguisedHost } from "./links.js";
import type { Block, Inline } from "./nodes.js";
import { parse } from "./parse.js";

export interface FormattedTextProps {
  readonly text: string;
  /** Whom the message mentions. */
  readonly mentions?: readonly string[] | undefined;
  /** Who reads it: mentions of them stand out. */
  readonly me: string | null;
}

const NOBODY: readonly string[] = [];

export const FormattedText = memo(function FormattedText({
  text,
  mentions = NOBODY,
  me,
}: FormattedTextProps): ReactNode {
  const blocks = useMemo(() => parse(text, mentions), [text, mentions]);
  return blocks.map((block, index) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: what is parsed anew is drawn anew
    <BlockView key={index} block={block} me={me} />
  ));
});

function BlockView({ block, me }: { block: Block; me: string | null }): ReactNode {
  switch (block.kind) {
    case "code":
      return (
        <pre className={css.block} dir="ltr">
          <code>{block.text.replace(/^\n|\n$/gu, "")}</code>
        </pre>
      );
    case "quote":
      return (
        <blockquote className={css.quote} dir="auto">
          {block.lines.map(({ inline }, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: what is parsed anew is drawn anew
            <Fragment key={index}>
              {index > 0 && "\n"}
              <Inlines nodes={inline} me={me} />
            </Fragment>
          ))}
        </blockquote>
      );
    default:
      if (block.inline.length === 0) return null;
      return (
        <p className={css.paragraph} dir="auto">
          <Inlines nodes={block.inline} me={me} />
        </p>
      );
  }
}

function Inlines({ nodes, me }: { nodes: readonly Inline[]; me: string | null }): ReactNode {
  return nodes.map((node, index) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: what is parsed anew is drawn anew
    <InlineView key={index} node={node} me={me} />
  ));
}

function InlineView({ node, me }: { node: Inline; me: string | null }): ReactNode {
  switch (node.kind) {
    case "text":
      return node.text;
    case "code":
      return (
        <code className={css.code} dir="ltr">
          {node.text}
        </code>
      );
    case "link":
      return <Link text={node.text} href={node.href} />;
    case "mention":
      return <Mention userId={node.userId} isMe={node.userId === me || node.userId === "@all"} />;
    case "bold":
      return (
        <strong>
          <Inlines nodes={node.children} me={me} />
        </strong>
      );
    case "italic":
      return (
        <em>
          <Inlines nodes={node.children} me={me} />
        </em>
      );
    default:
      return (
        <s>
          <Inlines nodes={node.children} me={me} />
        </s>
      );
  }
}

/** Shown as it was written; where that may look like another host than it is, its real name beside it. */
function Link({ text, href }: { text: string; href: string }): ReactNode {
  const host = disguisedHost(text, href);
  return (
    <bdi dir="ltr">
      <a className={css.link} href={href} target="_blank" rel="noopener noreferrer nofollow" title={href}>
        {text}
      </a>
      {host !== null && <span className={css.host}> [{host}]</span>}
    </bdi>
  );
}

function Mention({ userId, isMe }: { userId: string; isMe: boolean }): ReactNode {
  const text = useText();
  const className = `${css.mention} ${isMe ? css.me : ""}`;
  if (userId === "@all") return <span className={className}>@{text.conversation.everybody}</span>;
  return (
    <a className={className} href={hrefOf({ name: "conversation", key: `user:${userId}` })}>
      <bdi>
        @<PersonName userId={userId} />
      </bdi>
    </a>
  );
}
