// SPDX-License-Identifier: Apache-2.0
// node judge.cjs traces|logs FILE: what was POSTed to a collector, through OpenTelemetry's own protobuf messages to bytes and
// back. What they do not know, or hold otherwise, comes back changed.
"use strict";
const assert = require("assert");
const fs = require("fs");
const { opentelemetry } = require("@opentelemetry/otlp-transformer/build/src/generated/root.js");

const [kind, file] = process.argv.slice(2);
const { trace, logs } = opentelemetry.proto;
const [Messages, path] = kind === "traces"
  ? [trace.v1.TracesData, ["resourceSpans", "scopeSpans", "spans"]]
  : [logs.v1.LogsData, ["resourceLogs", "scopeLogs", "logRecords"]];
const given = JSON.parse(fs.readFileSync(file, "utf8"));
const wire = JSON.parse(JSON.stringify(given));
const each = (data, change) => data[path[0]].forEach((one) => one[path[1]].forEach((scope) => scope[path[2]].forEach(change)));
const ids = ["traceId", "spanId", "parentSpanId"];
each(wire, (one) => ids.filter((id) => id in one).forEach((id) => { one[id] = Buffer.from(one[id], "hex"); }));
assert.strictEqual(Messages.verify(Messages.fromObject(wire)), null);
const bytes = Messages.encode(Messages.fromObject(wire)).finish();
const back = Messages.toObject(Messages.decode(bytes), { longs: String, enums: Number, bytes: Array });
each(back, (one) => ids.filter((id) => id in one).forEach((id) => { one[id] = Buffer.from(one[id]).toString("hex"); }));
each(given, (one) => { delete one.eventName; }); // younger than these messages
// Protobuf does not tell an empty list from none.
const normal = (value) => Array.isArray(value) ? value.map(normal)
  : value && typeof value === "object"
    ? Object.fromEntries(Object.entries(value).filter(([, one]) => !(Array.isArray(one) && one.length === 0)).map(([key, one]) => [key, normal(one)]))
    : value;
assert.deepStrictEqual(normal(back), normal(given));
