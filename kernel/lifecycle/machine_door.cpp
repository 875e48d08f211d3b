// SPDX-License-Identifier: Apache-2.0
// Machine: its guest's way to the broker. The secret of an incarnation stands in broker.json of the VM's directory,
// 0600, which the guest reads through fw_cfg; never on a command line, never in an event.
#include "contract/text.hpp"
#include "host/files.hpp"
#include "lifecycle/machine.hpp"

#include <nlohmann/json.hpp>

namespace castra {

using contract::draft;

namespace {

constexpr const char* agent_socket_name = "agent"; // in a plan: the guest's own channel
constexpr std::size_t door_bytes_max = 4096;

std::string make_secret(Clock& clock) {
    std::string text;
    for (int i = 0; i < 3; ++i)
        for (const auto byte : clock.entropy()) {
            constexpr std::string_view digits = "0123456789abcdef";
            text += digits[byte >> 4U];
            text += digits[byte & 15U];
        }
    return text;
}

} // namespace

Result<> Machine::make_door(sdk::VmPaths& paths) {
    CASTRA_CHECK(files::remove(door_file())); // of an earlier incarnation
    if (guests_ == nullptr || !guests_->is_open()) return {};
    nlohmann::json door{{"vm", name_}, {"incarnation", record_.incarnation}, {"secret", make_secret(host_.clock())}};
    // 10.0.2.2 is this machine as a guest of QEMU's user network sees it.
    if (guests_->port() != 0) door["tcp"] = {{"address", "10.0.2.2"}, {"port", guests_->port()}};
    CASTRA_CHECK(files::replace(door_file(), door.dump(), false));
    paths.broker_file = door_file();
    paths.agent_socket = layout_.vm_runtime_dir(name_) / agent_socket_name;
    return {};
}

void Machine::open_door() {
    if (guests_ == nullptr || !guests_->is_open() || !process_ || process_->has_exited()) return;
    const auto text = files::read(door_file(), door_bytes_max);
    if (!text) return; // it was started without a broker
    const auto door = nlohmann::json::parse(*text, nullptr, false);
    if (!door.is_object() || door.value("incarnation", "") != record_.incarnation) return;
    guests_->attach({name_, record_.incarnation, door.value("secret", ""), socket_path(agent_socket_name)});
}

void Machine::close_door() {
    if (guests_ != nullptr) guests_->detach(name_);
}

Task<std::string> Machine::agent_ready(Gate& never) {
    if (guests_ == nullptr || !guests_->is_open()) {
        co_await never.wait();
        co_return "";
    }
    auto told = co_await guests_->wait_ready(name_, record_.incarnation);
    co_return told;
}

// Before other ways: a guest that is asked in words knows who asks.
Task<bool> Machine::cooperate_by_agent(EventBus& bus, Milliseconds wait) {
    if (guests_ == nullptr || !guests_->is_open() || !guests_->ask_shutdown(name_)) co_return false;
    const auto began_us = host_.clock().monotonic_us();
    contract::VmCooperativeAttempted attempted;
    attempted.method = "agent";
    attempted.timeout_ms = wait.count();
    publish(bus, draft(attempted, name_ + " is asked to power down by agent"));
    const bool ended = co_await exits_within(wait);
    const auto waited_ms = (host_.clock().monotonic_us() - began_us) / 1000;
    if (ended) {
        publish_exit(bus, true, "shutdown");
        publish(bus, draft(contract::VmCooperativeSucceeded{waited_ms}, name_ + " powered itself down"));
        co_return true;
    }
    contract::VmCooperativeTimedOut timed_out;
    timed_out.waited_ms = waited_ms;
    timed_out.reason = contract::TimeoutReason::timeout_expired;
    publish(bus, draft(timed_out, name_ + " did not power itself down")
                     .cure("castra goes on by other means; does castra-agent still run in the guest?"));
    co_return false;
}

} // namespace castra
