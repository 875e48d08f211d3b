// SPDX-License-Identifier: Apache-2.0
// One guest over SSH: the command lines of the OpenSSH client, all of a VM's sessions over one connection
// (ControlMaster), and what its complaints mean. The guest's host key is always checked, against the project's own
// known_hosts: castra wrote it there when the guest told it on its console, else it is accepted once and never again.
// Nothing of the user's own ssh configuration has a part in it.
#pragma once
#include "castra/sdk/bootstrap_step.hpp"
#include "ssh/child.hpp"

namespace castra::ssh {

class Session {
public:
    // Errors: sdk::Refusal when the VM cannot be reached by SSH at all.
    explicit Session(const sdk::StepVm& vm);

    // Opens the connection and stays on it as long as its stdin is open, running `command`. It listens at
    // `control_path`, which is its own alone: when ssh ends it removes that path, whoever has it then. Once it is up
    // the file goes to control_path().
    std::vector<std::string> master(const std::string& command, std::chrono::seconds connect_wait,
                                    const std::string& control_path) const;
    std::string own_control_path() const; // another one each time, beside control_path()
    // Uses the connection.
    std::vector<std::string> command(const std::string& command) const;

    const sdk::SshTarget& target() const { return target_; }
    std::string control_path() const { return control_path_; }
    bool knows_host_key() const;
    std::string place() const; // "root@127.0.0.1:2222"

private:
    std::vector<std::string> common(const std::string& control_path) const;
    sdk::SshTarget target_;
    std::string control_path_;
};

// What ssh, tar or a shell complained about: a cause with its cure. `otherwise` when it is none that is known.
struct Cause {
    sdk::RefusalText text;
    bool may_pass = false; // worth another try in a moment
};
Cause cause_of(const Session& session, const std::string& complaint, sdk::RefusalText otherwise);

// The failed outcome of a call that did not end by itself.
std::optional<sdk::StepOutcome> ended_early(const Ending& ending, const std::string& doing, const std::string& tail);
sdk::StepOutcome failed(sdk::RefusalText text);

} // namespace castra::ssh
