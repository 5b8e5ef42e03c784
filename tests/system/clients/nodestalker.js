'use strict';
const nodestalker = require('nodestalker');

const job = (found) => (found.id ? {id: found.id, body: found.data} : null);

// What fails is given as the words of the reply's line; a peek that finds nothing is no failure.
require('./round').run(async (port) => {
  const client = nodestalker.Client('127.0.0.1:' + port);
  client.on('error', (error) => { throw error; });
  const ask = (name, ...words) => new Promise((resolve, reject) => {
    client[name](...words).onSuccess(resolve).onError((line) => reject(new Error(line.join(' '))));
  });
  const first = (name, ...words) => ask(name, ...words).then(([answer]) => answer);
  return {
    use: (tube) => first('use', tube),
    watch: (tube) => first('watch', tube),
    ignore: (tube) => first('ignore', tube),
    put: (body, {priority, delay, ttr}) => first('put', body, priority, delay, ttr),
    reserve: (seconds) => {
      const reserving = seconds === undefined ? ask('reserve') : ask('reserveWithTimeout', seconds);
      return reserving.then(job, (error) => {
        if (error.message === 'TIMED_OUT') return null;
        throw error;
      });
    },
    delete: (id) => ask('deleteJob', id),
    release: (id, priority, delay) => ask('release', id, priority, delay),
    bury: (id, priority) => ask('bury', id, priority),
    touch: (id) => ask('touch', id),
    kick: (bound) => first('kick', bound).then(Number),
    peek: (id) => ask('peek', id).then(job),
    peekReady: () => ask('peekReady').then(job),
    peekDelayed: () => ask('peekDelayed').then(job),
    peekBuried: () => ask('peekBuried').then(job),
    pause: (tube, seconds) => ask('pauseTube', tube, seconds),
    stats: () => ask('stats'),
    statsJob: (id) => ask('statsJob', id),
    statsTube: (tube) => ask('statsTube', tube),
    listTubes: () => ask('listTubes'),
    listTubesWatched: () => ask('listTubesWatched'),
    listTubeUsed: () => first('listTubeUsed'),
    quit: () => client.disconnect(),
  };
});
