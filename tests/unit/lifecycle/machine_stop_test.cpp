// SPDX-License-Identifier: Apache-2.0
// The waits of a stop, of a real process whose control socket takes everybody and answers nobody.
#include "contract/decode.hpp"
#include "host/system_process.hpp"
#include "lifecycle/machine.hpp"
#include "unit/scratch_project.hpp"

#include <gtest/gtest.h>

namespace castra {
namespace {

class LinesSink final : public Sink {
public:
    explicit LinesSink(std::vector<contract::Json>& events) : events_(events) {}
    std::string name() const override { return "lines"; }
    Result<> deliver(const EncodedEvents& batch) override {
        for (const auto& event : batch)
            events_.push_back(contract::Json::parse(event.line));
        return {};
    }
    Result<> finish() override { return {}; }

private:
    std::vector<contract::Json>& events_;
};

// A guest with an agent that says yes and does nothing.
class PoliteGuest final : public GuestLink {
public:
    bool is_open() const override { return true; }
    std::uint16_t port() const override { return 0; }
    void attach(GuestDoor) override {}
    void detach(const std::string&) override {}
    Task<std::string> wait_ready(std::string, std::string) override { co_return ""; }
    bool ask_shutdown(const std::string&) override { return true; }
};

class MachineStop : public ScratchProject {
protected:
    MachineStop() {
        silent = std::move(host->listen_unix_fd(dir / "qmp")).value();
        plan.sockets.push_back({"qmp", dir / "qmp"});
        plan.stop.push_back({"acpi", "qmp", {{"power down", "done"}}});
    }

    // Stops an adopted process; what the run's events say.
    void stop(StopTimes times, GuestLink* guests) {
        SpawnRequest request;
        request.program = "/bin/sleep";
        request.argv = {"/bin/sleep", "1000"};
        request.working_dir = "/";
        const auto child = std::move(host->spawn(request)).value();
        VmRecord record;
        record.name = "web";
        record.incarnation = "01ARYZ6S410000000000000001";
        record.phase = "ready";
        record.boot_id = host->boot_id();
        record.pid = child->id().pid;
        record.start_ticks = child->id().start_ticks;
        record.plan = plan;
        auto machine = std::make_shared<Machine>(*host, layout, "web", [](Machine&) {});
        machine->set_guest_link(guests);
        ASSERT_TRUE(machine->adopt(record));
        EventBus bus({"01ARYZ6S410000000000000000", "down", "demo"}, clock, {}, {});
        bus.add_sink(std::make_unique<LinesSink>(events));
        contract::CommandAccepted accepted;
        accepted.running.push_back({"web", record.incarnation});
        bus.publish(contract::draft(accepted, "down"));
        asio::co_spawn(loop, machine->stop(bus, times), [&](const std::exception_ptr& thrown, const Result<>& stopped) {
            EXPECT_FALSE(thrown);
            EXPECT_TRUE(stopped) << stopped.error().text;
            loop.stop();
        });
        loop.run();
        bus.conclude({}, {}, "done");
        EXPECT_FALSE(host->is_alive(child->id()));
        for (const auto& event : events)
            EXPECT_NE(event.value("code", ""), "contract_violation") << event;
    }
    std::vector<std::int64_t> all(const std::string& type, const std::string& field) const {
        std::vector<std::int64_t> values;
        for (const auto& event : events)
            if (event["type"] == type) values.push_back(event[field]);
        return values;
    }

    asio::io_context loop;
    SystemClock clock;
    std::unique_ptr<Host> host = make_system_host(loop, clock);
    UniqueFd silent;
    sdk::LaunchPlan plan;
    std::vector<contract::Json> events;
};

TEST_F(MachineStop, GivesAllWaysOfCooperationTogetherTheGracefulWait) {
    PoliteGuest guest;
    stop({Milliseconds(300), Milliseconds(5000), Milliseconds(5000), {}}, &guest);
    const auto waits = all("vm.cooperative_attempted", "timeout_ms");
    ASSERT_EQ(waits.size(), 2U) << "the agent, then the power button";
    EXPECT_EQ(waits[0], 150);
    EXPECT_LE(waits[1], 150);
}

// 2 s was what a proof of identity waited, whatever the VM's own wait was.
TEST_F(MachineStop, WaitsForAProofOfIdentityNoLongerThanForTheGuest) {
    plan.identity = sdk::IdentityCheck{"qmp", {{"who are you", "web"}}};
    stop({Milliseconds(100), Milliseconds(5000), Milliseconds(5000), {}}, nullptr);
    const auto waited = all("vm.cooperative_timed_out", "waited_ms");
    ASSERT_EQ(waited.size(), 1U);
    EXPECT_LT(waited[0], 1500);
}

} // namespace
} // namespace castra
