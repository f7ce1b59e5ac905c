// SPDX-License-Identifier: GPL-2.0-only
import { defineConfig } from "vite";
import { viteSingleFile } from "vite-plugin-singlefile";

// One file without a network access: scripts and styles inline, nothing else loaded.
export default defineConfig({
  plugins: [viteSingleFile({ removeViteModuleLoader: true })],
  build: { outDir: "built", emptyOutDir: true, target: "es2022", modulePreload: false },
});
