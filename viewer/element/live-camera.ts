import { mount, unmount } from "svelte";
import "../style.css";
import { Engine } from "../engine.ts";
import type { Engines } from "../engines.ts";
import { elementPlace } from "../place.ts";
import LiveCamera from "./LiveCamera.svelte";
import ElementWorker from "./worker.ts?worker&inline";

/** The styles of all components, put here by the build. */
declare const ELEMENT_STYLES: string;

const ENGINES: Engines = {
	inWorker: () => new ElementWorker(),
	onPage: async (report, signal) => new Engine(report, signal, null),
};
const OWN_URL = import.meta.url; // of the relay that served this file

/**
 * `<live-camera camera="bench-2" src="https://relay.example">`: one camera as it is now. Without `src` it comes from
 * the relay this script came from; without `camera` it is the only one there.
 */
class LiveCameraElement extends HTMLElement {
	static readonly observedAttributes = ["camera", "src"];
	#shown: Record<string, unknown> | null = null;

	connectedCallback(): void {
		const root = this.shadowRoot ?? this.attachShadow({ mode: "open" });
		root.adoptedStyleSheets = [styles()];
		const place = elementPlace(
			this.getAttribute("camera"),
			new URL(this.getAttribute("src") ?? ".", OWN_URL).href,
		);
		this.#shown = mount(LiveCamera, { target: root, props: { place, engines: ENGINES } });
	}

	disconnectedCallback(): void {
		if (this.#shown) void unmount(this.#shown);
		this.#shown = null;
	}

	attributeChangedCallback(): void {
		if (!this.#shown) return;
		this.disconnectedCallback();
		this.connectedCallback();
	}
}

let sheet: CSSStyleSheet | null = null;

// A constructed sheet is allowed by every Content-Security-Policy.
function styles(): CSSStyleSheet {
	if (sheet) return sheet;
	sheet = new CSSStyleSheet();
	sheet.replaceSync(`${ELEMENT_STYLES} :host { display: block; position: relative; aspect-ratio: 16 / 9; }`);
	return sheet;
}

if (!customElements.get("live-camera")) customElements.define("live-camera", LiveCameraElement);
