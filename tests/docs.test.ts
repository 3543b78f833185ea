import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Glob } from "bun";

const ROOT = join(import.meta.dir, "..");
const read = (path: string) => readFileSync(join(ROOT, path), "utf8");
const PAGES = ["README.md", ...new Glob("docs/*.md").scanSync(ROOT)].sort();
const ROOMS = [...new Glob("{agent,relay,viewer,shared}/**/*.{ts,svelte}").scanSync(ROOT)];
const SOURCES = ROOMS.filter((path) => !path.includes("/dist/"))
	.map(read)
	.join("\n");

/** As GitHub makes anchors of headings. */
function anchorsIn(page: string): string[] {
	return [...read(page).matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
		heading!
			.toLowerCase()
			.replace(/[^\p{L}\p{N} -]/gu, "")
			.replaceAll(" ", "-"),
	);
}

describe.each(PAGES)("%s", (page) => {
	test("its links lead somewhere", () => {
		const links = [...read(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => link!);
		const broken = links
			.filter((link) => !/^https:\/\//.test(link))
			.filter((link) => {
				const [path, anchor] = link.split("#");
				const target = path ? join(dirname(page), path) : page;
				if (!existsSync(join(ROOT, target))) return true;
				return anchor !== undefined && !anchorsIn(target).includes(anchor);
			});
		expect(broken).toEqual([]);
	});

	test("the commands it names exist", () => {
		const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> };
		const named = [...read(page).matchAll(/bun run ([a-z]+)/g)].map(([, name]) => name!);
		expect(named.filter((name) => !(name in scripts))).toEqual([]);
	});

	test("the files it names exist", () => {
		const named = [...read(page).matchAll(/`((?:agent|relay|viewer|shared|docs|tests)\/[\w./-]+\.\w+)`/g)];
		expect(named.map(([, path]) => path!).filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
	});
});

test("every symptom in the troubleshooting page stands in the sources in these very words", () => {
	const rows = read("docs/troubleshooting.md").matchAll(/^\| (`.+?`) \|/gm);
	const words = [...rows].flatMap(([, cell]) => [...cell!.matchAll(/`([^`]+)`/g)].map(([, text]) => text!));
	expect(words.length).toBeGreaterThan(40);
	expect(words.filter((text) => !SOURCES.includes(text))).toEqual([]);
});

test("every page of docs is in the README's list", () => {
	const missing = PAGES.filter(
		(page) => page.startsWith("docs/") && !read("README.md").includes(`(${page})`),
	);
	expect(missing).toEqual([]);
});
