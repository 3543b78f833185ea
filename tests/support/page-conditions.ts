import type { CDPSession, Page } from "playwright-core";

/** A browser-side network, for all requests and WebSockets of a page and its workers, open ones included. */
export interface Network {
	/** Bytes per second; no limit unless told. The browser keeps to about two thirds of it. */
	downBps?: number;
	/** Bytes per second; no limit unless told. */
	upBps?: number;
	/** Before each response; does not delay WebSocket messages. */
	latencyMs?: number;
	/** New requests fail; open WebSockets stay open, and get what they missed when it ends. */
	offline?: boolean;
}

const sessions = new WeakMap<Page, Promise<CDPSession>>();

/** Slows the page's network down until called again; `{}` lifts all limits. For exact rates use a slow link. */
export async function throttle(page: Page, network: Network): Promise<void> {
	const session = await sessionOf(page);
	await session.send("Network.enable");
	await session.send("Network.emulateNetworkConditions", {
		offline: network.offline ?? false,
		latency: network.latencyMs ?? 0,
		downloadThroughput: network.downBps ?? -1,
		uploadThroughput: network.upBps ?? -1,
	});
}

/**
 * Shows the page, hides it as another tab or a minimised window does (no animation frames, slow timers, the
 * visibilitychange event), or freezes it as a browser does to save memory (hidden, and no script runs at all).
 */
export async function setVisibility(page: Page, state: "visible" | "hidden" | "frozen"): Promise<void> {
	const session = await sessionOf(page);
	await stopPretendingFocus(page);
	const { windowId } = await session.send("Browser.getWindowForTarget");
	const frozen = state === "frozen";
	const windowState = state === "visible" ? "normal" : "minimized";
	if (!frozen) await session.send("Page.setWebLifecycleState", { state: "active" });
	await session.send("Browser.setWindowBounds", { windowId, bounds: { windowState } });
	if (frozen) await session.send("Page.setWebLifecycleState", { state: "frozen" });
}

function sessionOf(page: Page): Promise<CDPSession> {
	const session = sessions.get(page) ?? page.context().newCDPSession(page);
	sessions.set(page, session);
	return session;
}

/** The way to Playwright's own session, which it does not offer. */
interface Internals {
	_connection: {
		toImpl(page: Page): { delegate: { _mainFrameSession: { _client: Pick<CDPSession, "send"> } } };
	};
}

// Playwright has every page pretend to be focused, which also keeps it visible; only its own session can end that.
async function stopPretendingFocus(page: Page): Promise<void> {
	const implementation = (page as unknown as Internals)._connection.toImpl(page);
	const own = implementation.delegate._mainFrameSession._client;
	await own.send("Emulation.setFocusEmulationEnabled", { enabled: false });
}
