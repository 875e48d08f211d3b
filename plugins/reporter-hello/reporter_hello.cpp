// SPDX-License-Identifier: Apache-2.0
// The smallest reporter, written to be copied. README.md explains each line.
#include "castra/sdk/plugin.hpp"

#include <cstdio>

namespace {

using namespace castra::sdk;

class HelloReporter : public Reporter {
public:
    explicit HelloReporter(const Json& config) : greeting_(config.value("greeting", "hello")) {}

    void open(const OpenRequest& request, const Call&) override {
        std::fprintf(stderr, "%s: %s of project %s begins\n", greeting_.c_str(), request.operation.c_str(),
                     request.project.c_str());
    }

    void events(const EventBatch& batch, const Call&) override {
        count_ += batch.events.size();
        for (const auto& event : batch.events)
            if (event.severity == "error" || event.severity == "blocker") ++errors_;
    }

    void close(const Call&) override {
        std::fprintf(stderr, "%s: saw %zu events, %zu errors\n", greeting_.c_str(), count_, errors_);
    }

private:
    std::string greeting_;
    std::size_t count_ = 0, errors_ = 0;
};

} // namespace

CASTRA_PLUGIN(HelloReporter);
