import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { launchChromium, type OpenPage, openPage } from "../support/chromium.ts";
import { Running } from "../support/processes.ts";
import { until } from "../support/until.ts";
import { CERTIFICATE_ONE } from "./certificates.ts";
import {
	HOUR_MS,
	linkToken,
	PASSWORDS,
	playAll,
	type Secured,
	securedEnvironment,
	startSecured,
} from "./secured.ts";

let browser: Browser;
let relay: Secured;
let playing: Disposable;
beforeAll(async () => {
	[browser, relay] = await Promise.all([launchChromium(), startSecured({ VIEWERS: "sign-in, shared:link" })]);
	playing = await playAll(relay);
}, 60_000);
afterAll(async () => {
	playing[Symbol.dispose]();
	await browser.close();
	await relay[Symbol.asyncDispose]();
});

/** What is wrong with a page beside the refusals that the test is about. */
const problemsOf = ({ problems }: OpenPage) =>
	problems.filter((problem) => !/status of 40[13]/.test(problem));

const live = (page: Page, camera: string) =>
	page.locator(`article[data-camera="${camera}"][data-state="live"]`).waitFor();

/** Waits until the page says why it shows nothing. */
const says = (page: Page, name: string) => page.getByRole("heading", { name }).waitFor();

async function makeLink(
	headers: Record<string, string>,
	label = "a guest",
): Promise<{ url: string; id: string }> {
	const body = { label, cameras: ["shared"], lastsMs: HOUR_MS };
	const made = (await (await relay.send("/api/operator/links", { body, headers })).json()) as {
		url: string;
		link: { id: string };
	};
	return { url: made.url, id: made.link.id };
}

test("a link opens its camera, leaves the address bar, and its page says so when it is revoked", async () => {
	const operator = await relay.signIn("operator");
	const { url, id } = await makeLink(operator);
	const token = url.split("#t=")[1]!;
	await using open = await openPage(browser);
	const { page } = open;
	const addresses: string[] = [];
	page.on("request", (request) => addresses.push(request.url(), request.headers().referer ?? ""));
	await page.goto(url);
	await live(page, "shared");
	expect(page.url()).toBe(`${relay.url}/?camera=shared`);
	expect(await page.evaluate(() => document.cookie)).toBe(""); // no script reads it
	expect(addresses.filter((address) => address.includes(token))).toEqual([]);
	expect(await page.locator("article[data-camera]").count()).toBe(1);

	await relay.send(`/api/operator/links/${id}`, { method: "DELETE", headers: operator });
	await says(page, "This link was revoked");
	expect(await page.locator("canvas").count()).toBe(0); // nor its last picture
	await page.reload();
	await says(page, "This link was revoked");
	await page.goBack().catch(() => null);
	expect(page.url()).not.toContain(token);
	expect(problemsOf(open)).toEqual([]);
});

test("a link that expires while it is watched ends there, and the page says so", async () => {
	await using open = await openPage(browser);
	const token = await linkToken({ expires: Date.now() + 6_000 });
	await open.page.goto(`${relay.url}/?camera=shared#t=${token}`);
	await live(open.page, "shared");
	await says(open.page, "This link has expired");
	expect(problemsOf(open)).toEqual([]);
});

test("a broken link says that it is broken", async () => {
	await using open = await openPage(browser);
	await open.page.goto(`${relay.url}/#t=${(await linkToken()).slice(0, -3)}`);
	await says(open.page, "This link does not work");
	expect(open.page.url()).toBe(`${relay.url}/`);
});

test("without anything the page asks for a password, refuses a wrong one, and shows all with the right one", async () => {
	await using open = await openPage(browser);
	const { page } = open;
	await page.goto(relay.url);
	await says(page, "These cameras are not public");
	await page.getByLabel("Password").fill("not the password");
	await page.keyboard.press("Enter");
	await page.getByText("That is not the password").waitFor();
	await page.getByLabel("Password").fill(PASSWORDS.viewer);
	await page.keyboard.press("Enter");
	for (const camera of ["lobby", "shared", "vault"]) await live(page, camera);
	await page.goto(`${relay.url}/operator`);
	await page.getByText("needs an operator's password").waitFor();
	expect(problemsOf(open)).toEqual([]);
});

