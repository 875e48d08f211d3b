// SPDX-License-Identifier: Apache-2.0
// castra events verify: a stream that somebody kept, judged after the fact.
#include "cli/commands.hpp"
#include "cli/grammar.hpp"
#include "contract/verify.hpp"
#include "operations/exit_code.hpp"

#include <cstdio>
#include <cstring>

namespace castra {
namespace {

struct CloseFile {
    void operator()(std::FILE* file) const { std::fclose(file); }
};

Task<int> events_verify(const CommandLine& line, std::string path) {
    std::unique_ptr<std::FILE, CloseFile> opened;
    std::FILE* file = stdin;
    if (path != "-") {
        opened.reset(std::fopen(path.c_str(), "re"));
        file = opened.get();
    }
    if (!file) {
        std::fprintf(stderr, "castra: open %s: %s\n", path.c_str(), std::strerror(errno));
        co_return exit_code::not_found;
    }
    contract::Verifier verifier;
    std::array<char, 65536> piece{};
    while (const auto got = std::fread(piece.data(), 1, piece.size(), file))
        verifier.feed({piece.data(), got});
    if (std::ferror(file) != 0) {
        std::fprintf(stderr, "castra: read %s: %s\n", path.c_str(), std::strerror(errno));
        co_return exit_code::failed;
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
            std::printf("%s:%lld: rule %d: %s\n", path.c_str(), static_cast<long long>(finding.line), finding.rule,
                        finding.text.c_str());
        if (verifier.is_good())
            std::printf("%s: %lld events, valid\n", path.c_str(), static_cast<long long>(verifier.lines()));
    }
    co_return verifier.is_good() ? exit_code::succeeded : exit_code::contract_violation;
}

} // namespace

void add_events_verify(Grammar& grammar, CommandWords events) {
    const auto path = Grammar::options<std::string>();
    auto verify = grammar.add(
        "verify", "Judge a stream: every line and their order, by the rules that castra itself writes under",
        [path](App&, const CommandLine& line) { return events_verify(line, *path); }, events);
    verify.option("file", *path, "NDJSON, one event a line; - for stdin").required().type_name("FILE");
    grammar.add_json(verify);
    verify.footer("Exit codes: 0 valid, 7 it breaks the contract, 10 no such file.");
}

} // namespace castra
