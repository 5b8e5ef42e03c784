'use strict';
const {Client} = require('node-beanstalk');

const job = (found) => found && {id: found.id, body: found.payload.toString()};
const done = (promise) => promise.then((good) => {
  if (!good) throw new Error('NOT_FOUND');
});

// What is not found is false or null; what else fails has the server's word in its status.
require('./round').run(async (port) => {
  const serializer = {serialize: (text) => Buffer.from(text), deserialize: (bytes) => bytes.toString()};
  const client = new Client({host: '127.0.0.1', port, serializer, maxPayloadSize: 1 << 20, dataReadTimeoutMs: 60000});
  await client.connect();
  const named = (promise) => promise.catch((error) => {
    throw new Error(`${error.message} ${error.status} ${JSON.stringify(error)}`);
  });
  return {
    use: (tube) => client.use(tube),
    watch: (tube) => client.watch(tube),
    ignore: (tube) => client.ignore(tube),
    put: (body, {priority, delay, ttr}) => named(client.put(body, ttr, priority, delay)).then(({id}) => id),
    reserve: (seconds) => (seconds === undefined ? client.reserve() : client.reserveWithTimeout(seconds)).then(job),
    reserveJob: (id) => client.reserveJob(id).then(job),
    delete: (id) => done(client.delete(id)),
    release: (id, priority, delay) => done(client.release(id, priority, delay)),
    bury: (id, priority) => done(client.bury(id, priority)),
    touch: (id) => done(client.touch(id)),
    kick: (bound) => client.kick(bound),
    kickJob: (id) => done(client.kickJob(id)),
    peek: (id) => client.peek(id).then(job),
    peekReady: () => client.peekReady().then(job),
    peekDelayed: () => client.peekDelayed().then(job),
    peekBuried: () => client.peekBuried().then(job),
    pause: (tube, seconds) => done(client.pauseTube(tube, seconds)),
    stats: () => client.stats(),
    statsJob: (id) => client.statsJob(id),
    statsTube: (tube) => client.statsTube(tube),
    listTubes: () => client.listTubes(),
    listTubesWatched: () => client.listTubesWatched(),
    listTubeUsed: () => client.listTubeUsed(),
    quit: () => client.disconnect(),
  };
});
