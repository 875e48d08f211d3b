// SPDX-License-Identifier: Apache-2.0
// relay_up PREFIX CONFIG PROGRAM [ARGUMENT...]: up and down with castra inside, every event passed on to another
// process. A Reporter that serialises across a process boundary: it adds nothing and names nothing, the line is
// castra's own, so field names and severities on the other side are those of the contract. The other side reads lines
// from its stdin.
#include <operations/kernel.hpp>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <stdexcept>
#include <sys/wait.h>
#include <unistd.h>

namespace {

class Relay : public castra::Reporter {
public:
    explicit Relay(int fd) : fd_(fd) {}
    // An exception lets castra let go of this reporter; the operation goes on.
    void event(const castra::ReportedEvent& event) override {
        auto left = event.line; // with its line feed
        while (!left.empty()) {
            const auto written = ::write(fd_, left.data(), left.size());
            if (written < 0 && errno == EINTR) continue;
            if (written < 0) throw std::runtime_error(std::string("the other side is gone: ") + std::strerror(errno));
            left.remove_prefix(static_cast<std::size_t>(written));
        }
    }

private:
    int fd_;
};

} // namespace

int main(int argc, char** argv) {
    if (argc < 4) {
        std::fprintf(stderr, "relay_up PREFIX CONFIG PROGRAM [ARGUMENT...]\n");
        return 2;
    }
    std::signal(SIGPIPE, SIG_IGN); // a closed pipe is an error of write()
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return 1;
    const auto reader = ::fork(); // before there is a Kernel: it has a thread
    if (reader == 0) {
        ::dup2(ends[0], STDIN_FILENO);
        ::execvp(argv[3], argv + 3);
        ::_exit(127);
    }
    ::close(ends[0]);

    castra::OperationOutcome up, down;
    {
        castra::Kernel kernel({.prefix = argv[1], .config = argv[2]});
        Relay relay(ends[1]);
        up = kernel.up({}, relay);
        down = kernel.down({}, relay);
    }
    ::close(ends[1]); // the other side sees the end
    int status = 0;
    ::waitpid(reader, &status, 0);
    std::printf("up: %s\ndown: %s\n", up.message.c_str(), down.message.c_str());
    if (!up.succeeded() || !down.succeeded()) return 1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
