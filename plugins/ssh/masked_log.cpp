// SPDX-License-Identifier: Apache-2.0
#include "ssh/masked_log.hpp"

#include <algorithm>
#include <fcntl.h>
#include <unistd.h>

namespace castra::ssh {
namespace {

// Where the first of `secrets` stands at or after `from`, and which; npos: none.
std::pair<std::size_t, std::size_t> first_of(const std::vector<std::string>& secrets, const std::string& text,
                                             std::size_t from) {
    std::size_t place = text.npos;
    std::size_t which = 0;
    for (std::size_t i = 0; i < secrets.size(); ++i)
        if (const auto at = text.find(secrets[i], from); at < place) {
            place = at;
            which = i;
        }
    return {place, which};
}

} // namespace

MaskedLog::MaskedLog(const std::string& path, const sdk::Json& env) {
    for (const auto& [name, value] : env.items())
        if (value.is_string() && value.get_ref<const std::string&>().size() >= secret_bytes_min)
            secrets_.push_back(value.get<std::string>());
    std::ranges::stable_sort(secrets_, std::greater{}, &std::string::size);
    if (!secrets_.empty()) held_max_ = secrets_.front().size() - 1;
    if (!path.empty()) file_ = Fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600));
}

void MaskedLog::add(std::string_view piece) {
    held_.append(piece);
    take(false);
}

void MaskedLog::flush() {
    take(true);
}

void MaskedLog::take(bool is_all) {
    std::string out;
    std::size_t at = 0;
    // A secret may have begun in the last bytes.
    auto keep_from = is_all ? held_.size() : held_.size() - std::min(held_.size(), held_max_);
    while (true) {
        const auto [place, which] = first_of(secrets_, held_, at);
        if (place == held_.npos) break;
        if (!is_all && may_be_longer(std::string_view(held_).substr(place))) {
            keep_from = std::min(keep_from, place);
            break;
        }
        out.append(held_, at, place - at);
        out += "***";
        at = place + secrets_[which].size();
    }
    keep_from = std::max(at, keep_from);
    out.append(held_, at, keep_from - at);
    held_.erase(0, keep_from);
    write(out);
}

// Whether all that there is may be the beginning of a secret.
bool MaskedLog::may_be_longer(std::string_view text) const {
    return std::ranges::any_of(
        secrets_, [&](const auto& secret) { return secret.size() > text.size() && secret.starts_with(text); });
}

void MaskedLog::write(std::string_view text) {
    if (text.empty()) return;
    tail_.append(text);
    if (tail_.size() > 2 * tail_bytes_max) tail_.erase(0, tail_.size() - tail_bytes_max);
    if (!file_.is_open() || is_full_) return;
    if (written_ + text.size() > file_bytes_max) {
        is_full_ = true;
        text = "\ncastra: more than 8 MiB of output; what follows is not kept\n";
    }
    // A full disk costs the log, never the step.
    if (::write(file_.get(), text.data(), text.size()) > 0) written_ += text.size();
}

} // namespace castra::ssh
