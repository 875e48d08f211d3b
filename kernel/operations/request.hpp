// SPDX-License-Identifier: Apache-2.0
// What somebody asks castra to do: the same value for the command line, the supervisor's socket and an embedder.
#pragma once
#include "base/result.hpp"
#include "base/units.hpp"
#include "contract/describe.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace castra {

enum class Operation { up, down, status, supervise, clean, bootstrap, plan };
std::string_view to_string(Operation operation);

// Canonical mode by VM; "": of all that are not named.
using BootstrapModes = std::map<std::string, std::string>;

struct Request {
    Operation operation = Operation::status;
    std::vector<std::string> argv;       // as typed
    std::string config;                  // path of castra.toml; empty: search from the working directory
    std::vector<std::string> vms;        // empty: all
    bool keep_going = false;             // up: what works stays when something fails
    bool replace = false;                // up: what runs and is wanted otherwise now is replaced
    BootstrapModes bootstrap;            // up, bootstrap: instead of castra.toml's
    bool force = false;                  // up: too little of the machine's resources is a warning, not a refusal
    bool broker_only = false;            // up: the broker, and no VM
    std::optional<Milliseconds> timeout; // down: SIGKILL comes no later; absent: as castra.toml says
    bool strict = false;                 // a contract violation fails the run
    bool grease = false;                 // the stream has fields and types that no reader knows
};

// The line on the supervisor's socket. Errors: protocol.
inline constexpr int socket_protocol = 1;
inline constexpr std::size_t request_bytes_max = 1 << 20;
std::string to_line(const Request& request);
Result<Request> parse_request(const std::string& line);

} // namespace castra
