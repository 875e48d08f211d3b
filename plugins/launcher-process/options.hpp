// SPDX-License-Identifier: Apache-2.0
// [vms.options] of a VM that this launcher starts.
#pragma once
#include "castra/sdk/launch_plan.hpp"

namespace castra::launcher_process {

struct Options {
    std::vector<std::string> command;
    std::map<std::string, std::string> env;
    std::string working_dir; // empty: the VM's state directory
    bool notifies = false;   // ready = "notify"
    std::int64_t ready_timeout_secs = 60;
};

// Errors: sdk::Refusal with field_path and hint.
Options decode_options(const sdk::Json& options);

} // namespace castra::launcher_process
