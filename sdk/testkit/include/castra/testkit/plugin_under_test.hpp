// SPDX-License-Identifier: Apache-2.0
// A built plugin, called through the real border as castra calls it, without castra running:
//   HostDouble host;
//   PluginUnderTest plugin(CASTRA_PLUGIN_FILE, host);
//   auto reporter = plugin.reporter({{"path", "/tmp/x"}});
//   reporter.events({.events = {sample_event(1, "vm.ready")}});
// Requests and replies are the types of castra/sdk; a refusal comes back as the exception sdk::Refusal with the
// plugin's own words, every other answer but success as BadAnswer. Also `castra plugin validate` is worth running: it
// tries what no test of one's own thinks of. Requires: the config is complete; castra checks it against the manifest's
// schema and fills in defaults, this does not.
#pragma once
#include "castra/abi/bootstrap_step.h"
#include "castra/abi/broker_launcher.h"
#include "castra/abi/launcher.h"
#include "castra/abi/reporter.h"
#include "castra/sdk/bootstrap_step.hpp"
#include "castra/sdk/broker_launcher.hpp"
#include "castra/sdk/launch_plan.hpp"
#include "castra/sdk/reporter.hpp"
#include "castra/testkit/host_double.hpp"

#include <chrono>
#include <dlfcn.h>
#include <memory>
#include <optional>
#include <stdexcept>

namespace castra::testkit {

// An answer that no correct plugin gives, or that no test wants: a wrong status, a reply that is no JSON, no such kind.
class BadAnswer : public std::runtime_error {
public:
    BadAnswer(const std::string& what, std::int32_t status, std::string error)
        : std::runtime_error(what + ": status " + std::to_string(status) + " " + error), status_(status),
          error_(std::move(error)) {}
    std::int32_t status() const { return status_; }     // CASTRA_INVALID_REQUEST, CASTRA_CANCELLED, ...
    const std::string& error() const { return error_; } // as it came

private:
    std::int32_t status_;
    std::string error_;
};

// How a call is made: castra's default is neither.
struct CallContext {
    std::optional<std::chrono::steady_clock::time_point> deadline;
    int cancel_fd = -1; // readable: give up
};

class InstanceUnderTest {
public:
    InstanceUnderTest(const castra_plugin* plugin, const char* kind, const Json& config)
        : kind_(kind), interface_(plugin->find_interface(kind)) {
        if (interface_ == nullptr) throw BadAnswer("the plugin is no " + kind_, CASTRA_UNSUPPORTED, "");
        const auto text = config.dump();
        std::string error;
        const castra_sink sink{&error, append};
        void* made = nullptr;
        judge("create", plugin->create(kind, {text.data(), text.size()}, &sink, &made), error);
        if (made == nullptr) throw BadAnswer("create", CASTRA_OK, "no instance");
        instance_.reset(made, plugin->destroy);
    }

    Json call(std::uint32_t slot, const Json& request, const CallContext& how = {}) const {
        const auto doing = kind_ + ", slot " + std::to_string(slot);
        if (slot >= interface_->slot_count || interface_->slots[slot] == nullptr)
            throw BadAnswer(doing, CASTRA_UNSUPPORTED, "it has no such slot");
        castra_call context{sizeof(castra_call), 0, 1, 0, how.cancel_fd, 0};
        if (how.deadline) context.deadline_ns = std::chrono::nanoseconds(how.deadline->time_since_epoch()).count();
        const auto text = request.dump();
        std::string reply, error;
        const castra_sink reply_sink{&reply, append}, error_sink{&error, append};
        judge(doing,
              interface_->slots[slot](instance_.get(), &context, {text.data(), text.size()}, &reply_sink, &error_sink),
              error);
        if (reply.empty()) return Json::object();
        auto value = Json::parse(reply, nullptr, false);
        if (!value.is_object()) throw BadAnswer(doing, CASTRA_OK, "its reply is no JSON object: " + reply);
        return value;
    }

private:
    static std::int32_t append(void* text, castra_bytes chunk) {
        static_cast<std::string*>(text)->append(static_cast<const char*>(chunk.data), chunk.size);
        return 0;
    }
    static void judge(const std::string& doing, std::int32_t status, const std::string& error) {
        if (status == CASTRA_OK) return;
        const auto said = Json::parse(error, nullptr, false);
        if (status == CASTRA_FAILED && said.is_object()) throw sdk::Refusal(said.get<sdk::RefusalText>());
        throw BadAnswer(doing, status, error);
    }

