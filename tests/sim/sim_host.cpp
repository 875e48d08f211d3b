// SPDX-License-Identifier: Apache-2.0
#include "sim_host.hpp"

#include "guest.hpp"

#include <csignal>

namespace castra::sim {
namespace {

using Call = World::Call;

Failure refuse(const std::string& doing, int error) {
    return fail_errno(doing, error);
}

std::string signal_name(int number) {
    return number == SIGKILL ? "SIGKILL" : number == SIGTERM ? "SIGTERM" : "signal " + std::to_string(number);
}

// A process as castra holds it: by pidfd, so never another one of the same number.
class SimProcess final : public Process {
public:
    SimProcess(const Executor& executor, ProcPtr proc, bool is_child)
        : proc_(std::move(proc)), ended_(executor), self_(std::make_shared<SimProcess*>(this)), is_child_(is_child) {
        const auto castra = world->current->weak_from_this();
        proc_->on_exit.push_back([castra, self = std::weak_ptr(self_)](ExitWord how) {
            // Whoever waits hears of it a little later.
            world->after_ms(world->random.below(4), [castra, self, how] {
                const auto process = self.lock();
                const auto holder = castra.lock();
                if (!process || !holder || !holder->lives) return;
                const As as(holder.get());
                (*process)->ended(how);
            });
        });
    }

    std::function<Result<>()> begin; // of a held one

    ProcessId id() const override { return {proc_->pid, proc_->start_ticks}; }
    bool has_exited() const override { return ended_.is_open(); }
    Task<ExitStatus> wait() override {
        co_await ended_.wait();
        co_return status_;
    }
    Result<> release() override {
        if (!begin) return {};
        if (const int error = world->admit(Call::other, "release " + proc_->name); world->is_dead())
            return refuse("release", error);
        proc_->held_by = 0;
        return std::exchange(begin, nullptr)();
    }
    Result<> signal(int number) override {
        if (ended_.is_open() || world->is_dead()) return {};
        (void)world->admit(Call::other, "signal " + proc_->name);
        if (!world->is_dead()) world->signal(*proc_, number, world->current);
        return {};
    }

private:
    void ended(ExitWord how) {
        if (is_child_ && how.signal != 0) status_.signal = signal_name(how.signal);
        if (is_child_ && how.signal == 0) status_.exit_code = how.code;
        ended_.open();
    }

