// One round through the protocol, for every library of Node: each stands behind the same few functions, and a function
// that it lacks is left out there.
// node LIBRARY.js PORT [full]: with `full`, the server has queues `rejecting`, `blocking` and `dropping` of one job
// each.
//
// A client has: use, watch, ignore, put(body, {priority, delay, ttr}) -> id, reserve(seconds?) -> {id, body} or null,
// delete, release, bury, touch, kick, peek(id), peekReady, peekDelayed, peekBuried -> {id, body} or null, stats,
// statsJob, statsTube -> object, quit; and perhaps reserveJob, kickJob, pause, listTubes, listTubesWatched,
// listTubeUsed. A command that the server refuses is a rejection that names the server's word.
'use strict';
const assert = require('assert');

async function refused(promise, word) {
  await assert.rejects(promise, (error) => String((error && error.message) || error).includes(word), word);
}

async function jobs(client, other) {
  await client.use('t');
  await client.watch('t');
  await client.ignore('default');
  await other.use('t');
  const id = await client.put('hello', {priority: 10, delay: 0, ttr: 60});
  assert.ok(Number(id) >= 1);
  assert.deepStrictEqual(await client.peek(id), {id, body: 'hello'});
  assert.deepStrictEqual(await client.reserve(), {id, body: 'hello'});
  assert.strictEqual(await client.reserve(0), null);
  await client.touch(id);
  await refused(other.touch(id), 'NOT_FOUND');

  const released = Date.now();
  await client.release(id, 5, 1);
  const stats = await client.statsJob(id);
  assert.strictEqual(stats.tube, 't');
  assert.strictEqual(stats.pri, 5);
  assert.strictEqual(stats.ttr, 60);
  assert.strictEqual(stats.releases, 1);
  assert.ok(['delayed', 'ready'].includes(stats.state));
  assert.deepStrictEqual(await client.reserve(60), {id, body: 'hello'});
  assert.ok(Date.now() - released >= 999, 'a delay of a second was shorter'); // the clock of Date is rounded down twice

  await client.bury(id, 7);
  assert.deepStrictEqual(await client.peekBuried(), {id, body: 'hello'});
  if (client.kick) {
    assert.strictEqual(await client.kick(10), 1);
    assert.deepStrictEqual(await client.peekReady(), {id, body: 'hello'});
  }
  if (client.kickJob) {
    if (client.kick) {
      await client.reserve();
      await client.bury(id, 7);
    }
    await client.kickJob(id);
  }
  if (client.reserveJob) {
    assert.deepStrictEqual(await client.reserveJob(id), {id, body: 'hello'});
    await client.release(id, 5, 0);
  }
  await client.reserve();
  await client.release(id, 5, 1000);
  assert.deepStrictEqual(await client.peekDelayed(), {id, body: 'hello'});
  await client.delete(id);
  await refused(client.delete(id), 'NOT_FOUND');
  assert.strictEqual(await client.peekReady(), null);
}

async function bodies(client) {
  for (const body of ['a\r\nb', 'r\u00e4tsel \u20ac \u{1f600}', '\r\n\r\n', 'x'.repeat(4000)]) {
    const id = await client.put(body, {priority: 0, delay: 0, ttr: 60});
    assert.deepStrictEqual(await client.reserve(), {id, body});
    await client.delete(id);
  }
  await refused(client.put('x'.repeat(70000), {priority: 0, delay: 0, ttr: 60}), 'JOB_TOO_BIG');
  const body = '0123456789'.repeat(6000);
  const id = await client.put(body, {priority: 0, delay: 0, ttr: 60});
  assert.deepStrictEqual(await client.reserve(), {id, body});
  await client.delete(id);
}

async function together(client) {
  const puts = Array.from({length: 50}, (_, number) => client.put('job ' + number, {priority: 1, delay: 0, ttr: 60}));
  const ids = await Promise.all(puts);
  assert.strictEqual(new Set(ids).size, 50);
  await Promise.all(ids.map((id) => client.delete(id)));
}

async function pauses(client) {
  if (!client.pause) return;
  const id = await client.put('p', {priority: 0, delay: 0, ttr: 60});
  await client.pause('t', 1000);
  assert.strictEqual(await client.reserve(0), null);
  await client.pause('t', 0);
  assert.deepStrictEqual(await client.reserve(10), {id, body: 'p'});
  await client.delete(id);
}

async function statistics(client) {
  const stats = await client.stats();
  assert.ok(stats['cmd-put'] > 50 && stats['current-connections'] >= 2 && stats.pid > 0);
  const [major, minor] = String(stats.version).split('.').map(Number);
  assert.ok(major > 1 || minor > 7, stats.version);
  assert.strictEqual(String(stats.draining), 'false');
  // Sixteen digits without a letter are a number of YAML.
  assert.ok(/^[0-9a-f]{16}$/.test(String(stats.id)) || typeof stats.id === 'number');
  const tube = await client.statsTube('t');
  assert.strictEqual(tube.name, 't');
  assert.strictEqual(tube['current-jobs-ready'], 0);
  assert.strictEqual(tube['current-watching'], 1);
  if (client.listTubes) assert.ok((await client.listTubes()).includes('t'));
  if (client.listTubesWatched) assert.deepStrictEqual(await client.listTubesWatched(), ['t']);
  if (client.listTubeUsed) assert.strictEqual(await client.listTubeUsed(), 't');
}

async function full(client, other) {
  const options = {priority: 0, delay: 0, ttr: 60};
  await client.use('rejecting');
  const only = await client.put('one', options);
  await refused(client.put('two', options), 'OUT_OF_MEMORY');
  await client.delete(only);
  await client.put('three', options);

  await client.use('dropping');
  const dropped = await client.put('one', options);
  const stays = await client.put('two', options);
  assert.strictEqual(await client.peek(dropped), null);
  assert.deepStrictEqual(await client.peek(stays), {id: stays, body: 'two'});

  await client.use('blocking');
  await other.use('blocking');
  const first = await client.put('one', options);
  let answered = false;
  const held = other.put('two', options).then((id) => { answered = true; return id; });
  for (let round = 0; round < 20; round++) {
    assert.strictEqual((await client.statsTube('blocking'))['current-jobs-ready'], 1);
  }
  assert.strictEqual(answered, false, 'a put into a full queue was answered');
  await client.delete(first);
  const second = await held;
  assert.deepStrictEqual(await client.peek(second), {id: second, body: 'two'});
}

exports.run = async function run(connect) {
  const [, , port, more] = process.argv;
  const [client, other] = [await connect(Number(port)), await connect(Number(port))];
  await jobs(client, other);
  await bodies(client);
  await together(client);
  await pauses(client);
  await statistics(client);
  if (more === 'full') await full(client, other);
  await client.quit();
  await other.quit();
  console.log('ok');
  process.exit(0); // some of the libraries keep timers
};

process.on('unhandledRejection', (error) => {
  console.error(error);
  process.exit(1);
});
