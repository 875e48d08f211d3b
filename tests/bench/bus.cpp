// SPDX-License-Identifier: Apache-2.0
// What an event costs: checked publish to a journal file and two sinks, against spdlog's asynchronous logger writing
// the same bytes unchecked to a file and two sinks. Same run, same events, so the ratio means something; the absolute
// figures are of this machine. Latency is that of the publishing call. See docs/HACKING.md, Measure and fuzz.
#include "bus/event_bus.hpp"
#include "contract/decode.hpp"
#include "contract/encode.hpp"

#include <algorithm>
#include <benchmark/benchmark.h>
#include <filesystem>
#include <fstream>
#include <spdlog/async.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

namespace castra {
namespace {

using contract::Severity;

std::filesystem::path scratch(const char* name) {
    const auto path =
        std::filesystem::temp_directory_path() / (std::string("castra-bench-") + std::to_string(::getpid()) + name);
    std::filesystem::remove(path);
    return path;
}

class CountingSink final : public Sink {
public:
    explicit CountingSink(std::atomic<std::int64_t>& bytes) : bytes_(bytes) {}
    std::string name() const override { return "counting"; }
    Result<> deliver(const EncodedEvents& batch) override {
        std::int64_t sum = 0;
        for (const auto& event : batch)
            sum += static_cast<std::int64_t>(event.line.size());
        bytes_ += sum;
        return {};
    }
    Result<> finish() override { return {}; }

private:
    std::atomic<std::int64_t>& bytes_;
};

class CountingLogSink final : public spdlog::sinks::base_sink<std::mutex> {
public:
    std::int64_t bytes = 0;

protected:
    void sink_it_(const spdlog::details::log_msg& message) override {
        bytes += static_cast<std::int64_t>(message.payload.size());
    }
    void flush_() override {}
};

contract::Draft accepted() {
    contract::CommandAccepted event;
    for (int i = 0; i < 64; ++i)
        event.running.push_back({"vm-" + std::to_string(i), "01ARYZ6S410000000000000000"});
    return contract::draft(std::move(event), "up bench");
}

// What a busy run publishes: mostly progress and notes on VMs, none that asks for the disk.
contract::Draft typical(std::int64_t i) {
    return contract::message(Severity::info, "image tiny: layer 3 of 7 is verified, 1048576 bytes", "image_build")
        .on("vm-" + std::to_string(i % 64))
        .within("image:tiny");
}

// Percentiles of single calls; sampled, so that looking costs the figure little.
class Latency {
public:
    template <class Call>
    void measure(std::int64_t i, Call&& call) {
        if (i % 16 != 0) return call();
        const auto began = std::chrono::steady_clock::now();
        call();
        const auto took = std::chrono::steady_clock::now() - began;
        samples_.push_back(std::chrono::duration_cast<std::chrono::nanoseconds>(took).count());
    }
    void report(benchmark::State& state) {
        if (samples_.empty()) return;
        std::ranges::sort(samples_);
        const auto at = [&](double share) {
            return static_cast<double>(
                samples_[static_cast<std::size_t>(share * static_cast<double>(samples_.size() - 1))]);
        };
        const auto average = benchmark::Counter::kAvgThreads;
        state.counters["p50_ns"] = benchmark::Counter(at(0.5), average);
        state.counters["p99_ns"] = benchmark::Counter(at(0.99), average);
        state.counters["p999_ns"] = benchmark::Counter(at(0.999), average);
    }

private:
    std::vector<std::int64_t> samples_;
};

SinkLimits patient() {
    SinkLimits limits;
    limits.block_max = std::chrono::minutes(10); // the benchmark is nothing but a flood
    return limits;
}

std::unique_ptr<EventBus> bus;
std::atomic<std::int64_t> sink_bytes{0};
SystemClock wall;
std::filesystem::path file;

void BM_Publish(benchmark::State& state) {
    if (state.thread_index() == 0) {
        file = scratch("journal.ndjson");
        RunJournals journals;
        journals.main = std::move(*create_journal(file));
        bus = std::make_unique<EventBus>(RunIdentity{"01ARYZ6S410000000000000000", "up", "bench"}, wall,
                                         std::move(journals));
        bus->add_sink(std::make_unique<CountingSink>(sink_bytes), patient());
        bus->add_sink(std::make_unique<CountingSink>(sink_bytes), patient());
        bus->publish(accepted());
    }
    Latency latency;
    std::int64_t i = 0;
    for (auto _ : state) {
        latency.measure(i, [&] { bus->publish(typical(i)); });
        ++i;
    }
    latency.report(state);
    state.SetItemsProcessed(state.iterations());
    if (state.thread_index() == 0) {
        contract::Summary summary;
        bus->conclude(summary, {}, "done");
        if (bus->violations() > 0) state.SkipWithError("a typical event broke the contract");
        bus.reset();
        std::filesystem::remove(file);
    }
}
BENCHMARK(BM_Publish)->Threads(1)->Threads(4)->Threads(16)->UseRealTime()->MinTime(2.0);

// The line that the bus wrote for a typical event: what spdlog writes is as long.
std::string typical_line() {
    auto event = typical(7);
    auto& envelope = event.envelope;
    envelope.run_id = "01ARYZ6S410000000000000000";
    envelope.operation = "up";
    envelope.project = "bench";
    envelope.source = "kernel";
    envelope.time = "2026-11-23T13:06:02.000001Z";
    envelope.seq = 123456;
    envelope.elapsed_us = 1234567;
    std::string line;
    (void)contract::encode(event, line);
    line.pop_back();
    return line;
}

std::shared_ptr<spdlog::logger> logger;

void BM_SpdlogAsync(benchmark::State& state) {
    static const auto line = typical_line();
    if (state.thread_index() == 0) {
        file = scratch("spdlog.log");
        spdlog::init_thread_pool(JournalWriter::events_max, 1);
        const std::vector<spdlog::sink_ptr> sinks{std::make_shared<spdlog::sinks::basic_file_sink_mt>(file.string()),
                                                  std::make_shared<CountingLogSink>(),
                                                  std::make_shared<CountingLogSink>()};
        logger = std::make_shared<spdlog::async_logger>("bench", sinks.begin(), sinks.end(), spdlog::thread_pool(),
                                                        spdlog::async_overflow_policy::block);
        logger->set_pattern("%v");
    }
    Latency latency;
    std::int64_t i = 0;
    for (auto _ : state) {
        latency.measure(i, [&] { logger->info(line); });
        ++i;
    }
    latency.report(state);
    state.SetItemsProcessed(state.iterations());
    if (state.thread_index() == 0) {
        logger.reset();
        spdlog::shutdown();
        std::filesystem::remove(file);
    }
}
BENCHMARK(BM_SpdlogAsync)->Threads(1)->Threads(4)->Threads(16)->UseRealTime()->MinTime(2.0);

// Where the time of publish goes.
void BM_MakeEvent(benchmark::State& state) {
    std::int64_t i = 0;
    for (auto _ : state)
        benchmark::DoNotOptimize(typical(++i));
}
BENCHMARK(BM_MakeEvent);

void BM_Encode(benchmark::State& state) {
    auto event = typical(7);
    event.envelope.run_id = "01ARYZ6S410000000000000000";
    event.envelope.time = "2026-11-23T13:06:02.000001Z";
    std::string line;
    for (auto _ : state)
        benchmark::DoNotOptimize(contract::encode(event, line));
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(line.size()));
}
BENCHMARK(BM_Encode);

void BM_Admit(benchmark::State& state) {
    contract::Monitor monitor;
    auto first = accepted();
    first.envelope.seq = 1;
    first.envelope.source = "kernel";
    if (monitor.admit(first)) return state.SkipWithError("refused");
    auto event = typical(7);
    event.envelope.source = "kernel";
    event.envelope.seq = 1;
    for (auto _ : state) {
        ++event.envelope.seq;
        if (monitor.admit(event)) return state.SkipWithError("refused");
    }
}
BENCHMARK(BM_Admit);

void BM_Clocks(benchmark::State& state) {
    for (auto _ : state) {
        benchmark::DoNotOptimize(wall.unix_us());
        benchmark::DoNotOptimize(wall.monotonic_us());
    }
}
BENCHMARK(BM_Clocks);

void BM_Decode(benchmark::State& state) {
    const auto line = typical_line();
    for (auto _ : state)
        benchmark::DoNotOptimize(contract::decode(line, contract::ReaderMode::strict));
}
BENCHMARK(BM_Decode);

// Ten million events: the resident set afterwards, in MiB, after the first million and at the end.
double resident_mib() {
    std::ifstream statm("/proc/self/statm");
    std::int64_t total = 0;
    std::int64_t resident = 0;
    statm >> total >> resident;
    return static_cast<double>(resident * ::sysconf(_SC_PAGESIZE)) / (1024.0 * 1024.0);
}

void BM_TenMillionEvents(benchmark::State& state) {
    for (auto _ : state) {
        RunJournals journals;
        EventBus flood({"01ARYZ6S410000000000000000", "up", "bench"}, wall, std::move(journals));
        flood.add_sink(std::make_unique<CountingSink>(sink_bytes), patient());
        flood.publish(accepted());
        for (std::int64_t i = 1; i <= 10'000'000; ++i) {
            flood.publish(typical(i));
            if (i == 1'000'000) state.counters["mib_at_1M"] = resident_mib();
        }
        state.counters["mib_at_10M"] = resident_mib();
        flood.conclude({}, {}, "done");
    }
}
BENCHMARK(BM_TenMillionEvents)->Iterations(1)->Unit(benchmark::kMillisecond);

} // namespace
} // namespace castra

BENCHMARK_MAIN();
