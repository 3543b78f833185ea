import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";

const YEAR_SECONDS = 31_536_000;
/** On every answer: what a browser may do with it. */
export const SECURITY = {
	"Content-Security-Policy":
		"default-src 'self'; img-src 'self' blob: data:; style-src 'self'; script-src 'self'; worker-src 'self' blob:; " +
		"connect-src 'self' ws: wss:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
	"X-Content-Type-Options": "nosniff",
	"X-Frame-Options": "DENY",
	"Cross-Origin-Resource-Policy": "same-origin",
	"Referrer-Policy": "no-referrer",
};

const EMBEDDED = "/live-camera.js"; // the one file other sites' pages load as a module
/** What the page answers to; it looks at the address itself. */
const ENTRIES = ["/", "/operator"];

/** A file of the built page, ready to be served. */
export interface Page {
	path: string;
	/** Made anew per route: a Response serves one route. */
	response: () => Response;
	/** For a route that does more than serve this file: 304 when the browser has it. */
	answer: (request: Request) => Response;
}

/**
 * The built viewer as a fixed map made at start, so that no request ever touches the file system. Files under
 * assets/ have their hash in the name and are kept for a year; the rest is asked for anew each time.
 * Empty when the page was not built.
 */
export function readPages(folder: string): Page[] {
	const pages = filesIn(folder).map((file) => {
		const path = `/${relative(folder, file).replaceAll("\\", "/")}`;
		const bytes = readFileSync(file);
		const headers = {
			...SECURITY,
			...(path === EMBEDDED && {
				"Access-Control-Allow-Origin": "*",
				"Cross-Origin-Resource-Policy": "cross-origin",
			}),
			"Content-Type": Bun.file(file).type,
			"Cache-Control": path.startsWith("/assets/")
				? `public, max-age=${YEAR_SECONDS}, immutable`
				: "no-cache",
		};
		const tag = `"${Bun.hash(bytes).toString(36)}"`;
		return {
			path,
			response: () => new Response(bytes, { headers }),
			answer: (request: Request) => {
				const isSame = request.headers.get("If-None-Match") === tag;
				return new Response(isSame ? null : bytes, {
					status: isSame ? 304 : 200,
					headers: { ...headers, ETag: tag },
				});
			},
		};
	});
	const entry = pages.find(({ path }) => path === "/index.html");
	return [...pages, ...(entry ? ENTRIES.map((path) => ({ ...entry, path })) : [])];
}

function filesIn(folder: string): string[] {
	try {
		return readdirSync(folder, { recursive: true, withFileTypes: true })
			.filter((entry) => entry.isFile())
			.map((entry) => join(entry.parentPath, entry.name));
	} catch {
		return [];
	}
}