    std::string kind_;
    const castra_interface* interface_;
    std::shared_ptr<void> instance_;
};

class LauncherUnderTest : public InstanceUnderTest {
public:
    using InstanceUnderTest::InstanceUnderTest;
    sdk::Requirements requirements(const sdk::VmSpec& vm) const {
        return call(CASTRA_LAUNCHER_REQUIREMENTS, sdk::RequirementsRequest{vm}).get<sdk::Requirements>();
    }
    sdk::LaunchPlan plan(const sdk::PlanRequest& request) const {
        return call(CASTRA_LAUNCHER_PLAN, request).get<sdk::LaunchPlan>();
    }
    sdk::ExitExplanation explain_exit(const sdk::ExitReport& report) const {
        return call(CASTRA_LAUNCHER_EXPLAIN_EXIT, report).get<sdk::ExitExplanation>();
    }
};

class BrokerLauncherUnderTest : public InstanceUnderTest {
public:
    using InstanceUnderTest::InstanceUnderTest;
    sdk::BrokerPlan plan(const sdk::BrokerPlanRequest& request) const {
        return call(CASTRA_BROKER_LAUNCHER_PLAN, request).get<sdk::BrokerPlan>();
    }
};

class StepUnderTest : public InstanceUnderTest {
public:
    using InstanceUnderTest::InstanceUnderTest;
    sdk::StepPlan plan(const sdk::StepPlanRequest& request, const CallContext& how = {}) const {
        return call(CASTRA_BOOTSTRAP_STEP_PLAN, request, how).get<sdk::StepPlan>();
    }
    sdk::StepOutcome apply(const sdk::StepRequest& request, const CallContext& how = {}) const {
        return call(CASTRA_BOOTSTRAP_STEP_APPLY, request, how).get<sdk::StepOutcome>();
    }
    sdk::StepOutcome verify(const sdk::StepRequest& request, const CallContext& how = {}) const {
        return call(CASTRA_BOOTSTRAP_STEP_VERIFY, request, how).get<sdk::StepOutcome>();
    }
};

class ReporterUnderTest : public InstanceUnderTest {
public:
    using InstanceUnderTest::InstanceUnderTest;
    void open(const sdk::OpenRequest& request) const { call(CASTRA_REPORTER_OPEN, request); }
    void events(const sdk::EventBatch& batch) const { call(CASTRA_REPORTER_EVENTS, batch); }
    void flush() const { call(CASTRA_REPORTER_FLUSH, Json::object()); }
    void close() const { call(CASTRA_REPORTER_CLOSE, Json::object()); }
};

class PluginUnderTest {
public:
    // Loads it as castra does, and for ever. Throws BadAnswer, or std::runtime_error with what the loader says.
    PluginUnderTest(const std::string& file, const HostDouble& host) {
        void* library = ::dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
        if (library == nullptr) throw std::runtime_error(::dlerror());
        const auto entry = reinterpret_cast<castra_plugin_entry>(::dlsym(library, CASTRA_PLUGIN_ENTRY_SYMBOL));
        if (entry == nullptr) throw std::runtime_error(file + " does not export " CASTRA_PLUGIN_ENTRY_SYMBOL);
        plugin_ = entry();
        if (plugin_ == nullptr || plugin_->magic != CASTRA_ABI_MAGIC || plugin_->size < sizeof(castra_plugin) ||
            plugin_->abi_major != CASTRA_ABI_MAJOR || plugin_->abi_minor_min > CASTRA_ABI_MINOR)
            throw BadAnswer(file + " is built for another border", CASTRA_UNSUPPORTED, "");
        if (const auto status = plugin_->init(host.table()); status != CASTRA_OK) throw BadAnswer("init", status, "");
    }

    LauncherUnderTest launcher(const Json& config = Json::object()) const {
        return {plugin_, CASTRA_LAUNCHER_V1, config};
    }
    BrokerLauncherUnderTest broker_launcher(const Json& config = Json::object()) const {
        return {plugin_, CASTRA_BROKER_LAUNCHER_V1, config};
    }
    StepUnderTest step(const Json& config = Json::object()) const {
        return {plugin_, CASTRA_BOOTSTRAP_STEP_V1, config};
    }
    ReporterUnderTest reporter(const Json& config = Json::object()) const {
        return {plugin_, CASTRA_REPORTER_V1, config};
    }

private:
    const castra_plugin* plugin_;
};

} // namespace castra::testkit
