'use strict';
const Beanstalkd = require('beanstalkd').default;

const job = ([id, body]) => ({id: Number(id), body: body.toString()});
const orNull = (promise, word) => promise.then(job, (error) => {
  if (error.message === word) return null;
  throw error;
});

// It has no kick.
require('./round').run(async (port) => {
  const client = await new Beanstalkd('127.0.0.1', port).connect();
  return {
    use: (tube) => client.use(tube),
    watch: (tube) => client.watch(tube),
    ignore: (tube) => client.ignore(tube),
    put: (body, {priority, delay, ttr}) => client.put(priority, delay, ttr, body).then(Number),
    reserve: (seconds) =>
      orNull(seconds === undefined ? client.reserve() : client.reserveWithTimeout(seconds), 'TIMED_OUT'),
    delete: (id) => client.delete(id),
    release: (id, priority, delay) => client.release(id, priority, delay),
    bury: (id, priority) => client.bury(id, priority),
    touch: (id) => client.touch(id),
    kickJob: (id) => client.kickJob(id),
    peek: (id) => orNull(client.peek(id), 'NOT_FOUND'),
    peekReady: () => orNull(client.peekReady(), 'NOT_FOUND'),
    peekDelayed: () => orNull(client.peekDelayed(), 'NOT_FOUND'),
    peekBuried: () => orNull(client.peekBuried(), 'NOT_FOUND'),
    pause: (tube, seconds) => client.pauseTube(tube, seconds),
    stats: () => client.stats(),
    statsJob: (id) => client.statsJob(id),
    statsTube: (tube) => client.statsTube(tube),
    listTubes: () => client.listTubes(),
    listTubesWatched: () => client.listTubesWatched(),
    listTubeUsed: () => client.listTubeUsed(),
    quit: () => client.quit(),
  };
});
