// SPDX-License-Identifier: Apache-2.0
#include "live_view.hpp"

#include "event_fields.hpp"
#include "printable.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

namespace castra::console {
namespace {

using sdk::Json;

constexpr std::size_t name_columns_max = 24;

// Steps on the way, which the VM's own line shows.
bool is_under_way(std::string_view type) {
    static constexpr std::array<std::string_view, 7> types = {"vm.launch",
                                                              "vm.shutdown_requested",
                                                              "vm.cooperative_succeeded",
                                                              "vm.overlay_discarded",
                                                              "bootstrap.started",
                                                              "bootstrap.step",
                                                              "vm.exited"};
    return std::ranges::find(types, type) != types.end();
}

bool is_end_of_work(std::string_view type) {
    return type == "vm.ready" || type == "bootstrap.completed" || type == "bootstrap.failed" ||
           type == "vm.shutdown_complete";
}

// What follows on `step`; empty: the first. Whoever planned no steps gets no name.
std::string step_after(const std::vector<std::string>& steps, const std::string& step) {
    auto at = steps.begin();
    if (!step.empty()) at = std::find(steps.begin(), steps.end(), step);
    if (!step.empty() && at != steps.end()) ++at;
    return at == steps.end() ? "bootstrap" : printable(*at);
}

std::string phase_after(const std::string& type, const Json& event, const std::vector<std::string>& steps) {
    if (type == "vm.image_verified" || type == "vm.overlay_prepared") return "prepare";
    if (type == "vm.launch") return "boot";
    if (type == "bootstrap.started") return step_after(steps, "");
    if (type == "bootstrap.step") return step_after(steps, text_of(event, "step"));
    if (type == "vm.shutdown_requested" || type.starts_with("vm.cooperative")) return "stop";
    if (type == "vm.shutdown_escalated") return "force";
    return {};
}

std::string progress_of(const Json& event) {
    const auto& progress = child_of(event, "progress");
    const auto current = number_of(progress, "current", -1), total = number_of(progress, "total", -1);
    if (total > 0 && current >= 0) {
        const auto share = std::min(current / total, 1.0);
        const auto full = static_cast<std::size_t>(10 * share);
        return "[" + std::string(full, '#') + std::string(10 - full, '.') + "] " +
               std::to_string(static_cast<int>(100 * share)) + "%  " + printable(text_of(event, "message"));
    }
    if (current < 0) return printable(text_of(event, "message"));
    char count[64];
    std::snprintf(count, sizeof count, "%.0f ", current);
    return count + printable(text_of(progress, "unit")) + "  " + printable(text_of(event, "message"));
}

// What makes two warnings the same: all but the VM's name.
std::string sameness(const Json& event, const std::string& severity) {
    auto message = text_of(event, "message");
    const auto vm = text_of(event, "vm");
    for (auto at = vm.empty() ? message.npos : message.find(vm); at != message.npos; at = message.find(vm, at + 1))
        message.replace(at, vm.size(), "*");
    return severity + "\n" + text_of(event, "type") + "\n" + text_of(event, "code") + "\n" + message;
}

} // namespace

std::string LiveView::take(const Json& event, double now) {
    const auto type = text_of(event, "type"), severity = text_of(event, "severity");
    elapsed_ = std::max(elapsed_, number_of(event, "elapsed_us") / 1e6);
    heard_ = now;
    if (operation_.empty()) {
        operation_ = printable(text_of(event, "operation"));
        project_ = printable(text_of(event, "project"));
    }
    is_over_ = type == "summary";
    if (type == "command.accepted")
        for (const auto& one : child_of(event, "expects"))
            if (text_of(one, "kind") == "vm") vms_[text_of(one, "name")];
    text_.remember(event);
    follow(event, type, severity);
    return log(event, type, severity);
}

void LiveView::follow(const Json& event, const std::string& type, const std::string& severity) {
    const auto vm = text_of(event, "vm");
    if (vm.empty()) return;
    auto& machine = vms_[vm];
    if (severity == "progress") {
        if (machine.phase.empty()) enter(machine, "prepare");
        machine.detail = progress_of(event);
        return;
    }
    if (type == "bootstrap.planned") {
        machine.steps.clear();
        for (const auto& step : child_of(event, "steps"))
            if (step.is_string()) machine.steps.push_back(step.get<std::string>());
        return;
    }
    if (is_end_of_work(type) || (type == "vm.exited" && is_loud(severity))) {
        enter(machine, "", true);
        if (!is_loud(severity)) resolve(vm);
        return;
    }
    auto phase = phase_after(type, event, machine.steps);
    if (!phase.empty() && phase != machine.phase) enter(machine, std::move(phase));
}

void LiveView::enter(Machine& machine, std::string phase, bool is_done) const {
    machine.phase = std::move(phase);
    machine.detail.clear();
    machine.since = elapsed_;
    machine.is_done = is_done;
}

std::string LiveView::log(const Json& event, const std::string& type, const std::string& severity) {
    if (type == "summary") return left_out() + repeats() + text_.lines(event);
    if (is_loud(severity)) return attend(event, severity);
    if (!text_.is_verbose() && is_under_way(type)) return {};
    auto lines = text_.lines(event);
    if (lines.empty()) return lines;
    std::string before;
    if (const auto second = static_cast<std::int64_t>(elapsed_); second != second_) {
        before = left_out();
        second_ = second;
        in_second_ = 0;
    }
    if (++in_second_ <= log_lines_max) return before + lines;
    ++left_out_;
    return before;
}

std::string LiveView::left_out() {
    const auto count = std::exchange(left_out_, 0);
    return count == 0 ? std::string() : note("           (" + std::to_string(count) + " lines more)");
}

// A warning is said when it is new; then it is counted.
std::string LiveView::attend(const Json& event, const std::string& severity) {
    const auto vm = text_of(event, "vm");
    const auto same = sameness(event, severity);
    auto found =
        severity == "blocker" ? groups_.end() : std::ranges::find(groups_, same, &std::pair<std::string, Group>::first);
    if (found == groups_.end()) {
        if (groups_.size() >= groups_max && severity != "blocker") return text_.lines(event);
        Group made;
        made.severity = severity;
        made.text = (vm.empty() ? "" : printable(vm) + "  ") + printable(text_of(event, "message"));
        groups_.emplace_back(same, std::move(made));
        found = std::prev(groups_.end());
    }
    auto& group = found->second;
    ++group.count;
    group.is_resolved = false;
    if (!vm.empty()) group.open_vms.insert(vm);
    return group.count == 1 ? text_.lines(event) : std::string();
}

void LiveView::resolve(const std::string& vm) {
    for (auto& [same, group] : groups_)
        if (group.severity != "blocker" && group.open_vms.erase(vm) > 0 && group.open_vms.empty())
            group.is_resolved = true;
}

std::string LiveView::repeats() const {
    std::string out;
    for (const auto& [same, group] : groups_)
        if (group.count > 1)
            out += text_.painted("           " + std::to_string(group.count) + " times: ", "dim") +
                   text_.painted(group.text, group.is_resolved ? "dim" : group.severity) + "\n";
    return out;
}

std::vector<std::string> LiveView::attention(std::size_t columns, std::size_t rows) const {
    std::vector<std::string> out;
    const auto show = [&](const Group& group) {
        const auto count = group.count > 1 ? " (" + std::to_string(group.count) + " times)" : std::string();
        const auto label = group.severity == "warn" ? "warning" : group.severity;
        const auto text = std::string(group.severity == "warn" ? "! " : "x ") + label + count + ": " + group.text;
        out.push_back(text_.painted(shortened(text, columns), group.is_resolved ? "dim" : group.severity));
    };
    for (const auto& [same, group] : groups_)
        if (group.severity == "blocker") show(group);
    if (out.size() > rows) out.erase(out.begin(), out.end() - static_cast<std::ptrdiff_t>(rows)); // all are in the log
    std::vector<const Group*> others; // open before overcome, young before old
    for (const bool is_resolved : {false, true})
        for (auto at = groups_.rbegin(); at != groups_.rend(); ++at)
            if (at->second.severity != "blocker" && at->second.is_resolved == is_resolved)
                others.push_back(&at->second);
    const auto room = std::min(attention_lines_max, rows - std::min(rows, out.size()));
    for (std::size_t i = 0; i < std::min(room, others.size()); ++i)
        show(*others[i]);
    return out;
}

std::string LiveView::status_line(double elapsed, std::size_t columns) const {
    std::size_t waiting = 0, done = 0;
    for (const auto& [name, vm] : vms_) {
        waiting += !vm.is_done && vm.phase.empty() ? 1U : 0U;
        done += vm.is_done ? 1U : 0U;
    }
    auto text = operation_ + (project_.empty() ? "" : " " + project_) + " " + seconds(elapsed);
    if (!vms_.empty()) {
        text += "  " + std::to_string(done) + " of " + std::to_string(vms_.size()) + " done";
        if (waiting > 0) text += ", " + std::to_string(waiting) + " waiting";
    }
    return text_.painted(shortened(text, columns), "dim");
}

std::vector<std::string> LiveView::frame(double now, std::size_t columns, std::size_t rows) const {
    if (is_over_ || rows == 0) return {};
    const auto elapsed = elapsed_at(now);
    std::vector<std::pair<std::string, const Machine*>> work;
    std::size_t name_columns = 0;
    for (const auto& [name, vm] : vms_)
        if (!vm.phase.empty()) {
            work.emplace_back(printable(name), &vm);
            name_columns = std::clamp(columns_of(work.back().first), name_columns, name_columns_max);
        }
    std::ranges::stable_sort(work, {}, [](const auto& one) { return one.second->since; });

    auto lines = attention(columns, rows - 1);
    const auto room = rows - 1 - lines.size();
    const auto shown = work.size() <= room ? work.size() : room == 0 ? 0 : room - 1;
    for (std::size_t i = 0; i < shown; ++i) {
        const auto& [name, vm] = work[i];
        const auto text = "  " + padded(shortened(name, name_columns), name_columns) + "  " + padded(vm->phase, 9) +
                          seconds(elapsed - vm->since) + "  " + vm->detail;
        lines.push_back(shortened(text, columns));
    }
    if (shown < work.size() && room > 0)
        lines.push_back(
            text_.painted(shortened("  and " + std::to_string(work.size() - shown) + " more in work", columns), "dim"));
    lines.push_back(status_line(elapsed, columns));
    return lines;
}

} // namespace castra::console
