import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig, type Plugin } from "vite";

/** Puts the one style sheet into the one script, so that the element is a single file. */
function stylesInScript(): Plugin {
	return {
		name: "styles-in-script",
		enforce: "post",
		generateBundle(_, bundle) {
			const files = Object.values(bundle);
			const css = files.find(({ fileName }) => fileName.endsWith(".css"));
			const script = files.find((file) => file.type === "chunk");
			if (css?.type !== "asset" || script?.type !== "chunk")
				throw new Error("the element's build has no script or no styles");
			if (!script.code.includes("ELEMENT_STYLES")) throw new Error("ELEMENT_STYLES is not in the script");
			script.code = script.code.replace("ELEMENT_STYLES", () => JSON.stringify(String(css.source)));
			delete bundle[css.fileName];
		},
	};
}

/** `/live-camera.js`: the custom element as one file, beside the page. */
export default defineConfig({
	plugins: [svelte(), stylesInScript()],
	publicDir: false,
	worker: { format: "es" },
	build: {
		emptyOutDir: false,
		cssCodeSplit: false,
		lib: { entry: "element/live-camera.ts", formats: ["es"], fileName: () => "live-camera.js" },
	},
});
