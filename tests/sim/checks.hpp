// SPDX-License-Identifier: Apache-2.0
// What must hold in every history, whatever went wrong. Each finds a violation by itself; none changes the world.
#pragma once
#include "session.hpp"

namespace castra::sim {

class Checks {
public:
    // Watches each removal: it is castra's, and was announced durably before.
    Checks();
    Checks(const Checks&) = delete;
    Checks& operator=(const Checks&) = delete;
    ~Checks();

    // What a client was told obeys the contract. `is_whole`: it was told everything.
    void stream(const std::string& text, bool is_whole) const;
    // The journals on disk. `are_sealed`: each has its end.
    void journals(bool are_sealed) const;
    // Each record is whole or absent.
    void records() const;
    // What status says is what lives. Requires: no operation under way.
    void truth(Session& session) const;
    // After a down of everything: nothing of a VM is left.
    void nothing_stands() const;
    // After clean: nothing at all but logs, locks and the register.
    void nothing_leaks() const;
    // What is not castra's is as it was.
    void strangers_are_well(const std::vector<ProcPtr>& strangers) const;

    // An up or down whose journal fails still takes down what it must, and tells its client: docs/SIMULATION.md.
    bool excuses_failed_journals = true;

private:
    void removed(const std::string& path);
    std::map<std::string, int> removed_; // by journal and path
};

} // namespace castra::sim
