import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { OUT } from "./page.ts";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** What axe-core has to say of the page as it is, one line each; tests expect none. */
async function violations(page: Page): Promise<string[]> {
	await page.evaluate(AXE);
	return await page.evaluate(async () => {
		const { axe } = globalThis as unknown as { axe: typeof import("axe-core") };
		const { violations } = await axe.run(document, { resultTypes: ["violations"] });
		return violations.flatMap(({ id, help, nodes }) =>
			nodes.map(({ html, failureSummary }) => `${id}: ${help}: ${html.slice(0, 160)} ${failureSummary}`),
		);
	});
}

/** Leaves a picture of a state in tests/out, light and dark; returns what axe-core says against either. */
export async function look(page: Page, name: string): Promise<string[]> {
	mkdirSync(OUT, { recursive: true });
	const found: string[] = [];
	for (const colorScheme of ["light", "dark"] as const) {
		await page.emulateMedia({ colorScheme });
		await page.screenshot({ path: join(OUT, `${name}-${colorScheme}.png`) });
		found.push(...(await violations(page)));
	}
	return found;
}
