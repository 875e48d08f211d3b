// SPDX-License-Identifier: Apache-2.0
// App::events_verify: a stream that somebody kept, judged after the fact.
#include "cli/app.hpp"
#include "contract/verify.hpp"
#include "operations/exit_code.hpp"

#include <cstdio>
#include <cstring>

namespace castra {
namespace {

struct CloseFile {
    void operator()(std::FILE* file) const { std::fclose(file); }
};

} // namespace

int App::events_verify(const CommandLine& line) {
    std::unique_ptr<std::FILE, CloseFile> opened;
    std::FILE* file = stdin;
    if (line.file != "-") {
        opened.reset(std::fopen(line.file.c_str(), "re"));
        file = opened.get();
    }
    if (!file) {
        std::fprintf(stderr, "castra: open %s: %s\n", line.file.c_str(), std::strerror(errno));
        return exit_code::not_found;
    }
    contract::Verifier verifier;
    std::array<char, 65536> piece{};
    while (const auto got = std::fread(piece.data(), 1, piece.size(), file))
        verifier.feed({piece.data(), got});
    if (std::ferror(file) != 0) {
        std::fprintf(stderr, "castra: read %s: %s\n", line.file.c_str(), std::strerror(errno));
        return exit_code::failed;
    }
    verifier.finish();
    if (line.json) {
        auto findings = contract::Json::array();
        for (const auto& finding : verifier.findings())
            findings.push_back(
                {{"line", finding.line}, {"rule", std::to_string(finding.rule)}, {"text", finding.text}});
        const contract::Json answer{
            {"ok", verifier.is_good()}, {"lines", verifier.lines()}, {"findings", std::move(findings)}};
        std::printf("%s\n", answer.dump(-1, ' ', false, contract::Json::error_handler_t::replace).c_str());
    } else {
        for (const auto& finding : verifier.findings())
            std::printf("%s:%lld: rule %d: %s\n", line.file.c_str(), static_cast<long long>(finding.line), finding.rule,
                        finding.text.c_str());
        if (verifier.is_good())
            std::printf("%s: %lld events, valid\n", line.file.c_str(), static_cast<long long>(verifier.lines()));
    }
    return verifier.is_good() ? exit_code::succeeded : exit_code::contract_violation;
}

} // namespace castra
