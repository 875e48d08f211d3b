// SPDX-License-Identifier: Apache-2.0
#include "lifecycle/spec_diff.hpp"

#include <gtest/gtest.h>

namespace castra {
namespace {

sdk::VmSpec some_vm() {
    sdk::VmSpec vm;
    vm.name = "web-0";
    vm.uuid = "one";
    vm.cpus = 1;
    vm.memory_bytes = 100;
    vm.port_forwards.push_back({"127.0.0.1", 0, 22, "tcp"});
    vm.options = {{"env", {{"PASSWORD", "secret"}}}, {"command", {"a", "b"}}};
    return vm;
}

TEST(SpecDiff, AnotherBootOfTheSameConfigIsNoChange) {
    nlohmann::json launched = some_vm();
    launched["uuid"] = "two";
    launched["port_forwards"][0]["host"] = 20022; // leased
    EXPECT_TRUE(spec_changes("qemu", launched, "qemu", some_vm()).empty());
}

TEST(SpecDiff, TellsEachFieldWithBothValues) {
    const nlohmann::json launched = some_vm();
    auto wanted = some_vm();
    wanted.memory_bytes = 200;
    wanted.options["command"].push_back("c");
    wanted.port_forwards[0].host = 8080;
    const auto changes = spec_changes("qemu", launched, "process", wanted);
    EXPECT_EQ(to_string(changes),
              "launcher \"qemu\" -> \"process\", memory_bytes 100 -> 200, options/command/2 nothing "
              "-> \"c\", port_forwards/0/host 0 -> 8080");
    EXPECT_EQ(to_json(changes)[1].dump(), R"({"field":"/memory_bytes","from":100,"to":200})");
}

// Its file is gone, or may not be read now; the VM that runs has it open.
TEST(SpecDiff, AnImageWhoseFormatCannotBeToldAnyMoreIsNoChange) {
    auto launched = some_vm();
    launched.base_image = "/images/a.qcow2";
    launched.base_format = "qcow2";
    auto wanted = launched;
    wanted.base_format = "";
    EXPECT_TRUE(spec_changes("qemu", launched, "qemu", wanted).empty());
    wanted.base_image = "/images/b.qcow2";
    EXPECT_EQ(spec_changes("qemu", launched, "qemu", wanted).size(), 1U);
}

TEST(SpecDiff, AFixedPortThatBecomesAutomaticIsKept) {
    nlohmann::json launched = some_vm();
    launched["port_forwards"][0]["host"] = 8080;
    EXPECT_TRUE(spec_changes("qemu", launched, "qemu", some_vm()).empty());
}

TEST(SpecDiff, AValueOfTheEnvironmentIsNeverTold) {
    const nlohmann::json launched = some_vm();
    auto wanted = some_vm();
    wanted.options["env"]["PASSWORD"] = "hidden";
    const auto changes = spec_changes("process", launched, "process", wanted);
    EXPECT_EQ(to_string(changes), "options/env/PASSWORD (not shown)");
    EXPECT_EQ(to_json(changes).dump(), R"([{"field":"/options/env/PASSWORD","redacted":true}])");
}

TEST(SpecDiff, ADamagedRecordIsAChangeOfEverythingNotACrash) {
    EXPECT_FALSE(spec_changes("process", nlohmann::json::array(), "process", some_vm()).empty());
    EXPECT_FALSE(spec_changes("process", {{"port_forwards", 3}}, "process", some_vm()).empty());
}

} // namespace
} // namespace castra
