// SPDX-License-Identifier: Apache-2.0
// What `prism mock -d --seed N` is, for several seeds in one process, since reading the description takes longest.
// usage: node mock.mjs PACKAGES DESCRIPTION PORTS-FILE SEED...; the file has the ports in the order of the seeds.
import { renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const [packages, description, portsFile, ...seeds] = process.argv.slice(2);
const load = createRequire(join(packages, 'package.json'));
const { createLogger } = load('@stoplight/prism-core');
const { getHttpOperationsFromSpec } = load('@stoplight/prism-http');
const { createServer } = load('@stoplight/prism-http-server');

const operations = await getHttpOperationsFromSpec(description);
const logger = createLogger('mock', { level: 'silent' });
const ports = [];
for (const seed of seeds) {
    const server = createServer(operations, {
        cors: false,
        components: { logger },
        config: {
            isProxy: false, checkSecurity: true, validateRequest: true, validateResponse: true, errors: true,
            upstreamProxy: undefined, mock: { dynamic: true, ignoreExamples: false, seed },
        },
    });
    ports.push(new URL(await server.listen(0, '127.0.0.1')).port);
}
writeFileSync(`${portsFile}.new`, `${ports.join(' ')}\n`);
renameSync(`${portsFile}.new`, portsFile);
