'use strict';
const Jackd = require('jackd');

const yaml = (text) => Object.fromEntries(text.split('\n').filter((line) => line.includes(': ')).map((line) => {
  const [key, value] = line.split(': ');
  return [key, /^\d+$/.test(value) ? Number(value) : value.replace(/"/g, '')];
}));
const job = (found) => ({id: found.id, body: found.payload.toString()});
const orNull = (promise, word) => promise.then(job, (error) => {
  if (error.message === word) return null;
  throw error;
});

// It takes one reply with a body at a time, and its pauseTube sends no end of line.
require('./round').run(async (port) => {
  const client = new Jackd();
  await client.connect({host: '127.0.0.1', port});
  return {
    use: (tube) => client.use(tube),
    watch: (tube) => client.watch(tube),
    ignore: (tube) => client.ignore(tube),
    put: (body, options) => client.put(body, options),
    reserve: (seconds) =>
      orNull(seconds === undefined ? client.reserve() : client.reserveWithTimeout(seconds), 'TIMED_OUT'),
    reserveJob: (id) => client.reserveJob(id).then(job),
    delete: (id) => client.delete(id),
    release: (id, priority, delay) => client.release(id, {priority, delay}),
    bury: (id, priority) => client.bury(id, priority),
    touch: (id) => client.touch(id),
    kick: (bound) => client.kick(bound),
    kickJob: (id) => client.kickJob(id),
    peek: (id) => orNull(client.peek(id), 'NOT_FOUND'),
    peekReady: () => orNull(client.peekReady(), 'NOT_FOUND'),
    peekDelayed: () => orNull(client.peekDelayed(), 'NOT_FOUND'),
    peekBuried: () => orNull(client.peekBuried(), 'NOT_FOUND'),
    stats: () => client.stats().then(yaml),
    statsJob: (id) => client.statsJob(id).then(yaml),
    statsTube: (tube) => client.statsTube(tube).then(yaml),
    listTubeUsed: () => client.listTubeUsed(),
    quit: () => client.quit(),
  };
});
