// SPDX-License-Identifier: Apache-2.0
// What castra would send: requests of a small VM, and events as they stand in a journal. Change what the test is about.
#pragma once
#include "castra/sdk/bootstrap_step.hpp"
#include "castra/sdk/launch_plan.hpp"
#include "castra/sdk/reporter.hpp"

#include <string>

namespace castra::testkit {

// `directory`: where state and sockets may be.
inline sdk::PlanRequest sample_plan_request(const std::string& directory) {
    sdk::PlanRequest request;
    request.vm = {.name = "web-0",
                  .project = "sample",
                  .uuid = "4be0643f-1d98-473b-97cd-ca98a65347dd",
                  .cpus = 1,
                  .memory_bytes = 256LL << 20};
    request.paths = {.state_dir = directory, .runtime_dir = directory, .overlay = directory + "/overlay.qcow2"};
    return request;
}

inline sdk::StepVm sample_step_vm(const std::string& directory) {
    return {.name = "web-0",
            .project = "sample",
            .uuid = "4be0643f-1d98-473b-97cd-ca98a65347dd",
            .state_dir = directory,
            .runtime_dir = directory};
}

inline sdk::OpenRequest sample_open(const std::string& operation = "up") {
    return {.run_id = "01J0000000000000000000000", .operation = operation, .project = "sample"};
}

// The header that routing needs, and the whole event as castra writes it. `more`: further fields of the event.
inline sdk::Event sample_event(std::uint64_t seq, const std::string& type, const std::string& severity = "info",
                               const sdk::Json& more = sdk::Json::object()) {
    sdk::Json line{{"contract", "1.0"},
                   {"run_id", "01J0000000000000000000000"},
                   {"operation", "up"},
                   {"project", "sample"},
                   {"seq", seq},
                   {"type", type},
                   {"family", type.substr(0, type.find('.'))},
                   {"severity", severity},
                   {"source", "kernel"},
                   {"elapsed_us", seq * 1000},
                   {"message", type + " happened"}};
    line.update(more);
    sdk::Event event{.type = type, .seq = seq, .severity = severity, .vm = {}, .line = line.dump()};
    if (line.contains("vm")) event.vm = line["vm"].get<std::string>();
    return event;
}

} // namespace castra::testkit
