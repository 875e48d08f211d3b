// SPDX-License-Identifier: Apache-2.0
// usage: node judge.js cloudevents|otlp MODULES GOLDEN NATIVE
// Reads each line of GOLDEN with a library that others maintain, strictly, and compares with the native line.
'use strict';
const assert = require('assert');
const fs = require('fs');
const path = require('path');

const [kind, modules, golden, native] = process.argv.slice(2);
const load = name => require(path.join(modules, 'node_modules', name));
const lines = file => fs.readFileSync(file, 'utf8').split('\n').filter(line => line !== '');

function judgeCloudEvent(line, event) {
  const { HTTP } = load('cloudevents');
  const headers = { 'content-type': 'application/cloudevents+json; charset=utf-8' };
  const made = HTTP.toEvent({ headers, body: line });
  assert.strictEqual(made.validate(), true); // throws with what is wrong
  assert.strictEqual(made.id, `${event.run_id}:${event.seq}`);
  assert.strictEqual(made.type, `castra.${event.type}`);
  assert.strictEqual(made.subject, event.vm);
  assert.strictEqual(new Date(made.time).getTime(), new Date(event.time).getTime());
  assert.ok(new URL(made.source).protocol === 'castra:', made.source);
  assert.deepStrictEqual(made.data, event);
  const known = ['id', 'time', 'type', 'source', 'specversion', 'datacontenttype', 'subject', 'data', 'severity'];
  for (const name of Object.keys(JSON.parse(line))) assert.ok(known.includes(name), name);
}

const bytes = hex => {
  assert.match(hex, /^([0-9a-f]{16}|[0-9a-f]{32})$/);
  return Buffer.from(hex, 'hex');
};

// Through the official messages to protobuf bytes and back: what they do not know, or hold otherwise, comes back changed.
function judgeOtlp(line, event) {
  const { LogsData } = load('@opentelemetry/otlp-transformer/build/src/generated/root.js').opentelemetry.proto.logs.v1;
  const given = JSON.parse(line);
  const record = given.resourceLogs[0].scopeLogs[0].logRecords[0];
  const eachRecord = (data, change) =>
    data.resourceLogs.forEach(logs => logs.scopeLogs.forEach(scope => scope.logRecords.forEach(change)));
  const wire = JSON.parse(line);
  eachRecord(wire, one => {
    for (const id of ['traceId', 'spanId']) if (id in one) one[id] = bytes(one[id]);
  });
  assert.strictEqual(LogsData.verify(LogsData.fromObject(wire)), null);
  const back = LogsData.toObject(LogsData.decode(LogsData.encode(LogsData.fromObject(wire)).finish()),
    { longs: String, enums: Number, bytes: Array });
  eachRecord(back, one => {
    for (const id of ['traceId', 'spanId']) if (id in one) one[id] = Buffer.from(one[id]).toString('hex');
    if (!('eventName' in one)) one.eventName = record.eventName; // younger than these messages
  });
  // Protobuf does not tell an empty list from none, and the library leaves both out.
  const normal = value => Array.isArray(value) ? value.map(normal)
    : value && typeof value === 'object'
      ? Object.fromEntries(Object.entries(value).filter(([, v]) => !(Array.isArray(v) && v.length === 0)).map(([k, v]) => [k, normal(v)]))
      : value;
  assert.deepStrictEqual(normal(back), normal(given));
  // And it says what the event says.
  assert.strictEqual(BigInt(record.timeUnixNano) / 1000n % 1000000n, BigInt(event.time.slice(20, 26)));
  assert.strictEqual(Number(BigInt(record.timeUnixNano) / 1000000n), new Date(event.time).getTime());
  assert.strictEqual(record.body.stringValue, event.message);
  assert.strictEqual(record.severityNumber, { progress: 8, info: 9, warn: 13, error: 17, blocker: 21 }[event.severity]);
  const plain = value => {
    const [[type, held]] = Object.entries(value);
    if (type === 'intValue') return (assert.strictEqual(typeof held, 'string'), Number(held));
    if (type === 'arrayValue') return held.values.map(plain);
    if (type === 'kvlistValue') return Object.fromEntries(held.values.map(one => [one.key, plain(one.value)]));
    return held;
  };
  for (const [name, value] of Object.entries(event)) {
    if (['type', 'time', 'severity', 'message', 'project', 'contract'].includes(name)) continue;
    assert.deepStrictEqual(plain(record.attributes.find(one => one.key === `castra.${name}`).value), value, name);
  }
}

const judge = { cloudevents: judgeCloudEvent, otlp: judgeOtlp }[kind];
const events = lines(native);
const made = lines(golden);
assert.strictEqual(made.length, events.length);
made.forEach((line, i) => judge(line, JSON.parse(events[i])));
console.log(`${made.length} ${kind} lines are what the library says they should be`);
