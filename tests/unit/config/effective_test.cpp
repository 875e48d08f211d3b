// SPDX-License-Identifier: Apache-2.0
#include "config/effective.hpp"
#include "config/load_noted.hpp"
#include "parsing.hpp"

#include <algorithm>

namespace castra {
namespace {

// By key, as "value (default)" or "value (line 7 [[vms]])".
std::map<std::string, std::string> effective(const std::string& text) {
    KeyBook book;
    const auto project = parse_project(text, "/p/castra.toml", {.home = "/home/user"}, &book);
    if (!project) {
        for (const auto& error : project.error())
            ADD_FAILURE() << to_string(error);
        return {};
    }
    std::map<std::string, std::string> out;
    for (const auto& row : effective_values(*project, book)) {
        auto said = row.value.dump() + " (" +
                    (row.is_default ? "default" : "line " + std::to_string(row.at.line) + " " + row.table) + ")";
        EXPECT_TRUE(out.emplace(row.key, said).second) << row.key << " stands twice";
    }
    return out;
}

TEST(EffectiveValues, SayWhichLineOrThatItIsTheDefault) {
    const auto values = effective("[lifecycle]\nsigterm_wait_secs = 2.5\n" + with_vm("cpus = 2\n"));
    EXPECT_EQ(values.at("lifecycle.sigterm_wait_secs"), "2.5 (line 2 [lifecycle])");
    EXPECT_EQ(values.at("lifecycle.sigkill_wait_secs"), "5 (default)");
    EXPECT_EQ(values.at("journal.runs_max"), "200 (default)");
    EXPECT_EQ(values.at("project.name"), "\"p\" (line 4 [project])");
    EXPECT_EQ(values.at("vms.web-0.cpus"), "2 (line 8 [[vms]])");
    EXPECT_EQ(values.at("vms.web-0.memory"), "\"512 MiB\" (default)");
    EXPECT_EQ(values.at("vms.web-0.ready_marker"), "null (default)");
    EXPECT_EQ(values.at("vms.web-0.bootstrap.handshake_timeout_secs"), "null (default)");
}

TEST(EffectiveValues, OfAnInstanceAreItsOwnThenItsGroupsThenTheDefaults) {
    const auto values = effective("[bootstrap]\nmode = \"always\"\nremote_dir = \"/opt/r\"\n" +
                                  with_vm("count = 2\ncpus = 2\nmemory = 64\n[vms.bootstrap]\nremote_dir = \"/opt/v\"\n"
                                          "[[vms.instances]]\nid = 1\ncpus = 3\nbootstrap = { mode = \"skip\" }\n"));
    EXPECT_EQ(values.at("vms.web-0.cpus"), "2 (line 10 [[vms]])");
    EXPECT_EQ(values.at("vms.web-1.cpus"), "3 (line 16 [[vms.instances]])");
    EXPECT_EQ(values.at("vms.web-1.memory"), "\"64 MiB\" (line 11 [[vms]])");
    EXPECT_EQ(values.at("vms.web-0.bootstrap.mode"), "\"always\" (line 2 [bootstrap])");
    EXPECT_EQ(values.at("vms.web-1.bootstrap.mode"), "\"skip\" (line 17 [vms.bootstrap])");
    EXPECT_EQ(values.at("vms.web-1.bootstrap.remote_dir"), "\"/opt/v\" (line 13 [vms.bootstrap])");
}

TEST(EffectiveValues, MaskSecretsAndSayWhereEachStands) {
    const auto values =
        effective("[bootstrap.env]\nA = \"one\"\nB = \"two\"\n" + with_vm("[vms.bootstrap.env]\nB = \"three\"\n"));
    EXPECT_EQ(values.at("vms.web-0.bootstrap.env.A"), "\"***\" (line 2 [bootstrap])");
    EXPECT_EQ(values.at("vms.web-0.bootstrap.env.B"), "\"***\" (line 10 [vms.bootstrap])");
    for (const auto& [key, said] : values)
        EXPECT_EQ(said.find("three"), std::string::npos) << key;
}

TEST(EffectiveValues, ShowForwardsAndOverlaysAsEachInstanceHasThem) {
    const auto values = effective(with_vm("count = 2\noverlay = \"d.qcow2\"\n"
                                          "[[vms.port_forwards]]\nhost = 8000\nguest = 80\n"));
    EXPECT_NE(values.at("vms.web-1.port_forwards[0]").find("8001"), std::string::npos);
    EXPECT_NE(values.at("vms.web-1.port_forwards[0]").find("line 8"), std::string::npos);
    EXPECT_EQ(values.at("vms.web-1.overlay"), "\"/p/d-1.qcow2\" (line 7 [[vms]])");
}

TEST(EffectiveValues, OfPluginsAndOptionsAreThere) {
    const auto values = effective("[plugins.x]\nconfig = { a = 1 }\n[[reporters]]\nplugin = \"x\"\n" +
                                  with_vm("[vms.options]\nmachine = \"q35\"\n"));
    EXPECT_EQ(values.at("plugins.x.config.a"), "1 (line 2 [plugins.NAME])");
    EXPECT_EQ(values.at("reporters[0].plugin"), "\"x\" (line 4 [[reporters]])");
    EXPECT_EQ(values.at("vms.web-0.options.machine"), "\"q35\" (line 11 [[vms]])");
}

} // namespace
} // namespace castra
