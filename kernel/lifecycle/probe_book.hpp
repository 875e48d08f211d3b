// SPDX-License-Identifier: Apache-2.0
// Runs the experiments that launchers ask for and remembers their verdicts: in memory, and on disk for this boot of the
// machine. Two VMs that ask for the same probe share one run.
// Thread: the kernel's. Limits: a probe's deadline is cut to deadline_max.
#pragma once
#include "castra/sdk/launch_plan.hpp"
#include "host/host.hpp"

#include <filesystem>
#include <map>

namespace castra {

class ProbeBook {
public:
    static constexpr Milliseconds deadline_max{30000};

    // `cache`: where verdicts live; `scratch`: where probes may write while they run.
    ProbeBook(Host& host, std::filesystem::path cache, std::filesystem::path scratch);

    // When `cancel` opens, the probe is killed, and what this returns is no verdict: nobody remembers it.
    Task<sdk::ProbeVerdict> verdict(sdk::Probe probe, Gate& cancel);

private:
    std::string key_of(const sdk::Probe& probe) const;
    Task<sdk::ProbeVerdict> run(const sdk::Probe& probe, const std::string& key, Gate& cancel);

    struct Page {
        explicit Page(const Executor& executor) : done(executor) {}
        Gate done;
        sdk::ProbeVerdict verdict;
    };
    Host& host_;
    std::filesystem::path cache_, scratch_;
    std::map<std::string, std::shared_ptr<Page>> pages_;
};

} // namespace castra
