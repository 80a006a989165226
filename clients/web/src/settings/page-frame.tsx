// The frame of each page of the settings.
import type { ReactNode } from "react";
import { go } from "../app/route.js";
import { Page } from "../ui/page.js";

export function Frame({ title, children }: { title: string; children: ReactNode }): ReactNode {
  return (
    <Page title={title} onBack={() => go({ name: "settings", page: null })} isBackNarrow>
      {children}
    </Page>
  );
}
