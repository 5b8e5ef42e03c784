// Puts `count` no-op jobs into BullMQ, starts one worker of concurrency 100, and prints how many a second it drains.
import { createRequire } from 'node:module';

const require = createRequire(`${process.env.PEER_NODE_MODULES}/`);
const { Queue, Worker } = require('bullmq');

const count = Number(process.argv[2]);
const address = new URL(process.env.PEER_REDIS_URL);
const connection = { host: address.hostname, port: Number(address.port), maxRetriesPerRequest: null };

const queue = new Queue('peer', { connection });
await queue.obliterate({ force: true });
for (let put = 0; put < count; put += 1000) {
  const jobs = Array.from({ length: Math.min(1000, count - put) }, (_, at) => ({
    name: 'noop', data: { at }, opts: { removeOnComplete: true },
  }));
  await queue.addBulk(jobs);
}

const began = process.hrtime.bigint();
await new Promise((resolve) => {
  let done = 0;
  const worker = new Worker('peer', async () => undefined, { connection, concurrency: 100 });
  worker.on('completed', () => {
    done += 1;
    if (done === count) worker.close().then(resolve);
  });
});
console.log(count / (Number(process.hrtime.bigint() - began) / 1e9));
await queue.close();
process.exit(0);
