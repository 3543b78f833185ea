import { X509Certificate } from "node:crypto";
import { accessSync, constants, existsSync, statSync } from "node:fs";
import { isIP } from "node:net";
import { dirname, join, resolve } from "node:path";
import { type Finding, ok, problem, warning } from "#shared/finding.ts";
import { wordsOf } from "#shared/log.ts";
import { DATA_FILE } from "./access/disk-records.ts";
import { namesMissingIn, openRecords } from "./access/open-access.ts";
import { certificateOf } from "./certificate.ts";
import type { RelayConfig } from "./config.ts";

const DAY_MS = 86_400_000;
const EXPIRES_SOON_DAYS = 14; // renewed certificates are there a month before

/** Who reaches this relay, who may do what, and what keeps that so. */
export function accessFindings(config: RelayConfig): Finding[] {
	const { access, door } = config;
	const data = dataFinding(access.dataFolder);
	return [
		access.isExposed
			? ok(
					"reached by",
					`others too, by ${access.exposedBy}${door.publicUrl ? `; people type ${door.publicUrl.origin}` : ""}`,
				)
			: ok("reached by", `this machine alone (${config.host})`),
		policyFinding(config),
		...(data ? [data.finding] : []),
		missingFinding(config, data?.keys ?? 0),
		...encryptionFindings(config),
	];
}

function policyFinding({ access: { policy, isExposed } }: RelayConfig): Finding {
	if (policy === null)
		return isExposed
			? problem("may watch", "nobody said who", "VIEWERS=link, sign-in or public: docs/host-publicly.md")
			: ok("may watch", "everybody on this machine");
	if (isExposed && policy.includes("public"))
		return warning(
			"may watch",
			`${policy}: everybody who reaches the relay sees ${policy.isPublic ? "every camera" : "those that are public"}`,
			"if that is not meant: VIEWERS=link",
		);
	return ok("may watch", `${policy}`);
}

function missingFinding({ access }: RelayConfig, keptKeys: number): Finding {
	const names = namesMissingIn(access, keptKeys);
	if (names.length > 0)
		return problem(
			"it refuses",
			`to start without ${names.join(", ")}`,
			"bun run relay says how to make them",
		);
	const keys = access.publishKeys.length + keptKeys;
	if (keys === 0) return ok("may publish", "every agent on this machine");
	return ok("may publish", `agents with one of ${keys} key${keys === 1 ? "" : "s"}`);
}

/** Looks at DATA_DIR without making it; null where there is none. */
function dataFinding(folder: string | null): { finding: Finding; keys: number } | null {
	if (folder === null) return null;
	const path = resolve(folder);
	const advice = "a folder that the relay's user may write; in a container a volume";
	if (!existsSync(join(path, DATA_FILE))) {
		const place = nearest(path);
		if (!statSync(place).isDirectory())
			return { finding: problem("DATA_DIR", `${place} is no folder`, advice), keys: 0 };
		if (!mayWrite(place))
			return { finding: problem("DATA_DIR", `${place} cannot be written`, advice), keys: 0 };
		return { finding: ok("DATA_DIR", `${folder} is not there yet: made at the first start or key`), keys: 0 };
	}
	if (!mayWrite(path))
		return { finding: problem("DATA_DIR", `${folder} cannot be written`, advice), keys: 0 };
	try {
		const records = openRecords(folder);
		const keys = records.keys().length;
		const links = records.links().filter(({ expires }) => expires > Date.now()).length;
		records.close();
		return { finding: ok("DATA_DIR", `${folder}: keys for agents: ${keys}, links: ${links}`), keys };
	} catch (cause) {
		return { finding: problem("DATA_DIR", wordsOf(cause), advice), keys: 0 };
	}
}

/** The path itself, or the nearest folder above it that is there. */
function nearest(path: string): string {
	return existsSync(path) || dirname(path) === path ? path : nearest(dirname(path));
}

function mayWrite(path: string): boolean {
	try {
		accessSync(path, constants.W_OK | constants.X_OK);
		return true;
	} catch {
		return false;
	}
}

function encryptionFindings(config: RelayConfig): Finding[] {
	const { access, door, tls } = config;
	if (tls) return [certificateFinding(config)];
	if (!access.isExposed) return [];
	if (door.publicUrl?.protocol === "https:")
		return [
			door.trustedProxies
				? ok("encryption", "by the proxy in front")
				: warning(
						"encryption",
						"PUBLIC_URL is https, and neither TLS_CERT nor a proxy is named",
						"TRUSTED_PROXY=ADDRESS",
					),
		];
	return [
		warning(
			"encryption",
			"none: pictures, links and passwords travel readable",
			"TLS_CERT and TLS_KEY, or a proxy: docs/behind-a-proxy.md",
		),
	];
}

function certificateFinding({ tls, door }: RelayConfig): Finding {
	const topic = "certificate";
	try {
		const pair = certificateOf({ tls });
		const certificate = new X509Certificate(pair!.cert);
		const days = Math.floor((certificate.validToDate.getTime() - Date.now()) / DAY_MS);
		const host = door.publicUrl?.hostname;
		if (days < 0)
			return problem(topic, `expired ${-days} days ago`, "renew it; the relay takes it on SIGHUP");
		if (certificate.validFromDate.getTime() > Date.now())
			return problem(
				topic,
				`counts from ${certificate.validFromDate.toISOString()}`,
				"is this machine's clock right?",
			);
		if (host && !(isIP(host) ? certificate.checkIP(host) : certificate.checkHost(host)))
			return problem(topic, `is not for ${host}`, "one that names PUBLIC_URL's host");
		if (days < EXPIRES_SOON_DAYS)
			return warning(topic, `expires in ${days} days`, "renew it; the relay takes it on SIGHUP");
		return ok(topic, `and its key fit together, for ${days} more days`);
	} catch (cause) {
		return problem(
			topic,
			wordsOf(cause),
			"TLS_CERT: the chain, TLS_KEY: its key, both PEM and readable by this user",
		);
	}
}
