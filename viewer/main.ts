import { mount } from "svelte";
import App from "./App.svelte";
import { enter, isOperatorPage } from "./operator/session.ts";

const starting = document.getElementById("starting");
starting?.querySelector("h1")?.replaceChildren("Connecting"); // it does start here: what may take long is the relay
starting?.querySelector("p")?.remove();
const linkFault = await enter();
starting?.remove();
if (isOperatorPage(location.href)) {
	const { default: OperatorPage } = await import("./operator/OperatorPage.svelte");
	mount(OperatorPage, { target: document.body });
} else mount(App, { target: document.body, props: { linkFault } });
