// SPDX-License-Identifier: Apache-2.0
// What can rot is held to the code: the examples parse, the pages name every key and limit.
#include "config/known_keys.hpp"
#include "parsing.hpp"

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>

namespace castra {
namespace {

namespace fs = std::filesystem;

const char* const source_dir = CASTRA_SOURCE_DIR;

std::string text_of(const fs::path& file) {
    std::ifstream stream(file, std::ios::binary);
    EXPECT_TRUE(stream) << file;
    return {std::istreambuf_iterator<char>(stream), {}};
}

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);)
        lines.push_back(line);
    return lines;
}

std::string default_toml() {
    return text_of(fs::path(source_dir) / "configs/default.toml");
}

// With every "#key = value" and "#[table]" line put to use; prose begins with "# ".
std::string uncommented(const std::string& text) {
    std::string out;
    for (const auto& line : lines_of(text))
        out += (line.size() > 1 && line[0] == '#' && line[1] != ' ' ? line.substr(1) : line) + "\n";
    return out;
}

// "vms.bootstrap" of "[vms.bootstrap]" and "[[vms.bootstrap]]"; any plugin's name is NAME.
std::string table_of(const std::string& header) {
    const auto begin = header.find_first_not_of('[');
    const auto path = header.substr(begin, header.find(']') - begin);
    return path.starts_with("plugins.") ? "plugins.NAME" : path;
}

// "table:key" of each assignment and "parent:child" of each header.
std::set<std::string> keys_in(const std::string& toml) {
    std::set<std::string> keys;
    std::string table;
    for (const auto& line : lines_of(toml)) {
        if (line.starts_with("[")) {
            table = table_of(line);
            const auto dot = table.rfind('.');
            keys.insert(dot == std::string::npos ? ":" + table : table.substr(0, dot) + ":" + table.substr(dot + 1));
            keys.insert(":" + table.substr(0, table.find('.')));
        } else if (const auto equals = line.find(" = "); equals != std::string::npos && !line.starts_with("#")) {
            keys.insert(table + ":" + line.substr(0, equals));
        }
    }
    return keys;
}

// The part of the page below the heading of a table.
std::string section_of(const std::string& page, const KnownTable& table) {
    const std::string heading =
        table.header.empty() ? "### Top of the file\n" : "### `" + std::string(table.header) + "`\n";
    const auto begin = page.find(heading);
    if (begin == std::string::npos) return {};
    const auto end = page.find("\n#", begin + heading.size());
    return page.substr(begin, end - begin);
}

TEST(Examples, AllParse) {
    int seen = 0;
    const auto expect_parses = [&](const fs::path& file) {
        if (file.extension() != ".toml") return;
        ++seen;
        const auto project = load_project(file);
        if (project) return;
        for (const auto& error : project.error().errors)
            ADD_FAILURE() << to_string(error);
    };
    for (const auto& entry : fs::directory_iterator(fs::path(source_dir) / "configs")) {
        if (entry.is_regular_file()) expect_parses(entry.path());
        if (!entry.is_directory()) continue;
        for (const auto& inner : fs::directory_iterator(entry.path()))
            expect_parses(inner.path());
    }
    EXPECT_GE(seen, 3);
}

TEST(Examples, OfAFleetExpandsAsItsCommentsSay) {
    const auto project = load_project(fs::path(source_dir) / "configs/fleet/castra.toml");
    ASSERT_TRUE(project);
    ASSERT_EQ(project->vms.size(), 6U);
    EXPECT_EQ(project->vms[1].name, "web-1");
    EXPECT_EQ(project->vms[1].port_forwards[0].host, 8081);
    EXPECT_EQ(project->vms[1].port_forwards[2].host, 9003);
    EXPECT_EQ(project->vms[2].port_forwards[0].host, 8443);
    EXPECT_EQ(project->vms[5].name, "database-0");
}

TEST(Examples, OfBootstrapNamesFilesThatExist) {
    const auto project = load_project(fs::path(source_dir) / "configs/minimal-bootstrap/castra.toml");
    ASSERT_TRUE(project);
    EXPECT_TRUE(fs::is_regular_file(project->vms[0].bootstrap.script));
    EXPECT_TRUE(fs::is_directory(project->vms[0].bootstrap.payload));
}

TEST(DefaultToml, HasEveryKey) {
    const auto keys = keys_in(uncommented(default_toml()));
    for (const KnownTable* table : known_tables())
        for (const auto key : table->keys) {
            const auto full = std::string(table->path) + ":" + std::string(key);
            EXPECT_TRUE(keys.contains(full)) << full;
        }
    EXPECT_TRUE(keys.contains("plugins:search"));
}

TEST(DefaultToml, ParsesWithEverythingInUse) {
    auto text = uncommented(default_toml());
    for (const auto* one_of_two :
         {"base_image = \"images/", "sha256 = \"1111", "name = \"web-0\"\n"}) { // excluded by image and by id
        for (auto at = text.find(one_of_two); at != std::string::npos; at = text.find(one_of_two))
            text.erase(at, text.find('\n', at) + 1 - at);
    }
    const auto project = parsed(text);
    ASSERT_EQ(project.vms.size(), 1U);
    EXPECT_EQ(project.plugins.size(), 1U);
    EXPECT_EQ(project.vms[0].port_forwards.at(0).host, 2222);
}

