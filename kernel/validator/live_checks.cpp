// SPDX-License-Identifier: Apache-2.0
#include "validator/live_checks.hpp"

#include "castra/abi/bootstrap_step.h"
#include "castra/abi/broker_launcher.h"
#include "castra/abi/launcher.h"
#include "castra/abi/reporter.h"
#include "plugin/isolated_plugin.hpp"
#include "plugin/json_text.hpp"
#include "plugin/sha256.hpp"
#include "validator/subject.hpp"

#include <functional>
#include <sys/eventfd.h>
#include <thread>

namespace castra {
namespace {

using nlohmann::json;
using Clock = std::chrono::steady_clock;

constexpr std::int64_t load_ms_max = 2000, give_up_ms_max = 3000, destroy_ms_max = 2000;
constexpr int cycles = 30;

struct Bench {
    std::filesystem::path file, host_program, scratch;
};

std::size_t entries_of(const char* dir) {
    std::error_code problem;
    std::size_t count = 0;
    for (std::filesystem::directory_iterator entry(dir, problem), end; !problem && entry != end;
         entry.increment(problem))
        ++count;
    return count;
}

std::string told(const SlotAnswer& answer) {
    return answer.error.empty() ? "" : ": " + clipped(answer.error, 200);
}

// ---- 2 load ---------------------------------------------------------------------------------------------------------

// Which check a refused load belongs to.
std::string check_of(const std::string& text) {
    const auto speaks_of = [&](std::string_view word) { return text.find(word) != std::string::npos; };
    if (speaks_of("while it was loaded")) return "load.state";
    if (speaks_of("its init answered")) return "load.init";
    if (speaks_of("does not provide it") || speaks_of("the published one has")) return "shape.kinds";
    if (speaks_of("its table") || speaks_of("no table") || speaks_of("plugin ABI")) return "load.table";
    return "load.loads";
}

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

// ---- 3 shape --------------------------------------------------------------------------------------------------------

const std::vector<std::string>& all_kinds() {
    static const std::vector<std::string> kinds{CASTRA_LAUNCHER_V1, CASTRA_BROKER_LAUNCHER_V1, CASTRA_BOOTSTRAP_STEP_V1,
                                                CASTRA_REPORTER_V1};
    return kinds;
}

CheckResult shape_unknown(Subject& subject, const Bench&) {
    const auto* table = subject.table();
    for (const auto* id : {"castra.nonsense/1", "", "castra.reporter/99", "castra.reporter/1 "}) {
        if (table == nullptr || table->find_interface(id) != nullptr)
            return check_failed("provides an interface for \"" + std::string(id) + "\"",
                                "find_interface answers NULL for what it does not know");
        void* instance = nullptr;
        const auto answer = subject.create(id, "{}", &instance);
        if (answer.status == CASTRA_OK || instance != nullptr)
            return check_failed("makes an instance of \"" + std::string(id) + "\"",
                                "create answers CASTRA_UNSUPPORTED for what it does not know");
    }
    return check_passed();
}

CheckResult shape_declared(Subject& subject, const Bench&) {
    const auto* table = subject.table();
    for (const auto& kind : all_kinds())
        if (!subject.manifest().provides(kind) && (table == nullptr || table->find_interface(kind.c_str()) != nullptr))
            return check_failed("provides " + kind + ", but its manifest does not declare it", "add it to \"kinds\"");
    return check_passed();
}

CheckResult shape_slots(Subject& subject, const Bench&) {
    const std::vector<std::pair<std::string, std::uint32_t>> needed{
        {CASTRA_LAUNCHER_V1, CASTRA_LAUNCHER_PLAN},
        {CASTRA_BROKER_LAUNCHER_V1, CASTRA_BROKER_LAUNCHER_PLAN},
        {CASTRA_BOOTSTRAP_STEP_V1, CASTRA_BOOTSTRAP_STEP_PLAN},
        {CASTRA_BOOTSTRAP_STEP_V1, CASTRA_BOOTSTRAP_STEP_APPLY},
        {CASTRA_REPORTER_V1, CASTRA_REPORTER_EVENTS}};
    for (const auto& [kind, slot] : needed)
        if (subject.manifest().provides(kind) && !subject.has_slot(kind, slot))
            return check_failed("lacks slot " + std::to_string(slot) + " of " + kind, "this slot is not optional");
    return check_passed();
}

// ---- 4 config -------------------------------------------------------------------------------------------------------

CheckResult config_default(Subject& subject, const Bench&) {
    for (const auto& kind : subject.manifest().kinds) {
        std::string why;
        void* instance = subject.make(kind, &why);
        if (instance == nullptr)
            return check_failed("no instance of " + kind + " with its defaults or an example: " + clipped(why, 300),
                                "put an example that works into config_schema's \"examples\"");
        subject.destroy(instance);
    }
    return check_passed();
}

// Each of these is made, or refused with a proper error.
CheckResult make_or_refuse(Subject& subject, const std::vector<std::string>& configs) {
    for (const auto& kind : subject.manifest().kinds)
        for (const auto& config : configs) {
            const auto answer = subject.create(kind, config);
            if (answer.status == CASTRA_OK) continue;
            const auto shown = clipped(config, 80);
            if (const auto problem = problem_of_error(answer); !problem.empty())
                return check_failed("with the config " + shown + ": " + problem,
                                    "an error is {code, title, detail?, field_path?, hint?}");
            if (answer.status == CASTRA_INTERNAL)
                return check_failed("with the config " + shown + " has an internal error" + told(answer),
                                    "throw Refusal for what can go wrong");
        }
    return check_passed();
}

// One config for each property, with `values` in its place; the rest as in a config that works.
std::vector<std::string> variations(const Subject& subject, const std::vector<json>& values, bool strings_only) {
    std::vector<std::string> all;
    const auto configs = subject.configs();
    const auto base = configs.empty() ? json::object() : configs.front();
    const auto properties = subject.manifest().config_schema.value("properties", json::object());
    for (const auto& property : properties.items()) {
        const bool is_string = property.value().is_object() && property.value().value("type", json()) == "string";
        if (strings_only && !is_string) continue;
        for (const auto& value : values) {
            auto config = base;
            config[property.key()] = value;
            all.push_back(config.dump());
        }
    }
    for (const auto& value : values)
        all.push_back(json{{"no-such-option-of-anybody", value}}.dump());
    return all;
}

CheckResult config_wrong(Subject& subject, const Bench&) {
    return make_or_refuse(subject,
                          variations(subject, {nullptr, true, -1, 1e300, "", json::array(), json::object()}, false));
}
CheckResult config_missing(Subject& subject, const Bench&) {
    std::vector<std::string> all{"{}"};
    for (const auto& config : subject.configs())
        for (const auto& entry : config.items()) {
            auto without = config;
            without.erase(entry.key());
            all.push_back(without.dump());
        }
    return make_or_refuse(subject, all);
}
CheckResult config_garbage(Subject& subject, const Bench&) {
    return make_or_refuse(subject, {"", "not json", "[]", "{", "null", std::string("{\"a\":\0}", 7),
                                    "{\"a\":" + std::string(5000, '[') + std::string(5000, ']') + "}"});
}
CheckResult config_huge(Subject& subject, const Bench&) {
    return make_or_refuse(subject, variations(subject, {std::string(std::size_t{1} << 20, 'x')}, true));
}
CheckResult config_nul(Subject& subject, const Bench&) {
    return make_or_refuse(subject, variations(subject, {std::string("a\0b", 3)}, true));
}
CheckResult config_unicode(Subject& subject, const Bench&) {
    return make_or_refuse(subject,
                          variations(subject, {"\xf0\x9f\x98\x80 \xe2\x80\xae \xc2\x9b\x33\x31m \x1b[2J"}, true));
}
CheckResult config_field_path(Subject& subject, const Bench&) {
    const auto properties = subject.manifest().config_schema.value("properties", json::object());
    const auto configs = subject.configs();
    for (const auto& kind : subject.manifest().kinds)
        for (const auto& property : properties.items())
            for (const auto& value : {json(nullptr), json(-1), json(""), json::array()}) {
                auto config = configs.empty() ? json::object() : configs.front();
                config[property.key()] = value;
                const auto answer = subject.create(kind, config.dump());
                const auto said = parse_json_object(answer.error);
                if (answer.status == CASTRA_OK || !said) continue;
                const auto path = said->value("field_path", json(""));
                if (!path.is_string()) return check_failed("its field_path is no text: " + path.dump());
                const auto& text = path.get_ref<const std::string&>();
                if (text.empty()) continue;
                const auto first =
                    text.substr(1, text.find('/', 1) == std::string::npos ? text.size() : text.find('/', 1) - 1);
                if (text[0] != '/' || !properties.contains(first))
                    return check_failed("says that \"" + clipped(text) +
                                            "\" is at fault, which its config does not have",
                                        "field_path is a JSON pointer: \"/" + property.key() + "\"");
            }
    return check_passed();
}

// ---- 5 the kinds ----------------------------------------------------------------------------------------------------

// For each kind a fresh instance; the first complaint counts.
CheckResult each_kind(Subject& subject, const std::function<std::string(const std::string&, void*)>& examine,
                      const std::string& hint) {
    for (const auto& kind : subject.manifest().kinds) {
        void* instance = subject.make(kind);
        if (instance == nullptr) return check_skipped("no instance of " + kind);
        const auto problem = examine(kind, instance);
        subject.destroy(instance);
        if (!problem.empty()) return check_failed(kind + ", " + problem, hint);
    }
    return check_passed();
}

std::string problem_of(const std::string& kind, const SlotRequest& asked, const SlotAnswer& answer) {
    if (answer.status == CASTRA_OK) return problem_of_reply(kind, asked.slot, answer.reply);
    if (answer.status != CASTRA_FAILED)
        return "answers status " + std::to_string(answer.status) + " to a proper request" + told(answer);
    return problem_of_error(answer);
}

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

// ---- 6 cancelling ---------------------------------------------------------------------------------------------------

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

// ---- 7 faults -------------------------------------------------------------------------------------------------------

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

// ---- the table ------------------------------------------------------------------------------------------------------

using Examine = CheckResult (*)(Subject&, const Bench&);
struct Entry {
    LiveCheck check;
    Examine examine; // null: a check of loading itself
};

const std::vector<Entry>& entries() {
    static const std::vector<Entry> all{
        {{"load.loads", 2}, nullptr},
        {{"load.table", 2}, nullptr},
        {{"load.init", 2}, nullptr},
        {{"load.state", 2}, nullptr},
        {{"load.quiet", 2}, nullptr},
        {{"load.quick", 2}, nullptr},
        {{"load.descriptors", 2}, nullptr},
        {{"shape.kinds", 3}, nullptr},
        {{"shape.unknown", 3}, shape_unknown},
        {{"shape.declared", 3}, shape_declared},
        {{"shape.slots", 3}, shape_slots},
        {{"config.default", 4}, config_default},
        {{"config.missing", 4}, config_missing},
        {{"config.wrong", 4}, config_wrong},
        {{"config.garbage", 4}, config_garbage},
        {{"config.huge", 4}, config_huge},
        {{"config.nul", 4}, config_nul},
        {{"config.unicode", 4}, config_unicode},
        {{"config.field_path", 4}, config_field_path},
        {{"kind.answers", 5}, kind_answers},
        {{"kind.pure", 5}, kind_pure},
        {{"kind.unknown_fields", 5}, kind_unknown_fields},
        {{"kind.errors", 5}, kind_errors},
        {{"kind.isolated", 5}, kind_isolated},
        {{"cancel.expired", 6}, cancel_expired},
        {{"cancel.late", 6}, cancel_late},
        {{"cancel.destroy", 6}, cancel_destroy},
        {{"faults.host", 7}, faults_host},
        {{"faults.sink", 7}, faults_sink},
        {{"faults.leaks", 7}, faults_leaks},
        {{"faults.threads", 7}, faults_threads},
        {{"faults.after_error", 7}, faults_after_error},
    };
    return all;
}

} // namespace

const std::vector<LiveCheck>& live_checks() {
    static const std::vector<LiveCheck> all = [] {
        std::vector<LiveCheck> checks;
        for (const auto& entry : entries())
            checks.push_back(entry.check);
        return checks;
    }();
    return all;
}

CheckResult run_live_check(std::string_view name, const std::filesystem::path& file,
                           const std::filesystem::path& host_program, const std::filesystem::path& scratch) {
    const Bench bench{file, host_program, scratch};
    for (const auto& entry : entries()) {
        if (entry.check.name != name) continue;
        if (entry.examine == nullptr) return load_check(bench, name);
        Subject subject(file, scratch, name == "faults.host");
        if (const auto loaded = subject.load(); !loaded) return check_skipped("it does not load");
        return entry.examine(subject, bench);
    }
    return check_failed("there is no check " + std::string(name));
}

} // namespace castra
