// SPDX-License-Identifier: Apache-2.0
// What bootstrap asks of the broker: the hello of one incarnation's guest. A VM whose guest was given no way in is not
// expected to say any. Thread: the kernel's. Owner: the project kernel, as of the keeper.
#pragma once
#include "bootstrap/handshakes.hpp"
#include "operations/broker_keeper.hpp"

namespace castra {

class BrokerHandshakes final : public Handshakes {
public:
    BrokerHandshakes(Host& host, BrokerKeeper& keeper) : host_(host), keeper_(keeper) {}
    bool are_expected(const std::string& vm) const override { return keeper_.is_open() && keeper_.knows(vm); }
    Task<Result<Handshake>> wait(std::string vm, std::string incarnation, std::string identity, Milliseconds timeout,
                                 Gate& cancel) override;

private:
    Host& host_;
    BrokerKeeper& keeper_;
};

} // namespace castra
