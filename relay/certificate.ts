import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { wordsOf } from "#shared/log.ts";
import { ConfigError, type RelayConfig } from "./config.ts";

/** A certificate chain and its key, PEM. */
export interface Certificate {
	cert: Buffer;
	key: Buffer;
}

/** The certificate and key as the files are now; throws ConfigError that names the file that is wrong. */
export function certificateOf({ tls }: Pick<RelayConfig, "tls">): Certificate | null {
	if (!tls) return null;
	const cert = fileOf("TLS_CERT", tls.certPath);
	const key = fileOf("TLS_KEY", tls.keyPath);
	const certificate = parsed("TLS_CERT", tls.certPath, () => new X509Certificate(cert));
	const privateKey = parsed("TLS_KEY", tls.keyPath, () => createPrivateKey(key));
	if (!certificate.checkPrivateKey(privateKey))
		throw new ConfigError(`TLS_KEY=${tls.keyPath}: is not the key of TLS_CERT=${tls.certPath}`);
	return { cert, key };
}

function fileOf(name: string, path: string): Buffer {
	try {
		return readFileSync(path);
	} catch (cause) {
		throw new ConfigError(`${name}=${path}: cannot be read (${(cause as NodeJS.ErrnoException).code})`);
	}
}

function parsed<T>(name: string, path: string, parse: () => T): T {
	try {
		return parse();
	} catch (cause) {
		throw new ConfigError(`${name}=${path}: ${wordsOf(cause)}`);
	}
}
