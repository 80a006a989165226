import { defineConfig } from "vite";

export default defineConfig({
  build: {
    lib: { entry: "src/index.tsx", formats: ["es"], fileName: "index" },
    target: "es2022",
    sourcemap: true,
    rollupOptions: { external: ["@parlor/client", "react", "react/jsx-runtime"] },
  },
});
