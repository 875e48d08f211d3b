# SPDX-License-Identifier: Apache-2.0
"""What really crosses the border in an up, a bootstrap and a down, judged by the schemas that ship with the SDK, with a
validator that is not ours. And the schemas themselves: those that are committed are those that castra makes."""
import json
import os
import pathlib
import subprocess
import unittest

import jsonschema

from support import CASTRA, Project

SCHEMAS = pathlib.Path(__file__).parents[2] / "sdk" / "schema"


def schemas():
    return json.loads(subprocess.run([CASTRA, "plugin", "schema"], check=True, capture_output=True).stdout)


class Payload(Project):
    def test_the_schemas_are_made_by_castra(self):
        made = schemas()
        committed = {str(path.relative_to(SCHEMAS)) for path in SCHEMAS.rglob("*.json")} - {"manifest.json"}
        self.assertEqual(committed, set(made), "castra plugin schema --to sdk/schema")
        for name, schema in made.items():
            jsonschema.Draft7Validator.check_schema(schema)
            self.assertEqual((SCHEMAS / name).read_text(), json.dumps(schema, indent=2) + "\n", "castra plugin schema --to sdk/schema")

    def test_everything_that_is_said_fits(self):
        record = self.dir / "record"
        plugin = pathlib.Path(os.environ["CASTRA_TEST_PLUGINS"]) / "recording.so"
        self.write(f"""[plugins.recording]
path = "{plugin}"
config = {{ greeting = "{CASTRA}" }}
[broker]
launcher = "recording"
[[reporters]]
plugin = "recording"
[[vms]]
name = "m"
launcher = "recording"
[[vms.port_forwards]]
guest = 22
[vms.bootstrap]
env = {{ TOKEN = "hushhush" }}
verify_path = "x"
handshake_timeout_secs = 5
[[vms.bootstrap.steps]]
name = "one"
plugin = "recording"
""")
        self.events(self.castra("up"))
        self.events(self.castra("bootstrap", "--bootstrap", "always"))
        self.events(self.castra("down"))
        self.config.write_text(self.config.read_text().replace('launcher = "recording"\n[[vms.port', 'launcher = "recording"\noptions = { ends = true }\n[[vms.port'))
        self.castra("up")
        validators = {name: jsonschema.Draft7Validator(schema) for name, schema in schemas().items()}
        seen = {}
        for line in record.read_text().splitlines():
            name, payload = line.split("\t", 1)
            seen.setdefault(name, []).append(json.loads(payload))
            self.assertEqual([f"{list(problem.path)}: {problem.message}" for problem in validators[name].iter_errors(seen[name][-1])], [],
                             line)
        spoken = {name for name in validators if not name.startswith(("host/", "secrets/", "error"))}
        self.assertEqual(spoken - set(seen), set(), "every slot was called, and answered")
        # Nothing is said that the schemas do not know.
        for name, payloads in seen.items():
            for payload in payloads:
                self.assertEqual(self.strangers(validators[name].schema, payload), set(), name)
        # And they can refuse: each member of the wrong type, each that must be there missing.
        refused = 0
        for name, payloads in seen.items():
            for member in validators[name].schema.get("properties", {}):
                if member in payloads[0]:
                    self.assertFalse(validators[name].is_valid({**payloads[0], member: 1.5}), (name, member))
                    refused += 1
            for member in validators[name].schema.get("required", []):
                self.assertFalse(validators[name].is_valid({key: value for key, value in payloads[0].items() if key != member}))
        self.assertGreater(refused, 50)

    def strangers(self, schema, value):
        """Members of `value`, as deep as the schema describes it, that it has no name for."""
        if isinstance(value, list):
            return set().union(*(self.strangers(schema.get("items", {}), entry) for entry in value))
        if not isinstance(value, dict) or "properties" not in schema:
            return set()
        found = set(value) - set(schema["properties"])
        return found.union(*(self.strangers(schema["properties"][name], value[name]) for name in set(value) - found))


if __name__ == "__main__":
    unittest.main()
