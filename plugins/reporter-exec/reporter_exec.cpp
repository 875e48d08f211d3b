// SPDX-License-Identifier: Apache-2.0
// The event stream on the stdin of a program: one program a run, from its first event to its summary. The program's end
// before that, and an exit code other than 0, are errors of this reporter and never of the run. A program that reads
// too slowly is told by the kernel's own rules: the queue, then it is let go.
#include "castra/sdk/plugin.hpp"
#include "castra/sdk/write_out.hpp"
#include "child_program.hpp"

#include <cstdlib>
#include <memory>

namespace {

using namespace castra::sdk;
using namespace std::chrono_literals;
using castra::exec::ChildProgram;

constexpr auto term_timeout = 300ms; // from SIGTERM to SIGKILL

class ExecReporter : public Reporter {
public:
    explicit ExecReporter(const Json& config) {
        std::string output = "stderr";
        read_field(config, "command", spec_.command);
        read_field(config, "env", spec_.env);
        read_field(config, "output", output);
        read_field(config, "stop_timeout_ms", stop_timeout_ms_);
        spec_.discards_output = output == "discard";
        if (spec_.command.empty() || !spec_.command[0].starts_with('/'))
            throw Refusal({.code = "command",
                           .title = "reporter-exec needs a command with an absolute path",
                           .field_path = "/command",
                           .hint = "such as command = [\"/usr/bin/jq\", \".message\"]"});
        for (const auto& word : spec_.command)
            refuse_nul(word, "/command");
        for (const auto& [name, value] : spec_.env) {
            if (name.empty() || name.find('=') != name.npos)
                throw Refusal({.code = "env",
                               .title = "\"" + name.substr(0, 200) + "\" names no variable",
                               .field_path = "/env"});
            refuse_nul(name + value, "/env");
        }
    }

    void open(const OpenRequest& request, const Call&) override {
        auto spec = spec_;
        for (const auto* name : {"PATH", "HOME", "LANG"})
            if (const auto* value = std::getenv(name)) spec.env.emplace(name, value);
        spec.env["CASTRA_RUN_ID"] = request.run_id;
        pending_.clear();
        is_stuck_ = false;
        program_ = std::make_unique<ChildProgram>(spec);
    }

    void events(const EventBatch& batch, const Call& call) override {
        if (batch.gap)
            host().warn("reporter-exec: " + std::to_string(batch.gap->count) + " events not delivered, seq " +
                        std::to_string(batch.gap->first_seq) + ".." + std::to_string(batch.gap->last_seq) + ": " +
                        batch.gap->reason);
        for (const auto& event : batch.events) {
            pending_ += event.line;
            pending_ += '\n';
        }
        write(call);
    }

    void flush(const Call& call) override { write(call); }

    void close(const Call& call) override {
        if (!program_) return;
        if (is_stuck_) {      // it has had its time
            program_.reset(); // kills it and all that it started
            throw Refusal({.code = "stuck",
                           .title = spec_.command[0] + " did not take its events and was stopped",
                           .hint = "read stdin until it ends"});
        }
        write(call);
        program_->end_of_input();
        auto ended = program_->wait(std::chrono::milliseconds(stop_timeout_ms_), call);
        const bool was_stopped = !ended;
        if (was_stopped) {
            program_->signal(SIGTERM);
            ended = program_->wait(term_timeout, call);
        }
        const bool good = program_->succeeded();
        program_.reset(); // kills what is still there
        if (was_stopped)
            throw Refusal({.code = "timeout",
                           .title = spec_.command[0] + " went on for " + std::to_string(stop_timeout_ms_) +
                                    " ms after the last event and was stopped",
                           .hint = "let it end when its stdin does, or raise stop_timeout_ms"});
        if (!good) throw Refusal({.code = "failed", .title = spec_.command[0] + " ended with " + *ended});
    }

private:
    static void refuse_nul(const std::string& text, const char* field) {
        if (text.find('\0') != text.npos)
            throw Refusal({.code = "nul", .title = "a NUL character is in it", .field_path = field});
    }

    void write(const Call& call) {
        if (!program_) throw Refusal({.code = "not_open", .title = "reporter-exec has no program now"});
        is_stuck_ = true; // until it is written
        try {
            write_out(program_->fd(), pending_, call, spec_.command[0]);
            is_stuck_ = false;
        } catch (const Refusal& refusal) {
            if (refusal.text().code != "broken_pipe") throw;
            const auto ended = program_->wait(100ms, call); // a program may also just close its stdin
            throw Refusal({.code = "ended",
                           .title = spec_.command[0] +
                                    (ended ? " ended with " + *ended : std::string(" closed its stdin")) +
                                    " while events were still to come"});
        }
    }

    castra::exec::ProgramSpec spec_;
    std::int64_t stop_timeout_ms_ = 2000;
    std::unique_ptr<ChildProgram> program_;
    std::string pending_; // not yet written
    bool is_stuck_ = false;
};

} // namespace

CASTRA_PLUGIN(ExecReporter);
