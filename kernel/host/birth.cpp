// SPDX-License-Identifier: Apache-2.0
#include "host/birth.hpp"

#include "host/exec_words.hpp"
#include "host/files.hpp"

#include <algorithm>
#include <csignal>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <system_error>

namespace castra {
namespace {

// What the child reports before it has become the program: the errno that stopped it; nothing when it runs.
Result<> read_report(const UniqueFd& report, const std::string& doing) {
    int error = 0;
    ssize_t size = 0;
    do
        size = ::read(report.get(), &error, sizeof error);
    while (size < 0 && errno == EINTR);
    if (size == sizeof error) return fail_errno(doing, error);
    return {};
}

// Everything that the child does between fork and exec, in memory that castra goes on to use: only async-signal-safe
// calls, nothing is written here, and no destructor runs.
struct ChildSetup {
    const char* program = nullptr;
    char* const* argv = nullptr;
    char* const* env = nullptr;
    const char* working_dir = nullptr;
    int input = -1, output = -1;
    std::vector<InheritedFd> fds; // fd moved above every target number beforehand
    const DescriptorLimit* limit = nullptr;
    int report = -1;                // held: who it is; then the errno of what failed
    int go = -1, go_of_castra = -1; // held: a byte must come before it becomes the program
    int parent = 0;                 // ends_with_us: who that is

    // Held, all but the last step is done while castra writes down who it is.
    [[noreturn]] void run() const {
        if (go >= 0) {
            ::close(go_of_castra); // or the end of castra would never be the end of the pipe
            tell(::getpid());
        }
        int error = prepare();
        if (char word = 0; go >= 0 && ::read(go, &word, 1) != 1) _exit(127);
        if (error == 0) {
            execve(program, argv, env);
            error = errno;
        }
        tell(error);
        _exit(127);
    }
    void tell(int number) const { [[maybe_unused]] const auto sent = ::write(report, &number, sizeof number); }

private:
    [[nodiscard]] int prepare() const {
        setsid();
        if (parent != 0) {
            if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return errno;
            if (getppid() != parent) _exit(127); // it ended before it was asked for
        }
        umask(0077);
        limit->restore();
        sigset_t none;
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, nullptr);
        for (int number = 1; number < NSIG; ++number)
            ::signal(number, SIG_DFL);
        // Whatever a library opened without O_CLOEXEC must not reach a guest's process.
        syscall(SYS_close_range, 3U, ~0U, 4U /* CLOSE_RANGE_CLOEXEC */);
        if (chdir(working_dir) != 0) return errno;
        if (dup2(input, 0) < 0 || dup2(output, 1) < 0 || dup2(output, 2) < 0) return errno;
        for (const auto& [fd, number] : fds)
            if (dup2(fd, number) < 0) return errno;
        return 0;
    }
};

// All that a child needs to become its program, and both ends of the pipes to it.
struct Birth {
    explicit Birth(SpawnRequest wanted) : request(std::move(wanted)), doing("run " + request.program) {}

    // Errors: io.
    Result<> prepare(const DescriptorLimit& limit);
    // Our copies of what the child has now. It goes by the numbers in `child`, for it looks at this very memory.
    void drop_child_ends() {
        moved.clear();
        input.reset();
        output.reset();
        go_read.reset();
        report_write.reset();
    }

    SpawnRequest request;
    std::string doing;
    std::vector<char*> argv, env;
    UniqueFd input, output, report_read, report_write, go_read, go_write;
    std::vector<UniqueFd> moved; // no source may be overwritten by another's dup2
    ChildSetup child{};
};

Result<> Birth::prepare(const DescriptorLimit& limit) {
    input.reset(::open("/dev/null", O_RDWR | O_CLOEXEC));
    if (!input) return fail_errno(doing + ": open /dev/null");
    if (!request.output_path.empty()) {
        auto log = files::open_to_append(request.output_path);
        if (!log) return Failure(log.error().within(doing));
        output = std::move(*log);
    }
    if (request.output_to_stderr) output.reset(fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3));
    argv = exec_words(request.argv);
    env = exec_words(request.env);
    child.program = request.program.c_str();
    child.argv = argv.data();
    child.env = env.data();
    child.working_dir = request.working_dir.c_str();
    child.input = input.get();
    child.output = output ? output.get() : input.get();
    child.limit = &limit;
    child.parent = request.ends_with_us ? ::getpid() : 0;
    int number_end = 3;
    for (const auto& fd : request.fds)
        number_end = std::max(number_end, fd.number + 1);
    for (const auto& fd : request.fds) {
        moved.emplace_back(fcntl(fd.fd, F_DUPFD_CLOEXEC, number_end));
        if (!moved.back()) return fail_errno(doing + ": duplicate a descriptor");
        child.fds.push_back({moved.back().get(), fd.number});
    }
    // What the child uses lies above the numbers that it fills.
    const auto pipe = [&](UniqueFd& ours, UniqueFd& theirs, bool child_reads) -> Result<> {
        int ends[2];
        if (pipe2(ends, O_CLOEXEC) != 0) return fail_errno(doing);
        ours.reset(ends[child_reads ? 1 : 0]);
        const UniqueFd low(ends[child_reads ? 0 : 1]);
        theirs.reset(fcntl(low.get(), F_DUPFD_CLOEXEC, number_end));
        return theirs ? Result<>() : fail_errno(doing + ": duplicate a descriptor");
    };
    CASTRA_CHECK(pipe(report_read, report_write, false));
    child.report = report_write.get();
    if (!request.held) return {};
    CASTRA_CHECK(pipe(go_write, go_read, true));
    child.go = go_read.get();
    child.go_of_castra = go_write.get();
    return {};
}

