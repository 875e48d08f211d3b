// SPDX-License-Identifier: Apache-2.0
#include "cli/app.hpp"

#include "host/standard_descriptors.hpp"
#include "operations/exit_code.hpp"
#include "operations/project.hpp"

#include <cstdio>
#include <cstdlib>
#include <poll.h>
#include <unistd.h>

namespace castra {
namespace {

// Not noreturn: GCC 12 makes a trap of a coroutine that ends in a call which does not return.
void leave_at_once() {
    // A supervisor finishes the work.
    std::fputs("castra: leaving at once; castra status tells what goes on, castra down takes it down\n", stderr);
    std::_Exit(exit_code::cancelled);
}

// Remembers whether it could show everything. Shared: a sink that hangs outlives its run.
class AnswerSink final : public Sink {
public:
    AnswerSink(std::unique_ptr<Sink> sink, std::shared_ptr<std::atomic<bool>> is_lost)
        : sink_(std::move(sink)), is_lost_(std::move(is_lost)) {}
    std::string name() const override { return sink_->name(); }
    Result<> deliver(const EncodedEvents& batch) override { return noted(sink_->deliver(batch)); }
    Result<> skip(const Gap& gap) override { return noted(sink_->skip(gap)); }
    Result<> finish() override { return noted(sink_->finish()); }
    void give_up() noexcept override { sink_->give_up(); }

private:
    Result<> noted(Result<> shown) {
        if (!shown) *is_lost_ = true;
        return shown;
    }
    std::unique_ptr<Sink> sink_;
    std::shared_ptr<std::atomic<bool>> is_lost_;
};

} // namespace

void print(const std::string& text) {
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fflush(stdout);
}

void tell(const CommandLine& line, const std::string& text) {
    if (!line.quiet) print(text);
}

int end_of_output(int code, bool is_lost) {
    const bool is_whole = std::fflush(stdout) == 0 && std::ferror(stdout) == 0 && !is_lost;
    pollfd out{STDOUT_FILENO, POLLOUT, 0};
    const bool reader_left = poll(&out, 1, 0) == 1 && (out.revents & (POLLERR | POLLHUP)) != 0;
    if (is_whole || reader_left || code != exit_code::succeeded) return code;
    if (const auto looks = somebody_can_look(); !looks) return complain(looks.error());
    return complain({ErrorCode::io, "not all of the answer could be written to stdout", "is the disk there full?"});
}

Result<> somebody_can_look() {
    if (stdout_is_open()) return {};
    return fail(ErrorCode::io, "nothing can be written to stdout", "it was closed when castra was started");
}

int complain(const Error& error) {
    std::fprintf(stderr, "castra: %s%s%s%s\n", error.text.c_str(), error.hint.empty() ? "" : " (", error.hint.c_str(),
                 error.hint.empty() ? "" : ")");
    return exit_code::of(error.code);
}

Task<int> App::run(CommandLine line) {
    const int code = co_await line.act(*this, line);
    co_return code;
}

std::unique_ptr<Sink> App::sink_for(const CommandLine& line, const std::string& run_id) {
    Output output(workshop_, line.events, line);
    auto sink = output.make_sink(run_id, std::string(to_string(line.request.operation)));
    const auto operation = line.request.operation;
    const bool is_answer = operation == Operation::status || operation == Operation::plan;
    if (sink && *sink && is_answer) return std::make_unique<AnswerSink>(std::move(*sink), answer_is_lost_);
    if (sink) return std::move(*sink);
    if (is_answer) *answer_is_lost_ = true;
    complain(sink.error());
    return {};
}

int App::reject(const CommandLine& line, const std::string& project, const std::vector<Error>& findings) {
    Run run(workshop_.host().clock(), line.request, project, workshop_.installation().version);
    if (auto sink = sink_for(line, run.id())) run.bus().add_sink(std::move(sink));
    return run.reject(findings).exit_code;
}

int App::refuse(const UsageError& error, int argc, const char* const* argv) {
    if (error.as_text) return complain({ErrorCode::usage, error.text, error.hint});
    CommandLine line;
    line.events = error.events;
    line.request.operation = error.operation;
    for (int i = 0; i < argc; ++i)
        line.request.argv.emplace_back(argv[i]);
    return reject(line, "", {Error{ErrorCode::usage, error.text, error.hint}});
}

Result<Layout> App::layout_of(const std::string& config) {
    auto project = load_project(workshop_.installation(), config);
    if (project) return project->layout;
    auto located = locate_project(workshop_.installation(), config);
    if (!located) return Failure(project.error().front()); // which has the cure
    return located->layout;
}

std::shared_ptr<Gate> App::cancelled_by_signal() {
    if (!cancel_) {
        cancel_ = std::make_shared<Gate>(host().executor());
        asio::co_spawn(host().executor(), cancel_on_signal(cancel_), asio::detached);
    }
    return cancel_;
}

Task<> App::cancel_on_signal(std::shared_ptr<Gate> cancel) {
    const int first = co_await signals_.next();
    if (first == 0) co_return;
    cancel->open();
    const int second = co_await signals_.next();
    if (second != 0) leave_at_once();
}

} // namespace castra
