// SPDX-License-Identifier: Apache-2.0
// RunSpans: a run as one trace. The root is the run; below it a span for each VM, from its first event to its last;
// below that its phases (boot, bootstrap and each of its steps, shutdown). A span is an error when the stream says that
// what it stands for failed. Complete after the summary. Pure; at most spans_max spans, what is beyond is counted.
#pragma once
#include "otlp_json.hpp"

#include <map>
#include <vector>

namespace castra::otlp {

constexpr std::size_t spans_max = 20000;

class RunSpans {
public:
    void take(const OrderedJson& event);
    // TracesData. What has not ended ends with the latest event.
    OrderedJson traces() const;
    bool is_empty() const { return spans_.empty(); }

private:
    struct Span {
        std::string name, key, parent; // keys: what the ids are made of; empty parent: the root
        std::int64_t begin_us = 0, end_us = 0;
        bool is_open = true, has_failed = false;
        std::string message; // why it failed
        std::string vm;
    };
    Span* begin(const std::string& key, const std::string& parent, const std::string& name, const std::string& vm,
                std::int64_t at_us);
    void end(const std::string& key, std::int64_t at_us, const OrderedJson* failure);

    std::string run_id_, project_, contract_ = "1.0";
    std::vector<Span> spans_;
    std::map<std::string, std::size_t> index_; // the latest of each key
    std::map<std::string, int> times_;         // how often each key began
    std::int64_t latest_us_ = 0;
    std::size_t beyond_ = 0;
};

} // namespace castra::otlp
