// SPDX-License-Identifier: Apache-2.0
// Mistakes and exactly what is said about them.
#include "parsing.hpp"

namespace castra {
namespace {

struct Mistake {
    std::string text;
    std::string error; // "line:column: key: text (hint)"
};

void expect_each(const std::vector<Mistake>& mistakes) {
    for (const auto& mistake : mistakes)
        EXPECT_EQ(refused(mistake.text), std::vector<std::string>{mistake.error}) << mistake.text;
}

TEST(Refusal, PointsIntoBrokenToml) {
    expect_each({
        {"version = ", "1:11: Error while parsing key-value pair: encountered end-of-file "
                       "(the file or line ends too early; is a value, quote or bracket missing?)"},
        {"a = 1\na = 2\n", "2:5: Error while parsing key-value pair: cannot redefine existing integer 'a' "
                           "(a key or [table] stands once; for one more VM write [[vms]])"},
        {"a = \"\xff\"\n", "1:5: Encountered invalid utf-8 sequence (save the file as UTF-8)"},
        {"a = \"x\nb = 1\n",
         "1:7: a string does not end on its line (a string ends with the quote it began with, on the same line)"},
        {"a = '\xC3\xA4\nb = 1\n",
         "1:7: a string does not end on its line (a string ends with the quote it began with, on the same line)"},
        {"a = \"\x01\"\n", "1:6: Error while parsing string: unescaped control characters other than TAB (U+0009) "
                           "are explicitly prohibited (write control characters as \\t, \\n or \\u00XX)"},
        {"cpus = n\n", "1:9: Error while parsing floating-point: expected 'nan', saw 'n\\x0a' "
                       "(the grammar is at https://toml.io; text stands in \"quotes\")"},
        {"name = web\n", "1:8: Error while parsing value: could not determine value type "
                         "(the grammar is at https://toml.io; text stands in \"quotes\")"},
    });
}

TEST(Refusal, OfAnUnknownKeyNamesTheNearestOrWhereItBelongs) {
    expect_each({
        {with_vm("memroy = \"1 GiB\""), "6:1: vms[0].memroy: unknown key in [[vms]] (did you mean \"memory\"?)"},
        {with_vm("  port_forward = []"),
         "6:3: vms[0].port_forward: unknown key in [[vms]] (did you mean \"port_forwards\"?)"},
        {with_vm("[vms.bootstrap]\nready_marker = \"x\""),
         "7:1: vms[0].bootstrap.ready_marker: unknown key in [vms.bootstrap] "
         "(it belongs in [[vms]]; in TOML a key belongs to the last [header] above it)"},
        {with_vm("[broker]\nqqq = 1"),
         "7:1: broker.qqq: unknown key in [broker] (known here: launcher, cli, tcp, port, "
         "sessions_max, frames_per_second_max, queue_bytes_max, topic_bytes_max, topics_max)"},
        {with_vm("[broker]\ntcp = false\nport = 7070"), "8:8: broker.port: a port, and tcp = false (remove one of "
                                                        "them: tcp = false keeps guests from coming over TCP)"},
        {with_vm("[broker]\ntcp = 1"),
         "7:7: broker.tcp: wants true or false, found the integer 1 (write true or false, without quotes)"},
        {with_vm("[journal]\nrun_max = 3"),
         "7:1: journal.run_max: unknown key in [journal] (did you mean \"runs_max\"?)"},
        {with_vm("[vm]"), "6:2: vm: unknown key at the top of the file (did you mean \"vms\"?)"},
        {"zzz = 1\n" + with_vm(""), "1:1: zzz: unknown key at the top of the file (known here: version, project, "
                                    "broker, lifecycle, journal, bootstrap, plugins, reporters, secrets, vms)"},
        {with_vm("[workflows]"),
         "6:2: workflows: unknown key at the top of the file (it never had an effect; remove it)"},
        {with_vm("managed_image = { name = \"x\" }"),
         "6:1: vms[0].managed_image: unknown key in [[vms]] (write image = \"NAME\" or base_image = \"FILE\")"},
        {with_vm("[[vms.instances]]\nid = 0\ncount = 2"),
         "8:1: vms[0].instances[0].count: unknown key in [[vms.instances]] (it belongs in [[vms]], "
         "[[vms.port_forwards]]; in TOML a key belongs to the last [header] above it)"},
        {with_vm("\"\\u001b[31m\" = 1"),
         "6:1: vms[0].\\x1b[31m: unknown key in [[vms]] (known here: name, description, count, launcher, image, "
         "base_image, sha256, overlay, cpus, memory, boot, port_forwards, bootstrap, options, ready_marker, instances, "
         "restart, "
         "restart_backoff_secs, restarts_max, lifecycle)"},
    });
}

TEST(Refusal, OfAWrongTypeSaysWhatWasFoundAndWhatIsWanted) {
    expect_each({
        {with_vm("cpus = \"2\""), "6:8: vms[0].cpus: wants a whole number, found the string \"2\" "
                                  "(write a whole number from 1 to 512)"},
        {with_vm("cpus = 2.5"), "6:8: vms[0].cpus: wants a whole number, found the decimal number 2.5 "
                                "(write a whole number from 1 to 512)"},
        {with_vm("description = 3"),
         "6:15: vms[0].description: wants a string, found the integer 3 (write it in \"quotes\")"},
        {with_vm("description = 2020-01-01"),
         "6:15: vms[0].description: wants a string, found a date or time (write it in \"quotes\")"},
        {with_vm("memory = 1.5"), "6:10: vms[0].memory: wants a size, found the decimal number 1.5 (write a size from "
                                  "\"16 MiB\" to \"16 TiB\", such as \"2 GiB\")"},
        {with_vm("boot = \"vmlinuz\""), "6:8: vms[0].boot: wants a table, found the string \"vmlinuz\" "
                                        "(write [vms.boot] and its keys below it)"},
        {with_vm("bootstrap.env = 1"), "6:17: vms[0].bootstrap.env: wants a table, found the integer 1 "
                                       "(write NAME = \"value\" lines below [vms.bootstrap.env])"},
        {with_vm("bootstrap.env.A = 1"), "6:19: vms[0].bootstrap.env.A: wants a string (write it in \"quotes\")"},
        {with_vm("options = 1"),
         "6:11: vms[0].options: wants a table, found the integer 1 (write [vms.options] and its keys below it)"},
        {with_vm("port_forwards = { guest = 22 }"),
         "6:17: vms[0].port_forwards: wants an array of tables, found a table "
         "(write [[vms.port_forwards]] with two brackets, once for each)"},
        {with_vm("port_forwards = [22]"), "6:18: vms[0].port_forwards[0]: wants a table, found the integer 22 "
                                          "(write [[vms.port_forwards]] with two brackets, once for each)"},
        {with_vm("[lifecycle]\nready_wait_secs = \"2m\""),
         "7:19: lifecycle.ready_wait_secs: wants a number of seconds, found the string \"2m\" "
         "(write seconds from 0 to 86400)"},
        {with_vm("[plugins]\nsearch = \"dir\""), "7:10: plugins.search: wants an array of strings, found the string "
                                                 "\"dir\" (write [\"a/directory\"])"},
        {with_vm("[plugins]\nsearch = [1]"),
         "7:11: plugins.search[0]: wants a string, found the integer 1 (write it in \"quotes\")"},
        {with_vm("[plugins]\nserach = []"), "7:10: plugins.serach: wants a table, found an array "
                                            "(write [plugins.serach], or search = [\"directory\"])"},
        {"vms = 1\n[project]\nname = \"p\"", "1:7: vms: wants an array of tables, found the integer 1 "
                                             "(write [[vms]] with two brackets, once for each)"},
        {"project = \"p\"\n[[vms]]\nname = \"a\"\nimage = \"b\"",
         "1:11: project: wants a table, found the string \"p\" (write [project] and its keys below it)"},
    });
}

TEST(Refusal, OfSomethingMissingPointsAtItsTable) {
    expect_each({
        {"[[vms]]\nname = \"a\"\nimage = \"b\"",
         "1:1: project: is required (write [project] and below it name = \"my-project\")"},
        {"[project]\nname = \"p\"",
         "1:1: vms: is required (write [[vms]] and below it name = \"web\" and image = \"NAME\")"},
        {"vms = []\n[project]\nname = \"p\"",
         "1:7: vms: is required (write [[vms]] and below it name = \"web\" and image = \"NAME\")"},
        {"[project]\nname = \"p\"\n[[vms]]\nimage = \"b\"",
         "3:1: vms[0].name: is required (write a name such as name = \"web\")"},
        {"[project]\nname = \"p\"\n[[vms]]\nname = \"b\"\ncount = 3",
         "3:1: vms.b-0: has nothing to boot from (write image = \"NAME\", base_image = \"FILE\", or [vms.boot] with a "
         "kernel)"},
        {with_vm("[vms.boot]\nappend = \"x\""), "6:1: vms[0].boot.kernel: is required (initrd and append belong to a "
                                                "kernel; write kernel = \"path/to/vmlinuz\")"},
        {with_vm("[[reporters]]"), "6:1: reporters[0].plugin: is required (write plugin = \"reporter-console\", say)"},
        {with_vm("[[vms.instances]]\ncpus = 2"), "6:1: vms[0].instances[0].id: is required (write which instance it "
                                                 "is, such as id = \"web-0\")"},
    });
}

TEST(Refusal, OfTextSaysWhatIsWrongWithIt) {
    expect_each({
        {"[project]\nname = \"Web App!\"\n[[vms]]\nname = \"a\"\nimage = \"b\"",
         "2:8: project.name: \"Web App!\" is no name (a name is 1 to 63 lower-case letters, digits and inner hyphens, "
         "such as \"web-app\")"},
        {with_vm("launcher = \"../qemu\""), "6:12: vms[0].launcher: \"../qemu\" is no name (a name is 1 to 63 "
                                            "lower-case letters, digits and inner hyphens, such as \"qemu\")"},
        {with_vm("overlay = \"\""), "6:11: vms[0].overlay: the path is empty (write a path, or remove the key)"},
        {with_vm("overlay = \"~root/x\""),
         "6:11: vms[0].overlay: only \"~/\" is understood, not the home of another user "
         "(write the whole path; for a file that begins with ~ write \"./~\")"},
        {with_vm("overlay = \"a\\u0000b\""),
         "6:11: vms[0].overlay: \"a\\x00b\" holds a control character (write plain text)"},
        {with_vm("description = \"\\u001b[2J\\u009b\""),
         "6:15: vms[0].description: \"\\x1b[2J\\x9b\" holds a control character (write plain text)"},
        {with_vm("bootstrap.verify_command = \"a\\u0007\""),
         "6:28: vms[0].bootstrap.verify_command: \"a\\x07\" holds a control character (write plain text)"},
        {with_vm("bootstrap.env.\"A B\" = \"x\""), "6:15: vms[0].bootstrap.env.A B: no name of an environment variable "
                                                   "(letters, digits and _, not first a digit)"},
        {with_vm("memory = \"2 GX\""),
         "6:10: vms[0].memory: \"2 GX\" has an unknown unit (write a size such as \"2 GiB\")"},
        {with_vm("bootstrap.mode = \"sometimes\""), "6:18: vms[0].bootstrap.mode: \"sometimes\" is not one of its "
                                                    "values (write one of \"auto\", \"always\", \"skip\")"},
        {with_vm("bootstrap.remote_dir = \"tmp\""),
         "6:24: vms[0].bootstrap.remote_dir: \"tmp\" is no directory below the guest's / "
         "(write an absolute path without \"..\", such as \"/var/tmp/castra\")"},
        {with_vm("[plugins.a]\nisolation = \"docker\""), "7:13: plugins.a.isolation: \"docker\" is not one of its "
                                                         "values (write one of \"in-process\", \"process\")"},
        {with_vm("[plugins.a]\nsha256 = \"12\""), "7:10: plugins.a.sha256: \"12\" is no SHA-256 digest "
                                                  "(write the 64 lower-case digits that sha256sum prints)"},
        {with_vm("[plugins.A]"), "6:10: plugins.A: \"A\" is no name of a plugin "
                                 "(a name is 1 to 63 lower-case letters, digits and inner hyphens)"},
        {with_vm("port_forwards = [{ guest = 1, address = \"localhost\" }]"),
         "6:41: vms[0].port_forwards[0].address: \"localhost\" is no IPv4 address (write one such as \"127.0.0.1\")"},
        {with_vm("port_forwards = [{ guest = 1, protocol = \"sctp\" }]"),
         "6:42: vms[0].port_forwards[0].protocol: \"sctp\" is not one of its values (write one of \"tcp\", \"udp\")"},
    });
}

TEST(Refusal, OfRemoteDirectoriesThatCouldBeAnything) {
    for (const auto* path : {"", "/", "//", "/.", "/a/..", "/a/../b", "~/x", "a/b"})
        EXPECT_EQ(refused(with_vm("bootstrap.remote_dir = \"" + std::string(path) + "\"")).size(), 1U) << path;
}

TEST(Refusal, OfWhatJsonCannotSay) {
    expect_each({
        {with_vm("options.a = 2020-01-01"),
         "6:13: vms[0].options.a: a date or time has no form in JSON (write it in \"quotes\")"},
        {with_vm("options.a.b = [1, nan]"),
         "6:19: vms[0].options.a.b[1]: nan and inf have no form in JSON (write a finite number)"},
        {with_vm("options.a = \"\\u0000\""),
         "6:13: vms[0].options.a: \"\\x00\" holds a control character (write plain text)"},
        {with_vm("options.\"a\\nb\" = 1"),
         "6:18: vms[0].options.a\\x0ab: the key is too long or holds a control character (write plain text)"},
    });
}

TEST(Refusal, OfContradictions) {
    expect_each({
        {with_vm("base_image = \"x\""), "6:14: vms[0].base_image: a VM has an image or a base_image, not both "
                                        "(keep image = for the image store or base_image = for a file)"},
        {"version = \"0.1.0\"\n" + with_vm("count = 2"),
         "7:9: vms[0].count: needs version 0.2.0 (write version = \"0.2.0\"; VM names then end in -0, -1, ...)"},
        {"version = \"0.1.0\"\n" + with_vm("[[vms.instances]]\nid = 0"),
         "7:1: vms[0].instances: needs version 0.2.0 (write version = \"0.2.0\"; VM names then end in -0, -1, ...)"},
        {"version = \"0.3.0\"\n" + with_vm(""),
         "1:11: version: \"0.3.0\" is not one of its values (write one of \"0.1.0\", \"0.2.0\")"},
        {with_vm("[[vms.instances]]\nid = \"web-01\""), "7:6: vms[0].instances[0].id: \"web-01\" is no instance of "
                                                        "\"web\" (with count = 1 it can only be \"web-0\")"},
        {with_vm("count = 3\n[[vms.instances]]\nid = \"db-1\""),
         "8:6: vms[0].instances[0].id: \"db-1\" is no instance of \"web\" (write one of \"web-0\" to \"web-2\")"},
        {with_vm("count = 3\n[[vms.instances]]\nid = 3"),
         "8:6: vms[0].instances[0].id: 3 is out of range (write a whole number from 0 to 2)"},
        {with_vm("[[vms.instances]]\nid = 0\n[[vms.instances]]\nname = \"web-0\""),
         "9:8: vms[0].instances[1].name: instance 0 already stands in line 6 (put both into one [[vms.instances]])"},
        {with_vm("[[vms.instances]]\nid = 0\nname = 0"),
         "8:8: vms[0].instances[0].name: id and name mean the same here (keep one of them)"},
        {with_vm("overlay = \"x\"\n[[vms]]\nname = \"db\"\nimage = \"b\"\noverlay = \"./x\""),
         "7:1: vms.db-0.overlay: \"/p/x\" is already the overlay of web-0 (line 3) "
         "(a VM writes to its overlay; give each its own, or none)"},
        {"[project]\nname = \"p\"\n[[vms]]\nname = \"a\"\nbase_image = \"d\"\noverlay = \"d\"",
         "3:1: vms.a-0.overlay: \"/p/d\" is already the base_image of a-0 (line 3) "
         "(a VM writes to its overlay; give each its own, or none)"},
    });
}

TEST(Refusal, OfAFaultInOneInstancePointsThere) {
    expect_each({
        {with_vm("count = 2\n[[vms.instances]]\nid = \"web-1\"\ncpus = 0"),
         "9:8: vms[0].instances[0].cpus: 0 is out of range (write a whole number from 1 to 512)"},
        {with_vm("[[vms.instances]]\nid = 0\nboot = 1"),
         "8:8: vms[0].instances[0].boot: wants a table, found the "
         "integer 1 (write [vms.instances.boot] and its keys below it)"},
    });
}

TEST(Refusal, OfTheHomeDirectoryWhenThereIsNone) {
    const auto project = parse_project(with_vm("overlay = \"~/x\""), "/p/castra.toml");
    ASSERT_FALSE(project);
    EXPECT_EQ(project.error()[0].text, "\"~\" has no meaning here: HOME is not set");
}

TEST(Refusal, CutsLongTextAndKeepsLettersWhole) {
    const auto errors = refused(with_vm("memory = \"" + std::string(59, 'x') + "\xc3\xa4\xc3\xa4" + "\""));
    ASSERT_EQ(errors.size(), 1U);
    EXPECT_NE(errors[0].find("x\xc3\xa4"), std::string::npos) << errors[0];
}

} // namespace
} // namespace castra
