// SPDX-License-Identifier: Apache-2.0
#include "run_spans.hpp"

#include <algorithm>

namespace castra::otlp {
namespace {

std::string text_in(const OrderedJson& event, const char* key) {
    const auto found = event.find(key);
    return found != event.end() && found->is_string() ? found->get<std::string>() : std::string();
}

bool is_error(const OrderedJson& event) {
    const auto severity = text_in(event, "severity");
    return severity == "error" || severity == "blocker";
}

} // namespace

RunSpans::Span* RunSpans::begin(const std::string& key, const std::string& parent, const std::string& name,
                                const std::string& vm, std::int64_t at_us) {
    if (spans_.size() >= spans_max) {
        ++beyond_;
        return nullptr;
    }
    index_[key] = spans_.size();
    Span span;
    span.name = name;
    // A phase may come again in one run: a VM that is started anew.
    const auto times = ++times_[key];
    span.key = times == 1 ? key : key + "#" + std::to_string(times);
    span.parent = parent;
    span.vm = vm;
    span.begin_us = span.end_us = at_us;
    spans_.push_back(std::move(span));
    return &spans_.back();
}

void RunSpans::end(const std::string& key, std::int64_t at_us, const OrderedJson* failure) {
    const auto found = index_.find(key);
    if (found == index_.end() || !spans_[found->second].is_open) return;
    auto& span = spans_[found->second];
    span.end_us = std::max(span.begin_us, at_us);
    span.is_open = false;
    if (failure == nullptr) return;
    span.has_failed = true;
    span.message = text_in(*failure, "message");
}

void RunSpans::take(const OrderedJson& event) {
    const auto at = unix_us(text_in(event, "time"));
    if (!at) return;
    const auto type = text_in(event, "type"), vm = text_in(event, "vm");
    latest_us_ = std::max(latest_us_, *at);
    if (spans_.empty()) {
        run_id_ = text_in(event, "run_id");
        project_ = text_in(event, "project");
        contract_ = text_in(event, "contract");
        begin("", "", "castra " + text_in(event, "operation"), "", *at);
    }
    const auto* failure = is_error(event) ? &event : nullptr;
    if (type == "summary") {
        end("", *at, text_in(event, "outcome") == "succeeded" ? nullptr : &event);
        return;
    }
    if (vm.empty()) return;
    const auto whole = "vm/" + vm;
    if (!index_.contains(whole)) begin(whole, "", "vm " + vm, vm, *at);
    if (const auto found = index_.find(whole); found != index_.end()) {
        auto& span = spans_[found->second];
        span.end_us = std::max(span.end_us, *at);
        if (failure != nullptr && !span.has_failed) {
            span.has_failed = true;
            span.message = text_in(event, "message");
        }
    }
    if (type == "vm.launch") begin(whole + "/boot", whole, "boot", vm, *at);
    if (type == "vm.ready" || type == "vm.exited") end(whole + "/boot", *at, failure);
    if (type == "bootstrap.started") begin(whole + "/bootstrap", whole, "bootstrap", vm, *at);
    if (type == "bootstrap.step") {
        const auto step = text_in(event, "step");
        const auto took = event.contains("duration_ms") && event["duration_ms"].is_number_integer()
                              ? event["duration_ms"].get<std::int64_t>()
                              : 0;
        const auto key = whole + "/bootstrap/" + step;
        if (begin(key, whole + "/bootstrap", step, vm, *at - std::clamp<std::int64_t>(took, 0, 86400000) * 1000))
            end(key, *at, text_in(event, "status") == "failed" ? &event : nullptr);
    }
    if (type == "bootstrap.completed" || type == "bootstrap.failed") end(whole + "/bootstrap", *at, failure);
    if (type == "vm.shutdown_requested") begin(whole + "/shutdown", whole, "shutdown", vm, *at);
    if (type == "vm.shutdown_complete") end(whole + "/shutdown", *at, failure);
}

OrderedJson RunSpans::traces() const {
    auto spans = OrderedJson::array();
    for (const auto& one : spans_) {
        OrderedJson span;
        span["traceId"] = trace_id(run_id_);
        span["spanId"] = span_id(run_id_, one.key);
        if (!one.key.empty()) span["parentSpanId"] = span_id(run_id_, one.parent);
        span["name"] = one.name;
        span["kind"] = 1; // SPAN_KIND_INTERNAL
        span["startTimeUnixNano"] = std::to_string(one.begin_us * 1000);
        const auto end_us = one.is_open ? std::max(one.end_us, latest_us_) : one.end_us;
        span["endTimeUnixNano"] = std::to_string(end_us * 1000);
        span["attributes"] = OrderedJson::array();
        span["attributes"].push_back(attribute("castra.run_id", run_id_));
        if (!one.vm.empty()) span["attributes"].push_back(attribute("castra.vm", one.vm));
        if (one.key.empty() && beyond_ > 0) span["attributes"].push_back(attribute("castra.spans_left_out", beyond_));
        span["status"] = OrderedJson::object();
        if (one.has_failed) span["status"] = {{"message", one.message}, {"code", 2}}; // STATUS_CODE_ERROR
        spans.push_back(std::move(span));
    }
    OrderedJson data, of_scope, of_resource;
    of_scope["scope"] = scope_of(contract_);
    of_scope["spans"] = std::move(spans);
    of_resource["resource"] = resource_of(project_);
    of_resource["scopeSpans"].push_back(std::move(of_scope));
    data["resourceSpans"].push_back(std::move(of_resource));
    return data;
}

} // namespace castra::otlp
