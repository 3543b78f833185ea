import type { OperatorReport, ViewerReport } from "#shared/access.ts";

const HOUR_MS = 3_600_000;

/** How long a link may last, as it is offered. */
export const DURATIONS: readonly { name: string; lastsMs: number }[] = [
	{ name: "1 hour", lastsMs: HOUR_MS },
	{ name: "4 hours", lastsMs: 4 * HOUR_MS },
	{ name: "1 day", lastsMs: 24 * HOUR_MS },
	{ name: "1 week", lastsMs: 7 * 24 * HOUR_MS },
	{ name: "30 days", lastsMs: 30 * 24 * HOUR_MS },
];

export const AUDIENCE_WORDS: Record<OperatorReport["cameras"][number]["audience"], string> = {
	public: "everybody",
	link: "by link or sign-in",
	"sign-in": "by sign-in only",
};

/** "Link “Visit of the 12th”", "Signed in". */
export function wayWords({ by, link }: Pick<ViewerReport, "by" | "link">): string {
	switch (by) {
		case "public":
			return "Visitor";
		case "link":
			return `Link “${link}”`;
		case "viewer":
			return "Signed in";
		case "operator":
			return "Operator";
	}
}

/** "1 viewer", "3 viewers". */
export function counted(count: number, noun: string): string {
	return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
