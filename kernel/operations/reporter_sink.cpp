// SPDX-License-Identifier: Apache-2.0
#include "operations/reporter_sink.hpp"

#include "base/unique_fd.hpp"
#include "castra/abi/reporter.h"

#include <sys/eventfd.h>

namespace castra {
namespace {

class ReporterSink final : public Sink {
public:
    explicit ReporterSink(PluginInstance instance)
        : instance_(std::move(instance)), given_up_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}
    std::string name() const override { return instance_.plugin(); }

    Result<> deliver(const EncodedEvents& batch) override {
        nlohmann::json events = nlohmann::json::array();
        for (const auto& event : batch) {
            nlohmann::json header{{"type", event.type}, {"seq", event.seq}, {"severity", event.severity}};
            if (!event.vm.empty()) header["vm"] = event.vm;
            header["line"] = event.line.substr(0, event.line.size() - 1); // without the line feed
            events.push_back(std::move(header));
        }
        nlohmann::json request{{"events", std::move(events)}};
        if (gap_) {
            request["gap"] = {{"first_seq", gap_->first_seq},
                              {"last_seq", gap_->last_seq},
                              {"count", gap_->last_seq - gap_->first_seq + 1},
                              {"reason", "coalesced"}};
            gap_.reset();
        }
        auto taken = told(CASTRA_REPORTER_EVENTS, request);
        has_failed_ = !taken;
        return taken;
    }

    // Told with the batch that follows it.
    Result<> skip(const Gap& gap) override {
        gap_ = gap;
        return {};
    }

    Result<> finish() override {
        // One that has failed is only closed: it gets no time for what it could not do already.
        if (has_failed_) return told(CASTRA_REPORTER_CLOSE, nlohmann::json::object());
        auto flushed = told(CASTRA_REPORTER_FLUSH, nlohmann::json::object());
        auto closed = told(CASTRA_REPORTER_CLOSE, nlohmann::json::object());
        return flushed ? closed : flushed;
    }

    void give_up() noexcept override { ::eventfd_write(given_up_.get(), 1); }

private:
    Result<> told(std::uint32_t slot, const nlohmann::json& request) {
        const auto reply = instance_.call(slot, request, {{}, given_up_.get()});
        if (!reply) return Failure(reply.error());
        return {};
    }
    PluginInstance instance_;
    UniqueFd given_up_; // readable: cancels every call
    std::optional<Gap> gap_;
    bool has_failed_ = false;
};

} // namespace

Result<std::unique_ptr<Sink>> open_reporter(PluginInstance instance, const nlohmann::json& open_request) {
    const auto opened = instance.call(CASTRA_REPORTER_OPEN, open_request);
    if (!opened) return Failure(opened.error());
    return std::make_unique<ReporterSink>(std::move(instance));
}

} // namespace castra
