// SPDX-License-Identifier: Apache-2.0
#include "cli/feed_events.hpp"

#include "operations/exit_code.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>
#include <sys/epoll.h>
#include <unistd.h>

namespace castra {

// Through an epoll of its own: Asio would make a descriptor non-blocking, and stdout is shared with whoever started us.
Task<> stop_when_nobody_reads(Executor executor, std::shared_ptr<Gate> stop) {
    UniqueFd queue(::epoll_create1(EPOLL_CLOEXEC));
    epoll_event only_its_end{};
    if (!queue || ::epoll_ctl(queue.get(), EPOLL_CTL_ADD, STDOUT_FILENO, &only_its_end) != 0) co_return; // a file, say
    asio::posix::stream_descriptor watched(executor, queue.release());
    while (true) {
        boost::system::error_code error;
        co_await watched.async_wait(asio::posix::stream_descriptor::wait_read,
                                    asio::redirect_error(asio::use_awaitable, error));
        if (error) co_return;
        // Asio may pass on what it heard of an earlier descriptor of the same number: ask.
        epoll_event ended{};
        if (::epoll_wait(watched.native_handle(), &ended, 1, 0) > 0) break;
    }
    stop->open();
}

std::string text_in(const contract::Json& event, const char* key) {
    const auto found = event.find(key);
    return found != event.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::shared_ptr<Gate> stop_at_signal(App& app) {
    auto stop = std::make_shared<Gate>(app.host().executor());
    asio::co_spawn(
        app.host().executor(),
        [](std::shared_ptr<Gate> from, std::shared_ptr<Gate> to) -> Task<> {
            co_await from->wait();
            if (from->is_open()) to->open();
        }(app.cancelled_by_signal(), stop),
        asio::detached);
    return stop;
}

Task<int> feed_events(App& app, const Layout& layout, FeedRequest request, EventOutput& output) {
    if (request.follow)
        if (const auto looks = somebody_can_look(); !looks) co_return complain(looks.error());
    const auto executor = app.host().executor();
    const auto stop = stop_at_signal(app);
    const auto cancel = app.cancelled_by_signal();
    if (request.follow) asio::co_spawn(executor, stop_when_nobody_reads(executor, stop), asio::detached);
    EventFeed events(executor, layout.journal_dir(), output);
    auto fed = co_await events.run(std::move(request), *stop);
    if (output.reader_is_gone()) co_return exit_code::succeeded;
    if (const auto finished = output.finish(); fed && !finished) fed = finished;
    if (!fed) {
        const int code = complain(fed.error());
        co_return somebody_can_look() ? code : exit_code::failed; // no fault of the reporter's
    }
    if (cancel->is_open()) co_return exit_code::cancelled;
    co_return output.had_gap() ? exit_code::gap : exit_code::succeeded;
}

} // namespace castra
