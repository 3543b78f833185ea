import { mount } from "svelte";
import App from "./App.svelte";

document.getElementById("starting")?.remove();
mount(App, { target: document.body });
