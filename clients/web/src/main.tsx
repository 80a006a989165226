// Starts the client.
import { StrictMode, Suspense } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app/app.js";
import { Language } from "./app/language.js";
import { applyPreferences, preferences } from "./app/preferences.js";
import { keepClient } from "./offline/worker.js";
import { SessionProvider } from "./session/session.js";
import "./ui/tokens.css";
import "./ui/base.css";

const look = () => applyPreferences(document.documentElement, preferences.get());
preferences.subscribe(look);
look();

const root = document.getElementById("root");
if (root === null) throw new Error("the page has no #root");
createRoot(root).render(
  <StrictMode>
    <Suspense>
      <Language>
        <SessionProvider>
          <App />
        </SessionProvider>
      </Language>
    </Suspense>
  </StrictMode>,
);

if (import.meta.env.PROD) keepClient();
