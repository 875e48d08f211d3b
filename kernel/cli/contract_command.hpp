// SPDX-License-Identifier: Apache-2.0
// castra contract ...: everything that is made from the contract's registry, printed on stdout, and the differ. Needs
// no project, opens no run and emits no event.
#pragma once
#include <string>

namespace CLI {
class App;
}

namespace castra {

struct ContractRequest {
    enum class What { schema, docs, samples, fields, typescript, snapshot, diff };
    What what = What::schema;
    bool closed = false, draft_07 = false;        // of schema
    std::string old_snapshot, new_snapshot = "."; // of diff: a file, or "." for this build's registry
    bool json = false;                            // of diff
};

// The grammar below `castra contract`; parsing fills `into`.
void add_contract_commands(CLI::App& contract, ContractRequest& into);

// Returns the process's exit code. diff: 0 when the newer version covers the changes, 7 when it does not, 10 when a
// file is not there, 2 when one is no snapshot.
int run_contract(const ContractRequest& request);

} // namespace castra
