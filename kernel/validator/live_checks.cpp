// SPDX-License-Identifier: Apache-2.0
#include "validator/live_checks.hpp"

#include "plugin/json_text.hpp"
#include "validator/level_checks.hpp"

namespace castra {
namespace {

struct Entry {
    LiveCheck check;
    LevelCheck how;
};

std::vector<Entry> entries() {
    std::vector<Entry> all;
    int level = 2;
    for (const auto& checks :
         {load_checks(), shape_checks(), config_checks(), kind_checks(), cancel_checks(), fault_checks()}) {
        for (const auto& check : checks)
            all.push_back({{check.name, level}, check});
        ++level;
    }
    return all;
}

} // namespace

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
        if (entry.how.examine == nullptr) return load_check(bench, name);
        Subject subject(file, scratch, name == "faults.host");
        if (const auto loaded = subject.load(); !loaded) return check_skipped("it does not load");
        return entry.how.examine(subject, bench);
    }
    return check_failed("there is no check " + std::string(name));
}

} // namespace castra
