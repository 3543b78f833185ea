import { expect, test } from "bun:test";
import { join } from "node:path";

interface Service {
	image: string;
	ports?: string[];
	privileged?: boolean;
	environment: Record<string, string>;
	cap_drop: string[];
	read_only: boolean;
	security_opt: string[];
}

const text = await Bun.file(join(import.meta.dir, "../../docker-compose.yml")).text();
const { services } = Bun.YAML.parse(text) as { services: Record<string, Service> };
const relay = services.relay!;

test("the relay's port is this machine's alone unless ADDRESS says otherwise, and the relay is told the same", () => {
	const ports = Object.entries(services).flatMap(([name, { ports = [] }]) =>
		ports.map((port) => [name, port]),
	);
	expect(ports).toEqual([["relay", `\${ADDRESS:-127.0.0.1}:\${PORT:-6732}:6732`]]);
	expect(relay.environment.EXPOSED_HOST).toBe(`\${ADDRESS:-127.0.0.1}`);
});

test("no secret stands in it, and none has a default", () => {
	for (const { environment } of Object.values(services))
		for (const [name, value] of Object.entries(environment))
			if (/KEY|PASSWORD|SECRET|VIEWERS/.test(name)) expect([name, value]).toEqual([name, `\${${name}:-}`]);
});

test("every container is hardened and of a named version", () => {
	for (const service of Object.values(services)) {
		expect(service).toMatchObject({
			read_only: true,
			cap_drop: ["ALL"],
			security_opt: ["no-new-privileges:true"],
		});
		expect(service.privileged).toBeUndefined();
		expect(service.image).toMatch(/:\d+\.\d+\.\d+$/);
	}
});