    ProcPtr proc_;
    Gate ended_;
    std::shared_ptr<SimProcess*> self_;
    bool is_child_;
    ExitStatus status_;
};

// "serial=3": what a guest's arguments say of its descriptors.
Given given_to(const Proc& proc, const std::vector<std::string>& argv) {
    Given given;
    for (const auto& argument : argv)
        if (const auto equals = argument.find('='); equals != std::string::npos)
            if (const auto file = proc.files.find(std::stoi(argument.substr(equals + 1))); file != proc.files.end())
                given[argument.substr(0, equals)] = file->second;
    return given;
}

} // namespace

std::array<std::uint8_t, 10> SimClock::entropy() {
    std::array<std::uint8_t, 10> bytes{};
    for (auto& byte : bytes)
        byte = static_cast<std::uint8_t>(world->random.below(256));
    return bytes;
}

Task<> SimHost::sleep_for(std::chrono::milliseconds duration) {
    asio::steady_timer timer(loop_, duration);
    world->after_ms(duration.count(), [] {}); // the clock stops there
    boost::system::error_code ignored;
    co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
}

Result<std::unique_ptr<Process>> SimHost::spawn(const SpawnRequest& request) {
    const auto doing = "run " + request.program;
    if (const int error = world->admit(Call::other, "spawn " + request.program)) return refuse(doing, error);
    if (world->faults.spawn > 0 && world->random.below(1000) < world->faults.spawn)
        return refuse(doing + ": fork", EAGAIN);
    if (!request.output_path.empty() && !world->disk.find(request.output_path)) {
        NodePtr made;
        if (world->disk_is_full) return refuse(doing + ": open " + request.output_path, ENOSPC);
        if (const int error = world->disk.make(request.output_path, Node::Kind::file, made))
            return refuse(doing + ": open " + request.output_path, error);
    }
    const auto name = std::filesystem::path(request.program).filename().string();
    const bool is_guest = name == "sim-guest";
    const auto proc =
        world->new_proc(is_guest ? Proc::Role::guest : Proc::Role::tool, is_guest ? request.argv[1] : name);
    if (is_guest) proc->project = request.argv[2];
    proc->cwd = request.working_dir;
    proc->is_tied = request.ends_with_us;
    if (proc->is_tied) world->current->held.push_back(proc);
    for (const auto& fd : request.fds)
        if (const auto file = world->file_of(fd.fd)) proc->files[fd.number] = file;
    world->note("castra spawns " + name + " " + proc->name + " (" + std::to_string(proc->pid) + ")" +
                (request.held ? ", held" : ""));
    auto process = std::make_unique<SimProcess>(executor(), proc, true);
    auto begin = [proc, argv = request.argv, is_guest] {
        if (is_guest)
            begin_guest(proc, argv[3], argv[4], given_to(*proc, argv));
        else
            begin_tool(proc, argv);
    };
    if (request.held && world->bug != SeamBug::held_runs_at_once) {
        proc->held_by = world->current->pid;
        world->current->held.push_back(proc);
        process->begin = [proc, begin, doing]() -> Result<> {
            if (world->faults.spawn > 0 && world->random.below(1000) < world->faults.spawn) {
                world->end(*proc, {127, 0});
                return refuse(doing, ENOEXEC);
            }
            begin();
            return {};
        };
        // Another thread may have run into castra's end meanwhile: the end of the pipe that the child waits at.
        if (world->is_dead()) world->end(*proc, {127, 0});
    } else {
        begin();
    }
    return process;
}

Result<std::unique_ptr<Process>> SimHost::adopt(ProcessId id) {
    const auto what = "process " + std::to_string(id.pid);
    if (world->is_dead()) return fail(ErrorCode::not_found, what);
    const auto proc = world->find(id.pid);
    if (!proc) return fail(ErrorCode::not_found, what + " does not exist");
    if (proc->start_ticks != id.start_ticks && world->bug != SeamBug::adopts_any)
        return fail(ErrorCode::not_found, what + " is another process that got its number");
    return std::make_unique<SimProcess>(executor(), proc, false);
}

bool SimHost::is_alive(ProcessId id) const {
    const auto proc = world->find(id.pid);
    return proc && proc->start_ticks == id.start_ticks;
}

Result<std::string> SimHost::find_program(const std::string& name) const {
    return "/sim/bin/" + name;
}

Result<UniqueFd> SimHost::listen_unix_fd(const std::filesystem::path& path) {
    const auto doing = "listen on " + path.string();
    if (const int error = world->admit(Call::make, path)) return refuse(doing, error);
    (void)world->disk.remove(path.string(), false);
    NodePtr node;
    if (const int error = world->disk.make(path.string(), Node::Kind::socket, node)) return refuse(doing, error);
    auto file = std::make_shared<OpenFile>();
    file->kind = OpenFile::Kind::listener;
    file->path = path;
    node->listener = file;
    return UniqueFd(world->open_fd(std::move(file)));
}

Result<Listener> SimHost::listen_unix(const std::filesystem::path& path) {
    return fail(ErrorCode::internal, "listen on " + path.string() + ": the simulation has no supervisor's socket");
}

Result<int> SimHost::stream_fd(const std::filesystem::path& path) {
    const auto doing = "connect to " + path.string();
    if (world->is_dead()) return refuse(doing, EIO);
    const auto node = world->disk.find(path.string());
    if (!node || node->kind != Node::Kind::socket) return refuse(doing, ENOENT);
    const auto listener = node->listener.lock();
    if (!listener) return refuse(doing, ECONNREFUSED);
    auto [ours, theirs] = world->socket_pair();
    listener->pending.push_back(std::move(theirs));
    const int fd = world->open_fd(std::move(ours));
    if (listener->on_connect) listener->on_connect();
    return fd;
}

// Fails when castra has died since: another of its threads may have run into its end.
Result<Stream> SimHost::stream_of(int fd) {
    asio::local::stream_protocol::socket socket(loop_);
    boost::system::error_code error;
    socket.assign(asio::local::stream_protocol(), fd, error);
    if (error) return refuse("watch a socket", error.value());
    return Stream(std::move(socket));
}

Task<Result<Stream>> SimHost::connect_unix(std::filesystem::path path) {
    CASTRA_CO_TRY(fd, stream_fd(path));
    co_return stream_of(fd);
}

Result<std::pair<Stream, UniqueFd>> SimHost::notify_pair() {
    if (const int error = world->admit(Call::other, "notify pair")) return refuse("make a notify pair", error);
    auto [ours, theirs] = world->socket_pair();
    const int fd = world->open_fd(std::move(ours));
    UniqueFd child(world->open_fd(std::move(theirs)));
    CASTRA_TRY(stream, stream_of(fd));
    return std::pair<Stream, UniqueFd>(std::move(stream), std::move(child));
}

Result<PortLease> SimHost::lease_port(const std::string& address, std::uint16_t port, const std::string& protocol) {
    if (const int error = world->admit(Call::other, "lease")) return refuse("lease port", error);
    for (int tries = 0; tries < 100; ++tries) {
        const auto wanted = port != 0 ? port : static_cast<std::uint16_t>(world->random.between(20000, 20009));
        auto& lease = world->leases[protocol + "/" + std::to_string(wanted)];
        if (lease.expired()) {
            auto file = std::make_shared<OpenFile>();
            file->kind = OpenFile::Kind::lease;
            lease = file;
            return PortLease{wanted, protocol, UniqueFd(world->open_fd(std::move(file)))};
        }
        if (port != 0) break;
    }
    return fail(ErrorCode::busy, "port " + address + ":" + std::to_string(port) + " belongs to another castra VM");
}

} // namespace castra::sim
