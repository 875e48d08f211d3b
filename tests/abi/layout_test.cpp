// SPDX-License-Identifier: Apache-2.0
#include "castra/abi/bootstrap_step.h"
#include "castra/abi/broker_launcher.h"
#include "castra/abi/entry.h"
#include "castra/abi/host.h"
#include "castra/abi/launcher.h"
#include "castra/abi/reporter.h"

#include <cstddef>
#include <gtest/gtest.h>
#include <string_view>
#include <type_traits>

#include "layout.inc"

static_assert(std::is_standard_layout_v<castra_plugin> && std::is_trivial_v<castra_plugin>);
static_assert(std::is_standard_layout_v<castra_host> && std::is_trivial_v<castra_host>);
static_assert(std::is_same_v<castra_slot, std::int32_t (*)(void*, const castra_call*, castra_bytes, const castra_sink*,
                                                           const castra_sink*)>,
              "the one signature of every slot");

namespace {

TEST(Layout, PublishedNamesStay) {
    using namespace std::string_view_literals;
    EXPECT_EQ(CASTRA_PLUGIN_ENTRY_SYMBOL, "castra_plugin_entry_v1"sv);
    EXPECT_EQ(CASTRA_MANIFEST_NOTE_OWNER, "castra"sv);
    EXPECT_EQ(CASTRA_LAUNCHER_V1, "castra.launcher/1"sv);
    EXPECT_EQ(CASTRA_BROKER_LAUNCHER_V1, "castra.broker_launcher/1"sv);
    EXPECT_EQ(CASTRA_BOOTSTRAP_STEP_V1, "castra.bootstrap_step/1"sv);
    EXPECT_EQ(CASTRA_REPORTER_V1, "castra.reporter/1"sv);
    EXPECT_EQ(CASTRA_HOST_V1, "castra.host/1"sv);
}

TEST(Layout, TheMagicNumberReadsAsText) {
    const auto magic = CASTRA_ABI_MAGIC;
    EXPECT_EQ(std::string_view(reinterpret_cast<const char*>(&magic), 8), "CASTRA1\x01");
}

} // namespace
