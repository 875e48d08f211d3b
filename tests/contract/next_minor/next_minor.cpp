// SPDX-License-Identifier: Apache-2.0
// The registry of a contract 1.1 that does not exist: 1.0 with one more type, one more optional field, one more member
// of an object and one more value of an open enum, made as a developer would make them. Prints what castra would print
// of it. Usage: next_minor snapshot | schema | samples | docs | typescript
#include "contract/docs_page.hpp"
#include "contract/registry_build.hpp"
#include "contract/samples.hpp"
#include "contract/schema.hpp"
#include "contract/snapshot.hpp"
#include "contract/typescript.hpp"

#include <iostream>

namespace castra::contract {

struct VmPaused {
    static constexpr About about{
        "vm.paused", Family::vm_lifecycle, Severity::info, {"vm"}, "The VM stands still and keeps its memory.", "1.1"};
    std::string reason;
    static void describe(auto&& visit) {
        visit("reason", &VmPaused::reason, Note{"Why", {}, "\"snapshot\"", {"snapshot", "migration"}, "1.1"});
    }
};

struct NextLimits : Limits {
    std::int64_t retries_max = 0;
    static void describe(auto&& visit) {
        Limits::describe(visit);
        visit("retries_max", &NextLimits::retries_max, Note{"Tries per step", Unit::count, "3", {}, "1.1"});
    }
};

struct NextAccepted : CommandAccepted {
    NextLimits next_limits;
    static void describe(auto&& visit) {
        CommandAccepted::describe([&visit](std::string_view name, auto member, const Note& note) {
            if constexpr (std::is_same_v<decltype(member), Limits CommandAccepted::*>)
                visit(name, &NextAccepted::next_limits, note);
            else
                visit(name, member, note);
        });
    }
};

struct NextLaunch : VmLaunch {
    std::optional<std::int64_t> numa_node;
    static void describe(auto&& visit) {
        VmLaunch::describe([&visit](std::string_view name, auto member, const Note& note) {
            if (name == "accelerator")
                visit(name, member,
                      Note{note.meaning, note.unit, note.example, {"kvm", "tcg", "none", "hvf"}, note.since});
            else
                visit(name, member, note);
        });
        visit("numa_node", &NextLaunch::numa_node, Note{"Where its memory lies", {}, "0", {}, "1.1"});
    }
};

template <class E>
struct Successor {
    using type = E;
};
template <>
struct Successor<VmLaunch> {
    using type = NextLaunch;
};
template <>
struct Successor<CommandAccepted> {
    using type = NextAccepted;
};

template <class Types>
struct NextOf;
template <class... E>
struct NextOf<std::tuple<E...>> {
    using type = std::tuple<typename Successor<E>::type..., VmPaused>;
};

} // namespace castra::contract

int main(int argc, char** argv) {
    using namespace castra::contract;
    const auto next = registry_of<NextOf<EventTypes>::type>("1.1");
    const std::string_view what = argc > 1 ? argv[1] : "";
    if (what == "snapshot")
        std::cout << snapshot(next).dump(2) << "\n";
    else if (what == "schema")
        std::cout << event_schema(SchemaForm::closed, SchemaVocabulary::draft_2020_12, next).dump(2) << "\n";
    else if (what == "samples")
        std::cout << sample_lines(next);
    else if (what == "docs")
        std::cout << docs_page(next);
    else if (what == "typescript")
        std::cout << typescript_module(next);
    else
        return 2;
    return 0;
}
