import { describe, expect, test } from "bun:test";
import { join } from "node:path";

interface Service {
	image: string;
	build: { dockerfile?: string; dockerfile_inline?: string };
	user?: string;
	profiles?: string[];
	ports?: string[];
	networks?: string[] | Record<string, { ipv4_address: string }>;
	privileged?: boolean;
	network_mode?: string;
	pid?: string;
	cap_add?: string[];
	devices?: string[];
	volumes?: string[];
	environment: Record<string, string>;
	cap_drop: string[];
	read_only: boolean;
	security_opt: string[];
}

interface Compose {
	services: Record<string, Service>;
	configs: Record<string, { content: string }>;
	networks: { edge: { ipam: { config: { subnet: string }[] } } };
}

const ROOT = join(import.meta.dir, "../..");
const text = await Bun.file(join(ROOT, "docker-compose.yml")).text();
const { services, configs, networks } = Bun.YAML.parse(text) as Compose;
const relay = services.relay!;

async function dockerfileOf({ build }: Service): Promise<string> {
	return build.dockerfile_inline ?? (await Bun.file(join(ROOT, build.dockerfile!)).text());
}

test("the relay's port is this machine's alone unless ADDRESS says otherwise, and the relay is told the same", () => {
	const plain = Object.entries(services).filter(([name]) => name !== "caddy");
	const ports = plain.flatMap(([name, { ports = [] }]) => ports.map((port) => [name, port]));
	expect(ports).toEqual([["relay", `\${ADDRESS:-127.0.0.1}:\${PORT:-6732}:6732`]]);
	expect(relay.environment.EXPOSED_HOST).toBe(`\${ADDRESS:-127.0.0.1}`);
});

test("no secret stands in it, and none has a default", () => {
	for (const { environment } of Object.values(services))
		for (const [name, value] of Object.entries(environment))
			if (/KEY|PASSWORD|SECRET|VIEWERS|PUBLIC_URL|TRUSTED/.test(name))
				expect([name, value]).toEqual([name, `\${${name}:-}`]);
	expect(text).not.toMatch(/sk_|argon2/);
});

describe.each(Object.entries(services))("%s", (_, service) => {
	test("may write nowhere but in its volumes, gains no rights and shares nothing with the machine", () => {
		expect(service).toMatchObject({
			read_only: true,
			cap_drop: ["ALL"],
			security_opt: ["no-new-privileges:true"],
		});
		for (const name of ["privileged", "cap_add", "network_mode", "pid"] as const)
			expect(service[name]).toBeUndefined();
		for (const volume of service.volumes ?? []) expect(volume).toMatch(/^[a-z]+:\//); // named, no folder of the machine
		for (const device of service.devices ?? []) expect(device).toMatch(/^\/dev\/video\d+:/);
	});

	test("is of a named version, and so is what it is built from", async () => {
		expect(service.image).toMatch(/:\d+\.\d+\.\d+$/);
		const bases = [...(await dockerfileOf(service)).matchAll(/^FROM (\S+)/gm)].map(([, base]) => base);
		expect(bases.length).toBeGreaterThan(0);
		for (const base of bases) expect(base).toMatch(/:\d+\.\d+\.\d+(-[a-z]+)?$/);
	});

	test("does not run as root", async () => {
		const users = [...(await dockerfileOf(service)).matchAll(/^USER (\S+)/gm)].map(([, user]) => user);
		expect(users.at(-1)).toMatch(/^(bun|1000:1000)$/);
		expect(service.user ?? "1000:1000").toBe("1000:1000");
	});
});

test("plain `up` is relay and test card; the webcam and Caddy are asked for", () => {
	const always = Object.entries(services).filter(([, { profiles }]) => !profiles);
	expect(always.map(([name]) => name)).toEqual(["relay", "agent"]);
	// What `docker compose up webcam` starts: it and what it depends on.
	expect(Object.keys((services.webcam as unknown as { depends_on: object }).depends_on)).toEqual(["relay"]);
});

test("Caddy has the address that the file tells to trust, in the network it shares with the relay", () => {
	const { ipv4_address } = (services.caddy!.networks as Record<string, { ipv4_address: string }>).edge!;
	expect(text).toContain(`TRUSTED_PROXY=${ipv4_address} `);
	expect(networks.edge.ipam.config[0]!.subnet).toBe(ipv4_address.replace(/\d+$/, "0/29"));
	expect(relay.networks).toContain("edge");
	// Of what the file names: the site, as Caddy reads it, and the relay's own port.
	expect(configs.caddyfile!.content).toBe("{$$PUBLIC_URL} {\n\treverse_proxy relay:6732\n}\n");
});
