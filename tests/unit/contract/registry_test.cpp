// SPDX-License-Identifier: Apache-2.0
// What must hold for every entry of the registry, whoever adds it, and for what is made from it.
#include "contract/checklist.hpp"
#include "contract/dictionary.hpp"
#include "contract/exit_codes.hpp"
#include "contract/families.hpp"
#include "contract/registry_build.hpp"
#include "contract/rules.hpp"
#include "contract/severities.hpp"
#include "contract/snapshot.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <set>
#include <sstream>

namespace castra::contract {
namespace {

std::string content(const std::string& path) {
    std::ifstream file(std::string(CASTRA_SOURCE_DIR) + path);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

bool fits(const Json& value, const FieldSpec& spec) {
    switch (spec.type) {
    case JsonType::string:
        return value.is_string() &&
               (spec.closed.empty() || std::ranges::find(spec.closed, value.get<std::string>()) != spec.closed.end()) &&
               (spec.known.empty() || std::ranges::find(spec.known, value.get<std::string>()) != spec.known.end());
    case JsonType::integer:
        return value.is_number_integer();
    case JsonType::boolean:
        return value.is_boolean();
    case JsonType::array:
        return value.is_array() &&
               std::ranges::all_of(value, [&](auto& item) { return fits(item, spec.item.front()); });
    case JsonType::object:
        return value.is_object();
    }
    return false;
}

void expect_complete(std::span<const FieldSpec> fields, const std::string& place) {
    std::set<std::string> names;
    for (const auto& field : fields) {
        const auto where = place + "." + field.name;
        EXPECT_TRUE(names.insert(field.name).second) << where << " twice";
        EXPECT_FALSE(field.meaning.empty()) << where << " needs a meaning";
        EXPECT_FALSE(field.since.empty()) << where << " needs a since";
        const bool is_made = !field.members.empty() || (!field.item.empty() && !field.item.front().members.empty());
        if (!field.example.empty())
            EXPECT_TRUE(fits(Json::parse(field.example, nullptr, false), field)) << where << ": " << field.example;
        else
            EXPECT_TRUE(is_made) << where << " needs an example";
        expect_complete(field.members, where);
        for (const auto& item : field.item)
            expect_complete(item.members, where + "[]");
    }
}

TEST(Registry, GivesEveryFieldAMeaningAndAnExampleThatFits) {
    expect_complete(registry().envelope(), "envelope");
    for (const auto& type : registry().types()) {
        EXPECT_FALSE(type.about.meaning.empty()) << type.about.type;
        expect_complete(type.fields, std::string(type.about.type));
    }
}

TEST(Registry, KeepsTheNamesOfTheEnvelopeForTheEnvelope) {
    for (const auto& type : registry().types()) {
        for (const auto& field : type.fields)
            EXPECT_EQ(registry().find_envelope_field(field.name), nullptr) << type.about.type << "." << field.name;
        for (const auto name : type.about.also)
            EXPECT_NE(registry().find_envelope_field(name), nullptr) << type.about.type << " requires " << name;
    }
}

TEST(Dictionary, KnowsOneTypeAndOneUnitForEachName) {
    for (const auto& conflict : dictionary().conflicts)
        ADD_FAILURE() << conflict;
}

struct Clashing {
    static constexpr About about{"clash", Family::message, Severity::info, {}, "m"};
    struct Inner {
        std::int64_t pid = 0;
        std::string boot_ms;
        static void describe(auto&& visit) {
            visit("pid", &Inner::pid, Note{"m", Unit::bytes, "1"});
            visit("boot_ms", &Inner::boot_ms, Note{"m", {}, "\"1\""});
        }
    };
    std::vector<Inner> inners;
    static void describe(auto&& visit) { visit("inners", &Clashing::inners, Note{"m", {}, ""}); }
};

TEST(Dictionary, FindsClashesInsideArraysOfObjects) {
    const auto found = dictionary(registry_of<std::tuple<VmLaunch, VmReady, Clashing>>("1.0")).conflicts;
    ASSERT_EQ(found.size(), 2U);
    EXPECT_EQ(found[0], "pid is integer in vm.launch and integer in bytes in clash.inners[]");
    EXPECT_EQ(found[1], "boot_ms is integer in milliseconds in vm.ready and string in clash.inners[]");
}

TEST(Rules, AreNumberedFromOneAndSayWhatTheyDemand) {
    std::set<std::string_view> names;
    for (int number = 1; number <= 20; ++number) {
        const auto* rule = find_rule(number);
        ASSERT_NE(rule, nullptr);
        EXPECT_EQ(rule->number, number);
        EXPECT_TRUE(names.insert(rule->name).second) << rule->name;
        EXPECT_TRUE(rule->says.ends_with(".")) << number;
        EXPECT_FALSE(rule->clauses.empty()) << number;
    }
    EXPECT_EQ(find_rule(0), nullptr);
    EXPECT_EQ(find_rule(21), nullptr);
}

TEST(Severities, StandInTheOrderOfTheirEnumAndOfTheirWeight) {
    for (std::size_t i = 0; i < severities.size(); ++i) {
        EXPECT_EQ(severities[i].severity, static_cast<Severity>(i));
        if (i == 0) continue;
        EXPECT_GT(severities[i].opentelemetry, severities[i - 1].opentelemetry);
        EXPECT_LT(severities[i].syslog, severities[i - 1].syslog);
    }
}

TEST(Snapshot, IsReadBackAsItWasWritten) {
    const auto made = snapshot();
    const auto read = read_snapshot(made.dump());
    ASSERT_TRUE(read) << read.error();
    EXPECT_EQ(*read, made);
}

TEST(ExitCodes, StandInThePageOfErrors) {
    const auto page = content("/docs/ERRORS.md");
    for (const auto& entry : exit_codes) {
        const auto line = "\n| " + std::to_string(entry.code) + " | " + std::string(entry.name) + " | ";
        EXPECT_NE(page.find(line), std::string::npos) << "docs/ERRORS.md lacks: " << line;
    }
}

TEST(Checklist, HasFixturesAndALineOfThePageForEveryRow) {
    const auto page = content("/docs/CONTRACT_CHANGES.md");
    std::set<std::string> folders;
    for (const auto& entry : std::filesystem::directory_iterator(CASTRA_SOURCE_DIR "/tests/contract/diff"))
        folders.insert(entry.path().filename());
    for (const auto& row : checklist()) {
        EXPECT_EQ(folders.erase(std::string(row.name)), 1U) << row.name << " has no tests/contract/diff/";
        const auto line = "| `" + std::string(row.name) + "` | " + std::string(row.change) + " | " +
                          std::string(to_string(row.bump)) + " |\n";
        EXPECT_NE(page.find(line), std::string::npos) << "docs/CONTRACT_CHANGES.md lacks: " << line;
    }
    EXPECT_TRUE(folders.empty()) << *folders.begin() << " is no row";
}

} // namespace
} // namespace castra::contract
