/** How much a finding matters: a `problem` keeps something from working, a `warning` will or may. */
type Severity = "ok" | "warning" | "problem";

/** One thing that was looked at. Free of secrets: it is printed and pasted into messages. */
export interface Finding {
	severity: Severity;
	/** What was looked at, in a word or two. */
	topic: string;
	/** What was found there. */
	found: string;
	/** What to do; null where nothing has to be done. */
	advice: string | null;
}

/** The version everything is tested with; package.json says the same. */
export const TESTED_BUN = "1.4.5";

const SEVERITY_CHARS = 8;
const TOPIC_CHARS = 18;

export function ok(topic: string, found: string, advice: string | null = null): Finding {
	return { severity: "ok", topic, found, advice };
}

export function warning(topic: string, found: string, advice: string): Finding {
	return { severity: "warning", topic, found, advice };
}

export function problem(topic: string, found: string, advice: string): Finding {
	return { severity: "problem", topic, found, advice };
}

/** The version of Bun that runs this, beside the one that was tested. */
export function bunFinding(version: string, platform: string): Finding {
	const found = `${version} on ${platform}`;
	if (version === TESTED_BUN) return ok("Bun", found);
	return warning("Bun", found, `tested with ${TESTED_BUN}: npx -y bun@${TESTED_BUN} start`);
}

/** A finding as a line for people, and one below it with what to do. */
function findingLines({ severity, topic, found, advice }: Finding): string {
	const indent = " ".repeat(SEVERITY_CHARS + 1);
	const line = `${severity.padEnd(SEVERITY_CHARS)} ${topic.padEnd(TOPIC_CHARS)} ${found}`;
	return advice === null ? line : `${line}\n${indent}-> ${advice}`;
}

/** The last line: how many problems and warnings there are. */
function summaryLine(findings: readonly Finding[]): string {
	const count = (severity: Severity, one: string, many: string) => {
		const number = findings.filter((finding) => finding.severity === severity).length;
		return `${number || "no"} ${number === 1 ? one : many}`;
	};
	return `\n${count("problem", "problem", "problems")}, ${count("warning", "warning", "warnings")}`;
}

/** Whether nothing found keeps anything from working. */
function isSound(findings: readonly Finding[]): boolean {
	return findings.every(({ severity }) => severity !== "problem");
}

/** Prints findings as they come, as lines or at the end as one JSON object; resolves to whether all is sound. */
export async function report(
	found: AsyncIterable<Finding>,
	{ isJson, print }: { isJson: boolean; print: (text: string) => void },
): Promise<boolean> {
	const findings: Finding[] = [];
	for await (const finding of found) {
		findings.push(finding);
		if (!isJson) print(findingLines(finding));
	}
	print(isJson ? JSON.stringify({ ok: isSound(findings), findings }) : summaryLine(findings));
	return isSound(findings);
}
