#include <castra/sdk/plugin.hpp>

#include <fstream>

using namespace castra::sdk;

namespace {

class %CLASS% : public Reporter {
public:
    explicit %CLASS%(const Json& config) : path_(config.value("path", "/dev/null")) {
        file_.open(path_, std::ios::app);
        if (!file_)
            throw Refusal({.code = "no_file",
                           .title = "cannot write " + path_.substr(0, 200),
                           .field_path = "/path",
                           .hint = "name a file in a directory that exists"});
    }

    void open(const OpenRequest& request, const Call&) override {
        file_ << request.operation << " of project " << request.project << "\n";
    }

    // Every event of the run, in order; event.line is its JSON as it stands in the journal.
    void events(const EventBatch& batch, const Call&) override {
        for (const auto& event : batch.events)
            file_ << event.seq << " " << event.severity << " " << event.type << " " << event.vm.value_or("-") << "\n";
    }

    // Returns when everything taken so far is where it belongs.
    void flush(const Call&) override { file_.flush(); }
    void close(const Call&) override { file_.close(); }

private:
    std::string path_;
    std::ofstream file_;
};

} // namespace

CASTRA_PLUGIN(%CLASS%);
