// SPDX-License-Identifier: Apache-2.0
// One connection of the web server: reads the head of one request, refuses what may not be asked, writes the answer.
// Order: read; refuse, or let a handler answer; finish. Thread: the socket's executor.
#pragma once
#include "host/web_server.hpp"

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/url/url.hpp>

namespace castra {

class WebConnection final : public WebExchange {
public:
    WebConnection(asio::ip::tcp::socket socket, WebLimits limits);

    // True: there is a request for a handler. Otherwise it has been answered, or nobody is there any more.
    Task<bool> read(int port);
    // Closes so that the answer arrives even when not all was read that the client had sent.
    Task<> finish();

    std::string path() const override { return target_.path(); }
    std::string query(const std::string& name) const override;
    std::string last_event_id() const override { return last_event_id_; }
    Task<Result<>> answer(int status, std::string content_type, std::string body) override;
    Task<Result<>> begin_stream(std::string content_type) override;
    Task<Result<>> write(std::string text) override;
    Task<> until_gone() override;

private:
    Task<> refuse(int status, std::string why);

    WebLimits limits_;
    boost::beast::tcp_stream stream_;
    boost::beast::flat_buffer buffer_;
    boost::urls::url target_;
    std::string last_event_id_;
};

} // namespace castra
