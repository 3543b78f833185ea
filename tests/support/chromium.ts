import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";
import { chromiumBinary } from "./chromium-binary.ts";

/** A host name that leads to 127.0.0.1 but is no localhost: http:// pages there are an insecure context. */
export const LAN_HOST = "lab.test";

const FLAGS = [
	"--no-sandbox",
	"--disable-gpu",
	"--disable-quic",
	"--disable-dev-shm-usage",
	"--disable-background-networking",
	"--disable-component-update",
	"--disable-sync",
	"--no-first-run",
	"--no-proxy-server",
	`--host-resolver-rules=MAP ${LAN_HOST} 127.0.0.1`,
];

// Playwright's defaults that would keep a hidden page as lively as a visible one.
const UNWANTED = ["--disable-background-timer-throttling", "--disable-renderer-backgrounding"];

/** Starts a browser; `await using` closes it. Throws with the reason when the machine has none. */
export async function launchChromium(args: readonly string[] = []): Promise<Browser> {
	const { path, env } = await chromiumBinary();
	return await chromium.launch({
		executablePath: path,
		args: [...FLAGS, ...args],
		ignoreDefaultArgs: UNWANTED,
		env: { ...process.env, ...env },
	});
}

/** What the page is shown on; 1280 by 720, one device pixel each, light unless told. */
export interface View {
	width?: number;
	height?: number;
	deviceScaleFactor?: number;
	colorScheme?: "light" | "dark";
	reducedMotion?: "reduce" | "no-preference";
	hasTouch?: boolean;
	/** For certificates nobody signed. */
	ignoreHTTPSErrors?: boolean;
}

/** A page alone in its own context; `await using` closes both. */
export interface OpenPage extends AsyncDisposable {
	page: Page;
	context: BrowserContext;
	/** Grows with each error of the page or its workers; tests expect it to be empty. */
	problems: string[];
}

/** Opens an empty page, watched from before its first navigation. */
export async function openPage(browser: Browser, view: View = {}): Promise<OpenPage> {
	const { width = 1280, height = 720, ...rest } = view;
	const context = await browser.newContext({ viewport: { width, height }, ...rest });
	const page = await context.newPage();
	return { page, context, problems: watchPage(page), [Symbol.asyncDispose]: () => context.close() };
}

/**
 * Collects, in order, uncaught errors, console errors, Content-Security-Policy refusals and crashes, of the page and of
 * its workers, and the page's own failed requests; those that match an `expected` pattern are left out.
 */
function watchPage(page: Page, expected: readonly RegExp[] = []): string[] {
	const problems: string[] = [];
	const note = (problem: string) => {
		if (!expected.some((pattern) => pattern.test(problem))) problems.push(problem);
	};
	page.on("pageerror", (error) => note(`uncaught: ${error.stack ?? error.message}`));
	page.on("crash", () => note("crashed"));
	page.on("console", (message) => {
		const { url, lineNumber } = message.location();
		if (message.type() === "error") note(`console: ${message.text()} (${url}:${lineNumber})`);
	});
	page.on("worker", (worker) => void worker.evaluate(reportRefusals).catch(() => {})); // gone already
	return problems;
}

// Chromium keeps silent about what a policy refuses in a worker. Runs there, a little after the worker's own start.
function reportRefusals(): void {
	addEventListener("securitypolicyviolation", (event) => {
		const { violatedDirective, blockedURI } = event as SecurityPolicyViolationEvent;
		console.error(`Content Security Policy: ${violatedDirective} refuses ${blockedURI}`);
	});
}

/** The browser's own processes: `browser`, `renderer`, `GPU` and others, for measuring or for SIGSTOP. */
export async function browserProcesses(browser: Browser): Promise<{ type: string; pid: number }[]> {
	const session = await browser.newBrowserCDPSession();
	const { processInfo } = await session.send("SystemInfo.getProcessInfo");
	await session.detach();
	return processInfo.map(({ type, id }) => ({ type, pid: id }));
}
