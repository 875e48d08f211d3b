// SPDX-License-Identifier: Apache-2.0
// One process of castra on the simulated machine: the real kernel of one project (ProjectKernel and all below it), its
// loop and its operations. It ends in order, or is killed at any call: then its objects go without any effect.
#pragma once
#include "contract/verify.hpp"
#include "operations/project_kernel.hpp"
#include "sim_host.hpp"

namespace castra::sim {

// One operation, from its request to its summary, as whoever asked for it sees it.
struct Asked {
    Request request;
    std::shared_ptr<Gate> cancel;
    std::int64_t began_us = 0;
    std::optional<RunResult> result;
    std::string stream;        // what the client was told
    bool client_broke = false; // and took no more
};
using AskedPtr = std::shared_ptr<Asked>;

struct Place { // where everything is, in every history
    static constexpr const char* config = "/sim/project/castra.toml";
    static constexpr const char* home = "/sim/home";
    static Installation installation();
    static Layout layout();
};

class Session {
public:
    explicit Session(int number);
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;
    ~Session(); // in order, or what is left of a killed one

    Proc& proc() { return *proc_; }
    // Takes the project's lock; false, and why(), when it is held or the disk fails.
    bool open();
    ProjectKernel* kernel() { return kernel_.get(); }
    const Error& why() const { return why_; }
    AskedPtr perform(Request request);
    // `castra clean`, in this process.
    AskedPtr clean();
    void cancel(Asked& operation);
    // Lets it go on until it waits; how much there was to do.
    std::size_t poll();
    bool is_idle() const { return kernel_ && kernel_->is_idle() && running() == 0; }
    std::size_t running() const;
    const std::vector<AskedPtr>& operations() const { return operations_; }
    // What `castra status` says, asked by this process.
    std::map<std::string, std::string> states();

private:
    struct Loop : asio::io_context {
        Loop() : asio::io_context(1) {}
        void drop() { shutdown(); } // ends every coroutine
    };
    ProcPtr proc_;
    SimClock clock_;
    std::unique_ptr<Loop> loop_;
    std::unique_ptr<SimHost> host_;
    std::unique_ptr<Workshop> workshop_;
    std::unique_ptr<ProjectKernel> kernel_;
    Error why_;
    std::vector<AskedPtr> operations_;
};

} // namespace castra::sim
