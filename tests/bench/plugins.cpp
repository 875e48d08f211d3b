// SPDX-License-Identifier: Apache-2.0
// What the border costs: a call in-process and isolated, a reporter that is told a million events both ways, and
// loading twenty plugins. Ratios of one run mean something; figures of two do not. See docs/HACKING.md, Measure and
// fuzz.
#include "bus/event_bus.hpp"
#include "castra/abi/launcher.h"
#include "castra/abi/reporter.h"
#include "operations/reporter_sink.hpp"
#include "plugin/registry.hpp"

#include <benchmark/benchmark.h>
#include <filesystem>
#include <unistd.h>

namespace castra {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

class SilentHost final : public HostServices {
public:
    void log(std::string_view, PluginLogLevel, std::string_view) override {}
    Result<> emit(std::string_view, const json&) override { return {}; }
    PluginHostTime now() override { return {1, 1}; }
    bool cancelled() override { return false; }
};
SilentHost services;

PluginPolicy policy() {
    PluginPolicy made;
    made.host_program = fs::path(CASTRA_BINARY_DIR) / "bin/castra-plugin-host";
    return made;
}

// For ever: plugins are never unloaded.
PluginRegistry& registry_of(Isolation how) {
    static PluginRegistry in_process(services, policy()), isolated(services, policy());
    return how == Isolation::process ? isolated : in_process;
}

PluginInstance make(const fs::path& file, const std::string& kind, Isolation how, const json& config = json::object()) {
    auto& registry = registry_of(how);
    const auto plugin = registry.load(fs::canonical(file), {.sha256 = {}, .isolation = how});
    if (!plugin) throw std::runtime_error(plugin.error().text);
    auto instance = registry.create((*plugin)->manifest().id, kind, config);
    if (!instance) throw std::runtime_error(instance.error().text);
    return *std::move(instance);
}

Isolation how_of(const benchmark::State& state) {
    return state.range(0) == 0 ? Isolation::in_process : Isolation::process;
}

void both_ways(benchmark::internal::Benchmark* bench) {
    bench->ArgName("isolated")->Arg(0)->Arg(1)->UseRealTime();
}

// The smallest call there is: a request and a reply of a few bytes.
void BM_Call(benchmark::State& state) {
    auto launcher = make(CASTRA_BENCH_PLUGIN, CASTRA_LAUNCHER_V1, how_of(state));
    const json request{{"vm", {{"name", "web-0"}, {"memory_bytes", 1 << 20}}}, {"paths", {{"state_dir", "/s"}}}};
    for (auto _ : state) {
        const auto plan = launcher.call(CASTRA_LAUNCHER_PLAN, request);
        if (!plan) return state.SkipWithError(plan.error().text.c_str());
        benchmark::DoNotOptimize(plan->size());
    }
}
BENCHMARK(BM_Call)->Apply(both_ways);

void BM_CreateAndDestroy(benchmark::State& state) {
    for (auto _ : state)
        make(CASTRA_BENCH_PLUGIN, CASTRA_LAUNCHER_V1, how_of(state));
}
BENCHMARK(BM_CreateAndDestroy)->Apply(both_ways);

// From publish to the reporter's last event, the bus and its rules in between, as in a run; no journal.
void BM_MillionEvents(benchmark::State& state) {
    constexpr std::int64_t events = 1'000'000;
    SystemClock clock;
    for (auto _ : state) {
        auto reporter = make(fs::path(CASTRA_BINARY_DIR) / "lib/castra/plugins/reporter-ndjson.so", CASTRA_REPORTER_V1,
                             how_of(state), {{"path", "/dev/null"}});
        auto sink =
            open_reporter(std::move(reporter),
                          {{"run_id", "r"}, {"operation", "up"}, {"project", "bench"}, {"terminal", json::object()}});
        if (!sink) return state.SkipWithError(sink.error().text.c_str());
        SinkLimits limits;
        limits.block_max = limits.close_max = std::chrono::minutes(10); // nothing but a flood
        limits.may_coalesce = false;
        EventBus bus({"01ARYZ6S410000000000000000", "up", "bench"}, clock, {});
        bus.add_sink(std::move(*sink), limits);
        bus.publish(contract::draft(contract::CommandAccepted{}, "up bench"));
        for (std::int64_t i = 2; i < events; ++i)
            bus.publish(contract::message(contract::Severity::info,
                                          "image tiny: layer 3 of 7 is verified, 1048576 bytes", "image_build")
                            .on("vm-" + std::to_string(i % 64)));
        bus.conclude({}, {}, "done");
    }
    state.SetItemsProcessed(state.iterations() * events);
}
BENCHMARK(BM_MillionEvents)->Apply(both_ways)->Iterations(1)->Unit(benchmark::kMillisecond);

// Trust, manifest, digest, constructors, comparison of the process's state: twenty files that nobody has loaded yet.
void BM_LoadTwenty(benchmark::State& state) {
    for (auto _ : state) {
        state.PauseTiming(); // copies, so that a second round loads anew
        std::string dir = fs::temp_directory_path() / "castra-bench-XXXXXX";
        if (::mkdtemp(dir.data()) == nullptr) return state.SkipWithError("mkdtemp");
        for (int i = 1; i <= 20; ++i) {
            const auto name = "bench-" + std::to_string(i) + ".so";
            fs::copy_file(fs::path(CASTRA_BENCH_TWENTY) / name, fs::path(dir) / name);
            fs::permissions(fs::path(dir) / name, fs::perms(0644));
        }
        auto* registry = new PluginRegistry(services, policy()); // for ever, as above
        state.ResumeTiming();
        for (int i = 1; i <= 20; ++i) {
            const auto loaded = registry->load(fs::path(dir) / ("bench-" + std::to_string(i) + ".so"),
                                               {.sha256 = {}, .isolation = how_of(state)});
            if (!loaded) return state.SkipWithError(loaded.error().text.c_str());
        }
        state.PauseTiming();
        registry->end_processes();
        fs::remove_all(dir);
        state.ResumeTiming();
    }
}
BENCHMARK(BM_LoadTwenty)->Apply(both_ways)->Iterations(5)->Unit(benchmark::kMillisecond);

} // namespace
} // namespace castra

BENCHMARK_MAIN();
