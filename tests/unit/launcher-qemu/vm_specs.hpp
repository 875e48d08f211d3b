// SPDX-License-Identifier: Apache-2.0
// VMs to plan, and what the tests ask of a plan.
#pragma once
#include "castra/sdk/refusal.hpp"
#include "launcher-qemu/qemu_launcher.hpp"

#include <gtest/gtest.h>

namespace castra::launcher_qemu {

inline constexpr const char* uuid = "00112233-4455-4677-8899-aabbccddeeff";

inline sdk::PlanRequest tiny(const Json& options = Json::object()) {
    sdk::PlanRequest request;
    auto& vm = request.vm;
    vm.name = "web-0";
    vm.project = "fleet";
    vm.uuid = uuid;
    vm.memory_bytes = 128 << 20;
    vm.boot = {"/img/vmlinux", "/img/initrd", "console=ttyS0 loglevel=1"};
    vm.ready_marker = "CASTRA-READY";
    vm.options = options;
    request.paths = {"/state/web-0", "/run/c/web-0", "/state/web-0/overlay.qcow2", ""};
    return request;
}

inline sdk::PlanRequest tiny_tcg(Json options = Json::object()) {
    options["accelerator"] = "tcg";
    return tiny(options);
}

inline sdk::LaunchPlan plan(const sdk::PlanRequest& request, const Json& config = Json::object()) {
    return QemuLauncher(config).plan(request);
}

// One argument a line; a value stands on the line of its option.
inline std::string lines(const std::vector<std::string>& argv) {
    std::string text;
    for (const auto& argument : argv) {
        const bool is_option = argument.starts_with("-");
        text += (text.empty() ? "" : is_option ? "\n" : " ") + argument;
    }
    return text + "\n";
}

// The value that follows `option`, the `nth` time it stands there.
inline std::string value_of(const std::vector<std::string>& argv, const std::string& option, int nth = 0) {
    for (std::size_t i = 0; i + 1 < argv.size(); ++i)
        if (argv[i] == option && nth-- == 0) return argv[i + 1];
    return "no such option";
}

// What a refusal says, as "field_path: title | hint"; "" when nothing was refused.
template <class Try>
std::string refusal_of(Try attempt) {
    try {
        attempt();
    } catch (const sdk::Refusal& refusal) {
        EXPECT_FALSE(refusal.text().code.empty());
        return refusal.text().field_path + ": " + refusal.text().title + " | " + refusal.text().hint;
    }
    return "";
}

} // namespace castra::launcher_qemu
