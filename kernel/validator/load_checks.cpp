// SPDX-License-Identifier: Apache-2.0
#include "validator/level_checks.hpp"

namespace castra {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::int64_t load_ms_max = 2000;

// Which check a refused load belongs to.
std::string check_of(const std::string& text) {
    const auto speaks_of = [&](std::string_view word) { return text.find(word) != std::string::npos; };
    if (speaks_of("while it was loaded")) return "load.state";
    if (speaks_of("its init answered")) return "load.init";
    if (speaks_of("does not provide it") || speaks_of("the published one has")) return "shape.kinds";
    if (speaks_of("its table") || speaks_of("no table") || speaks_of("plugin ABI")) return "load.table";
    return "load.loads";
}

} // namespace

CheckResult load_check(const Bench& bench, std::string_view name) {
    Subject subject(bench.file, bench.scratch);
    const auto descriptors = entries_of("/proc/self/fd");
    const auto began = Clock::now();
    const auto loaded = subject.load();
    const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - began).count();
    if (!loaded && check_of(loaded.error().text) == name) return check_failed(loaded.error().text, loaded.error().hint);
    if (name == "load.quick" && took > load_ms_max)
        return check_failed("takes " + std::to_string(took) + " ms to load",
                            "constructors and init only prepare; work belongs into create and the slots");
    if (name == "load.descriptors" && entries_of("/proc/self/fd") != descriptors)
        return check_failed("opens a descriptor while it is loaded", "open files in create");
    return check_passed();
}

std::vector<LevelCheck> load_checks() {
    return {
        {"load.loads", nullptr}, {"load.table", nullptr}, {"load.init", nullptr},        {"load.state", nullptr},
        {"load.quiet", nullptr}, {"load.quick", nullptr}, {"load.descriptors", nullptr},
    };
}

} // namespace castra