TEST(DefaultToml, SaysTheDefaultsOfTheCode) {
    const auto said = parsed(default_toml());
    const auto own = parsed(with_vm("port_forwards = [{ guest = 22 }]"));
    EXPECT_EQ(said.version, own.version);
    EXPECT_EQ(said.broker.has_tcp, own.broker.has_tcp);
    EXPECT_EQ(said.broker.port, own.broker.port);
    EXPECT_EQ(said.broker.sessions_max, own.broker.sessions_max);
    EXPECT_EQ(said.broker.frames_per_second_max, own.broker.frames_per_second_max);
    EXPECT_EQ(said.broker.queue_bytes_max, own.broker.queue_bytes_max);
    EXPECT_EQ(said.broker.topic_bytes_max, own.broker.topic_bytes_max);
    EXPECT_EQ(said.broker.topics_max, own.broker.topics_max);
    EXPECT_EQ(said.lifecycle.graceful_shutdown_wait, own.lifecycle.graceful_shutdown_wait);
    EXPECT_EQ(said.lifecycle.sigterm_wait, own.lifecycle.sigterm_wait);
    EXPECT_EQ(said.lifecycle.sigkill_wait, own.lifecycle.sigkill_wait);
    EXPECT_EQ(said.lifecycle.ready_wait, own.lifecycle.ready_wait);
    EXPECT_EQ(said.lifecycle.boot_window, own.lifecycle.boot_window);
    EXPECT_EQ(said.journal.runs_max, own.journal.runs_max);
    EXPECT_EQ(said.journal.bytes_max, own.journal.bytes_max);
    EXPECT_EQ(said.bootstrap.mode, own.bootstrap.mode);
    EXPECT_EQ(said.bootstrap.remote_dir, own.bootstrap.remote_dir);
    EXPECT_EQ(said.plugin_search, own.plugin_search);
    const auto& a = said.vms.at(0);
    const auto& b = own.vms.at(0);
    EXPECT_EQ(a.name, b.name);
    EXPECT_EQ(a.description, b.description);
    EXPECT_EQ(a.launcher, b.launcher);
    EXPECT_EQ(a.cpus, b.cpus);
    EXPECT_EQ(a.memory, b.memory);
    EXPECT_EQ(a.restart.policy, b.restart.policy);
    EXPECT_EQ(a.restart.backoff, b.restart.backoff);
    EXPECT_EQ(a.restart.restarts_max, b.restart.restarts_max);
    EXPECT_EQ(a.launcher_options, b.launcher_options);
    EXPECT_EQ(a.port_forwards.at(0).address, b.port_forwards.at(0).address);
    EXPECT_EQ(a.port_forwards.at(0).host, b.port_forwards.at(0).host);
    EXPECT_EQ(a.port_forwards.at(0).protocol, b.port_forwards.at(0).protocol);
}

TEST(ConfigPage, HasEveryKeyInTheSectionOfItsTable) {
    const auto page = text_of(fs::path(source_dir) / "docs/CONFIG.md");
    for (const KnownTable* table : known_tables()) {
        const auto section = section_of(page, *table);
        EXPECT_FALSE(section.empty()) << table->header;
        for (const auto key : table->keys)
            EXPECT_NE(section.find("`" + std::string(key) + "`"), std::string::npos) << table->header << " " << key;
    }
}

TEST(ConfigPage, AndDefaultTomlNameEveryLimit) {
    const auto page = text_of(fs::path(source_dir) / "docs/CONFIG.md");
    const auto toml = default_toml();
    for (const std::string limit :
         {"1 MiB",        "32 parts", "16 levels",  "4096 bytes",    "65536 bytes", "63 letters", "1000",
          "256 forwards", "65535",    "512",        "16 MiB",        "16 TiB",      "86400",      "64 plugins",
          "16",           "100000",   "1048576",    "1099511627776", "10000",       "1000000",    "131072",
          "67108864",     "262144",   "1073741824", "4096"}) {
        EXPECT_NE(page.find(limit), std::string::npos) << limit;
        EXPECT_NE(toml.find(limit), std::string::npos) << limit;
    }
}

TEST(Positions, AreKeptForTablesThatOthersUnderstand) {
    const auto project = parsed("[project]\nname = \"p\"\n[plugins.x]\nconfig = { a = 1, \"b/c\" = [1, { d = 2 }] }\n"
                                "[[reporters]]\nplugin = \"x\"\n  [reporters.config]\n  e = \"f\"\n"
                                "[[vms]]\nname = \"web\"\nimage = \"tiny\"\n[vms.options]\ncpu = \"host\"\n");
    ASSERT_EQ(project.plugins.size(), 1U);
    const auto& at = project.plugins[0].config_at;
    EXPECT_EQ(nearest_position(at, ""), (Position{4, 10}));
    EXPECT_EQ(nearest_position(at, "/a"), (Position{4, 16}));
    EXPECT_EQ(nearest_position(at, "/b~1c/1/d"), (Position{4, 37}));
    EXPECT_EQ(nearest_position(at, "/a/nothing/like/it"), (Position{4, 16})) << "the nearest that is there";
    ASSERT_EQ(project.reporters.size(), 1U);
    EXPECT_EQ(nearest_position(project.reporters[0].config_at, "/e").line, 8);
    ASSERT_EQ(project.vms.size(), 1U);
    EXPECT_EQ(nearest_position(project.vms[0].options_at, "/cpu"), (Position{13, 7}));
    EXPECT_EQ(nearest_position({}, "/cpu"), Position{});
}

} // namespace
} // namespace castra