// Signals are held back so that the child never runs a handler of ours.
class NoSignals {
public:
    NoSignals() {
        sigset_t all;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before_);
    }
    NoSignals(const NoSignals&) = delete;
    NoSignals& operator=(const NoSignals&) = delete;
    ~NoSignals() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

private:
    sigset_t before_{};
};

// vfork: the child borrows our memory until it is the program, so nothing of it is marked for copying, which costs
// milliseconds. Only the calling thread waits for that.
Result<int> fork_for(const Birth& birth) {
    const NoSignals held_back;
    const int pid = vfork();
    if (pid == 0) birth.child.run();
    if (pid < 0) return fail_errno(birth.doing + ": fork");
    return pid;
}

// A held child borrows the memory of a thread of its own, as this one goes on while it waits.
Result<int> fork_beside(const std::shared_ptr<Birth>& birth, std::thread& lender) {
    try {
        const NoSignals held_back;
        lender = std::thread([birth] {
            ::pthread_setname_np(::pthread_self(), "castra-spawn");
            const auto born = fork_for(*birth);
            if (!born) birth->child.tell(0);
        });
    } catch (const std::system_error& error) { // as many threads as there may be
        return fail(ErrorCode::io, birth->doing + ": " + error.what());
    }
    int pid = 0;
    ssize_t size = 0;
    do
        size = ::read(birth->report_read.get(), &pid, sizeof pid);
    while (size < 0 && errno == EINTR);
    if (size == sizeof pid && pid > 0) return pid;
    lender.join();
    return fail(ErrorCode::io, birth->doing + ": fork failed");
}

} // namespace

HeldChild::HeldChild(UniqueFd go, UniqueFd report, std::thread lender, std::string doing)
    : go_(std::move(go)), report_(std::move(report)), lender_(std::move(lender)), doing_(std::move(doing)) {}

HeldChild::~HeldChild() {
    go_.reset(); // what it takes as a word to end
    if (lender_.joinable()) lender_.join();
}

Result<> HeldChild::release() {
    const char word = 'g';
    const bool told = ::write(go_.get(), &word, 1) == 1;
    go_.reset();
    if (!told) return fail(ErrorCode::io, doing_ + ": it ended while it was held");
    return read_report(report_, doing_);
}

Result<Born> give_birth(const SpawnRequest& request, const DescriptorLimit& limit) {
    // Its parent would be the thread that lends the memory, whose end is not ours.
    if (request.held && request.ends_with_us)
        return fail(ErrorCode::internal, "run " + request.program + ": held, and tied to us");
    const auto birth = std::make_shared<Birth>(request);
    CASTRA_CHECK(birth->prepare(limit));
    Born born;
    if (request.held) {
        std::thread lender;
        CASTRA_TRY(pid, fork_beside(birth, lender));
        birth->drop_child_ends();
        born.pid = pid;
        born.held = std::make_unique<HeldChild>(std::move(birth->go_write), std::move(birth->report_read),
                                                std::move(lender), birth->doing);
        return born;
    }
    CASTRA_TRY(pid, fork_for(*birth));
    birth->drop_child_ends();
    born.pid = pid;
    if (auto runs = read_report(birth->report_read, birth->doing); !runs) {
        waitpid(pid, nullptr, 0);
        return Failure(runs.error());
    }
    return born;
}

} // namespace castra
