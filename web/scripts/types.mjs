// Types of the API from the daemon's own description of it.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import openapiTS, { astToString } from 'openapi-typescript';

const from = new URL('../../src/serve/openapi.json', import.meta.url);
const to = new URL('../src/lib/schema.d.ts', import.meta.url);
const made = `// Made from src/serve/openapi.json by scripts/types.mjs.\n${astToString(await openapiTS(from))}`;
if (!existsSync(to) || readFileSync(to, 'utf8') !== made) writeFileSync(to, made);
