// SPDX-License-Identifier: Apache-2.0
#include "run_cases.hpp"

#include "xml_text.hpp"

#include <algorithm>
#include <cstdio>

namespace castra::junit {
namespace {

using sdk::Json;

// An event of another minor may lack or change anything: absent and wrong type are the same here.
const Json& child_of(const Json& from, const char* key) {
    static const Json none;
    const auto found = from.is_object() ? from.find(key) : from.end();
    return from.is_object() && found != from.end() ? *found : none;
}
std::string text_of(const Json& from, const char* key) {
    const auto& found = child_of(from, key);
    return found.is_string() ? found.get<std::string>() : std::string();
}
double number_of(const Json& from, const char* key) {
    const auto& found = child_of(from, key);
    return found.is_number() ? found.get<double>() : 0;
}

bool is_error(const std::string& severity) {
    return severity == "error" || severity == "blocker";
}

std::string fixed(double seconds) {
    char text[64];
    std::snprintf(text, sizeof text, "%.3f", std::clamp(seconds, 0.0, 1e9));
    return text;
}

} // namespace

RunCases::Case* RunCases::find(const std::string& class_name, const std::string& name) {
    const auto key = std::pair(class_name, name);
    if (const auto found = index_.find(key); found != index_.end()) return &cases_[found->second];
    if (cases_.size() >= cases_max) {
        ++beyond_;
        return nullptr;
    }
    index_[key] = cases_.size();
    Case made;
    made.class_name = class_name;
    made.name = name;
    cases_.push_back(std::move(made));
    return &cases_.back();
}

void RunCases::take(const Json& event) {
    const auto type = text_of(event, "type"), vm = text_of(event, "vm");
    const auto elapsed = number_of(event, "elapsed_us") / 1e6;
    seconds_ = std::max(seconds_, elapsed);
    if (run_id_.empty()) {
        run_id_ = text_of(event, "run_id");
        operation_ = text_of(event, "operation");
        project_ = text_of(event, "project");
        began_ = text_of(event, "time").substr(0, 19);
        find("run", operation_);
    }
    if (!vm.empty()) since_.emplace(vm, elapsed);
    if (type == "command.accepted") accept(event);
    if (type == "bootstrap.step") {
        if (auto* step = find(vm, "bootstrap " + text_of(event, "step"))) {
            const auto status = text_of(event, "status");
            step->outcome = status == "skipped"   ? Outcome::skipped
                            : status == "success" ? Outcome::passed
                                                  : Outcome::failed;
            step->seconds = number_of(event, "duration_ms") / 1e3;
            if (step->outcome == Outcome::failed) {
                step->kind = type;
                step->message = text_of(event, "message");
                step->text = text_of(event, "detail");
            }
        }
    }
    if (type == "summary") return conclude(event);
    if (is_error(text_of(event, "severity"))) blame(event);
}

void RunCases::accept(const Json& event) {
    const auto& expects = child_of(event, "expects");
    if (!expects.is_array()) return;
    for (const auto& one : expects)
        find(text_of(one, "kind") == "broker" ? "broker" : text_of(one, "name"),
             text_of(one, "kind") == "broker" ? text_of(one, "name") : operation_);
}

// The first error of a VM, or of the run, is what its case says.
void RunCases::blame(const Json& event) {
    const auto vm = text_of(event, "vm");
    auto* one = find(vm.empty() ? "run" : vm, operation_);
    if (one == nullptr || !one->kind.empty()) return;
    const auto& error = child_of(event, "error");
    const auto& capsule = child_of(event, "capsule");
    one->kind = text_of(error, "code").empty() ? text_of(event, "type") : text_of(error, "code");
    one->message = text_of(event, "message");
    one->text = text_of(error, "detail").empty() ? text_of(event, "detail") : text_of(error, "detail");
    for (const auto& cure : {text_of(event, "remediation"), text_of(capsule, "hint")})
        if (!cure.empty() && one->text.find(cure) == one->text.npos)
            one->text += (one->text.empty() ? "" : "\n") + ("try: " + cure);
    one->output = text_of(capsule, "serial_tail");
    one->seconds = number_of(event, "elapsed_us") / 1e6;
}

void RunCases::conclude(const Json& event) {
    has_ended_ = true;
    seconds_ = std::max(seconds_, number_of(event, "duration_ms") / 1e3);
    const auto& vms = child_of(event, "vms");
    if (vms.is_array())
        for (const auto& vm : vms) {
            const auto name = text_of(vm, "vm"), outcome = text_of(vm, "outcome");
            auto* one = find(name, operation_);
            if (one == nullptr) continue;
            one->outcome = outcome == "succeeded" || outcome == "unchanged" ? Outcome::passed
                           : outcome == "cancelled"                         ? Outcome::skipped
                           : outcome == "failed"                            ? Outcome::failed
                                                                            : Outcome::error;
            if (one->message.empty()) one->message = text_of(vm, "reason");
            if (one->seconds == 0 && since_.contains(name)) one->seconds = seconds_ - since_[name];
        }
    const auto outcome = text_of(event, "outcome");
    if (auto* run = find("run", operation_)) {
        run->outcome = outcome == "succeeded"   ? Outcome::passed
                       : outcome == "cancelled" ? Outcome::skipped
                       : outcome == "aborted"   ? Outcome::error
                                                : Outcome::failed;
        run->seconds = seconds_;
        if (run->message.empty()) run->message = text_of(event, "message");
    }
    // Promises that the summary does not name one by one (the broker) stand or fall with the run.
    for (auto& one : cases_)
        if (one.outcome == Outcome::open && one.class_name == "broker")
            one.outcome = outcome == "succeeded" || outcome == "partial" ? Outcome::passed : Outcome::skipped;
}

std::string RunCases::xml_of(const Case& one) const {
    const auto name = one.name.empty() ? std::string("run") : one.name;
    std::string out = "    <testcase" + xml_attribute("classname", "castra." + one.class_name) +
                      xml_attribute("name", name) + xml_attribute("time", fixed(one.seconds)) + ">\n";
    const auto problem = [&](const char* tag, const std::string& message) {
        out += "      <" + std::string(tag) + xml_attribute("message", message) +
               xml_attribute("type", one.kind.empty() ? "castra" : one.kind) + ">" + xml_text(one.text) + "</" + tag +
               ">\n";
    };
    if (one.outcome == Outcome::failed) problem("failure", one.message);
    if (one.outcome == Outcome::error) problem("error", one.message);
    if (one.outcome == Outcome::open) problem("error", "the run ended before this was concluded");
    if (one.outcome == Outcome::skipped) out += "      <skipped" + xml_attribute("message", one.message) + "/>\n";
    if (!one.output.empty()) out += "      <system-out>" + xml_text(one.output) + "</system-out>\n";
    return out + "    </testcase>\n";
}

std::string RunCases::xml() const {
    std::size_t failures = 0, errors = 0, skipped = 0;
    for (const auto& one : cases_) {
        failures += one.outcome == Outcome::failed ? 1U : 0U;
        errors += one.outcome == Outcome::error || one.outcome == Outcome::open ? 1U : 0U;
        skipped += one.outcome == Outcome::skipped ? 1U : 0U;
    }
    const auto numbers = xml_attribute("tests", std::to_string(cases_.size())) +
                         xml_attribute("failures", std::to_string(failures)) +
                         xml_attribute("errors", std::to_string(errors));
    std::string out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites" + xml_attribute("name", "castra") +
                      numbers + xml_attribute("time", fixed(seconds_)) + ">\n  <testsuite" +
                      xml_attribute("name", "castra " + operation_) + numbers +
                      xml_attribute("skipped", std::to_string(skipped)) + xml_attribute("time", fixed(seconds_));
    if (!began_.empty()) out += xml_attribute("timestamp", began_);
    out += ">\n    <properties>\n";
    for (const auto& [name, value] : {std::pair("run_id", run_id_), std::pair("project", project_)})
        out += "      <property" + xml_attribute("name", name) + xml_attribute("value", value) + "/>\n";
    if (beyond_ > 0)
        out += "      <property" + xml_attribute("name", "cases_left_out") +
               xml_attribute("value", std::to_string(beyond_)) + "/>\n";
    out += "    </properties>\n";
    for (const auto& one : cases_)
        out += xml_of(one);
    return out + "  </testsuite>\n</testsuites>\n";
}

} // namespace castra::junit
