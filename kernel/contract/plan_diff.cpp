// SPDX-License-Identifier: Apache-2.0
#include "contract/plan_diff.hpp"

#include "contract/events.hpp"

namespace castra::contract {
namespace {

std::string text_of(const Json& object, const char* key) {
    const auto found = object.find(key);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

Json field_of(const Json& object, const char* key) {
    const auto found = object.find(key);
    return found != object.end() ? *found : Json();
}

// Words for people: they may differ where the plan does not.
bool is_words(std::string_view field) {
    return field == "reason" || field == "warnings";
}

// An automatic port is 0 until a launch decides it.
Json with_port_of(Json ssh, const Json& actual) {
    if (ssh.is_object() && actual.is_object() && field_of(ssh, "port") == 0) ssh["port"] = field_of(actual, "port");
    return ssh;
}

// The result that a plan promises.
Json promised(const Json& planned) {
    if (planned.is_null()) return {};
    const auto action = text_of(planned, "action");
    if (action == "would_run") return "success";
    if (action == "would_skip" && text_of(planned, "mode") != "skip") return "noop"; // the guest is asked
    return {};
}

} // namespace

PlanDiff::Vm* PlanDiff::vm_of(const Json& event) {
    if (!event.is_object() || text_of(event, "family") != "bootstrap") return nullptr;
    const auto name = text_of(event, "vm");
    if (name.empty()) return nullptr;
    const auto [at, is_new] = vms_.try_emplace(name);
    if (is_new) order_.push_back(name);
    return &at->second;
}

void PlanDiff::plan(const Json& event) {
    if (text_of(event, "type") != BootstrapPlanned::about.type) return;
    if (auto* vm = vm_of(event)) {
        vm->planned = event;
        has_plan_ = true;
    }
}

void PlanDiff::run(const Json& event) {
    auto* vm = vm_of(event);
    if (vm == nullptr) return;
    const auto type = text_of(event, "type");
    if (type == BootstrapPlanned::about.type) vm->replanned = event;
    if (type == BootstrapStep::about.type) vm->steps.push_back(field_of(event, "step"));
    if (type == BootstrapCompleted::about.type) vm->result = field_of(event, "status");
    if (type == BootstrapFailed::about.type) {
        const auto error = event.find("error");
        vm->result = "failed at " + text_of(event, "step") + ": " +
                     (error != event.end() && error->is_object() ? text_of(*error, "code") : "");
    }
}

void PlanDiff::compare(const std::string& name, const Vm& vm, std::vector<PlanDifference>& into) {
    const auto look = [&](const char* what, Json planned, Json actual) {
        if (planned != actual) into.push_back({name, what, std::move(planned), std::move(actual)});
    };
    if (!vm.planned.is_null() && !vm.replanned.is_null())
        BootstrapPlanned::describe([&](const char* field, auto, const Note&) {
            if (is_words(field)) return;
            const auto actual = field_of(vm.replanned, field);
            look(field, with_port_of(field_of(vm.planned, field), actual), actual);
        });
    look("result", promised(vm.planned), vm.result);
    if (vm.result == "success" && !vm.planned.is_null()) look("steps_done", field_of(vm.planned, "steps"), vm.steps);
}

std::vector<PlanDifference> PlanDiff::differences() const {
    std::vector<PlanDifference> all;
    for (const auto& name : order_)
        compare(name, vms_.at(name), all);
    return all;
}

} // namespace castra::contract
