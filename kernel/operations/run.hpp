// SPDX-License-Identifier: Apache-2.0
// One run: from command.accepted (or command.rejected) to summary, on every path. Whatever happens in between, finish()
// or reject() is called once; if a bug forgets, the destructor concludes the run as aborted.
#pragma once
#include "bus/event_bus.hpp"
#include "operations/request.hpp"

namespace castra {

// What a down says that cannot read castra.toml: it goes by the records alone.
contract::Draft goes_by_records(const Error& config_problem);

// Where a run is written down. Empty paths: nowhere (reads, and refusals that must leave no trace).
struct RunFiles {
    std::filesystem::path journal, quarantine;
    std::vector<std::filesystem::path> reserves; // directories of journals whose reserve a clean may need too
};

struct RunResult {
    contract::Outcome outcome = contract::Outcome::succeeded;
    int exit_code = 0;
    bool is_rejected = false; // before anything was begun
};

class Run {
public:
    Run(Clock& clock, const Request& request, std::string project, std::string version);
    Run(const Run&) = delete;
    Run& operator=(const Run&) = delete;
    ~Run();

    const std::string& id() const { return run_id_; }
    // Before the first event. Errors: io.
    Result<> open(const RunFiles& files);
    EventBus& bus() { return *bus_; }

    void accept(contract::CommandAccepted accepted);
    // Nothing was touched: the findings, then the summary. `code` of the first finding decides the exit code.
    RunResult reject(const std::vector<Error>& findings);
    // The outcome is corrected where events of severity error or contract violations say otherwise.
    RunResult finish(contract::Summary summary, std::string message);

private:
    Request request_;
    std::string run_id_, project_, version_;
    std::filesystem::path journal_directory_; // empty: nothing is written down
    Clock& clock_;
    std::unique_ptr<EventBus> bus_;
};

} // namespace castra
