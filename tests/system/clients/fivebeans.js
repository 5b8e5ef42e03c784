'use strict';
const Fivebeans = require('fivebeans').client;

const job = ([id, body]) => ({id, body: body.toString()});
const orNull = (promise, word) => promise.then(job, (error) => {
  if (error.message === word) return null;
  throw error;
});

// Its errors are the server's words.
require('./round').run(async (port) => {
  const client = new Fivebeans('127.0.0.1', port);
  await new Promise((resolve, reject) => client.on('connect', resolve).on('error', reject).connect());
  const ask = (name, ...words) => new Promise((resolve, reject) => {
    client[name](...words, (error, ...answer) => (error ? reject(new Error(error)) : resolve(answer)));
  });
  const one = (name, ...words) => ask(name, ...words).then(([answer]) => answer);
  return {
    use: (tube) => one('use', tube),
    watch: (tube) => one('watch', tube),
    ignore: (tube) => one('ignore', tube),
    put: (body, {priority, delay, ttr}) => one('put', priority, delay, ttr, body),
    reserve: (seconds) =>
      orNull(seconds === undefined ? ask('reserve') : ask('reserve_with_timeout', seconds), 'TIMED_OUT'),
    delete: (id) => one('destroy', id),
    release: (id, priority, delay) => one('release', id, priority, delay),
    bury: (id, priority) => one('bury', id, priority),
    touch: (id) => one('touch', id),
    kick: (bound) => one('kick', bound).then(Number),
    kickJob: (id) => one('kick_job', id),
    peek: (id) => orNull(ask('peek', id), 'NOT_FOUND'),
    peekReady: () => orNull(ask('peek_ready'), 'NOT_FOUND'),
    peekDelayed: () => orNull(ask('peek_delayed'), 'NOT_FOUND'),
    peekBuried: () => orNull(ask('peek_buried'), 'NOT_FOUND'),
    pause: (tube, seconds) => one('pause_tube', tube, seconds),
    stats: () => one('stats'),
    statsJob: (id) => one('stats_job', id),
    statsTube: (tube) => one('stats_tube', tube),
    listTubes: () => one('list_tubes'),
    listTubesWatched: () => one('list_tubes_watched'),
    listTubeUsed: () => one('list_tube_used'),
    quit: () => client.end(),
  };
});
