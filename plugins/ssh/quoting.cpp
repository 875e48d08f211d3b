// SPDX-License-Identifier: Apache-2.0
#include "ssh/quoting.hpp"

namespace castra::ssh {

std::string shell_word(std::string_view text) {
    std::string out = "'";
    for (const char c : text)
        if (c == '\'')
            out += "'\\''"; // out of the quotes, a quote of its own, in again
        else
            out += c;
    return out + "'";
}

std::string shell_command(std::string_view script) {
    return "exec /bin/sh -c " + shell_word(script);
}

std::string option_path(std::string_view path) {
    std::string out = "\"";
    for (const char c : path) {
        if (c == '%') out += '%';
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    return out + "\"";
}

} // namespace castra::ssh
