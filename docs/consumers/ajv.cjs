// SPDX-License-Identifier: Apache-2.0
// Judges the shape of each line with ajv: node ajv.cjs SCHEMA.json RUN.ndjson...
// ajv 8 (npm) takes the schema of `castra contract schema`, ajv 6 (Debian's node-ajv) that of `--draft-07`. Prints
// {file, line, rule, text} for each finding and exits with 7; with 0 if all is well.
"use strict";
const fs = require("node:fs");
const [schemaFile, ...files] = process.argv.slice(2);
const schema = JSON.parse(fs.readFileSync(schemaFile, "utf8"));

function compile() {
  if (!String(schema.$schema).includes("2020-12")) return new (require("ajv"))().compile(schema);
  const Ajv = require("ajv/dist/2020");
  return new Ajv({ strict: false }).compile(schema); // strict mode is about how schemas are written
}

function judge(validate, file) {
  const lines = fs.readFileSync(file, "utf8").split("\n");
  if (lines[lines.length - 1] === "") lines.pop();
  const tell = (i, text) => console.log(JSON.stringify({ file, line: i + 1, rule: "18", text }));
  let bad = 0;
  lines.forEach((text, i) => {
    let event;
    try {
      event = JSON.parse(text);
    } catch (error) {
      bad++;
      return tell(i, error.message);
    }
    if (validate(event)) return;
    bad++;
    for (const e of validate.errors) tell(i, `${e.instancePath ?? e.dataPath} ${e.message}`);
  });
  return bad;
}

const validate = compile();
const bad = files.map((file) => judge(validate, file)).reduce((sum, n) => sum + n, 0);
process.exitCode = bad > 0 ? 7 : 0;
