// SPDX-License-Identifier: Apache-2.0
#include "validator/level_checks.hpp"

#include "castra/abi/bootstrap_step.h"
#include "castra/abi/broker_launcher.h"
#include "castra/abi/launcher.h"
#include "castra/abi/reporter.h"

#include <sys/eventfd.h>
#include <thread>
#include <unistd.h>

namespace castra {
namespace {

using nlohmann::json;
using Clock = std::chrono::steady_clock;

constexpr std::int64_t give_up_ms_max = 3000, destroy_ms_max = 2000;

std::vector<SlotRequest> with_apply(const Subject& subject, const std::string& kind) {
    auto all = subject.conversation(kind);
    if (kind == CASTRA_BOOTSTRAP_STEP_V1) {
        auto apply = all.front();
        apply.slot = CASTRA_BOOTSTRAP_STEP_APPLY;
        apply.name = "apply";
        apply.request["plan"] = {{"action", "would_run"}};
        all.push_back(apply);
    }
    return all;
}

CheckResult cancel_expired(Subject& subject, const Bench&) {
    const int cancel_fd = ::eventfd(1, EFD_CLOEXEC);
    return each_kind(
        subject,
        [&](const std::string& kind, void* instance) -> std::string {
            for (const auto& asked : with_apply(subject, kind)) {
                if (!subject.has_slot(kind, asked.slot)) continue;
                const CallOptions options{Clock::now() - std::chrono::seconds(1), cancel_fd};
                const auto answer = subject.call(kind, instance, asked.slot, asked.request.dump(), options);
                if (answer.duration_ms > give_up_ms_max)
                    return asked.name + ": goes on for " + std::to_string(answer.duration_ms) +
                           " ms although its deadline has passed";
            }
            return {};
        },
        "look at Call: cancelled(), remaining(), throw_if_cancelled()");
}

CheckResult cancel_late(Subject& subject, const Bench&) {
    return each_kind(
        subject,
        [&](const std::string& kind, void* instance) -> std::string {
            for (const auto& asked : with_apply(subject, kind)) {
                if (!subject.has_slot(kind, asked.slot)) continue;
                const int cancel_fd = ::eventfd(0, EFD_CLOEXEC);
                std::thread canceller([cancel_fd] {
                    std::this_thread::sleep_for(std::chrono::milliseconds(100));
                    ::eventfd_write(cancel_fd, 1);
                });
                const auto answer =
                    subject.call(kind, instance, asked.slot, asked.request.dump(), {std::nullopt, cancel_fd});
                canceller.join();
                ::close(cancel_fd);
                if (answer.duration_ms > give_up_ms_max)
                    return asked.name + ": goes on for " + std::to_string(answer.duration_ms) +
                           " ms although it is cancelled";
            }
            return {};
        },
        "look at Call: cancel_fd() becomes readable");
}

CheckResult cancel_destroy(Subject& subject, const Bench&) {
    for (const auto& kind : subject.manifest().kinds) {
        void* instance = subject.make(kind);
        if (instance == nullptr) return check_skipped("no instance of " + kind);
        for (const auto& asked : subject.conversation(kind))
            if (subject.has_slot(kind, asked.slot)) subject.call(kind, instance, asked.slot, asked.request.dump());
        const auto took = subject.destroy(instance);
        if (took > destroy_ms_max)
            return check_failed(kind + ": takes " + std::to_string(took) + " ms to be destroyed",
                                "flush and close are where a reporter may wait");
    }
    return check_passed();
}

} // namespace

std::vector<LevelCheck> cancel_checks() {
    return {
        {"cancel.expired", cancel_expired},
        {"cancel.late", cancel_late},
        {"cancel.destroy", cancel_destroy},
    };
}

} // namespace castra
