// Starts the client.
import { StrictMode, Suspense } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app/app.js";
import { preferredLanguage } from "./i18n/languages.js";
import { LanguageProvider } from "./i18n/text.js";
import { SessionProvider } from "./session/session.js";
import "./ui/tokens.css";
import "./ui/base.css";

const root = document.getElementById("root");
if (root === null) throw new Error("the page has no #root");
createRoot(root).render(
  <StrictMode>
    <Suspense>
      <LanguageProvider code={preferredLanguage(navigator.languages)}>
        <SessionProvider>
          <App />
        </SessionProvider>
      </LanguageProvider>
    </Suspense>
  </StrictMode>,
);
