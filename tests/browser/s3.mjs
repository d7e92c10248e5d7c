// An S3 server with one bucket, behind a proxy that can be told to refuse: versitygw where it is ($VERSITYGW, see
// tests/s3/run; empty: not), else tests/s3/server.py, which checks signatures as strictly.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { atEnd, freePort, until, work } from './harness.mjs';

const folder = new URL('../s3/', import.meta.url).pathname;

function versitygw() {
	if (process.env.VERSITYGW === '') return undefined;
	const found = spawnSync('sh', ['-c', 'command -v versitygw'], { encoding: 'utf8' }).stdout.trim();
	return [process.env.VERSITYGW, found, '/var/tmp/stacksnap-s3/bin/versitygw'].find((path) => path && existsSync(path));
}

/** Ends with the tests. */
function start(program, argv, options = {}) {
	const child = spawn(program, argv, { stdio: ['pipe', 'pipe', 'ignore'], ...options });
	child.on('error', (error) => {
		throw new Error(`${program}: ${error.message}`);
	});
	atEnd(async () => void child.kill());
	return child;
}

/** The port that a program prints first. */
async function portOf(child) {
	for await (const line of createInterface({ input: child.stdout })) return Number(line);
	throw new Error(`${child.spawnfile} ended without a port`);
}

function listens(port) {
	return new Promise((done) => {
		const socket = createConnection(port, '127.0.0.1');
		socket.once('connect', () => done(socket.destroy() && true));
		socket.once('error', () => done(false));
	});
}

export class S3Server {
	bucket = 'bucket';
	accessKey = 'AKTEST';
	secretKey = 'a-secret-of-this-test';

	static async start() {
		const server = new S3Server();
		const gateway = versitygw();
		server.kind = gateway ? 'versitygw' : 'tests/s3/server.py';
		const behind = gateway ? await server.#startGateway(gateway) : await server.#startOwn();
		server.port = await portOf(start(join(folder, 'proxy.py'), [`127.0.0.1:${behind}`]));
		server.url = `http://127.0.0.1:${server.port}`;
		return server;
	}

	async #startOwn() {
		const port = await portOf(start(join(folder, 'server.py'), ['--bucket', this.bucket]));
		const keys = { [this.accessKey]: { key: this.secretKey } };
		await fetch(`http://127.0.0.1:${port}/-/keys`, { method: 'POST', body: JSON.stringify(keys) });
		return port;
	}

	async #startGateway(program) {
		const data = join(work, 'versitygw');
		mkdirSync(join(data, this.bucket), { recursive: true });
		const port = await freePort();
		const child = start(program, ['--port', `127.0.0.1:${port}`, '--quiet', 'posix', data], {
			env: { ...process.env, ROOT_ACCESS_KEY: this.accessKey, ROOT_SECRET_KEY: this.secretKey },
		});
		child.stdout.resume();
		await until(() => listens(port), `${program} listens`, 60);
		return port;
	}

	/** Answers that are refusals from now on, as tests/s3/faults.py has them. */
	async refuse(rules) {
		await fetch(`${this.url}/-/rules`, { method: 'POST', body: JSON.stringify(rules) });
	}

	/** What was asked of it: "PUT /bucket/config". */
	async asked() {
		return (await (await fetch(`${this.url}/-/state`)).json()).log;
	}
}
