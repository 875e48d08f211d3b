// SPDX-License-Identifier: Apache-2.0
// CloudEvents and OTLP against goldens. Independent readers of both judge the same goldens: tests/contract/projections.
#include "contract/cloudevents.hpp"
#include "contract/describe.hpp"
#include "contract/otlp.hpp"

#include <cstdlib>
#include <fstream>
#include <gtest/gtest.h>

namespace castra::contract {
namespace {

const std::string folder = CASTRA_SOURCE_DIR "/tests/contract/projections/";

std::vector<std::string> lines_of(const std::string& name) {
    std::ifstream file(folder + name);
    std::vector<std::string> lines;
    for (std::string line; std::getline(file, line);)
        lines.push_back(line);
    return lines;
}

// With CASTRA_UPDATE_GOLDENS set the goldens are written anew, to be read before they are committed.
template <class Projection>
void expect_golden(const std::string& name, Projection project) {
    const auto native = lines_of("events.ndjson");
    ASSERT_EQ(native.size(), 7U);
    if (std::getenv("CASTRA_UPDATE_GOLDENS")) {
        std::ofstream out(folder + name);
        for (const auto& line : native)
            out << project(line).value_or("?") << "\n";
    }
    const auto golden = lines_of(name);
    ASSERT_EQ(golden.size(), native.size());
    for (std::size_t i = 0; i < native.size(); ++i)
        EXPECT_EQ(project(native[i]).value_or("?"), golden[i]);
}

TEST(CloudEvents, AreAsTheirGoldens) {
    expect_golden("cloudevents.ndjson", [](const std::string& line) { return to_cloudevent(line); });
}

TEST(CloudEvents, CarryTheLineByteForByte) {
    for (const auto& line : lines_of("events.ndjson")) {
        const auto made = to_cloudevent(line + "\n").value_or("");
        EXPECT_TRUE(made.ends_with(",\"data\":" + line + "}")) << made;
        EXPECT_EQ(Json::parse(made)["data"], Json::parse(line));
    }
}

TEST(Otlp, IsAsItsGoldens) {
    expect_golden("otlp.ndjson", [](const std::string& line) { return to_otlp(line); });
}

TEST(Otlp, GivesEachSeverityItsPublishedNumber) {
    const auto line = lines_of("events.ndjson").front();
    const std::pair<const char*, int> numbers[] = {
        {"progress", 8}, {"info", 9}, {"warn", 13}, {"error", 17}, {"blocker", 21}};
    for (const auto& [severity, number] : numbers) {
        auto event = Json::parse(line);
        event["severity"] = severity;
        const auto made = Json::parse(to_otlp(event.dump()).value());
        EXPECT_EQ(made["resourceLogs"][0]["scopeLogs"][0]["logRecords"][0]["severityNumber"], number) << severity;
    }
}

TEST(Projections, MakeNothingOfWhatIsNoEvent) {
    auto without_time = Json::parse(lines_of("events.ndjson").front());
    without_time.erase("time");
    auto odd_time = without_time;
    odd_time["time"] = "yesterday";
    for (const auto& line : {std::string(), std::string("{"), std::string("[]"), std::string("{}"), std::string("3"),
                             without_time.dump()}) {
        EXPECT_FALSE(to_cloudevent(line)) << line;
        EXPECT_FALSE(to_otlp(line)) << line;
    }
    EXPECT_FALSE(to_otlp(odd_time.dump()));
}

} // namespace
} // namespace castra::contract
