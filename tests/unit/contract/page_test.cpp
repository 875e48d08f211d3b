// SPDX-License-Identifier: Apache-2.0
// docs/EVENTS.md is written by hand until it is generated: here it is held against the registry.
#include "contract/registry.hpp"

#include <fstream>
#include <gtest/gtest.h>
#include <sstream>

namespace castra::contract {
namespace {

std::string page() {
    std::ifstream file(std::string(CASTRA_SOURCE_DIR) + "/docs/EVENTS.md");
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

void expect_named(const std::string& text, std::span<const FieldSpec> fields) {
    for (const auto& field : fields) {
        EXPECT_NE(text.find("`" + field.name + "`"), std::string::npos) << field.name;
        for (const auto value : field.closed)
            EXPECT_NE(text.find(value), std::string::npos) << field.name << " " << value;
        expect_named(text, field.members);
        for (const auto& item : field.item)
            expect_named(text, item.members);
    }
}

TEST(EventsPage, NamesEveryTypeFieldAndClosedValue) {
    const auto text = page();
    expect_named(text, registry().envelope());
    for (const auto& type : registry().types()) {
        EXPECT_NE(text.find("`" + std::string(type.about.type) + "`"), std::string::npos) << type.about.type;
        expect_named(text, type.fields);
    }
}

} // namespace
} // namespace castra::contract
