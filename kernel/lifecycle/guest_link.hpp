// SPDX-License-Identifier: Apache-2.0
// What a machine wants of a broker: to give its guest a way in, to be told that it is ready, to ask it to power down.
// Knows nothing of sockets or protocols. Without a broker there is none of these, and machines do without.
// Thread: the kernel's.
#pragma once
#include "host/async.hpp"

#include <cstdint>
#include <string>

namespace castra {

// A way in for one incarnation of a VM. The secret is for TCP, where the channel does not tell who comes.
struct GuestDoor {
    std::string vm, incarnation, secret;
    std::string socket; // of its own channel; empty: none
};

class GuestLink {
public:
    virtual ~GuestLink() = default;
    virtual bool is_open() const = 0;       // a broker runs: a VM that starts now gets a door
    virtual std::uint16_t port() const = 0; // TCP on 127.0.0.1; 0: none
    virtual void attach(GuestDoor door) = 0;
    virtual void detach(const std::string& vm) = 0;
    // Returns when the guest of this incarnation has said that it is ready, with what it told of itself: a JSON object,
    // the guest's word, or nothing. Until then, or for ever, it waits.
    virtual Task<std::string> wait_ready(std::string vm, std::string incarnation) = 0;
    // False: nobody is there who could do it.
    virtual bool ask_shutdown(const std::string& vm) = 0;
};

} // namespace castra
