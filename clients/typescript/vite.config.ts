import { defineConfig } from "vite";

export default defineConfig({
  build: {
    lib: { entry: "src/index.ts", formats: ["es"], fileName: "index" },
    target: "es2022",
    sourcemap: true,
    minify: true,
    // Vite leaves blanks in libraries, for the sake of annotations, of which there are none that matter here.
    rollupOptions: { external: ["socket.io-client"], output: { minify: true } },
  },
});
