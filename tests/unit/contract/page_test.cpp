// SPDX-License-Identifier: Apache-2.0
// docs/EVENTS.md is made from the registry: the committed page is what this build would print.
#include "contract/docs_page.hpp"

#include <fstream>
#include <gtest/gtest.h>
#include <sstream>

namespace castra::contract {
namespace {

TEST(EventsPage, IsWhatTheRegistrySays) {
    std::ifstream file(CASTRA_SOURCE_DIR "/docs/EVENTS.md");
    std::ostringstream committed;
    committed << file.rdbuf();
    const auto made = docs_page();
    if (made == committed.str()) return;
    std::istringstream ours(made), theirs(committed.str());
    std::string expected, found;
    int line = 0;
    while (expected == found) {
        ++line;
        if (!std::getline(ours, expected)) expected = "(the end)";
        if (!std::getline(theirs, found)) found = "(the end)";
        if (expected == "(the end)" && found == expected) break; // they differ in the last line feed alone
    }
    FAIL() << "docs/EVENTS.md:" << line << " differs from the registry.\n  page:     " << found
           << "\n  registry: " << expected << "\nIt is made, not written: run tests/contract/regenerate and commit it.";
}

} // namespace
} // namespace castra::contract
