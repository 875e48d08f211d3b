// SPDX-License-Identifier: Apache-2.0
#include "validator/level_checks.hpp"

#include "castra/abi/bootstrap_step.h"
#include "castra/abi/broker_launcher.h"
#include "castra/abi/launcher.h"
#include "castra/abi/reporter.h"
#include "plugin/isolated_plugin.hpp"
#include "plugin/json_text.hpp"
#include "plugin/sha256.hpp"

namespace castra {
namespace {

using nlohmann::json;

CheckResult kind_pure(Subject& subject, const Bench&) {
    return each_kind(
        subject,
        [&](const std::string& kind, void* instance) -> std::string {
            void* other = subject.make(kind);
            std::string problem;
            for (const auto& asked : subject.conversation(kind)) {
                if (!asked.is_pure || !subject.has_slot(kind, asked.slot) || other == nullptr) continue;
                const auto first = subject.call(kind, instance, asked.slot, asked.request.dump());
                const auto second = subject.call(kind, instance, asked.slot, asked.request.dump());
                const auto third = subject.call(kind, other, asked.slot, asked.request.dump());
                if (first.reply != second.reply || first.reply != third.reply || first.status != second.status)
                    problem = asked.name + ": the same request twice has two replies";
            }
            if (other != nullptr) subject.destroy(other);
            return problem;
        },
        "a plan depends on its request alone: no clock, no counter, no random number");
}

CheckResult kind_unknown_fields(Subject& subject, const Bench&) {
    return each_kind(
        subject,
        [&](const std::string& kind, void* instance) -> std::string {
            for (const auto& asked : subject.conversation(kind)) {
                if (!subject.has_slot(kind, asked.slot)) continue;
                auto newer = asked.request;
                newer["added_in_1_9"] = {{"a", {1, "b", nullptr}}};
                if (newer.contains("vm")) newer["vm"]["added_in_1_9"] = true;
                const auto answer = subject.call(kind, instance, asked.slot, newer.dump());
                if (const auto problem = problem_of(kind, asked, answer); !problem.empty())
                    return asked.name + ": with a field that it does not know: " + problem;
            }
            return {};
        },
        "ignore fields that you do not know: castra adds some");
}

CheckResult kind_errors(Subject& subject, const Bench&) {
    const std::vector<std::string> bad{"",
                                       "not json",
                                       "[]",
                                       "{",
                                       R"({"vm":5,"events":7,"run_id":[],"project":{}})",
                                       R"({"events":[{"line":1}],"vm":{"name":[]}})"};
    return each_kind(
        subject,
        [&](const std::string& kind, void* instance) -> std::string {
            for (const auto& asked : subject.conversation(kind)) {
                if (!subject.has_slot(kind, asked.slot)) continue;
                for (const auto& request : bad) {
                    const auto answer = subject.call(kind, instance, asked.slot, request);
                    if (answer.status == CASTRA_OK) continue;
                    if (const auto problem = problem_of_error(answer); !problem.empty())
                        return asked.name + ": to " + (request.empty() ? "nothing" : request) + ": " + problem;
                    if (answer.status == CASTRA_INTERNAL)
                        return asked.name + ": has an internal error at " + request + told(answer);
                }
            }
            return {};
        },
        "an error is {code, title, detail?, field_path?, hint?}");
}

CheckResult kind_isolated(Subject& subject, const Bench& bench) {
    if (!subject.manifest().accepts_isolation("process")) return check_skipped("it does not accept to run isolated");
    const auto digest = sha256_of_file(bench.file);
    if (!digest) return check_failed(digest.error().text);
    MuteHost host;
    PluginPolicy policy;
    policy.host_program = bench.host_program;
    const auto isolated = std::make_shared<IsolatedPlugin>(
        PluginOrigin{bench.file, *digest, subject.manifest(), ContractVersion{}}, policy, host);
    if (const auto loaded = isolated->load(); !loaded) return check_failed(loaded.error().text, loaded.error().hint);
    const auto shown = [](const Result<json>& answer) {
        return answer ? answer->dump() : answer.error().text + " | " + answer.error().hint;
    };
    for (const auto& kind : subject.manifest().kinds)
        for (const auto& config : subject.configs()) {
            auto here = PluginInstance::create(subject.library(), kind, config);
            auto there = PluginInstance::create(isolated, kind, config);
            if (here.has_value() != there.has_value())
                return check_failed("isolated and in-process do not agree on the config " + config.dump() + ": " +
                                    (here ? there.error().text : here.error().text));
            if (!here) continue;
            for (const auto& asked : subject.conversation(kind)) {
                const auto one = shown(here->call(asked.slot, asked.request));
                const auto other = shown(there->call(asked.slot, asked.request));
                if (one != other)
                    return check_failed(kind + ", " + asked.name + " answers in-process " + clipped(one, 200) +
                                            ", and isolated " + clipped(other, 200),
                                        "an answer depends on request and config alone");
            }
        }
    return check_passed();
}

} // namespace

CheckResult kind_answers(Subject& subject, const Bench&) {
    return each_kind(
        subject,
        [&](const std::string& kind, void* instance) -> std::string {
            for (const auto& asked : subject.conversation(kind)) {
                if (!subject.has_slot(kind, asked.slot)) continue;
                const auto answer = subject.call(kind, instance, asked.slot, asked.request.dump());
                if (const auto problem = problem_of(kind, asked, answer); !problem.empty())
                    return asked.name + ": " + problem;
            }
            return {};
        },
        "castra sends this request; its schema is in the headers of castra/sdk");
}

std::vector<LevelCheck> kind_checks() {
    return {
        {"kind.answers", kind_answers}, {"kind.pure", kind_pure},         {"kind.unknown_fields", kind_unknown_fields},
        {"kind.errors", kind_errors},   {"kind.isolated", kind_isolated},
    };
}

} // namespace castra
