// SPDX-License-Identifier: Apache-2.0
#include "operations/embedded_sink.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace castra {
namespace {

using nlohmann::json;

constexpr std::size_t diagnostics_max = 1000;

template <class Enum>
Enum named(const std::string& word, Enum otherwise) {
    const auto& names = contract::EnumText<Enum>::values;
    const auto found = std::ranges::find(names, word);
    return found == names.end() ? otherwise : static_cast<Enum>(found - names.begin());
}

bool is_diagnostic(std::string_view severity) {
    return severity == "warn" || severity == "error" || severity == "blocker";
}

Diagnostic diagnostic_of(const EncodedEvent& event, const json& line) {
    Diagnostic made;
    made.severity = named(std::string(event.severity), contract::Severity::warn);
    made.type = event.type;
    made.vm = event.vm;
    made.seq = event.seq;
    made.text = line.value("message", "");
    made.remediation = line.value("remediation", "");
    made.code = line.value("code", "");
    if (const auto error = line.find("error"); error != line.end() && error->is_object()) {
        if (made.code.empty()) made.code = error->value("code", "");
        if (const auto detail = error->value("detail", ""); !detail.empty() && detail != made.text)
            made.text += ": " + detail;
    }
    return made;
}

class EmbeddedSink final : public Sink {
public:
    EmbeddedSink(std::shared_ptr<Passage> passage, bool tells) : passage_(std::move(passage)), tells_(tells) {}
    std::string name() const override { return tells_ ? "embedder" : "embedder-outcome"; }
    Result<> deliver(const EncodedEvents& batch) override {
        if (tells_) return passage_->tell(batch);
        passage_->note(batch);
        return {};
    }
    Result<> finish() override { return {}; }

private:
    std::shared_ptr<Passage> passage_;
    bool tells_;
};

} // namespace

Result<> Passage::tell(const EncodedEvents& batch) {
    const std::scoped_lock lock(calling_);
    for (const auto& event : batch) {
        if (reporter_ == nullptr || is_shut_) return {};
        try {
            reporter_->event({event.type, event.severity, event.vm, event.seq, event.line});
            if (!is_diagnostic(event.severity)) continue;
            const auto line = json::parse(event.line, nullptr, false);
            if (line.is_object()) reporter_->diagnostic(diagnostic_of(event, line));
        } catch (const std::exception& error) {
            reporter_ = nullptr;
            return fail(ErrorCode::internal, std::string("the embedder's reporter threw: ") + error.what());
        } catch (...) {
            reporter_ = nullptr;
            return fail(ErrorCode::internal, "the embedder's reporter threw");
        }
    }
    return {};
}

void Passage::note(const EncodedEvents& batch) {
    for (const auto& event : batch)
        note(event);
}

void Passage::note(const EncodedEvent& event) {
    const bool is_summary = event.type == "summary";
    const std::scoped_lock lock(mutex_);
    if (!is_summary && (!is_diagnostic(event.severity) || outcome_.diagnostics.size() >= diagnostics_max)) return;
    const auto line = json::parse(event.line, nullptr, false);
    if (!line.is_object()) return;
    if (is_diagnostic(event.severity) && outcome_.diagnostics.size() < diagnostics_max)
        outcome_.diagnostics.push_back(diagnostic_of(event, line));
    if (!is_summary) return;
    outcome_.run_id = line.value("run_id", "");
    outcome_.message = line.value("message", "");
    outcome_.outcome = named(line.value("outcome", ""), contract::Outcome::aborted);
    outcome_.exit_code = line.value("exit_code", 0);
    for (const auto& vm : line.value("vms", json::array()))
        outcome_.vms.push_back({vm.value("vm", ""), vm.value("final_state", ""),
                                named(vm.value("outcome", ""), contract::VmOutcome::aborted)});
}

bool Passage::shut(std::chrono::milliseconds wait) {
    is_shut_ = true;
    const std::unique_lock lock(calling_, wait);
    return lock.owns_lock();
}

OperationOutcome Passage::outcome() const {
    const std::scoped_lock lock(mutex_);
    return outcome_;
}

std::vector<std::unique_ptr<Sink>> make_sinks(const std::shared_ptr<Passage>& passage) {
    std::vector<std::unique_ptr<Sink>> sinks;
    sinks.push_back(std::make_unique<EmbeddedSink>(passage, false));
    sinks.push_back(std::make_unique<EmbeddedSink>(passage, true));
    return sinks;
}

} // namespace castra
