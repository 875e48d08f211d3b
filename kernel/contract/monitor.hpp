// SPDX-License-Identifier: Apache-2.0
// The monitor of one run: every rule about the order of events, and about what an event says of others. The bus asks it
// before an event is written; `castra events verify` asks the same one afterwards. The shape (rule 18) is the encoder's
// and the decoder's. Never emits, never throws on a bad event.
// Thread: one.
#pragma once
#include "contract/bootstrap_order.hpp"
#include "contract/broker_order.hpp"
#include "contract/cleanup_order.hpp"
#include "contract/progress_order.hpp"
#include "contract/promise.hpp"
#include "contract/run_order.hpp"
#include "contract/vm_order.hpp"

namespace castra::contract {

class Monitor {
public:
    // Admits the event and moves on, or says which rule it breaks and stays where it was.
    Check admit(const Event& event);
    bool is_sealed() const { return run_.is_sealed(); }
    std::int64_t seq() const { return run_.seq(); } // of the last admitted event
    // For a reader that goes on after a line it could not admit: the next seq is one further, or `seq` + 1.
    void skip() { run_.skip_to(run_.seq() + 1); }
    void skip_to(std::int64_t seq) { run_.skip_to(seq); }
    // See Promise.
    std::vector<std::string> owed_brokers() const { return promise_.owed_brokers(); }
    std::vector<VmResult> owed(const Summary& summary, const std::string& reason) const {
        return promise_.owed(summary, reason);
    }

private:
    struct Vm {
        VmOrder life;
        BootstrapOrder bootstrap;
    };
    Check check_vm(const Event& event) const;
    Check check_settled(const Summary& summary) const;
    void commit_vm(const Event& event);

    RunOrder run_;
    Promise promise_;
    BrokerOrder broker_;
    CleanupOrder cleanup_;
    ProgressOrder progress_;
    std::map<std::string, Vm, std::less<>> vms_;
};

} // namespace castra::contract
