// Texts that several parts share.

export const common = {
  back: "Back",
  cancel: "Cancel",
  close: "Close",
  save: "Save",
  loading: "Loading…",
  more: "More",
  you: "You",
  tryAgain: "Try again",
  clear: "Clear",
  undo: "Undo",
  done: "Done",
  ok: "OK",
  online: "online",
  lastSeen: (when: string) => `last seen ${when}`,
  copied: "Copied",
};
