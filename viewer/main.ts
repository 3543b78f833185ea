import { mount } from "svelte";
import App from "./App.svelte";
import { enter, isOperatorPage } from "./operator/session.ts";

const linkFault = await enter();
document.getElementById("starting")?.remove();
if (isOperatorPage(location.href)) {
	const { default: OperatorPage } = await import("./operator/OperatorPage.svelte");
	mount(OperatorPage, { target: document.body });
} else mount(App, { target: document.body, props: { linkFault } });
