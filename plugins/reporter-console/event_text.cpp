// SPDX-License-Identifier: Apache-2.0
#include "event_text.hpp"

#include "event_fields.hpp"
#include "printable.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdio>

namespace castra::console {
namespace {

using sdk::Json;

constexpr std::size_t vm_columns_max = 24;
constexpr std::size_t tail_lines_max = 5;
constexpr std::size_t outcome_columns = 9; // "succeeded", "unchanged", "cancelled"
constexpr std::string_view indent = "           ";

// What only matters when something is wrong.
bool is_routine(std::string_view type) {
    static constexpr std::array<std::string_view, 5> routine = {"vm.image_verified", "vm.overlay_prepared",
                                                                "vm.cooperative_attempted", "broker.session_closed",
                                                                "cleanup.progress"};
    return std::ranges::find(routine, type) != routine.end();
}

std::string mark_of(std::string_view type, std::string_view severity) {
    if (severity == "warn") return "!";
    if (severity == "error" || severity == "blocker") return "x";
    return type == "vm.ready" || type == "bootstrap.completed" || type == "vm.shutdown_complete" ? "+" : "-";
}

std::string_view colour_of(std::string_view outcome) {
    if (outcome == "succeeded") return "good";
    if (outcome == "unchanged") return "dim";
    return outcome == "cancelled" || outcome == "partial" ? "warn" : "error";
}

std::string quoted(const std::string& word) {
    const auto is_plain = !word.empty() && std::ranges::all_of(word, [](unsigned char c) {
        return std::isalnum(c) != 0 ||
               std::string_view("@%+=:,./-_").find(static_cast<char>(c)) != std::string_view::npos;
    });
    if (is_plain) return word;
    std::string out = "'";
    for (const auto c : word)
        out += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return out + "'";
}

// A command to copy: ssh -p 2222 -i key root@127.0.0.1
std::string ssh_command(const Json& ssh) {
    const auto host = text_of(ssh, "host"), user = text_of(ssh, "user"), identity = text_of(ssh, "identity");
    if (host.empty() || host.starts_with('-') || user.starts_with('-')) return {}; // ssh would take it for an option
    std::string command = "ssh";
    if (const auto port = small_number_of(ssh, "port"); port > 0) command += " -p " + std::to_string(port);
    if (!identity.empty()) command += " -i " + quoted(identity);
    for (const auto& option : child_of(ssh, "options"))
        if (option.is_string()) command += " -o " + quoted(option.get<std::string>());
    return command + " " + quoted(user.empty() ? host : user + "@" + host);
}

} // namespace

std::string EventText::painted(std::string_view text, std::string_view severity) const {
    if (!style_.color) return std::string(text);
    const char* code = severity == "error" || severity == "blocker" ? "\x1b[1;31m"
                       : severity == "warn"                         ? "\x1b[33m"
                       : severity == "good"                         ? "\x1b[32m"
                                                                    : "\x1b[2m";
    return code + std::string(text) + "\x1b[0m";
}

void EventText::remember(const Json& event) {
    const auto vm = text_of(event, "vm");
    if (vm.empty()) return;
    vm_columns_ = std::clamp(columns_of(printable(vm)), vm_columns_, vm_columns_max);
    for (const auto* ssh : {&child_of(event, "ssh"), &child_of(child_of(event, "ext"), "ssh")})
        if (const auto command = ssh_command(*ssh); !command.empty()) ssh_[vm] = command;
}

// "  1.40s  +  web-0  ready via marker after 1310 ms"
std::string EventText::head(const Json& event) {
    const auto type = text_of(event, "type"), severity = text_of(event, "severity");
    const auto mark = mark_of(type, severity);
    std::string line = painted(seconds(number_of(event, "elapsed_us") / 1e6), "dim") + "  " +
                       painted(mark, mark == "+" ? "good" : severity) + "  ";
    if (vm_columns_ > 0) line += padded(printable(text_of(event, "vm")), vm_columns_) + "  ";
    if (is_loud(severity)) line += painted(severity == "warn" ? "warning: " : severity + ": ", severity);
    auto message = printable(text_of(event, "message"));
    return line + (message.empty() ? printable(type) : message) + "\n";
}

// Why, line by line, without the lines that say again what the message and its cure say.
std::string EventText::cause(const Json& event) const {
    const auto message = text_of(event, "message"), cure = text_of(event, "remediation");
    const auto detail = text_of(child_of(event, "error"), "detail");
    const auto more = message.rfind(" (and ");
    const auto first = more != message.npos && message.ends_with(" more)") ? message.substr(0, more) : message;
    std::string out;
    for (std::size_t at = 0; at < detail.size();) {
        const auto end = std::min(detail.find('\n', at), detail.size());
        const auto line = detail.substr(at, end - at);
        at = end + 1;
        if (line.empty() || message.find(line) != message.npos || line == first + " (" + cure + ")") continue;
        out += std::string(indent) + printable(line) + "\n";
    }
    return out;
}

// What a warning or an error has to say beyond its message.
std::string EventText::details(const Json& event) const {
    std::string out;
    const auto add = [&](std::string_view label, const std::string& text) {
        if (!text.empty()) out += std::string(indent) + std::string(label) + printable(text) + "\n";
    };
    const auto remediation = text_of(event, "remediation");
    // Of several findings the cure is the first one's, which the head has told; the others bring their own.
    const bool is_first_of_many = text_of(event, "type") == "command.rejected";
    if (is_first_of_many) add("try: ", remediation);
    out += cause(event);
    const auto& capsule = child_of(event, "capsule");
    auto tail = text_of(capsule, "serial_tail");
    while (tail.ends_with('\n'))
        tail.pop_back();
    std::size_t begin = tail.size();
    for (std::size_t count = 0; begin != 0 && begin != std::string::npos && count < tail_lines_max; ++count)
        begin = tail.rfind('\n', begin - 1);
    tail.erase(0, begin == std::string::npos || begin == 0 ? 0 : begin + 1);
    for (std::size_t at = 0; at < tail.size();) {
        const auto end = std::min(tail.find('\n', at), tail.size());
        add("| ", tail.substr(at, end - at));
        at = end + 1;
    }
    const auto hint = text_of(capsule, "hint");
    if (!is_first_of_many) add("try: ", remediation);
    if (hint != remediation) add("try: ", hint);
    return out;
}

std::string EventText::summary(const Json& event) const {
    const auto outcome = text_of(event, "outcome"), operation = text_of(event, "operation");
    const auto good = outcome == "succeeded";
    auto took = seconds(number_of(event, "duration_ms") / 1e3);
    if (!took.starts_with(' ')) took.insert(0, " ");
    std::string out = painted(printable(operation) + " " + printable(outcome), good ? "good" : "error") + " in" + took;
    if (!good) out += ", exit code " + std::to_string(small_number_of(event, "exit_code"));
    // What failed was an event of its own; how it ended otherwise only this one says.
    auto message = text_of(event, "message");
    if (message.starts_with(outcome + ": ")) message.erase(0, outcome.size() + 2);
    if (outcome != "failed" && !message.empty() && message != outcome) out += ": " + printable(message);
    out += "\n";
    const auto& vms = child_of(event, "vms");
    if (!vms.is_array() || vms.empty()) return out;

    std::size_t name_columns = 2, state_columns = 5;
    for (const auto& vm : vms) {
        name_columns = std::max(name_columns, columns_of(printable(text_of(vm, "vm"))));
        state_columns = std::max(state_columns, columns_of(printable(text_of(vm, "final_state"))));
    }
    // A way in is worth telling where somebody is at home.
    const auto way_in = [this](const Json& vm) {
        const auto state = text_of(vm, "final_state");
        const auto ssh = state == "ready" || state == "running" ? ssh_.find(text_of(vm, "vm")) : ssh_.end();
        return ssh == ssh_.end() ? std::string() : printable(ssh->second);
    };
    const bool has_ways_in = std::ranges::any_of(vms, [&](const Json& vm) { return !way_in(vm).empty(); });
    out += painted("  " + padded("VM", name_columns) + "  " + padded("STATE", state_columns) + "  " +
                       (has_ways_in ? padded("OUTCOME", outcome_columns) + "  SSH" : "OUTCOME"),
                   "dim") +
           "\n";
    for (const auto& vm : vms) {
        const auto name = text_of(vm, "vm"), vm_outcome = text_of(vm, "outcome");
        out += "  " + padded(printable(name), name_columns) + "  " +
               padded(printable(text_of(vm, "final_state")), state_columns) + "  " +
               painted(printable(vm_outcome), colour_of(vm_outcome));
        if (const auto ssh = way_in(vm); !ssh.empty())
            out += std::string(outcome_columns - std::min(outcome_columns, columns_of(printable(vm_outcome))), ' ') +
                   "  " + ssh;
        out += "\n";
    }
    return out;
}

std::string EventText::lines(const Json& event) {
    const auto type = text_of(event, "type"), severity = text_of(event, "severity");
    remember(event);
    if (style_.quiet && !is_loud(severity) && (type != "summary" || text_of(event, "outcome") == "succeeded"))
        return {};
    if (type == "summary") return summary(event);
    if (!style_.verbose && (severity == "progress" || (is_routine(type) && !is_loud(severity)))) return {};
    if (!is_loud(severity)) return head(event);
    auto more = details(event);
    if (more == last_details_) return head(event);
    last_details_ = more;
    return head(event) + more;
}

} // namespace castra::console
