// SPDX-License-Identifier: Apache-2.0
// library_up --plan --cli PATH [--config FILE] [--execute]: castra's operations inside a program of yours, with a
// Reporter that prints events and diagnostics, and a broker launcher that is told where the CLI is.
//   --plan     tell what an up would do, and launch nothing
//   --execute  up, status, down; after the plan, when both are given
// Exit codes: that of the first operation that did not succeed; 2 when the words are wrong.
#include <operations/kernel.hpp>
#include <operations/process_broker_launcher.hpp>

#include <csignal>
#include <cstdio>
#include <string_view>
#include <thread>

namespace {

class Printer : public castra::Reporter {
public:
    void event(const castra::ReportedEvent& event) override {
        std::printf("%.*s", static_cast<int>(event.line.size()), event.line.data());
    }
    void diagnostic(const castra::Diagnostic& found) override {
        std::fprintf(stderr, "%s: %s\n", found.type.c_str(), found.text.c_str());
        if (!found.remediation.empty()) std::fprintf(stderr, "  cure: %s\n", found.remediation.c_str());
    }
};

int usage() {
    std::fprintf(stderr, "library_up --plan --cli PATH [--config FILE] [--execute]\n");
    return 2;
}

// Ctrl-C ends an operation in order: what it had started is taken down again. Signals stay the program's own, so it
// waits for them in a thread of its own.
class Interrupts {
public:
    Interrupts() {
        sigemptyset(&awaited_);
        for (const int signal : {SIGINT, SIGTERM, SIGUSR1})
            sigaddset(&awaited_, signal);
        pthread_sigmask(SIG_BLOCK, &awaited_, nullptr);
        thread_ = std::thread([this] {
            int signal = 0;
            if (sigwait(&awaited_, &signal) == 0 && signal != SIGUSR1) source_.request_stop();
        });
    }
    ~Interrupts() {
        pthread_kill(thread_.native_handle(), SIGUSR1);
        thread_.join();
    }
    Interrupts(const Interrupts&) = delete;
    Interrupts& operator=(const Interrupts&) = delete;
    std::stop_token token() const { return source_.get_token(); }

private:
    sigset_t awaited_;
    std::stop_source source_;
    std::thread thread_;
};

} // namespace

int main(int argc, char** argv) {
    bool is_plan = false, is_execute = false;
    std::filesystem::path cli, config = "castra.toml";
    for (int i = 1; i < argc; ++i) {
        const std::string_view word = argv[i];
        if (word == "--plan")
            is_plan = true;
        else if (word == "--execute")
            is_execute = true;
        else if (word == "--cli" && i + 1 < argc)
            cli = argv[++i];
        else if (word == "--config" && i + 1 < argc)
            config = argv[++i];
        else
            return usage();
    }
    if (cli.empty() || (!is_plan && !is_execute)) return usage();

    const Interrupts interrupts;
    castra::ProcessBrokerLauncher launcher(cli); // says so when no castra is there, and never looks elsewhere
    castra::Kernel kernel({.prefix = cli.parent_path().parent_path(), .config = config});
    Printer printer;
    castra::UpOptions options;
    options.cancel = interrupts.token();
    if (is_plan) {
        options.plan = true;
        const auto planned = kernel.up(options, launcher, printer);
        if (!planned.succeeded()) return planned.exit_code;
    }
    if (!is_execute) return 0;
    options.plan = false;
    const auto up = kernel.up(options, launcher, printer);
    const auto status = kernel.status({}, printer);
    const auto down = kernel.down({}, printer); // also after a failure: nothing is to be left
    for (const auto* outcome : {&up, &status, &down})
        if (!outcome->succeeded()) return outcome->exit_code;
    return 0;
}
