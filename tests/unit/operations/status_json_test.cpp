// SPDX-License-Identifier: Apache-2.0
#include "operations/status_json.hpp"

#include <gtest/gtest.h>

namespace castra {
namespace {

std::string joined(const std::vector<std::string>& pieces) {
    std::string text;
    for (const auto& piece : pieces)
        text += piece;
    return text;
}

// VMs of every shape: bare, with ports, with a way in, with evidence.
ProjectStatus project_of(std::size_t vms) {
    ProjectStatus status;
    status.project = "p \"quoted\"\nand broken";
    status.config_path = "/p/castra.toml";
    status.broker.last_handshake_age_ms = 7;
    for (std::size_t i = 0; i < vms; ++i) {
        VmStatus vm;
        vm.name = "vm-" + std::to_string(i);
        vm.state = "ready";
        vm.why = "line\nline, and \xff";
        if (i % 2 == 1) vm.ports = {{"127.0.0.1", 2222, 22, "tcp"}, {"0.0.0.0", 53, 53, "udp"}};
        if (i % 4 == 1) vm.ssh = GuestSsh{vm.name, "root", "127.0.0.1", 2222, "/key", "/known hosts"};
        if (i % 4 == 2) vm.probes.push_back({"process", "it lives"});
        if (i % 4 == 3) vm.handshake_age_ms = 12;
        status.vms.push_back(std::move(vm));
    }
    return status;
}

// Whatever is written by pieces is what the library would have written of the whole, byte for byte.
void expect_as_one(const std::vector<std::string>& pieces, int indent) {
    const auto text = joined(pieces);
    const auto json = nlohmann::ordered_json::parse(text, nullptr, false);
    ASSERT_FALSE(json.is_discarded()) << text;
    EXPECT_EQ(text, json.dump(indent));
}

TEST(StatusJson, IsOneDocumentHoweverManyVmsThereAre) {
    for (const int indent : {-1, 0, 2, 4})
        for (const std::size_t vms : {0U, 1U, 2U, 16U, 17U, 300U}) {
            SCOPED_TRACE(std::to_string(vms) + " VMs, indent " + std::to_string(indent));
            expect_as_one(json_text(project_of(vms), indent), indent);
        }
}

TEST(StatusJson, OfAMachineHasEachProject) {
    for (const int indent : {-1, 2})
        for (const std::size_t projects : {0U, 1U, 3U}) {
            std::vector<ProjectStatus> all;
            for (std::size_t i = 0; i < projects; ++i)
                all.push_back(project_of(20 * i));
            const auto pieces = json_text(all, indent);
            expect_as_one(pieces, indent);
            const auto json = nlohmann::ordered_json::parse(joined(pieces));
            ASSERT_EQ(json["projects"].size(), projects);
            for (std::size_t i = 0; i < projects; ++i)
                EXPECT_EQ(json["projects"][i]["vms"].size(), 20 * i);
        }
}

TEST(StatusJson, SaysWhatIsKnownInItsOrder) {
    auto status = project_of(40);
    status.problem = "castra.toml is gone";
    const auto json = nlohmann::ordered_json::parse(joined(json_text(status, 2)));
    EXPECT_EQ(json["project"], status.project);
    EXPECT_EQ(json["problem"], status.problem);
    EXPECT_EQ(json["broker"]["last_handshake_age_ms"], 7);
    ASSERT_EQ(json["vms"].size(), status.vms.size());
    for (std::size_t i = 0; i < status.vms.size(); ++i)
        EXPECT_EQ(json["vms"][i]["name"], status.vms[i].name);
    EXPECT_EQ(json["vms"][1]["ports"][1].dump(), R"({"address":"0.0.0.0","host":53,"guest":53,"protocol":"udp"})");
    EXPECT_EQ(json["vms"][1]["ssh"]["known_hosts"], "/known hosts");
    EXPECT_FALSE(json["vms"][0].contains("ssh"));
    EXPECT_EQ(json["vms"][0]["why"], "line\nline, and \uFFFD");
}

} // namespace
} // namespace castra
