// A worker of millrace (config/workers.md) that does nothing.
import { createInterface } from 'node:readline';

for await (const line of createInterface({ input: process.stdin })) {
  const { id } = JSON.parse(line);
  (async () => undefined)().then(() => process.stdout.write(`{"id":${id},"ok":true}\n`));
}
