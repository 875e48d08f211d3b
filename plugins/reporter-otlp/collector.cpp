// SPDX-License-Identifier: Apache-2.0
#include "collector.hpp"

#include "castra/sdk/refusal.hpp"

#include <curl/curl.h>
#include <mutex>

namespace castra::otlp {
namespace {

std::size_t ignore_body(char*, std::size_t size, std::size_t count, void*) {
    return size * count;
}

int stop_when_cancelled(void* call, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    return static_cast<const sdk::Call*>(call)->cancelled() ? 1 : 0;
}

} // namespace

struct Collector::Handle {
    CURL* easy = nullptr;
    curl_slist* headers = nullptr;
    ~Handle() {
        curl_slist_free_all(headers);
        curl_easy_cleanup(easy);
    }
};

Collector::Collector(std::string endpoint, const std::map<std::string, std::string>& headers)
    : handle_(std::make_unique<Handle>()), endpoint_(std::move(endpoint)) {
    static std::once_flag once; // never undone: the library is never unloaded
    std::call_once(once, [] { curl_global_init(CURL_GLOBAL_DEFAULT); });
    while (endpoint_.ends_with('/'))
        endpoint_.pop_back();
    handle_->easy = curl_easy_init();
    if (handle_->easy == nullptr) throw sdk::Refusal({.code = "curl", .title = "libcurl cannot start"});
    const auto add = [&](const std::string& line) {
        handle_->headers = curl_slist_append(handle_->headers, line.c_str());
    };
    add("Content-Type: application/json");
    add("Expect:"); // no question before a large body
    for (const auto& [name, value] : headers)
        add(name + ": " + value);
}

Collector::~Collector() = default;

Sent Collector::post(const std::string& path, const std::string& json, std::chrono::milliseconds timeout,
                     const sdk::Call& call) {
    auto* easy = handle_->easy;
    curl_easy_reset(easy); // the connection stays
    curl_easy_setopt(easy, CURLOPT_URL, (endpoint_ + path).c_str());
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L); // we share the process
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "castra-reporter-otlp/1");
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, handle_->headers);
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, json.data());
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(json.size()));
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(std::min(timeout, call.remaining()).count() + 1));
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, ignore_body);
    curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, stop_when_cancelled);
    curl_easy_setopt(easy, CURLOPT_XFERINFODATA, &call);
    if (const auto code = curl_easy_perform(easy); code != CURLE_OK) {
        problem_ = "POST " + endpoint_ + path + ": " + curl_easy_strerror(code);
        return Sent::later;
    }
    long status = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    if (status >= 200 && status < 300) return Sent::taken;
    problem_ = "POST " + endpoint_ + path + ": HTTP " + std::to_string(status);
    return status == 429 || status == 502 || status == 503 || status == 504 ? Sent::later : Sent::refused;
}

} // namespace castra::otlp
