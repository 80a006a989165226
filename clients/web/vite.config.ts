import { resolve } from "node:path";
import { defineConfig } from "vite";
import { embed } from "./build/embed.js";
import { serviceWorker } from "./build/service-worker.js";

const here = import.meta.dirname;
/** The server that `npm run dev` speaks to. */
const server = process.env.PARLOR_URL ?? "http://127.0.0.1:3000";

export default defineConfig({
  root: here,
  plugins: [serviceWorker(), embed()],
  // The SDK's sources, not what was built of them: one build, and no order to keep.
  resolve: {
    alias: {
      "@parlor/client": resolve(here, "../typescript/src/index.ts"),
      "@parlor/react": resolve(here, "../react/src/index.tsx"),
    },
  },
  build: {
    target: "es2022",
    // The page's policy allows no inline script and no data: font, so nothing is inlined.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: { onLog: (level, log, tell) => log.code === "MODULE_LEVEL_DIRECTIVE" || tell(level, log) },
  },
  server: {
    proxy: { "/socket.io": { target: server, ws: true }, "/web-config.json": server },
  },
});
