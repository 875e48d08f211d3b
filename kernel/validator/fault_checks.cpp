// SPDX-License-Identifier: Apache-2.0
#include "validator/level_checks.hpp"

#include <thread>

namespace castra {
namespace {

constexpr int cycles = 30;

CheckResult faults_host(Subject& subject, const Bench&) {
    return kind_answers(subject, {});
}

CheckResult faults_sink(Subject& subject, const Bench&) {
    return each_kind(
        subject,
        [&](const std::string& kind, void* instance) -> std::string {
            for (const auto& asked : subject.conversation(kind)) {
                if (!subject.has_slot(kind, asked.slot)) continue;
                const auto answer = subject.call(kind, instance, asked.slot, asked.request.dump(), {}, false);
                if (answer.status == CASTRA_OK && answer.has_written)
                    return asked.name + ": says CASTRA_OK although its reply was not taken";
            }
            return {};
        },
        "a sink that answers something else than 0 has not taken the bytes");
}

CheckResult faults_leaks(Subject& subject, const Bench&) {
    const auto cycle = [&](const std::string& kind) {
        void* instance = subject.make(kind);
        if (instance == nullptr) return;
        for (const auto& asked : subject.conversation(kind))
            if (subject.has_slot(kind, asked.slot)) subject.call(kind, instance, asked.slot, asked.request.dump());
        subject.destroy(instance);
    };
    for (const auto& kind : subject.manifest().kinds) {
        cycle(kind);
        const auto descriptors = entries_of("/proc/self/fd"), threads = entries_of("/proc/self/task");
        for (int i = 0; i < cycles; ++i)
            cycle(kind);
        if (entries_of("/proc/self/fd") > descriptors)
            return check_failed(kind + ": loses a descriptor each time", "close in the destructor what was opened");
        if (entries_of("/proc/self/task") > threads + 1)
            return check_failed(kind + ": leaves a thread each time", "join in the destructor what was started");
    }
    return check_passed();
}

CheckResult faults_threads(Subject& subject, const Bench&) {
    std::string problem;
    for (const auto& kind : subject.manifest().kinds) {
        void* instance = nullptr;
        std::thread([&] { instance = subject.make(kind); }).join();
        if (instance == nullptr) continue;
        for (const auto& asked : subject.conversation(kind))
            std::thread([&] {
                if (!subject.has_slot(kind, asked.slot)) return;
                const auto answer = subject.call(kind, instance, asked.slot, asked.request.dump());
                if (const auto wrong = problem_of(kind, asked, answer); !wrong.empty() && problem.empty())
                    problem = kind + ", " + asked.name + ": " + wrong;
            }).join();
        std::thread([&] { subject.destroy(instance); }).join();
    }
    return problem.empty() ? check_passed()
                           : check_failed("called by another thread than made it: " + problem,
                                          "an instance is called by one thread at a time, not always the same one");
}

// An instance that was asked nonsense answers as one that was not.
CheckResult faults_after_error(Subject& subject, const Bench&) {
    return each_kind(
        subject,
        [&](const std::string& kind, void* instance) -> std::string {
            void* fresh = subject.make(kind);
            if (fresh == nullptr) return {};
            std::string problem;
            for (const auto& asked : subject.conversation(kind))
                if (subject.has_slot(kind, asked.slot)) subject.call(kind, instance, asked.slot, "[]");
            for (const auto& asked : subject.conversation(kind)) {
                if (!subject.has_slot(kind, asked.slot)) continue;
                const auto before = subject.call(kind, fresh, asked.slot, asked.request.dump());
                const auto after = subject.call(kind, instance, asked.slot, asked.request.dump());
                if (before.status != after.status && problem.empty())
                    problem = asked.name + ": after a request that did not fit it answers status " +
                              std::to_string(after.status) + told(after);
            }
            subject.destroy(fresh);
            return problem;
        },
        "an instance lives on after an error");
}

} // namespace

std::vector<LevelCheck> fault_checks() {
    return {
        {"faults.host", faults_host},
        {"faults.sink", faults_sink},
        {"faults.leaks", faults_leaks},
        {"faults.threads", faults_threads},
        {"faults.after_error", faults_after_error},
    };
}

} // namespace castra
