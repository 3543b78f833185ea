import { Running } from "./processes.ts";

type Environment = Record<string, string | undefined>;

/** What `--doctor` printed and how it ended. */
export interface Examination {
	code: number;
	/** Everything, as one text. */
	text: string;
	findings: { severity: string; topic: string; found: string; advice: string | null }[];
	/** The findings on this topic as one text: "severity found". */
	on(topic: string): string;
}

/** Runs `bun run ROOM --doctor --json` as a process. */
export async function examined(room: "agent" | "relay", env: Environment): Promise<Examination> {
	await using doctor = new Running({
		name: `${room} doctor`,
		command: ["bun", `${room}/main.ts`, "--doctor", "--json"],
		env,
	});
	const code = await doctor.exited;
	await doctor.waitForLine(/^\{/);
	const { findings } = JSON.parse(doctor.lines.at(-1)!) as Pick<Examination, "findings">;
	return {
		code,
		text: doctor.lines.join("\n"),
		findings,
		on: (topic) =>
			findings
				.filter((finding) => finding.topic === topic)
				.map(({ severity, found }) => `${severity} ${found}`)
				.join("\n"),
	};
}
