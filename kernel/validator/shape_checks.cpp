// SPDX-License-Identifier: Apache-2.0
#include "validator/level_checks.hpp"

#include "castra/abi/bootstrap_step.h"
#include "castra/abi/broker_launcher.h"
#include "castra/abi/launcher.h"
#include "castra/abi/reporter.h"

namespace castra {
namespace {

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

} // namespace

std::vector<LevelCheck> shape_checks() {
    return {
        {"shape.kinds", nullptr},
        {"shape.unknown", shape_unknown},
        {"shape.declared", shape_declared},
        {"shape.slots", shape_slots},
    };
}

} // namespace castra