test("an operator makes a link, sees who watches by it, revokes it and disconnects another", async () => {
	await using desk = await openPage(browser);
	const { page } = desk;
	await page.goto(`${relay.url}/operator`);
	await page.getByLabel("Password").fill(PASSWORDS.operator);
	await page.keyboard.press("Enter");
	await page.getByLabel("For whom").fill("Visit <b>12th</b>");
	await page.getByRole("button", { name: "Make link" }).click();
	const url = await page.locator("[data-link-url]").inputValue();

	await using guest = await openPage(browser);
	await guest.page.goto(url);
	await live(guest.page, "shared");
	const watching = page.locator("[data-section=viewers] [data-row]");
	await watching.filter({ hasText: "Link “Visit <b>12th</b>”" }).waitFor();
	const link = page.locator("[data-section=links] [data-row]").filter({ hasText: "Visit <b>12th</b>" });
	await link.filter({ hasText: "1 viewer" }).waitFor();
	await link.getByRole("button").click();
	await link.getByRole("button", { name: "Revoke?" }).click();
	await says(guest.page, "This link was revoked");
	await until(async () => (await link.count()) === 0, { what: "the link to go from the list" });

	await using other = await openPage(browser);
	await other.page.goto(`${relay.url}/#t=${await linkToken()}`);
	await live(other.page, "shared");
	await watching.getByRole("button").first().click();
	await watching.getByRole("button", { name: "Disconnect?" }).click();
	await says(other.page, "You were disconnected");
	await other.page.getByRole("button", { name: "Connect again" }).click();
	await live(other.page, "shared");
	expect([...problemsOf(desk), ...problemsOf(guest), ...problemsOf(other)]).toEqual([]);
});

test("over TLS the cookie never leaves it, and the page works the same", async () => {
	const folder = await mkdtemp(join(tmpdir(), "tls-"));
	const [TLS_CERT, TLS_KEY] = [join(folder, "cert.pem"), join(folder, "key.pem")];
	await Promise.all([Bun.write(TLS_CERT, CERTIFICATE_ONE.cert), Bun.write(TLS_KEY, CERTIFICATE_ONE.key)]);
	await using own = new Running({
		name: "relay",
		command: ["bun", "relay/main.ts"],
		env: { ...(await securedEnvironment()), VIEWERS: "sign-in", PORT: "0", TLS_CERT, TLS_KEY },
	});
	const url = /https:\S+:\d+/.exec(await own.waitForLine(/listening on/))![0];
	await using open = await openPage(browser, { ignoreHTTPSErrors: true });
	await open.page.goto(url);
	await open.page.getByLabel("Password").fill(PASSWORDS.viewer);
	await open.page.keyboard.press("Enter");
	await open.page.getByText("No cameras yet").waitFor();
	const [cookie, ...others] = await open.context.cookies();
	expect(cookie).toMatchObject({
		name: "__Host-sightline",
		secure: true,
		httpOnly: true,
		sameSite: "Strict",
	});
	expect([others, problemsOf(open)]).toEqual([[], []]);
	await rm(folder, { recursive: true });
});

test("a sign-in that ended says so, not that a link did", async () => {
	await using open = await openPage(browser);
	const { page } = open;
	await page.goto(relay.url);
	await page.getByLabel("Password").fill(PASSWORDS.viewer);
	await page.keyboard.press("Enter");
	await live(page, "vault");
	await page.evaluate(() => fetch("api/session", { method: "DELETE" }));
	await says(page, "This sign-in was ended");
	await page.getByText("Sign in again").waitFor();
});

test("the first page brings nothing of the operator's", async () => {
	await using open = await openPage(browser);
	const loaded: string[] = [];
	open.page.on("response", (response) => loaded.push(new URL(response.url()).pathname));
	await open.page.goto(`${relay.url}/#t=${await linkToken()}`);
	await live(open.page, "shared");
	expect(loaded.filter((path) => /Operator|Gate|SignIn/.test(path))).toEqual([]);
});
