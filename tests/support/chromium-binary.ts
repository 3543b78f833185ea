import { createReadStream, createWriteStream, existsSync, readdirSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { brotliDecompressSync, createBrotliDecompress } from "node:zlib";
import { isAlive } from "./proc.ts";

/** A browser that can be started. */
export interface ChromiumBinary {
	path: string;
	/** Variables it needs on top of the environment. */
	env: Record<string, string>;
}

const CACHE = resolve(import.meta.dir, "../../node_modules/.cache");
const SYSTEM_NAMES = [
	"google-chrome",
	"google-chrome-stable",
	"chromium",
	"chromium-browser",
	"chrome",
	"msedge",
];
const SYSTEM_PATHS = [
	"/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
	"/Applications/Chromium.app/Contents/MacOS/Chromium",
	"C:/Program Files/Google/Chrome/Application/chrome.exe",
	"C:/Program Files (x86)/Microsoft/Edge/Application/msedge.exe",
];
// Paths in it are relative to the file, so the unpacked folder may be renamed.
const FONTS_CONF = `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir prefix="relative">fonts</dir></fontconfig>
`;

let found: Promise<ChromiumBinary> | undefined;

/**
 * The browser to test with: what CHROME names, else the Chromium of the npm package (the same version, codecs and
 * fonts on every Linux x64 machine, unpacked once into node_modules/.cache), else one installed on the system.
 * Throws with every reason when there is none.
 */
export function chromiumBinary(): Promise<ChromiumBinary> {
	found ??= find();
	return found;
}

async function find(): Promise<ChromiumBinary> {
	const named = process.env.CHROME;
	if (named) {
		const path = existsSync(named) ? named : Bun.which(named);
		if (path) return { path, env: {} };
		throw new Error(`no browser to test with: CHROME is "${named}", which does not exist`);
	}
	const shipped = await shippedBinary().catch((error: Error) => error.message);
	if (typeof shipped !== "string") return shipped;
	const path = SYSTEM_NAMES.map((name) => Bun.which(name)).find(Boolean) ?? SYSTEM_PATHS.find(existsSync);
	if (path) return { path, env: {} };
	const advice = "install Chrome or Chromium, or name one with CHROME=/path/to/it";
	throw new Error(`no browser to test with: ${shipped}; none on the system either; ${advice}`);
}

async function shippedBinary(): Promise<ChromiumBinary> {
	const { platform, arch } = process;
	if (platform !== "linux" || arch !== "x64") throw new Error(`none is shipped for ${platform} ${arch}`);
	const folder = await unpacked();
	const libraries = [join(folder, "al2023/lib"), process.env.LD_LIBRARY_PATH].filter(Boolean).join(":");
	const env = { LD_LIBRARY_PATH: libraries, FONTCONFIG_FILE: join(folder, "fonts/fonts.conf") };
	const path = join(folder, "chromium");
	const trial = Bun.spawnSync([path, "--version"], { env: { ...process.env, ...env } });
	if (trial.success) return { path, env };
	throw new Error(`the shipped one does not start (${trial.stderr.toString().trim()})`);
}

/** The folder with the unpacked package; made aside and renamed, so two test runs at once cannot harm each other. */
async function unpacked(): Promise<string> {
	const archives = join(dirname(fileURLToPath(import.meta.resolve("@sparticuz/chromium"))), "../bin");
	const { version } = await Bun.file(join(archives, "../package.json")).json();
	const folder = join(CACHE, `chromium-${version}`);
	if (existsSync(folder)) return folder;
	const aside = `${folder}.${process.pid}`;
	await removeAbandoned(folder);
	await mkdir(aside, { recursive: true });
	const program = createWriteStream(join(aside, "chromium"), { mode: 0o755 });
	await pipeline(createReadStream(join(archives, "chromium.br")), createBrotliDecompress(), program);
	for (const name of ["al2023", "fonts"]) {
		const tar = brotliDecompressSync(await Bun.file(join(archives, `${name}.tar.br`)).bytes());
		await new Bun.Archive(tar).extract(join(aside, name));
	}
	await Bun.write(join(aside, "fonts/fonts.conf"), FONTS_CONF);
	await rename(aside, folder).catch(() => rm(aside, { recursive: true })); // the other run was first
	return folder;
}

/** An unpacking that was killed leaves 210 MB behind. */
async function removeAbandoned(folder: string): Promise<void> {
	if (!existsSync(CACHE)) return;
	for (const name of readdirSync(CACHE)) {
		const [, pid] = join(CACHE, name).split(`${folder}.`);
		if (pid && !isAlive(Number(pid))) await rm(join(CACHE, name), { recursive: true, force: true });
	}
}
