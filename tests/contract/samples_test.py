# SPDX-License-Identifier: Apache-2.0
"""The samples and the field dictionary, judged by python3-jsonschema and by counting."""
import json
import unittest

import jsonschema

from contract import contract


class SamplesTest(unittest.TestCase):
    def setUp(self):
        self.samples = [json.loads(line) for line in contract("samples").splitlines()]
        self.snapshot = json.loads(contract("snapshot"))

    def test_there_is_one_of_every_type(self):
        self.assertEqual([sample["type"] for sample in self.samples],
                         [each["type"] for each in self.snapshot["types"]])

    def test_they_are_valid_in_every_form_and_vocabulary(self):
        for form in ([], ["--closed"]):
            for vocabulary, judge in (([], jsonschema.Draft202012Validator), (["--draft-07"], jsonschema.Draft7Validator)):
                schema = json.loads(contract("schema", *form, *vocabulary))
                judge.check_schema(schema)
                for sample in self.samples:
                    problems = [problem.message for problem in judge(schema).iter_errors(sample)]
                    self.assertEqual(problems, [], sample["type"])

    def test_they_carry_every_field_of_their_type_and_one_entry_of_each_array_of_objects(self):
        for sample, spec in zip(self.samples, self.snapshot["types"]):
            self.complete(sample, spec["fields"], spec["type"])
            for field in spec.get("requires", []):
                self.assertIn(field, sample)

    def complete(self, value, fields, place):
        for field in fields:
            self.assertIn(field["name"], value, place)
            held = value[field["name"]]
            self.complete(held, field.get("members", []), place)
            if "members" in field.get("items", {}):
                self.assertEqual(len(held), 1, place)
                self.complete(held[0], field["items"]["members"], place)

    def test_a_reader_refuses_another_major_by_the_schema(self):
        schema = json.loads(contract("schema"))
        validator = jsonschema.Draft202012Validator(schema)
        sample = self.samples[0]
        self.assertTrue(validator.is_valid(dict(sample, contract="1.7")))
        self.assertFalse(validator.is_valid(dict(sample, contract="2.0")))
        self.assertFalse(validator.is_valid(dict(sample, contract="11.0")))


class FieldsTest(unittest.TestCase):
    def test_every_field_of_the_samples_stands_in_the_dictionary_with_its_type(self):
        fields = {field["name"]: field for field in json.loads(contract("fields"))["fields"]}
        kinds = {str: "string", bool: "boolean", int: "integer", list: "array", dict: "object"}

        def walk(value):
            for name, member in value.items():
                self.assertEqual(fields[name]["type"], kinds[type(member)], name)
                for inner in member if isinstance(member, list) else [member]:
                    if isinstance(inner, dict) and name != "ext":
                        walk(inner)

        for line in contract("samples").splitlines():
            walk(json.loads(line))
        self.assertEqual(fields["boot_ms"], {"name": "boot_ms", "type": "integer", "unit": "milliseconds",
                                             "places": ["vm.ready"]})
        self.assertIn("summary.vms[]", fields["final_state"]["places"])
        self.assertEqual(contract("fields"), contract("dictionary"))
