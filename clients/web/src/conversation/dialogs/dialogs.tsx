// The questions of an open conversation, loaded when the first is asked.
import type { ReactNode } from "react";
import type { Asking } from "../desk.js";
import { DateDialog } from "./date-dialog.js";
import { ForwardDialog } from "./forward-dialog.js";
import { LaterDialog } from "./later-dialog.js";
import { RemoveDialog } from "./remove-dialog.js";
import { ReportDialog } from "./report-dialog.js";

export interface DialogsProps {
  readonly asking: Exclude<Asking, { kind: "menu" | "picker" }>;
  readonly onJump: (ts: number) => void;
  readonly onClose: () => void;
}

export default function Dialogs({ asking, onJump, onClose }: DialogsProps): ReactNode {
  switch (asking.kind) {
    case "remove":
      return <RemoveDialog messages={asking.messages} onClose={onClose} />;
    case "forward":
      return <ForwardDialog messages={asking.messages} onClose={onClose} />;
    case "report":
      return <ReportDialog message={asking.message} onClose={onClose} />;
    case "date":
      return <DateDialog onChoose={onJump} onClose={onClose} />;
    default:
      return <LaterDialog content={asking.content} onClose={onClose} />;
  }
}
