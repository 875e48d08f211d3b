// SPDX-License-Identifier: Apache-2.0
// RunCases: what JUnit has to say about one run. Suite "castra <operation>"; a case "run" for the run itself, a case
// for each VM and the broker that the run promised or its summary names, a case for each bootstrap step. Failed is what
// the stream says failed; what was promised and never concluded is an error. Pure; keeps at most cases_max cases, and
// tells how many there were beyond.
#pragma once
#include "castra/sdk/json.hpp"

#include <map>
#include <string>
#include <vector>

namespace castra::junit {

constexpr std::size_t cases_max = 20000;

class RunCases {
public:
    void take(const sdk::Json& event);
    bool has_ended() const { return has_ended_; }
    std::string xml() const; // the whole document

private:
    enum class Outcome { open, passed, failed, error, skipped };
    struct Case {
        std::string class_name, name;
        Outcome outcome = Outcome::open;
        double seconds = 0;
        std::string kind, message, text, output; // of a failure; output: what the guest said last
    };
    Case* find(const std::string& class_name, const std::string& name); // made when new; null: too many
    void accept(const sdk::Json& event);
    void conclude(const sdk::Json& event);
    void blame(const sdk::Json& event);
    std::string xml_of(const Case& one) const;

    std::string operation_, project_, run_id_, began_;
    double seconds_ = 0;
    std::vector<Case> cases_;
    std::map<std::pair<std::string, std::string>, std::size_t> index_;
    std::map<std::string, double> since_; // of a VM: its first event
    std::size_t beyond_ = 0;
    bool has_ended_ = false;
};

} // namespace castra::junit
